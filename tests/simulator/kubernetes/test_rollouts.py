"""Rollouts in the simulated cluster go as the real controllers let them go."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from simulator.kubernetes.building import NOON, SHOP, a_cluster, by_tag
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.objects import condition_of
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.rollouts import HISTORY, REVISION

RECREATE = {"strategy": {"type": "Recreate", "rollingUpdate": None}}


async def rolled_out(cluster: SimulatedCluster, name: str = "gateway") -> None:
    await cluster.until(lambda: cluster.rolled_out(SHOP, name))


def annotations(obj: dict[str, Any]) -> dict[str, str]:
    return dict(obj["metadata"].get("annotations") or {})


def progressing(cluster: SimulatedCluster) -> str:
    condition = condition_of(cluster.get("deployments", SHOP, "gateway"), "Progressing")
    return condition["reason"] if condition else ""


def extremes(cluster: SimulatedCluster) -> tuple[list[int], Callable[[], None]]:
    """(most pods, fewest ready ones) from here on, as they are at each change."""
    seen = [0, 10_000]

    def look(_: object) -> None:
        pods = [pod for pod in cluster.pods(SHOP) if "deletionTimestamp" not in pod["metadata"]]
        seen[0] = max(seen[0], len(pods))
        seen[1] = min(seen[1], len(cluster.ready_pods(SHOP, "gateway")))

    return seen, cluster.on_change(look)


@pytest.mark.parametrize(
    ("surge", "unavailable", "most", "fewest"),
    [("25%", "25%", 5, 3), (0, 1, 4, 3), (2, 0, 6, 4), (0, 0, 4, 3), ("100%", 0, 8, 4)],
)
def test_a_rolling_update_stays_within_its_fenceposts(surge: Any, unavailable: Any, most: int, fewest: int) -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            rolling = {"strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}
            cluster.deploy(SHOP, "gateway", replicas=4, spec=rolling)
            await rolled_out(cluster)
            seen, stop = extremes(cluster)
            cluster.deploy(SHOP, "gateway", "gateway:v2")
            await rolled_out(cluster)
            stop()
            assert seen == [most, fewest]

    run_simulated(main())


def test_recreate_starts_the_new_only_when_the_old_are_gone() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", replicas=3, spec=RECREATE)
            await rolled_out(cluster)
            images: set[frozenset[str]] = set()

            def look(_: object) -> None:
                images.add(frozenset(pod["spec"]["containers"][0]["image"] for pod in cluster.pods(SHOP)))

            cluster.on_change(look)
            cluster.deploy(SHOP, "gateway", "gateway:v2")
            await cluster.until(lambda: len(cluster.ready_pods(SHOP, "gateway", revision=2)) == 3)
            assert frozenset({"gateway:v1", "gateway:v2"}) not in images
            assert cluster.get("deploy", SHOP, "gateway")["status"]["observedGeneration"] == 2

    run_simulated(main())


def test_an_undo_takes_the_old_replicaset_up_again_with_a_new_number() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            for tag in ("v1", "v2", "v3"):
                cluster.deploy(SHOP, "gateway", f"gateway:{tag}", cause=f"release {tag}")
                await rolled_out(cluster)
            cluster.undo(SHOP, "gateway", to=1)
            await rolled_out(cluster)
            cluster.deploy(SHOP, "gateway", "gateway:v2")
            await rolled_out(cluster)
            cluster.undo(SHOP, "gateway")
            await rolled_out(cluster)
            sets = {rs["spec"]["template"]["spec"]["containers"][0]["image"]: rs for rs in cluster.list("rs", SHOP)}
            numbers = {image: annotations(rs)[REVISION] for image, rs in sets.items()}
            assert numbers == {"gateway:v1": "6", "gateway:v2": "5", "gateway:v3": "3"}
            assert annotations(sets["gateway:v1"])[HISTORY] == "1,4"
            assert annotations(cluster.get("deploy", SHOP, "gateway"))[REVISION] == "6"
            assert [len(cluster.ready_pods(SHOP, "gateway", revision=n)) for n in (3, 5, 6)] == [0, 0, 1]

    run_simulated(main())


def test_the_history_keeps_as_many_replicasets_as_it_may() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", spec={"revisionHistoryLimit": 2})
            for number in range(2, 7):
                await rolled_out(cluster)
                cluster.deploy(SHOP, "gateway", f"gateway:v{number}")
            await rolled_out(cluster)
            await cluster.settled()
            assert sorted(annotations(rs)[REVISION] for rs in cluster.list("rs", SHOP)) == ["4", "5", "6"]

    run_simulated(main())


def test_a_rollout_that_gets_nowhere_passes_its_deadline_and_recovers_by_an_undo() -> None:
    async def main() -> None:
        async with a_cluster(bad=PodBehaviour.never_ready()) as cluster:
            cluster.deploy(SHOP, "gateway", replicas=2, spec={"progressDeadlineSeconds": 60})
            await rolled_out(cluster)
            since = cluster.now()
            cluster.deploy(SHOP, "gateway", "gateway:bad")
            await cluster.until(lambda: progressing(cluster) == "ProgressDeadlineExceeded")
            assert timedelta(seconds=60) < cluster.now() - since < timedelta(seconds=63)
            assert len(cluster.ready_pods(SHOP, "gateway", revision=1)) == 2
            cluster.undo(SHOP, "gateway")
            await rolled_out(cluster)
            assert progressing(cluster) == "NewReplicaSetAvailable"

    run_simulated(main())


def test_a_paused_deployment_notes_a_new_template_and_rolls_when_resumed() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", replicas=2)
            await rolled_out(cluster)
            cluster.pause(SHOP, "gateway")
            cluster.deploy(SHOP, "gateway", "gateway:v2")
            await cluster.settled()
            assert (progressing(cluster), len(cluster.list("rs", SHOP))) == ("DeploymentPaused", 1)
            cluster.pause(SHOP, "gateway", paused=False)
            await rolled_out(cluster)
            assert "paused" not in cluster.get("deploy", SHOP, "gateway")["spec"]
            assert len(cluster.list("rs", SHOP)) == 2

    run_simulated(main())


def test_an_autoscaler_in_the_middle_of_a_rollout_makes_no_revision() -> None:
    async def main() -> None:
        async with a_cluster(slow=PodBehaviour(ready_after=20)) as cluster:
            cluster.deploy(SHOP, "gateway", replicas=4)
            await rolled_out(cluster)
            cluster.deploy(SHOP, "gateway", "gateway:slow")
            await cluster.settled()
            cluster.scale(SHOP, "gateway", 8)
            await cluster.settled()
            sizes = {annotations(rs)[REVISION]: rs["spec"]["replicas"] for rs in cluster.list("rs", SHOP)}
            assert sizes["1"] > 3  # the old revision grows too: it is the one that serves
            assert sum(sizes.values()) == 10
            await rolled_out(cluster)
            assert len(cluster.ready_pods(SHOP, "gateway")) == 8
            assert annotations(cluster.get("deploy", SHOP, "gateway"))[REVISION] == "2"
            cluster.scale(SHOP, "gateway", 0)
            await rolled_out(cluster)
            await cluster.until(lambda: not cluster.pods(SHOP))

    run_simulated(main())


def test_min_ready_seconds_hold_a_rollout_back() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", replicas=1, spec={"minReadySeconds": 30})
            await rolled_out(cluster)
            assert timedelta(seconds=30) <= cluster.now() - NOON <= timedelta(seconds=33)

    run_simulated(main())


def test_a_restart_is_a_revision_whose_template_differs_in_an_annotation() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway")
            await rolled_out(cluster)
            cluster.restart(SHOP, "gateway")
            await rolled_out(cluster)
            one, other = (rs["spec"]["template"] for rs in cluster.list("rs", SHOP))
            assert one["spec"] == other["spec"]
            assert one["metadata"].keys() ^ other["metadata"].keys() == {"annotations"}

    run_simulated(main())


def test_the_same_template_has_the_same_hash_and_name() -> None:
    async def main() -> None:
        names = []
        for _ in range(2):
            async with a_cluster() as cluster:
                cluster.deploy(SHOP, "gateway")
                await rolled_out(cluster)
                names.append(cluster.pods(SHOP)[0]["metadata"]["name"])
        assert names[0] == names[1]

    run_simulated(main())


def test_a_deployment_takes_its_replicasets_and_pods_with_it() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            for name in ("background", "foreground", "orphan"):
                cluster.deploy(SHOP, name)
                cluster.service(SHOP, name)
                await rolled_out(cluster, name)
                cluster.delete("deployments", SHOP, name, propagation=name.capitalize())
            cluster.delete("services", SHOP, "orphan")
            await cluster.settled()
            await cluster.until(lambda: len(cluster.pods(SHOP)) == 1)
            assert [rs["metadata"].get("ownerReferences") for rs in cluster.list("rs", SHOP)] == [None]
            assert not cluster.list("deployments", SHOP)
            assert len(cluster.list("endpointslices", SHOP)) == 2
            cluster.deploy(SHOP, "orphan")  # takes the orphan up again
            await rolled_out(cluster, "orphan")
            assert len(cluster.pods(SHOP)) == 1

    run_simulated(main())


def test_a_cluster_can_begin_with_a_past() -> None:
    async def main() -> None:
        clock = SimulatedClock(NOON)
        behaviours = by_tag({"v1": PodBehaviour(ready_after=40)})
        cluster = SimulatedCluster(clock, behaviour_of=behaviours, past=timedelta(hours=1))
        cluster.deploy(SHOP, "gateway", replicas=2)
        cluster.pass_by(timedelta(minutes=20))
        assert cluster.rolled_out(SHOP, "gateway")
        cluster.deploy(SHOP, "gateway", "gateway:v2")
        async with cluster:
            assert clock.now() == cluster.now() == NOON
            deployment = cluster.get("deploy", SHOP, "gateway")
            assert deployment["metadata"]["creationTimestamp"] == "2026-01-01T11:00:00Z"
            assert annotations(deployment)[REVISION] == "2"
            created = {pod["metadata"]["creationTimestamp"] for pod in cluster.pods(SHOP)}
            assert created == {"2026-01-01T11:20:00Z", "2026-01-01T11:20:01Z"}
            cluster.deploy(SHOP, "brand")
            await rolled_out(cluster, "brand")
            assert cluster.get("deploy", SHOP, "brand")["metadata"]["creationTimestamp"] == "2026-01-01T12:00:00Z"

    run_simulated(main())


def test_a_quota_blocks_the_surge_and_the_conditions_say_so_until_there_is_room() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", replicas=2)
            await rolled_out(cluster)
            cluster.create("resourcequotas", SHOP, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}})
            cluster.deploy(SHOP, "gateway", "gateway:v2")

            def failure() -> dict[str, Any] | None:
                return condition_of(cluster.get("deployments", SHOP, "gateway"), "ReplicaFailure")

            await cluster.until(failure)
            said = failure()
            assert said is not None
            assert (said["status"], said["reason"]) == ("True", "FailedCreate")
            why = "is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
            assert said["message"].endswith(why)
            assert len(cluster.pods(SHOP)) == 2
            cluster.delete("resourcequotas", SHOP, "q")
            await rolled_out(cluster)
            assert failure() is None

    run_simulated(main())


def test_time_is_cheap() -> None:
    async def main() -> None:
        crash = PodBehaviour.crash_loop()
        async with a_cluster(bad=crash) as cluster:
            for number in range(10):
                cluster.deploy(SHOP, f"service-{number}", replicas=3)
                cluster.service(SHOP, f"service-{number}")
            for number in range(10):
                await rolled_out(cluster, f"service-{number}")
                cluster.deploy(SHOP, f"service-{number}", "service:bad" if number % 5 == 0 else "service:v2")
            await cluster._clock.sleep(1000)

    before = time.process_time()
    run_simulated(main())
    assert time.process_time() - before < 2.0


def test_a_failing_controller_fails_the_test_and_hides_nothing() -> None:
    def broken() -> None:
        raise ArithmeticError("a controller that cannot count")

    async def main() -> None:
        async with a_cluster() as cluster:
            cluster._timeline.soon("broken", broken)
            await cluster.until(lambda: False)

    with pytest.raises(ArithmeticError):
        run_simulated(main())
