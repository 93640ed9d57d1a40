"""Watch streams of the simulator tell the same story as those of a real API server.

Two controllers that run side by side write in an order that no two runs share, and pods of one ReplicaSet get ready in
one order or another. So the streams are compared after what does not matter is taken out: each test says what an
event is reduced to, and events that say nothing new are dropped.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from simulator.kubernetes.replay import NAMESPACE, Object, Replay, transcript
from simulator.kubernetes.test_transcripts import a_cluster, roll_and_undo, two_colours
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster

Event = dict[str, Any]


async def watched(cluster: SimulatedCluster, path: str, **params: str) -> list[Event]:
    """What a watch of one second tells."""
    headers = {"Authorization": f"Bearer {cluster.token}"}
    query = {"watch": "true", "timeoutSeconds": "1", **params}
    async with (
        aiohttp.ClientSession() as session,
        session.get(cluster.url + path, params=query, headers=headers) as answer,
    ):
        return [json.loads(line) async for line in answer.content]


def told(events: Iterable[Event], essence: Callable[[Object], Any]) -> list[Any]:
    """The events by their essence, without those that say nothing new about their object."""
    story: list[Any] = []
    last: dict[str, Any] = {}
    for event in events:
        obj = event["object"]
        said = (event["type"], essence(obj))
        name = obj["metadata"]["name"]
        before = last.get(name)
        if before is None or before[1] != said[1] or said[0] == "DELETED":
            story.append(said)
        last[name] = said
    return story


def test_watches_tell_a_rollout_and_its_undo_as_recorded() -> None:
    def revision(obj: Object) -> str | None:
        annotations = obj["metadata"].get("annotations") or {}
        return annotations.get("deployment.kubernetes.io/revision")

    def deployment(obj: Object) -> Any:
        image = obj["spec"]["template"]["spec"]["containers"][0]["image"]
        return image, obj["metadata"]["generation"], revision(obj)

    def progress(obj: Object) -> Any:
        conditions = {c["type"]: (c["status"], c["reason"]) for c in obj["status"].get("conditions", ())}
        return conditions.get("Progressing"), conditions.get("Available")

    def replicaset(obj: Object) -> Any:
        image = obj["spec"]["template"]["spec"]["containers"][0]["image"]
        history = (obj["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision-history")
        return image, obj["spec"]["replicas"], revision(obj), history, obj["metadata"]["generation"]

    def pod(obj: Object) -> Any:
        image, status = obj["spec"]["containers"][0]["image"], obj["status"]
        ready = [c["status"] for c in status.get("conditions", ()) if c["type"] == "Ready" and c["status"] == "True"]
        return image, "nodeName" in obj["spec"], status["phase"], ready, "deletionTimestamp" in obj["metadata"]

    async def main() -> None:
        recorded = transcript("rollout-and-undo")
        async with a_cluster() as (cluster, replay):
            version = str(cluster.version)
            await roll_and_undo(cluster, replay, compared=False)
            for exchange, essences in (
                (recorded[13], (deployment, progress)),
                (recorded[14], (replicaset,)),
                (recorded[15], (pod,)),
            ):
                real = exchange["response"]["stream"]
                here = await watched(cluster, exchange["request"]["path"], resourceVersion=version)
                for essence in essences:
                    assert told(here, essence) == told(real, essence), exchange["name"]

    run_simulated(main())


def test_watches_tell_a_flip_and_its_return_as_recorded() -> None:
    def service(obj: Object) -> Any:
        return obj["spec"]["selector"], obj["metadata"].get("annotations")

    def endpointslice(obj: Object) -> Any:
        colours = sorted(each["targetRef"]["name"].split("-")[1] for each in obj["endpoints"])
        conditions = [each["conditions"] for each in obj["endpoints"]]
        return colours, conditions, obj["ports"], obj["metadata"]["generation"]

    async def main() -> None:
        recorded = transcript("blue-green")
        async with a_cluster() as (cluster, replay):
            two_colours(cluster)
            await cluster.until(lambda: all(cluster.rolled_out(NAMESPACE, f"brand-{c}") for c in ("blue", "green")))
            version = str(cluster.version)
            for exchange in recorded[:7]:
                _, body, _ = await replay.send(exchange["request"])
                replay.learn(exchange["response"]["body"], body)
                await cluster.settled()
            for exchange, essence in ((recorded[7], service), (recorded[8], endpointslice)):
                here = await watched(cluster, exchange["request"]["path"], resourceVersion=version)
                assert told(here, essence) == told(exchange["response"]["stream"], essence), exchange["name"]

    run_simulated(main())


async def write_the_recorded_configmaps(cluster: SimulatedCluster, replay: Replay) -> None:
    """The writes that the recorded watches saw: five records, one deleted, one changed until its label left."""
    name = "openshift-service-ca.crt"  # the recorded control plane put one more ConfigMap into each namespace
    cluster.create("configmaps", NAMESPACE, {"metadata": {"name": name}, "data": {"service-ca.crt": ""}})
    for number in range(5):
        metadata = {"name": f"record-{number}", "labels": {"record": "yes"}}
        cluster.create("configmaps", NAMESPACE, {"metadata": metadata, "data": {"record": "{}"}})
    cluster.delete("configmaps", NAMESPACE, "record-0")
    cluster.patch("configmaps", NAMESPACE, "record-1", {"data": {"a": "b"}})
    replay.known["475"] = str(cluster.version)
    cluster.patch("configmaps", NAMESPACE, "record-1", {"metadata": {"labels": {"record": "no"}}})
    replay.known["476"] = str(cluster.version)


def test_the_edges_of_watches_are_as_recorded() -> None:
    def configmap(event: Event) -> Any:
        metadata = event["object"]["metadata"]
        return (
            event["type"],
            metadata.get("name"),
            metadata.get("labels"),
            metadata.get("annotations", {}).get("k8s.io/initial-events-end"),
            [key for key in sorted(event["object"].get("data", {})) if key != "ca.crt"],
        )

    async def main() -> None:
        recorded = transcript("watch-edges")
        async with a_cluster() as (cluster, replay):
            await write_the_recorded_configmaps(cluster, replay)
            for exchange in recorded[:4]:
                params = replay.translated(exchange["request"]["params"])
                here = await watched(cluster, exchange["request"]["path"], **params)
                real = exchange["response"]["stream"]
                assert [configmap(event) for event in here] == [configmap(event) for event in real], exchange["name"]
                for one, other in zip(real, here, strict=True):
                    if one["type"] in ("BOOKMARK", "DELETED") and one["object"]["metadata"]["resourceVersion"] == "476":
                        assert other["object"]["metadata"]["resourceVersion"] == replay.known["476"]
            status, body, _ = await replay.send({"method": "GET", **recorded[4]["request"]})
            assert (status, body) == (500, recorded[4]["response"]["stream"][0])

    run_simulated(main())
