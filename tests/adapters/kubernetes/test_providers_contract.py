"""What every traffic provider promises, whatever its kind of switch: a new line of the table is tested by itself.

A provider's part is `Arrangement`: how a switch of its kind is made, and undone by a person. Kinds without one fail.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from adapters.kubernetes.building import (
    AGENT,
    BLUE,
    BRAND,
    DATABASE,
    GATEWAY,
    GREEN,
    HTTPROUTE,
    INGRESS,
    ROLLOUT,
    SHOP,
    VIRTUALSERVICE,
    Connected,
    a_canary_ingress,
    a_cluster,
    a_database,
    a_flip,
    a_gateway,
    a_rollout,
    a_search,
    a_set,
    a_stable,
    a_virtualservice,
    a_weighing,
    an_agent,
    an_httproute,
    connected,
    only,
    passes,
    two_colours,
    weigh_httproute,
    weigh_ingress,
    weigh_virtualservice,
)
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.adapters.kubernetes.sightings import Sightings
from watchdog.domain.effects import (
    PutBackAnswer,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
    Remedy,
    ServicePutBack,
)
from watchdog.domain.live import Live, Sighting
from watchdog.domain.rollout import Revision, Target, TargetKind, TrafficSwitch
from watchdog.ports import OutOfReach, TrafficProvider
from watchdog.simulator.access import Rule
from watchdog.simulator.api import WriteAttempt
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster


@dataclass(frozen=True)
class Arrangement:
    """How a switch of one kind comes about."""

    target: Target
    resource: str
    prepare: Callable[[SimulatedCluster], Awaitable[None]]
    switch: Callable[[SimulatedCluster], object]
    back: Callable[[SimulatedCluster], object]
    described: Callable[[Revision, Revision], TrafficSwitch]
    pods: int = 2
    scale: Callable[[SimulatedCluster, str], object] = lambda cluster, workload: cluster.scale(SHOP, workload, 4)
    written: str = ""  # the subresource that a put-back writes


ARRANGEMENTS = {
    TargetKind.DEPLOYMENT: Arrangement(
        GATEWAY,
        "deployments",
        a_gateway,
        lambda cluster: cluster.deploy(SHOP, "gateway", "gateway:v2"),
        lambda cluster: cluster.undo(SHOP, "gateway"),
        a_rollout,
    ),
    TargetKind.SERVICE: Arrangement(
        BRAND,
        "services",
        two_colours,
        lambda cluster: cluster.flip(SHOP, "brand", GREEN),
        lambda cluster: cluster.flip(SHOP, "brand", BLUE),
        a_flip,
    ),
}


def _sets(
    target: Target, prepare: Callable[[SimulatedCluster], Awaitable[None]], pods: int, other: dict[str, int]
) -> Arrangement:
    """A StatefulSet or DaemonSet."""
    resource, name = f"{target.kind}s", target.name
    return Arrangement(
        target,
        resource,
        prepare,
        lambda cluster: cluster.roll(resource, SHOP, name, f"{name}:v2"),
        lambda cluster: cluster.roll_back(resource, SHOP, name),
        lambda candidate, previous: a_set(target, candidate, previous),
        pods,
        lambda cluster, workload: cluster.patch(resource, SHOP, workload, {"spec": other}),
    )


ARRANGEMENTS[TargetKind.STATEFULSET] = _sets(DATABASE, a_database, 2, {"replicas": 4})
ARRANGEMENTS[TargetKind.DAEMONSET] = _sets(AGENT, an_agent, 3, {"minReadySeconds": 1})  # it has no size

ARRANGEMENTS[TargetKind.ROLLOUT] = Arrangement(
    ROLLOUT,
    "rollouts",
    a_search,
    lambda cluster: cluster.release(SHOP, "search", "search:v2"),
    lambda cluster: cluster.take_back(SHOP, "search"),
    lambda candidate, previous: a_set(ROLLOUT, candidate, previous),
    scale=lambda cluster, workload: cluster.patch("rollouts", SHOP, workload, {"spec": {"replicas": 4}}),
    written="/status",
)


def _weights(
    target: Target,
    resource: str,
    prepare: Callable[[SimulatedCluster], Awaitable[None]],
    weigh: Callable[[SimulatedCluster, int, int], None],
    backends: tuple[str, str],
) -> Arrangement:
    """A route, whose blue had all of the traffic."""
    return Arrangement(
        target,
        resource,
        prepare,
        lambda cluster: weigh(cluster, 25, 75),
        lambda cluster: weigh(cluster, 100, 0),
        lambda candidate, previous: a_weighing(target, candidate, previous, backends),
    )


ARRANGEMENTS[TargetKind.HTTPROUTE] = _weights(
    HTTPROUTE, "httproutes", an_httproute, weigh_httproute, ("0/brand-blue:80", "0/brand-green:80")
)
ARRANGEMENTS[TargetKind.VIRTUALSERVICE] = _weights(
    VIRTUALSERVICE,
    "virtualservices",
    a_virtualservice,
    weigh_virtualservice,
    ("all/brand-all.shop.svc.cluster.local(blue)", "all/brand-all.shop.svc.cluster.local(green)"),
)
ARRANGEMENTS[TargetKind.INGRESS] = _weights(
    INGRESS, "ingresses", a_canary_ingress, weigh_ingress, ("0/primary", "0/brand-green:80")
)

kinds = pytest.mark.parametrize("kind", list(PROVIDERS), ids=str)


@dataclass
class Stage:
    """A cluster on which a switch has just happened, and the provider that saw it."""

    at: Connected
    arranged: Arrangement
    kind: TargetKind
    provider: Sightings
    before: Sighting
    after: Sighting

    @property
    def traffic(self) -> TrafficProvider:
        provider = self.provider
        assert isinstance(provider, (PROVIDERS[self.kind],))
        return provider  # type: ignore[return-value]  # that it fits is what these tests show

    @property
    def switch(self) -> TrafficSwitch:
        assert self.after.serving is not None
        assert self.before.serving is not None
        return self.arranged.described(self.after.serving, self.before.serving)

    async def look(self, *, fresh: bool = True) -> Live:
        assert self.before.serving is not None
        return await self.traffic.live(self.switch, a_stable(self.before.serving), fresh=fresh)

    def remedy(self, live: Live, watch: str = "w-1") -> Remedy:
        flips = self.switch.flips
        services = tuple(
            ServicePutBack(flip.service, *live.services[flip.service][:2], selector=flip.before) for flip in flips
        )
        to = self.before.serving
        assert to is not None
        return Remedy(
            watch,
            self.arranged.target,
            self.switch.kind,
            self.switch.candidate,
            to,
            live.uid,
            live.resource_version,
            services,
        )

    async def put_back(self, live: Live, watch: str = "w-1") -> PutBackAnswer:
        return await self.traffic.put_back(self.remedy(live, watch))

    @property
    def written(self) -> list[str]:
        """The writes to workloads over HTTP, as `METHOD path`."""
        return [f"{one.method} {one.path}" for one in self.at.cluster.writes() if one.code < 300]


@asynccontextmanager
async def a_stage(kind: TargetKind, **given: str) -> AsyncIterator[Stage]:
    arranged = ARRANGEMENTS[kind]
    async with a_cluster() as cluster:
        await arranged.prepare(cluster)
        await passes(60)
        token = cluster.user("watchdog", [Rule(["*"], ["*"])])
        async with connected(cluster, only(str(arranged.target)), token=given.get("token", token)) as at:
            (before,) = at.seen[kind].of(arranged.target)
            arranged.switch(cluster)
            await passes(30)
            after = at.seen[kind].of(arranged.target)[-1]
            yield Stage(at, arranged, kind, at.seen[kind].provider, before, after)


@kinds
def test_what_is_there_at_the_start_is_told_once_as_seen_late(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            assert not stage.before.live
            assert stage.before.kind is PROVIDERS[kind].kind
            assert stage.before.serving is not None
            assert stage.before.since <= stage.at.clock.now()

    run_simulated(main())


@kinds
def test_a_switch_is_told_as_it_happens_and_its_way_back_too(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            assert stage.after.live
            assert stage.after.serving != stage.before.serving
            assert abs((stage.after.since - stage.at.clock.now()).total_seconds() + 30) < 2
            stage.arranged.back(stage.at.cluster)
            await passes(30)
            last = stage.at.seen[kind].of(stage.arranged.target)[-1]
            assert last.serving == stage.before.serving
            assert last.since > stage.after.since

    run_simulated(main())


@kinds
def test_an_object_that_cannot_be_read_is_told_as_such_once_and_ends_nothing(
    kind: TargetKind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            seen, provider = stage.at.seen[kind], PROVIDERS[kind]
            seen.forget()
            with monkeypatch.context() as within:
                within.setattr(provider, "_look", lambda *_, **__: {}["spec"])
                for _ in range(2):
                    stage.traffic.reguard(only(str(stage.arranged.target)))  # looks at all of them once more
                    await passes(30)
            assert {(one.target, one.serving) for one in seen.all} == {(stage.arranged.target, None)}
            assert all("KeyError: 'spec'" in one.unreadable for one in seen.all)
            assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == ["cannot be read"]
            seen.forget()
            stage.arranged.back(stage.at.cluster)
            await passes(30)
            assert seen.of(stage.arranged.target)[-1].serving == stage.before.serving

    run_simulated(main())


@kinds
def test_a_relist_tells_the_same_again_as_seen_late_and_with_its_true_time(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            seen = stage.at.seen[kind]
            seen.forget()
            stage.at.cluster.compact()
            stage.at.cluster.faults.watch("gone", count=4)
            for watch in stage.at.cluster.watches():
                watch.close()
            await passes(90)
            again = seen.of(stage.arranged.target)
            assert again
            assert all(not one.live for one in again)
            assert {(one.serving, one.since) for one in again} == {(stage.after.serving, stage.after.since)}

    run_simulated(main())


@kinds
def test_scaling_labels_of_others_and_quiet_time_tell_nothing(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            serving = stage.after.serving
            assert serving is not None
            stage.at.seen[kind].forget()
            stage.arranged.scale(stage.at.cluster, serving.workload)
            await passes(900)
            assert {one.serving for one in stage.at.seen[kind].all} <= {serving}
            assert {one.since for one in stage.at.seen[kind].all} <= {stage.after.since}

    run_simulated(main())


@kinds
def test_only_guarded_targets_are_told_of_and_an_edit_of_the_rules_counts_at_once(kind: TargetKind) -> None:
    async def main() -> None:
        arranged = ARRANGEMENTS[kind]
        async with a_cluster() as cluster:
            await arranged.prepare(cluster)
            async with connected(cluster, only()) as at:
                assert at.seen[kind].all == []
                at.seen[kind].provider.reguard(only(str(arranged.target)))
                await passes(1)
                (told,) = at.seen[kind].of(arranged.target)
                assert not told.live
                at.seen[kind].forget()
                at.seen[kind].provider.reguard(only())
                arranged.switch(cluster)
                await passes(30)
                assert at.seen[kind].all == []

    run_simulated(main())


@kinds
def test_live_waits_for_a_change(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            look = await stage.look(fresh=False)
            assert not look.fresh
            assert look.destination is None
            stage.at.cluster.patch(
                stage.arranged.resource,
                SHOP,
                stage.arranged.target.name,
                {"metadata": {"annotations": {"rollback-watchdog.dev/hold": "until=tomorrow; migration"}}},
            )
            later = await stage.traffic.live(stage.switch, None, after=look.version)
            assert later.version > look.version
            assert later.annotations == {"rollback-watchdog.dev/hold": "until=tomorrow; migration"}

    run_simulated(main())


@kinds
def test_a_fresh_look_shows_both_sides_and_the_way_back(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            assert live.fresh
            assert live.exists
            assert live.serving == stage.after.serving
            assert len([pod for pod in live.candidate_pods if pod.ready]) == stage.arranged.pods
            assert live.unbroken_since is not None
            assert live.unbroken_since <= live.at
            assert live.destination is not None
            assert live.destination.revision == stage.before.serving
            assert live.destination.exists
            assert live.destination.same_template
            assert live.destination.differs
            assert live.destination.missing == ()
            assert live.destination.refused == ""
            assert live.destination.replicas == stage.arranged.pods
            assert live.managers == ("kubectl",)
            assert stage.written == []  # a rehearsal writes nothing

    run_simulated(main())


@kinds
def test_a_put_back_is_one_write_and_a_repeat_after_a_crash_is_none(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            remedy = stage.remedy(await stage.look())
            done = await stage.traffic.put_back(remedy)
            assert isinstance(done, PutBackDone)
            assert done.left == {}
            await passes(30)
            again = await stage.traffic.put_back(remedy)
            assert isinstance(again, PutBackDone)
            path = f"/{stage.arranged.resource}/{stage.arranged.target.name}{stage.arranged.written}"
            assert len(stage.written) == 1
            assert stage.written[0].startswith("PATCH ")
            assert stage.written[0].endswith(path)
            assert stage.at.seen[kind].of(stage.arranged.target)[-1].serving == stage.before.serving
            written = stage.at.cluster.get(stage.arranged.resource, SHOP, stage.arranged.target.name)
            if stage.arranged.written:
                return  # a subresource takes no annotations
            assert written["metadata"]["annotations"]["rollback-watchdog.dev/last-watch"] == "w-1"
            assert written["metadata"]["annotations"]["rollback-watchdog.dev/known-good"] == str(stage.before.serving)

    run_simulated(main())


@kinds
def test_a_person_who_was_faster_is_not_overwritten(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.arranged.back(stage.at.cluster)
            await passes(30)
            assert isinstance(await stage.put_back(live), PutBackConflicted)
            assert stage.written == []

    run_simulated(main())


@kinds
def test_a_person_in_the_same_instant_is_not_overwritten(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            acted: list[str] = []

            def person(attempt: WriteAttempt) -> None:
                if not acted:
                    acted.append(attempt.name)
                    note = {"metadata": {"annotations": {"example.com/note": "mine"}}}
                    stage.at.cluster.patch(attempt.resource, SHOP, attempt.name, note)

            stage.at.cluster.before_write(person)
            assert isinstance(await stage.put_back(live), PutBackConflicted)
            assert acted
            assert stage.written == []
            # Planned again from what is there now, it goes through.
            assert isinstance(await stage.put_back(await stage.look()), PutBackDone)

    run_simulated(main())


@kinds
def test_a_lost_answer_is_unsure_and_the_next_try_finds_it_done(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.at.cluster.faults.lose_answer(method="PATCH")
            assert isinstance(await stage.put_back(live), PutBackUnsure)
            await passes(5)
            assert isinstance(await stage.put_back(live), PutBackDone)
            assert len(stage.at.cluster.writes("watchdog")) == 1

    run_simulated(main())


@kinds
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_cannot_serve_makes_it_unsure_and_a_look_out_of_reach(kind: TargetKind, status: int) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.at.cluster.faults.answer(status, method="PATCH")
            assert isinstance(await stage.put_back(live), PutBackUnsure)
            stage.at.cluster.faults.answer(status, method="GET")
            assert isinstance(await stage.put_back(live), PutBackUnsure)
            stage.at.cluster.faults.answer(status, method="GET")
            with pytest.raises(OutOfReach):
                await stage.look()

    run_simulated(main())


@kinds
def test_what_the_server_refuses_for_good_is_refused_and_a_look_says_so_before(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            webhook = {"kind": "Status", "reason": "Forbidden", "message": "admission webhook denied", "code": 403}
            stage.at.cluster.faults.answer(403, webhook, method="PATCH", count=2)
            refused = await stage.put_back(live)
            assert isinstance(refused, PutBackRefused)
            assert "admission webhook denied" in refused.detail
            look = await stage.look()
            assert look.destination is not None
            assert "admission webhook denied" in look.destination.refused
            invalid = {"kind": "Status", "reason": "Invalid", "message": "spec is invalid", "code": 422}
            stage.at.cluster.faults.answer(422, invalid, method="PATCH", count=2)
            look = await stage.look()
            assert look.destination is not None
            assert "spec is invalid" in look.destination.refused
            assert isinstance(await stage.put_back(look), PutBackRefused)

    run_simulated(main())


@kinds
def test_a_target_that_is_gone_is_seen_to_be_gone(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            live = await stage.look()
            stage.at.cluster.delete(stage.arranged.resource, SHOP, stage.arranged.target.name)
            await passes(5)
            assert not (await stage.look()).exists
            assert not (await stage.look(fresh=False)).exists
            assert isinstance(await stage.put_back(live), PutBackRefused)

    run_simulated(main())


@kinds
def test_a_revision_is_described_for_people(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            known = await stage.traffic.describe(stage.arranged.target, stage.switch.candidate)
            assert next(part for name, part in known.parts.items() if name.endswith(" image")).endswith(":v2")
            assert known.notes["by"] == "kubectl"

    run_simulated(main())


@kinds
def test_no_secret_is_ever_asked_for(kind: TargetKind) -> None:
    async def main() -> None:
        async with a_stage(kind) as stage:
            await stage.put_back(await stage.look())
            await passes(700)
            assert stage.at.cluster.requests
            assert not [one.path for one in stage.at.cluster.requests if "secret" in one.path.lower()]

    run_simulated(main())
