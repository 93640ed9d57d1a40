"""A little stand-in for the simulated cluster: pods and Services that a test puts in and takes out."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from watchdog.simulator.behaviour import Behaviour
from watchdog.simulator.traffic import Pod

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NAMESPACE = "production"
# Pods listen on real addresses: tests that run in other processes must not have the same ones.
SUBNET = f"127.{100 + (os.getpid() >> 8) % 100}.{os.getpid() % 256}"


@dataclass
class FakeCluster:
    """Pods by name, Services by name, all in one namespace, and how each pod's application behaves."""

    by_name: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)

    def pods(self) -> list[dict[str, Any]]:
        return list(self.by_name.values())

    def list(self, plural: str, namespace: str) -> list[dict[str, Any]]:
        if plural != "services":
            return []  # nobody routes by weights here
        return [s for s in self.services.values() if s["metadata"]["namespace"] == namespace]

    def behaviour_of(self, pod: Pod) -> Behaviour:
        return self.behaviours[pod["metadata"]["name"]]

    def add_service(self, name: str, **selector: str) -> None:
        self.services[name] = {
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"selector": selector},
        }

    def add_pod(
        self,
        name: str,
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen
        *,
        ready: datetime | None = START,
        labels: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        number = len(self.by_name) + 1
        pod = {
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "uid": f"uid-{name}",
                "labels": {"app": "brand"} if labels is None else labels,
                "creationTimestamp": "2026-03-02T12:00:00Z",
            },
            "spec": {"nodeName": "node-1", "containers": [{"name": "app", "ports": [{"containerPort": 18000}]}]},
            "status": {"podIP": f"{SUBNET}.{number}", "phase": "Running", "conditions": []},
        }
        self.by_name[name] = pod
        self.behaviours[name] = behaviour
        set_ready(pod, ready)
        set_restarts(pod, 0)
        return pod


def set_ready(pod: dict[str, Any], since: datetime | None) -> None:
    """Make the pod ready since then, or not ready."""
    condition = {"type": "Ready", "status": "False" if since is None else "True"}
    if since is not None:
        condition["lastTransitionTime"] = since.isoformat(timespec="seconds").replace("+00:00", "Z")
    pod["status"]["conditions"] = [condition]


def set_restarts(pod: dict[str, Any], restarts: int, *, running: bool = True) -> None:
    """Its container has restarted so often, and runs or waits for the next time."""
    state = {"running": {}} if running else {"waiting": {"reason": "CrashLoopBackOff"}}
    pod["status"]["containerStatuses"] = [{"name": "app", "restartCount": restarts, "state": state}]
