"""What people do to StatefulSets and DaemonSets: deploy, undo. Each act carries its maker's name."""

import copy
from collections.abc import Mapping
from typing import Any

from watchdog.simulator import patches
from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.histories import Histories
from watchdog.simulator.objects import Object
from watchdog.simulator.pods import pods_of
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import named


class Sets:
    """Their acts, made on the registry directly: they stand in no request log."""

    _registry: Registry

    def roll(
        self,
        kind: str,
        namespace: str,
        name: str,
        image: str,
        *,
        labels: Mapping[str, str] | None = None,
        port: int = 8000,
        spec: Mapping[str, Any] | None = None,
        manager: str = "kubectl",
    ) -> Object:
        """Create a StatefulSet or DaemonSet, or give an existing one another image. `spec` is merged into its spec."""
        resource, writer = named(kind), Writer(manager)
        found = self._registry.store.get(resource, namespace, name)
        if found is not None:
            change: Object = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}}
            change = patches.strategic(change, {"spec": copy.deepcopy(dict(spec or {}))})
            kind_of_patch = patches.STRATEGIC
            return self._registry.patch(resource, namespace, name, change, writer, content_type=kind_of_patch)
        self._registry.open_namespace(namespace)
        pod_labels = {"app": name}
        container: Object = {
            "name": "app",
            "image": image,
            "ports": [{"name": "http", "containerPort": port}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        }
        template = {"metadata": {"labels": pod_labels}, "spec": {"containers": [container]}}
        body = {
            "metadata": {"name": name, "labels": {**pod_labels, **(labels or {})}},
            "spec": {"selector": {"matchLabels": pod_labels}, "template": template},
        }
        body = patches.strategic(body, {"spec": copy.deepcopy(dict(spec or {}))})
        return self._registry.create(resource, namespace, body, writer)

    def roll_back(self, kind: str, namespace: str, name: str, manager: str = "kubectl") -> Object:
        """`kubectl rollout undo`: the data of the revision before, as the patch that they are."""
        resource = named(kind)
        owner = self._registry.get(resource, namespace, name)
        revisions = Histories(self._registry, "").of(owner)
        if len(revisions) < 2:
            raise ValueError(f"{namespace}/{name} has no earlier revision")
        data, kind_of_patch = copy.deepcopy(revisions[-2]["data"]), patches.STRATEGIC
        return self._registry.patch(resource, namespace, name, data, Writer(manager), content_type=kind_of_patch)

    def members(self, kind: str, namespace: str, name: str) -> list[Object]:
        """The pods of a StatefulSet or DaemonSet, by name."""
        owner = self._registry.get(named(kind), namespace, name)
        return sorted(pods_of(self._registry.store, owner), key=lambda pod: str(pod["metadata"]["name"]))

    def has_rolled(self, kind: str, namespace: str, name: str) -> bool:
        """Whether `kubectl rollout status` would say that it is done."""
        found = self._registry.store.get(named(kind), namespace, name)
        if found is None or found["status"].get("observedGeneration", 0) < found["metadata"]["generation"]:
            return False
        status = found["status"]
        if "desiredNumberScheduled" in status:
            wanted = status["desiredNumberScheduled"]
            return bool(wanted == status.get("updatedNumberScheduled", 0) == status.get("numberAvailable", 0))
        replicas = found["spec"]["replicas"]
        return bool(
            status.get("readyReplicas", 0) == replicas and status["updateRevision"] == status["currentRevision"]
        )
