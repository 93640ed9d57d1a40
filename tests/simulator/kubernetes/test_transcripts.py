"""The simulated API server answers as a real one did; shared/kube-transcripts holds the recordings.

Normalised everywhere: times, uids, resourceVersions, generated names and hashes (see `replay`). What else is left
out of a comparison, and why, stands in the test.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from simulator.kubernetes.replay import NAMESPACE, Object, Replay, transcript
from watchdog.simulator import resources
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pod_behaviour import PodBehaviour

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

# kwok mounted no service account token, and reported its pods as running that were waiting for an image.
_POD = (r"/volumes", r"/volumeMounts", r"/qosClass", r"/containerID", r"/conditions/\d/(reason|message)")


def behaviour_of(pod: Object) -> PodBehaviour:
    image = pod["spec"]["containers"][0]["image"]
    if image.endswith(":crash"):
        return PodBehaviour.crash_loop(after=0.5)
    if image.endswith(":pullfail"):
        return PodBehaviour.cannot_pull()
    return PodBehaviour(starts_after=0.5, ready_after=0.0)


@asynccontextmanager
async def a_cluster() -> AsyncIterator[tuple[SimulatedCluster, Replay]]:
    cluster = SimulatedCluster(SimulatedClock(NOON), behaviour_of=behaviour_of, nodes=1)
    async with cluster:
        cluster._registry.open_namespace(NAMESPACE)
        yield cluster, Replay(cluster.url, cluster.token)


def test_leases_are_answered_as_recorded() -> None:
    async def main() -> None:
        async with a_cluster() as (_, replay):
            for exchange in transcript("leases"):
                await replay.compare(exchange, ignoring=[r"^/spec/holderIdentity"])  # the recorder changed it later

    run_simulated(main())


def test_records_events_and_pages_are_answered_as_recorded() -> None:
    async def main() -> None:
        exchanges = transcript("records-events-pages")
        async with a_cluster() as (cluster, replay):
            await replay.compare(exchanges[0])
            for number in range(1, 5):
                body = {"metadata": {"name": f"record-{number}", "labels": {"record": "yes"}}, "data": {"record": "{}"}}
                cluster.create("configmaps", NAMESPACE, body, manager="python-httpx")
            for exchange in exchanges[1:]:
                await replay.compare(exchange, ignoring=[r"^/metadata/continue"])

    run_simulated(main())


async def roll_and_undo(cluster: SimulatedCluster, replay: Replay, *, compared: bool) -> None:
    """The exchanges of rollout-and-undo, at the moments of the rollout at which they were recorded."""
    exchanges = transcript("rollout-and-undo")

    async def take(number: int, *ignoring: str) -> None:
        if compared:
            await replay.compare(exchanges[number], ignoring=(*_POD, *ignoring))
        else:
            status, body, _ = await replay.send(exchanges[number]["request"])
            assert status == exchanges[number]["response"]["status"], body
            replay.learn(exchanges[number]["response"]["body"], body)

    await take(0)
    await cluster.until(lambda: cluster.rolled_out(NAMESPACE, "gateway"))
    await take(1)
    await take(2)
    await take(3)
    await cluster.settled()
    await take(4)
    # A real kubelet, and ours, reports a container that is being created; the recorded one said nothing yet.
    await take(5, r"^/items/2/(status|metadata/managedFields)")
    await cluster.until(lambda: cluster.rolled_out(NAMESPACE, "gateway"))
    await take(6)
    await take(7)
    await take(8)
    await take(9)
    await cluster.until(lambda: cluster.rolled_out(NAMESPACE, "gateway"))
    await take(10)
    await take(11)
    await take(12)


def test_a_rollout_and_its_undo_are_answered_as_recorded() -> None:
    async def main() -> None:
        async with a_cluster() as (cluster, replay):
            await roll_and_undo(cluster, replay, compared=True)

    run_simulated(main())


def test_failing_rollouts_are_answered_as_recorded() -> None:
    async def main() -> None:
        exchanges = transcript("failing-rollouts")
        async with a_cluster() as (cluster, replay):
            await roll_and_undo(cluster, replay, compared=False)
            # The recorded crashes did not follow a real kubelet's timing, its messages or its last state.
            crash = (*_POD, r"/restartCount", r"/lastState", r"/state/waiting/message", r"/imageID", r"/phase$")
            await replay.compare(exchanges[0])
            await cluster.until(lambda: progressing(cluster)["reason"] == "ProgressDeadlineExceeded")
            await replay.compare(exchanges[1])
            await cluster.until(lambda: "CrashLoopBackOff" in str(cluster.pods(NAMESPACE)))
            await replay.compare(exchanges[2], ignoring=crash)
            await replay.compare(exchanges[3])
            await cluster.until(lambda: "ImagePullBackOff" in str(cluster.pods(NAMESPACE)))
            for number in range(4, 7):
                await replay.compare(exchanges[number], ignoring=crash)
            await cluster.settled()
            await replay.compare(exchanges[7])

    run_simulated(main())


def progressing(cluster: SimulatedCluster) -> Object:
    conditions = cluster.get("deployments", NAMESPACE, "gateway")["status"]["conditions"]
    return next(condition for condition in conditions if condition["type"] == "Progressing")


def two_colours(cluster: SimulatedCluster) -> None:
    """The Deployments of blue and green, which were there before the recording began."""
    for colour in ("blue", "green"):
        labels = {"app": f"brand-{colour}", "colour": colour}
        template = {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [{"image": f"brand:{colour}", "name": "app", "ports": [{"containerPort": 8000}]}],
                "terminationGracePeriodSeconds": 0,
            },
        }
        spec = {"progressDeadlineSeconds": 10, "replicas": 2, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": f"brand-{colour}", "labels": {**labels, "app.kubernetes.io/part-of": "plasma-engine"}}
        cluster.create("deployments", NAMESPACE, {"metadata": metadata, "spec": spec}, manager="python-httpx")


def test_a_flip_from_blue_to_green_and_back_is_answered_as_recorded() -> None:
    async def main() -> None:
        exchanges = transcript("blue-green")
        async with a_cluster() as (cluster, replay):
            two_colours(cluster)
            await cluster.until(lambda: all(cluster.rolled_out(NAMESPACE, f"brand-{c}") for c in ("blue", "green")))
            for exchange in exchanges[:7]:
                await replay.compare(exchange)
                await cluster.settled()

    run_simulated(main())


def test_refusals_are_worded_as_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    # Recorded where the Gateway API is not installed.
    monkeypatch.delitem(resources._BY_PLACE, ("gateway.networking.k8s.io", "v1", "httproutes"))

    async def main() -> None:
        exchanges = transcript("access-and-errors")
        async with a_cluster() as (cluster, replay):
            two_colours(cluster)
            cluster.deploy(NAMESPACE, "gateway")
            await cluster.until(lambda: cluster.rolled_out(NAMESPACE, "brand-blue"))
            reader = Rule(verbs=["get", "list", "watch"], resources=["deployments"], namespaces=[NAMESPACE])
            watchdog = cluster.user("system:serviceaccount:transcripts:watchdog", [reader])
            tokens = {0: watchdog, 1: watchdog, 2: watchdog, 3: "nobody's", 4: watchdog}
            for number, exchange in enumerate(exchanges):
                # A review is an object too, with managedFields; nobody reads those.
                ignoring = [r"^/metadata/continue", r"^/metadata/managedFields"]
                await replay.compare(exchange, token=tokens.get(number, ""), ignoring=ignoring)

    run_simulated(main())
