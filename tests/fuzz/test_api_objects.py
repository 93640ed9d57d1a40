"""Whatever the API server sends: it is taken in or asked for again; nothing that was sent ends the watchdog's work."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fuzz.mutating import ANYTHING, FUZZ, SLOWLY, garbled, mutants, valid
from town import NAMESPACE, START
from watchdog.adapters.kubernetes.braking import ConfigMapBraking
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.adapters.kubernetes.kinds import (
    CONTROLLERREVISIONS,
    DAEMONSETS,
    DEPLOYMENTS,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    STATEFULSETS,
    Resource,
)
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.domain.rollout import TargetKind
from watchdog.ports import OutOfReach, in_full
from watchdog.simulator.clock import SimulatedClock, run_simulated

Json = dict[str, Any]
UID = {DEPLOYMENTS: "d-1", REPLICASETS: "r-1", PODS: "p-1", SERVICES: "s-1"}
UID |= {ROLLOUTS: "ro-1", STATEFULSETS: "st-1", DAEMONSETS: "ds-1", CONTROLLERREVISIONS: "cr-1"}
NAMES = {DEPLOYMENTS: "web", REPLICASETS: "web-7c9d", PODS: "web-7c9d-abcde", SERVICES: "web"}
NAMES |= {ROLLOUTS: "shop", STATEFULSETS: "db", DAEMONSETS: "agent", CONTROLLERREVISIONS: "db-5d4f"}
TEMPLATE = {
    "metadata": {"labels": {"app": "web", "pod-template-hash": "7c9d"}},
    "spec": {
        "containers": [
            {"name": "app", "image": "web:v1", "ports": [{"name": "http", "containerPort": 8000}],
             "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}}, "readinessProbe": {"httpGet": {"path": "/"}}}
        ],
        "initContainers": [{"name": "side", "image": "side:v1", "restartPolicy": "Always"}],
    },
}  # fmt: skip


def metadata(resource: Resource, owner: Resource | None = None, **more: Any) -> Json:
    found = {
        "name": NAMES[resource], "namespace": NAMESPACE, "uid": UID[resource], "resourceVersion": "10", "generation": 1,
        "creationTimestamp": "2026-03-02T02:00:00Z", "labels": {"app": "web", "pod-template-hash": "7c9d"},
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "managedFields": [{"manager": "kubectl", "operation": "Update", "time": "2026-03-02T02:00:00Z",
                           "fieldsV1": {"f:spec": {"f:template": {}, "f:selector": {}}}}],
    }  # fmt: skip
    if owner is not None:
        found["ownerReferences"] = [
            {"kind": owner.kind, "name": NAMES[owner], "uid": UID[owner], "controller": True, "apiVersion": "apps/v1"}
        ]
    return found | more


TRUE = {"status": "True", "lastTransitionTime": "2026-03-02T02:00:05Z", "reason": "x"}
GOOD: dict[Resource, Json] = {
    DEPLOYMENTS: {
        "metadata": metadata(DEPLOYMENTS),
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE,
                 "progressDeadlineSeconds": 600},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1,
                   "conditions": [{"type": "Progressing", **TRUE}, {"type": "Available", **TRUE}]},
    },
    REPLICASETS: {
        "metadata": metadata(REPLICASETS, DEPLOYMENTS),
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
        "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1},
    },
    STATEFULSETS: {
        "metadata": metadata(STATEFULSETS),
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE,
                 "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
                 "podManagementPolicy": "OrderedReady", "ordinals": {"start": 1}},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 1, "readyReplicas": 2,
                   "currentRevision": "db-5d4f", "updateRevision": "db-5d4f"},
    },
    DAEMONSETS: {
        "metadata": metadata(DAEMONSETS),
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE,
                 "updateStrategy": {"type": "OnDelete"}},
        "status": {"observedGeneration": 1, "desiredNumberScheduled": 2, "numberAvailable": 1,
                   "updatedNumberScheduled": 1},
    },
    ROLLOUTS: {
        "metadata": metadata(ROLLOUTS),
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE,
                 "strategy": {"blueGreen": {"activeService": "web", "previewService": "web-next"}}},
        "status": {"observedGeneration": "1", "phase": "Healthy", "currentPodHash": "7c9d", "stableRS": "7c9d",
                   "blueGreen": {"activeSelector": "7c9d"}, "conditions": [{"type": "Progressing", **TRUE}]},
    },
    CONTROLLERREVISIONS: {
        "metadata": metadata(CONTROLLERREVISIONS, STATEFULSETS),
        "data": {"spec": {"template": TEMPLATE | {"$patch": "replace"}}},
        "revision": 1,
    },
    PODS: {
        "metadata": metadata(PODS, REPLICASETS),
        "spec": TEMPLATE["spec"] | {"nodeName": "n"},
        "status": {"phase": "Running", "podIP": "10.1.0.1", "startTime": "2026-03-02T02:00:00Z",
                   "conditions": [{"type": "Ready", **TRUE}],
                   "containerStatuses": [{"name": "app", "restartCount": 1, "ready": True,
                                          "state": {"running": {"startedAt": "2026-03-02T02:00:00Z"}},
                                          "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137,
                                                                       "finishedAt": "2026-03-02T02:00:00Z"}}}]},
    },
    SERVICES: {
        "metadata": metadata(SERVICES),
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}], "type": "ClusterIP"},
    },
}  # fmt: skip


class Server:
    """Lists these objects, then sends these lines on each watch, and then is silent."""

    def __init__(self, listed: dict[Resource, list[Json]], lines: dict[Resource, Sequence[bytes]]) -> None:
        self._listed = listed
        self._lines = lines
        self.lists = 0

    async def pages(
        self, resource: Resource, namespace: str, *, labels: str = "", limit: int = 500, metadata_only: bool = False
    ) -> AsyncGenerator[tuple[list[Json], str]]:
        del namespace, labels, limit, metadata_only
        self.lists += 1
        if resource not in self._listed:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        yield self._listed[resource], "10"

    @asynccontextmanager
    async def watch(
        self, resource: Resource, namespace: str, *, since: str, seconds: int
    ) -> AsyncIterator[AsyncGenerator[bytes]]:
        del namespace, since, seconds

        async def lines() -> AsyncGenerator[bytes]:
            for line in self._lines[resource]:
                yield line
            await asyncio.Event().wait()

        yield lines()


def taken_in(server: Server, seconds: float = 30.0) -> None:
    """Let a cache and all providers live on what the server sends; raises what ends any of them."""

    async def main() -> None:
        clock = SimulatedClock(START)
        client: Any = server
        kinds = {NAMESPACE: frozenset(TargetKind)}
        cache = ClusterCache(client, clock=clock, rng=random.Random(1), namespaces=kinds, kinds=kinds)
        providers = [make(client, cache, clock=clock, guarded=lambda *_: True) for make in PROVIDERS.values()]

        async def sightings(provider: Any) -> None:
            async for _ in provider.switches():
                pass

        work = [asyncio.create_task(cache.run()), *(asyncio.create_task(sightings(one)) for one in providers)]
        done, _ = await asyncio.wait(work, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in work:
            task.cancel()
        for task in done:
            task.result()
        for task in work:
            with suppress(asyncio.CancelledError):
                await task

    run_simulated(main())


def events(resource: Resource) -> st.SearchStrategy[bytes]:
    """Lines of a watch, more or less."""
    good = {"type": "MODIFIED", "object": GOOD[resource] | {"metadata": metadata(resource, resourceVersion="11")}}
    changed = valid(good, most=3).map(lambda one: json.dumps(one).encode())
    return changed | changed.flatmap(garbled) | ANYTHING.map(lambda one: json.dumps(one).encode())


@SLOWLY
@given(st.fixed_dictionaries({resource: st.lists(events(resource), max_size=3) for resource in GOOD}))
def test_no_line_of_a_watch_ends_the_work(lines: dict[Resource, list[bytes]]) -> None:
    taken_in(Server({resource: [good] for resource, good in GOOD.items()}, lines))


@SLOWLY
@given(st.fixed_dictionaries({resource: st.lists(valid(good, most=3), max_size=3) for resource, good in GOOD.items()}))
def test_no_list_ends_the_work(listed: dict[Resource, list[Json]]) -> None:
    taken_in(Server(listed, dict.fromkeys(GOOD, ())))


class Records:
    """A namespace with these ConfigMaps."""

    def __init__(self, found: list[Json]) -> None:
        self._found = found

    async def pages(self, *_: Any, **__: Any) -> AsyncGenerator[tuple[list[Json], str]]:
        yield self._found, "1"

    async def find(self, *_: Any, **__: Any) -> Json:
        return self._found[0] if self._found else a_configmap({})


TEXTS = (
    mutants({"schema": 1, "watch": "w", "opened_at": "2026-03-02T02:00:00+00:00"}).map(json.dumps)
    | ANYTHING.map(json.dumps)
    | st.text(max_size=50)
    | st.sampled_from(["[", '{"a":', "9"]).map(lambda one: one * 50_000)
    | st.sampled_from(["\x00", '{"a": 1e999}', '"\\ud800"'])
)
KEYS = st.sampled_from(
    ["record.json", "deployment.web", "service.web", "statefulset.db", "x", "deployment.", "acts.json", "paged.json"]
)


def a_configmap(data: dict[str, str]) -> Json:
    """Whoever may write ConfigMaps in its namespace writes any texts: their metadata the API server has looked at."""
    labels = {"rollback-watchdog.dev/record": "watch", "rollback-watchdog.dev/open": "true"}
    made = "2026-03-02T02:00:00Z"
    return {"metadata": {"name": "rollback-watchdog-w", "labels": labels, "creationTimestamp": made}, "data": data}


@FUZZ
@given(st.lists(st.dictionaries(KEYS, TEXTS, max_size=3).map(a_configmap), max_size=3))
def test_no_configmap_in_its_namespace_ends_the_reading_of_records(found: list[Json]) -> None:
    async def main() -> None:
        client: Any = Records(found)
        journal = ConfigMapJournal(
            client, "watchdog", clock=SimulatedClock(START), rng=random.Random(1), records_kept=5
        )
        with suppress(OutOfReach):
            for record in await journal.records(in_full):
                assert isinstance(record, dict)
        with suppress(OutOfReach):
            await journal.memories()
        braking = ConfigMapBraking(client, "watchdog")
        await braking.acts()
        await braking.pause()

    run_simulated(main())
