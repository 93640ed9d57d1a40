"""What people do to Argo Rollouts: deploy, abort, retry, promote, undo. Each act carries its maker's name."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.simulator import patches
from watchdog.simulator.argo_blue_green import HASH
from watchdog.simulator.argo_rollouts import REVISION
from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object, controlled_by
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import REPLICASETS, ROLLOUTS
from watchdog.simulator.rollouts import annotations_of, without_hash

STEPS: tuple[Mapping[str, Any], ...] = ({"setWeight": 50}, {"pause": {}})


class Progressive:
    """Their acts, made on the registry directly: they stand in no request log."""

    _registry: Registry

    def release(
        self,
        namespace: str,
        name: str,
        image: str,
        *,
        replicas: int = 4,
        steps: Sequence[Mapping[str, Any]] = STEPS,
        strategy: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        port: int = 8000,
        manager: str = "kubectl",
    ) -> Object:
        """Create a Rollout, or give an existing one another image (`kubectl argo rollouts set image`).

        `strategy` is any of its own; else it is a canary with these steps.
        """
        found = self._registry.store.get(ROLLOUTS, namespace, name)
        container: Object = {
            "name": "app",
            "image": image,
            "ports": [{"name": "http", "containerPort": port}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        }
        if found is not None:
            change = {"spec": {"template": {"spec": {"containers": [container]}}}}
            return self._registry.patch(ROLLOUTS, namespace, name, change, Writer(manager))
        self._registry.open_namespace(namespace)
        pod_labels = {"app": name}
        body = {
            "metadata": {"name": name, "labels": {**pod_labels, **(labels or {})}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": pod_labels},
                "template": {"metadata": {"labels": pod_labels}, "spec": {"containers": [container]}},
                "strategy": copy.deepcopy(dict(strategy or {"canary": {"steps": [dict(step) for step in steps]}})),
            },
        }
        return self._registry.create(ROLLOUTS, namespace, body, Writer(manager))

    def abort(self, namespace: str, name: str, *, abort: bool = True, manager: str = "kubectl-argo-rollouts") -> Object:
        """`kubectl argo rollouts abort`, and `retry` with `abort=False`."""
        change = {"status": {"abort": abort or None, "abortedAt": None}}
        return self._registry.patch(ROLLOUTS, namespace, name, change, Writer(manager, "status"))

    def promote(self, namespace: str, name: str, manager: str = "kubectl-argo-rollouts") -> Object:
        """`kubectl argo rollouts promote --full`."""
        change = {"status": {"promoteFull": True}}
        return self._registry.patch(ROLLOUTS, namespace, name, change, Writer(manager, "status"))

    def take_back(self, namespace: str, name: str, to: int | None = None, manager: str = "kubectl") -> Object:
        """`kubectl argo rollouts undo --to-revision=`: the template of that revision; by default of what is stable."""
        rollout = self._registry.get(ROLLOUTS, namespace, name)
        owned = controlled_by(rollout, self._registry.store.all(REPLICASETS, namespace))
        key, wanted = (HASH, rollout["status"]["stableRS"]) if to is None else (REVISION, str(to))
        kept = next(rs for rs in owned if {**rs["metadata"]["labels"], **annotations_of(rs)}[key] == wanted)
        template = copy.deepcopy(without_hash(kept["spec"]["template"], HASH))
        steps = [{"op": "replace", "path": "/spec/template", "value": template}]
        return self._registry.patch(ROLLOUTS, namespace, name, steps, Writer(manager), content_type=patches.JSON)

    def phase(self, namespace: str, name: str) -> str:
        """Of its status: Healthy, Paused, Progressing, Degraded; "" before it has one."""
        found = self._registry.store.get(ROLLOUTS, namespace, name)
        return str(found["status"].get("phase", "")) if found else ""
