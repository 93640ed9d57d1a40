"""Stands in for the applications: gives their pods traffic, exposes their metrics, answers their health checks.

It looks at the cluster four times a second and follows it as real traffic would: a pod of no Service gets
requests while it is ready, one behind a Service (`behind=`) while the Service's EndpointSlices have it as ready.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric

from e2e.controlplane.access import Access
from e2e.controlplane.behaviour import PREFIX, STAND_IN_LABEL, Behaviour
from e2e.controlplane.counters import Counters, exposition
from e2e.controlplane.podnet import pods_are_reachable
from e2e.controlplane.probes import HealthChecks

LOOK_EVERY = 0.25
Object = dict[str, Any]


@dataclass
class _Pod:
    """What is known of one pod since the last look."""

    namespace: str
    name: str
    life: tuple[str, int]  # UID and restarts: another one counts from zero
    behaviour: Behaviour
    address: str
    running: bool
    traffic: bool
    ready_since: float | None = None
    counters: Counters = field(default_factory=Counters)

    def now(self, clock: float) -> Behaviour:
        return self.behaviour.at(clock - self.ready_since if self.ready_since is not None else 0.0)


class Traffic:
    """Runs in threads of this process; `target` is the address that Prometheus scrapes for all pods."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._pods: dict[tuple[str, str], _Pod] = {}
        self._counted = time.monotonic()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._looking = threading.Thread(target=self._keep_looking, name="traffic", daemon=True)
        self._health = HealthChecks(self._health_at) if pods_are_reachable() else None
        self.target = ""

    def __enter__(self) -> Self:
        registry = CollectorRegistry()
        registry.register(self)
        self._server, self._serving = start_http_server(0, addr="127.0.0.1", registry=registry)
        self.target = f"127.0.0.1:{self._server.server_port}"
        self._looking.start()
        if self._health is not None:
            self._health.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._looking.join()
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()
        if self._health is not None:
            self._health.close()

    def describe(self) -> list[Metric]:
        """Nothing is collected at registration."""
        return []

    def collect(self) -> list[Metric]:
        """Prometheus asks (a collector of prometheus_client): counted up to this moment."""
        with self._lock:
            self._count()
            running = {key: pod for key, pod in self._pods.items() if pod.running}
            return exposition({key: (pod.behaviour.dialect, pod.counters) for key, pod in running.items()})

    def _count(self) -> None:
        now = time.monotonic()
        for pod in self._pods.values():
            if pod.running:
                pod.counters.advance(now - self._counted, pod.now(now), traffic=pod.traffic)
        self._counted = now

    def _health_at(self, address: str) -> Behaviour | None:
        """How the pod at this address behaves; None if nothing runs there."""
        with self._lock:
            for pod in self._pods.values():
                if pod.address == address and pod.running:
                    return pod.now(time.monotonic())
        return None

    def _keep_looking(self) -> None:
        with self._access.blocking_client() as api:
            while not self._ending.wait(LOOK_EVERY):
                try:
                    pods = _listed(api, "/api/v1/pods", STAND_IN_LABEL)
                    slices = _listed(api, "/apis/discovery.k8s.io/v1/endpointslices", {})
                except httpx.HTTPError:
                    continue  # the API server is busy or ending: traffic goes on as it was
                serving = _serving(slices)
                with self._lock:
                    self._count()
                    self._pods = {_key(pod): self._seen(pod, serving) for pod in pods}

    def _seen(self, pod: Object, serving: set[tuple[str, str]]) -> _Pod:
        status, annotations = pod.get("status", {}), pod["metadata"].get("annotations", {})
        containers = status.get("containerStatuses", [])
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
        ending = "deletionTimestamp" in pod["metadata"]
        behind = annotations.get(f"{PREFIX}behind")
        namespace, name = _key(pod)
        seen = _Pod(
            namespace,
            name,
            life=(pod["metadata"]["uid"], sum(each["restartCount"] for each in containers)),
            behaviour=Behaviour.of(annotations, pod["spec"]["containers"][0]["image"].rpartition(":")[2]),
            address=status.get("podIP", ""),
            running=any("running" in each.get("state", {}) for each in containers),
            traffic=ready and not ending and (behind is None or (behind, pod["metadata"]["uid"]) in serving),
        )
        before = self._pods.get((namespace, name))
        if before is not None and before.life == seen.life:
            seen.counters, seen.ready_since = before.counters, before.ready_since
        if ready and seen.ready_since is None:
            seen.ready_since = time.monotonic()
        return seen


def _listed(api: httpx.Client, path: str, labels: dict[str, str]) -> list[Object]:
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    # resourceVersion 0: from the server's cache, which is cheap and a moment old.
    answer = api.get(path, params={"labelSelector": selector, "resourceVersion": "0"})
    items: list[Object] = answer.raise_for_status().json()["items"]
    return items


def _key(pod: Object) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _serving(slices: list[Object]) -> set[tuple[str, str]]:
    """(Service, pod UID) of all ready endpoints."""
    return {
        (each["metadata"]["labels"]["kubernetes.io/service-name"], endpoint["targetRef"]["uid"])
        for each in slices
        if "kubernetes.io/service-name" in each["metadata"].get("labels", {})
        for endpoint in each.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") and "targetRef" in endpoint
    }
