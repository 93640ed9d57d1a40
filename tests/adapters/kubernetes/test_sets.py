"""StatefulSets and DaemonSets: what a look and a sighting say of them beyond what all providers promise."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.kubernetes.building import (
    AGENT,
    DATABASE,
    NOON,
    SHOP,
    Connected,
    a_cluster,
    a_database,
    a_set,
    a_stable,
    an_agent,
    answer,
    connected,
    passes,
)
from watchdog.adapters.kubernetes.flips import Flips
from watchdog.adapters.kubernetes.histories import History
from watchdog.adapters.kubernetes.trimming import trim_revision, trim_workload
from watchdog.domain.live import Live, Sighting
from watchdog.domain.rollout import Revision, Target, TargetKind
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pod_behaviour import PodBehaviour

DB = ("statefulsets", SHOP, "db")
PREPARED = [(DATABASE, a_database), (AGENT, an_agent)]
both = pytest.mark.parametrize(
    ("target", "prepare"), PREPARED, ids=lambda one: one.name if one in dict(PREPARED) else ""
)
Prepare = Callable[[SimulatedCluster], Awaitable[None]]


@asynccontextmanager
async def a_shop(prepare: Prepare, **behaviours: PodBehaviour) -> AsyncIterator[tuple[SimulatedCluster, Connected]]:
    """A cluster in which that is there before the adapters are connected."""
    async with a_cluster(**behaviours) as cluster:
        await prepare(cluster)
        async with connected(cluster) as at:
            yield cluster, at


def roll(cluster: SimulatedCluster, target: Target, tag: str) -> None:
    cluster.roll(f"{target.kind}s", SHOP, target.name, f"{target.name}:{tag}")


def seen(at: Connected, target: Target) -> list[Sighting]:
    return at.seen[target.kind].of(target)


async def looked(at: Connected, target: Target, candidate: Revision, stable: Revision) -> Live:
    provider = at.seen[target.kind].provider
    live: Live = await provider.live(a_set(target, candidate, stable), a_stable(stable), fresh=True)  # type: ignore[attr-defined]
    return live


@both
def test_a_revision_bears_its_kind_its_number_and_a_pattern_of_all_its_workloads_pods(
    target: Target, prepare: Prepare
) -> None:
    async def main() -> None:
        async with a_shop(prepare) as (cluster, at):
            roll(cluster, target, "v2")
            await passes(60)
            first, second = seen(at, target)[0].serving, seen(at, target)[-1].serving
            assert first is not None
            assert second is not None
            assert (first.number, second.number) == (1, 2)
            assert first.kind is second.kind is target.kind
            assert second.images == (f"{target.name}:v2",)
            assert first.pods == second.pods
            assert not second.named_pods
            assert seen(at, target)[-1].previous == first
            assert second != replace(second, kind=TargetKind.DEPLOYMENT)  # another workload of that name

    run_simulated(main())


@both
def test_a_rollout_is_complete_when_the_last_pod_is_ready_and_not_before(target: Target, prepare: Prepare) -> None:
    async def main() -> None:
        async with a_shop(prepare, slow=PodBehaviour(ready_after=60)) as (cluster, at):
            roll(cluster, target, "slow")
            await passes(90)
            assert not seen(at, target)[-1].complete
            await passes(300)
            assert seen(at, target)[-1].complete

    run_simulated(main())


@both
def test_an_old_template_is_taken_up_again_from_when_its_first_new_pod_is_made(
    target: Target, prepare: Prepare
) -> None:
    async def main() -> None:
        async with a_shop(prepare) as (cluster, at):
            roll(cluster, target, "v2")
            await passes(300)
            back = at.clock.now()
            cluster.roll_back(f"{target.kind}s", SHOP, target.name)
            await passes(60)
            last = seen(at, target)[-1]
            assert last.serving == seen(at, target)[0].serving
            assert timedelta(0) <= last.since - back < timedelta(seconds=5)
            assert last.live

    run_simulated(main())


@both
def test_seen_late_the_oldest_living_pod_tells_since_when(target: Target, prepare: Prepare) -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await prepare(cluster)
            await passes(600)
            roll(cluster, target, "v2")
            await passes(600)
            async with connected(cluster) as at:
                (late,) = seen(at, target)
                assert not late.live
                assert timedelta(seconds=595) <= at.clock.now() - late.since <= timedelta(seconds=605)

    run_simulated(main())


@both
def test_who_waits_for_it_is_told_what_serves_now(target: Target, prepare: Prepare) -> None:
    async def main() -> None:
        async with a_shop(prepare) as (_, at):
            flips = Flips(at.client, SimulatedClock(NOON))
            assert await flips.serving(target) == seen(at, target)[0].serving
            with pytest.raises(OutOfReach, match=f"there is no {SHOP}/{target.kind}/nobody"):
                await flips.serving(replace(target, name="nobody"))

    run_simulated(main())


def test_behind_a_partition_so_many_pods_are_wanted_as_it_lets_through() -> None:
    async def main() -> None:
        async with a_shop(a_database) as (cluster, at):
            cluster.roll(*DB, "db:v2", spec={"updateStrategy": {"rollingUpdate": {"partition": 1}}})
            await passes(60)
            before, after = seen(at, DATABASE)[0].serving, seen(at, DATABASE)[-1].serving
            assert before is not None
            assert after is not None
            live = await looked(at, DATABASE, after, before)
            assert (live.serving, live.complete, live.desired) == (after, True, 1)
            assert [pod.name for pod in live.candidate_pods] == ["db-1"]
            assert [pod.name for pod in live.stable_pods] == ["db-0"]
            assert live.destination is not None
            assert live.destination.unreached == ""

    run_simulated(main())


def test_a_revision_that_is_gone_can_not_be_gone_back_to() -> None:
    async def main() -> None:
        async with a_shop(a_database) as (cluster, at):
            roll(cluster, DATABASE, "v2")
            await passes(60)
            before, after = seen(at, DATABASE)[0].serving, seen(at, DATABASE)[-1].serving
            assert before is not None
            assert after is not None
            cluster.delete("controllerrevisions", SHOP, f"db-{before.template}")
            live = await looked(at, DATABASE, after, before)
            assert live.destination is not None
            assert not live.destination.exists

    run_simulated(main())


def test_a_real_controllers_revisions_are_read_as_it_means_them() -> None:
    revisions = answer("statefulset-daemonset", "controller revisions")["items"]
    for name, kind, expected in (
        ("statefulset at its second revision", "StatefulSet", ("78dc7d49d9", "5d4f9f86f8")),
        ("daemonset at its second revision", "DaemonSet", ("6b74598c7", "d86ff8ccb")),
    ):
        owner = answer("statefulset-daemonset", name)
        own = [trim_revision(one) for one in revisions if one["metadata"]["ownerReferences"][0]["kind"] == kind]
        found = History(trim_workload(owner), tuple(own), ())
        newest = found.newest
        assert newest is not None
        before = found.before(newest)
        assert before is not None
        assert (found.hash_of(newest), found.hash_of(before)) == expected
        if kind == "StatefulSet":
            assert owner["status"]["updateRevision"] == newest["metadata"]["name"]


def test_of_many_daemons_that_an_undo_would_not_reach_the_label_is_told_and_no_long_list() -> None:
    async def main() -> None:
        async with SimulatedCluster(SimulatedClock(NOON), nodes=12) as cluster:
            daemons = ("daemonsets", SHOP, "agent")
            cluster.roll(*daemons, "agent:v1", spec={"updateStrategy": {"type": "OnDelete"}})
            await cluster.until(lambda: cluster.has_rolled(*daemons))
            async with connected(cluster) as at:
                roll(cluster, AGENT, "v2")
                for pod in cluster.members(*daemons)[:11]:
                    cluster.delete("pods", SHOP, pod["metadata"]["name"])
                await passes(60)
                before, after = seen(at, AGENT)[0].serving, seen(at, AGENT)[-1].serving
                assert before is not None
                assert after is not None
                assert after != before
                live = await looked(at, AGENT, after, before)
                assert live.destination is not None
                told = f"kubectl -n shop delete pod -l controller-revision-hash={after.template}"
                assert live.destination.unreached.endswith(told)
                assert live.complete  # what is left is up to people

    run_simulated(main())
