"""StatefulSets and DaemonSets of the simulator: as a real control plane rolls them over, and where it stops."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from simulator.kubernetes.replay import NAMESPACE, Object, Replay, transcript
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.histories import HASH
from watchdog.simulator.pod_behaviour import PodBehaviour

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHOP = "shop"
DB, AGENT = ("statefulsets", SHOP, "db"), ("daemonsets", SHOP, "agent")


def behaviour_of(pod: Object) -> PodBehaviour:
    image = pod["spec"]["containers"][0]["image"]
    return PodBehaviour.never_ready() if image.endswith(":bad") else PodBehaviour()


def told(body: Callable[[SimulatedCluster], Awaitable[None]], *, nodes: int = 3) -> None:
    async def main() -> None:
        cluster = SimulatedCluster(SimulatedClock(NOON), behaviour_of=behaviour_of, nodes=nodes)
        async with cluster:
            await body(cluster)

    run_simulated(main())


def images(cluster: SimulatedCluster, kind: str, namespace: str, name: str) -> list[str]:
    """The tags that the pods run, by the pods' names."""
    pods = cluster.members(kind, namespace, name)
    return [pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in pods]


def test_statefulsets_and_daemonsets_are_answered_as_recorded() -> None:
    async def main() -> None:
        exchanges = transcript("statefulset-daemonset")
        cluster = SimulatedCluster(SimulatedClock(NOON), nodes=1)
        async with cluster:
            cluster._registry.open_namespace(NAMESPACE)
            replay = Replay(cluster.url, cluster.token)

            def done() -> bool:
                return cluster.has_rolled("statefulsets", NAMESPACE, "agent") and cluster.has_rolled(
                    "daemonsets", NAMESPACE, "node-agent"
                )

            # No count of its status is in the recorded managedFields that the server had set to 0 at birth.
            zero = [r"f:numberMisscheduled"]
            for number in (0, 1):
                await replay.compare(exchanges[number], ignoring=zero)
            await cluster.until(done)
            for number in (2, 3):
                await replay.compare(exchanges[number], ignoring=zero)
            await cluster.until(done)
            for number in (4, 5, 6):
                await replay.compare(exchanges[number], ignoring=zero)

    run_simulated(main())


def test_a_statefulset_is_rolled_over_from_its_last_pod_to_its_first_and_keeps_the_names() -> None:
    async def body(cluster: SimulatedCluster) -> None:
        cluster.roll(*DB, "db:v1", spec={"replicas": 3})
        await cluster.until(lambda: cluster.has_rolled(*DB))
        first = [pod["metadata"]["name"] for pod in cluster.members(*DB)]
        cluster.roll(*DB, "db:v2")
        await cluster.until(lambda: images(cluster, *DB) == ["v1", "v1", "v2"])
        await cluster.until(lambda: images(cluster, *DB) == ["v1", "v2", "v2"])
        await cluster.until(lambda: cluster.has_rolled(*DB))
        assert images(cluster, *DB) == ["v2", "v2", "v2"]
        assert [pod["metadata"]["name"] for pod in cluster.members(*DB)] == first == ["db-0", "db-1", "db-2"]

    told(body)


def test_an_undo_takes_up_the_old_revision_under_a_new_number() -> None:
    async def body(cluster: SimulatedCluster) -> None:
        for kind, namespace, name in (DB, AGENT):
            cluster.roll(kind, namespace, name, "x:v1")
            await cluster.until(lambda: cluster.has_rolled(kind, namespace, name))  # noqa: B023 - awaited here
            cluster.roll(kind, namespace, name, "x:v2")
            await cluster.until(lambda: cluster.has_rolled(kind, namespace, name))  # noqa: B023
            numbers = {one["metadata"]["name"]: one["revision"] for one in cluster.list("controllerrevisions", SHOP)}
            cluster.roll_back(kind, namespace, name)
            await cluster.until(lambda: cluster.has_rolled(kind, namespace, name))  # noqa: B023
            after = {one["metadata"]["name"]: one["revision"] for one in cluster.list("controllerrevisions", SHOP)}
            assert set(images(cluster, kind, namespace, name)) == {"v1"}
            old = next(one for one, number in numbers.items() if number == 1 and one.startswith(name))
            assert after == {**numbers, old: 3}

    told(body)


def test_a_broken_pod_of_an_ordered_statefulset_is_not_replaced_after_an_undo_until_someone_deletes_it() -> None:
    async def body(cluster: SimulatedCluster) -> None:
        cluster.roll(*DB, "db:v1", spec={"replicas": 3})
        await cluster.until(lambda: cluster.has_rolled(*DB))
        cluster.roll(*DB, "db:bad")
        await cluster.until(lambda: images(cluster, *DB) == ["v1", "v1", "bad"])
        cluster.roll_back(*DB)
        with pytest.raises(TimeoutError):
            await cluster.until(lambda: images(cluster, *DB) == ["v1", "v1", "v1"], within=600)
        cluster.delete("pods", SHOP, "db-2")
        await cluster.until(lambda: cluster.has_rolled(*DB))
        assert images(cluster, *DB) == ["v1", "v1", "v1"]

    told(body)


def test_parallel_pods_and_daemons_that_are_broken_are_replaced_at_once() -> None:
    async def body(cluster: SimulatedCluster) -> None:
        for (kind, namespace, name), spec in ((DB, {"replicas": 3, "podManagementPolicy": "Parallel"}), (AGENT, {})):
            cluster.roll(kind, namespace, name, "x:v1", spec=spec)
            await cluster.until(lambda: cluster.has_rolled(kind, namespace, name))  # noqa: B023
            cluster.roll(kind, namespace, name, "x:bad")
            await cluster.until(lambda: images(cluster, kind, namespace, name).count("bad") == 1)  # noqa: B023
            cluster.roll_back(kind, namespace, name)
            await cluster.until(lambda: cluster.has_rolled(kind, namespace, name))  # noqa: B023
            assert set(images(cluster, kind, namespace, name)) == {"v1"}

    told(body)


def test_pods_below_the_partition_and_pods_that_nobody_deletes_stay() -> None:
    async def body(cluster: SimulatedCluster) -> None:
        cluster.roll(*DB, "db:v1", spec={"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}})
        cluster.roll(*AGENT, "agent:v1", spec={"updateStrategy": {"type": "OnDelete"}})
        await cluster.until(lambda: cluster.has_rolled(*DB) and cluster.has_rolled(*AGENT))
        cluster.roll(*DB, "db:v2")
        cluster.roll(*AGENT, "agent:v2")
        await SimulatedClock(NOON).sleep(120)
        assert images(cluster, *DB) == ["v1", "v1", "v2"]
        assert images(cluster, *AGENT) == ["v1", "v1", "v1"]
        victim = cluster.members(*AGENT)[0]["metadata"]["name"]
        cluster.delete("pods", SHOP, victim)
        cluster.delete("pods", SHOP, "db-0")
        await SimulatedClock(NOON).sleep(60)
        assert images(cluster, *DB) == ["v1", "v1", "v2"]
        assert sorted(images(cluster, *AGENT)) == ["v1", "v1", "v2"]

    told(body)


def test_each_node_has_one_daemon_and_its_labels_say_the_revision() -> None:
    async def body(cluster: SimulatedCluster) -> None:
        cluster.roll(*AGENT, "agent:v1")
        await cluster.until(lambda: cluster.has_rolled(*AGENT))
        pods = cluster.members(*AGENT)
        assert sorted(pod["spec"]["nodeName"] for pod in pods) == ["node-1", "node-2", "node-3"]
        (revision,) = cluster.list("controllerrevisions", SHOP)
        assert {pod["metadata"]["labels"][HASH] for pod in pods} == {revision["metadata"]["labels"][HASH]}

    told(body)


def test_what_belonged_to_them_goes_with_them() -> None:
    async def body(cluster: SimulatedCluster) -> None:
        cluster.roll(*DB, "db:v1")
        cluster.roll(*AGENT, "agent:v1")
        await cluster.until(lambda: cluster.has_rolled(*DB) and cluster.has_rolled(*AGENT))
        cluster.delete(*DB)
        cluster.delete(*AGENT)
        await cluster.until(lambda: not cluster.pods(SHOP) and not cluster.list("controllerrevisions", SHOP))

    told(body)
