"""What people and their tools do to a cluster: deploy, scale, flip, undo. Each act carries its maker's name."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.simulator import patches, rollouts
from watchdog.simulator.deletions import DeleteOptions
from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object, controller_of
from watchdog.simulator.progressive import Progressive
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import DEPLOYMENTS, REPLICASETS, SERVICES, named
from watchdog.simulator.sets import Sets

KUBECTL = "kubectl"
CAUSE = "kubernetes.io/change-cause"


def deployment_body(
    name: str, image: str, pod_labels: Mapping[str, str], port: int, env: Mapping[str, str] | None = None
) -> Object:
    """A Deployment as people write them: one container, a port named http, limits, a readiness probe."""
    container: Object = {
        "name": "app",
        "image": image,
        "ports": [{"name": "http", "containerPort": port}],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "500m", "memory": "256Mi"},
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
    }
    if env:
        container["env"] = _environment(env)
    template = {"metadata": {"labels": dict(pod_labels)}, "spec": {"containers": [container]}}
    selector = {"matchLabels": dict(pod_labels)}
    return {"metadata": {"name": name}, "spec": {"selector": selector, "template": template}}


def _environment(env: Mapping[str, str]) -> list[Object]:
    return [{"name": key, "value": value} for key, value in env.items()]


class People(Sets, Progressive):
    """The acts of people, made on the registry directly: they stand in no request log."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    # Any object

    def create(self, kind: str, namespace: str, body: Mapping[str, Any], manager: str = KUBECTL) -> Object:
        """Create an object; its namespace is opened where there is none yet."""
        resource = named(kind)
        if resource.namespaced:
            self._registry.open_namespace(namespace)
        return self._registry.create(resource, namespace, copy.deepcopy(dict(body)), Writer(manager))

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        patch: Mapping[str, Any] | Sequence[Any],
        manager: str = KUBECTL,
        *,
        content_type: str = "",
        subresource: str = "",
    ) -> Object:
        """Patch an object: a dict is a merge patch and a list a JSON patch, unless `content_type` says otherwise."""
        content_type = content_type or (patches.JSON if isinstance(patch, list) else patches.MERGE)
        writer = Writer(manager, subresource)
        body = copy.deepcopy(patch)
        return self._registry.patch(named(kind), namespace, name, body, writer, content_type=content_type)

    def delete(self, kind: str, namespace: str, name: str, propagation: str = "Background") -> None:
        """Delete an object, as `kubectl delete --wait=false` does."""
        self._registry.delete(named(kind), namespace, name, DeleteOptions(propagation=propagation))

    # Deployments

    def deploy(
        self,
        namespace: str,
        name: str,
        image: str | None = None,
        *,
        replicas: int | None = None,
        labels: Mapping[str, str] | None = None,
        pod_labels: Mapping[str, str] | None = None,
        port: int = 8000,
        env: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        cause: str | None = None,
        spec: Mapping[str, Any] | None = None,
        manager: str = KUBECTL,
    ) -> Object:
        """Create a Deployment, or change of an existing one what is given.

        `pod_labels` (`app: NAME` by default) select its pods and cannot change later; `labels` stand on the
        Deployment alone; `cause` is its change-cause; `spec` is merged strategically into the Deployment's spec.
        """
        exists = self._registry.store.get(DEPLOYMENTS, namespace, name) is not None
        notes = {**(annotations or {}), **({CAUSE: cause} if cause else {})}
        change: Object = {"metadata": {"labels": dict(labels or {}), "annotations": notes}}
        change["spec"] = {} if replicas is None else {"replicas": replicas}
        if exists:
            if image or env:
                change["spec"] = {**change["spec"], "template": _container_change(self, namespace, name, image, env)}
        else:
            pod_labels = pod_labels or {"app": name}
            body = deployment_body(name, image or f"{name}:v1", pod_labels, port, env)
            body["metadata"]["labels"] = dict(pod_labels)
            change = patches.strategic(body, change)
        change = patches.strategic(change, {"spec": dict(spec or {})})
        if exists:
            return self.patch("deployments", namespace, name, change, manager, content_type=patches.STRATEGIC)
        return self.create("deployments", namespace, change, manager)

    def scale(self, namespace: str, name: str, replicas: int, manager: str = "horizontal-pod-autoscaler") -> Object:
        """Set the size through the scale subresource, as an autoscaler does."""
        change = {"spec": {"replicas": replicas}}
        return self.patch("deployments", namespace, name, change, manager, subresource="scale")

    def restart(self, namespace: str, name: str, manager: str = KUBECTL) -> Object:
        """`kubectl rollout restart`: a template that differs in one annotation."""
        moment = self._registry.now().isoformat()
        metadata = {"annotations": {"kubectl.kubernetes.io/restartedAt": moment}}
        return self.patch("deployments", namespace, name, {"spec": {"template": {"metadata": metadata}}}, manager)

    def pause(self, namespace: str, name: str, *, paused: bool = True, manager: str = KUBECTL) -> Object:
        """`kubectl rollout pause`, and `resume` with `paused=False`."""
        return self.patch("deployments", namespace, name, {"spec": {"paused": paused or None}}, manager)

    def undo(self, namespace: str, name: str, to: int | None = None, manager: str = KUBECTL) -> Object:
        """`kubectl rollout undo`: the template of an earlier ReplicaSet (the one before this, by default)."""
        deployment = self._registry.get(DEPLOYMENTS, namespace, name)
        current = rollouts.revision_of(deployment)
        earlier = {
            rollouts.revision_of(rs): rs
            for rs in self._registry.store.all(REPLICASETS, namespace)
            if (owner := controller_of(rs)) is not None and owner["uid"] == deployment["metadata"]["uid"]
        }
        target = to if to is not None else max((number for number in earlier if number != current), default=0)
        if target not in earlier:
            raise ValueError(f"no revision {target} of {namespace}/{name}; there are {sorted(earlier)}")
        template = rollouts.without_hash(earlier[target]["spec"]["template"])
        steps = [{"op": "replace", "path": "/spec/template", "value": template}]
        return self.patch("deployments", namespace, name, steps, manager)

    # Services

    def service(
        self,
        namespace: str,
        name: str,
        selector: Mapping[str, str] | None = None,
        *,
        port: int = 80,
        target: str | int = "http",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        manager: str = KUBECTL,
    ) -> Object:
        """Create a Service before the pods that `selector` (`app: NAME` by default) selects."""
        ports = [{"name": "http", "port": port, "targetPort": target}]
        metadata = {"name": name, "labels": dict(labels or {"app": name}), "annotations": dict(annotations or {})}
        spec = {"selector": dict(selector or {"app": name}), "ports": ports}
        return self.create("services", namespace, {"metadata": metadata, "spec": spec}, manager)

    def flip(self, namespace: str, name: str, selector: Mapping[str, str], manager: str = KUBECTL) -> Object:
        """Point a Service at other pods: this selector and nothing of the old one."""
        old = self._registry.get(SERVICES, namespace, name)["spec"].get("selector") or {}
        change: dict[str, str | None] = {**dict.fromkeys(old), **selector}
        return self.patch("services", namespace, name, {"spec": {"selector": change}}, manager)


def _container_change(
    people: People, namespace: str, name: str, image: str | None, env: Mapping[str, str] | None
) -> Object:
    deployment = people._registry.get(DEPLOYMENTS, namespace, name)
    first = deployment["spec"]["template"]["spec"]["containers"][0]
    container: Object = {"name": first["name"]}
    if image:
        container["image"] = image
    if env:
        container["env"] = _environment(env)
    return {"spec": {"containers": [container]}}
