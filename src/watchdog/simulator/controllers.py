"""Who is told of what: each change in the store wakes the controllers it concerns, and nobody else."""

from watchdog.simulator.argo_rollouts import RolloutController
from watchdog.simulator.daemonsets import DaemonSetController
from watchdog.simulator.deployments import DeploymentController
from watchdog.simulator.endpoints import EndpointSliceController
from watchdog.simulator.garbage import GarbageCollector
from watchdog.simulator.objects import Object, controller_of, key_of
from watchdog.simulator.registry import Registry
from watchdog.simulator.replicasets import ReplicaSetController
from watchdog.simulator.resources import (
    DAEMONSETS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    STATEFULSETS,
    Resource,
)
from watchdog.simulator.selectors import covers
from watchdog.simulator.statefulsets import StatefulSetController
from watchdog.simulator.store import Change
from watchdog.simulator.timeline import Timeline

_OWNERS = {
    resource.kind: resource for resource in (DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS, ROLLOUTS, SERVICES)
}


class ControllerManager:
    """The controllers of the cluster, on one timeline."""

    def __init__(self, registry: Registry, timeline: Timeline) -> None:
        self._store = registry.store
        self._registry = registry
        self._timeline = timeline
        self._deployments = DeploymentController(registry, timeline)
        self._replicasets = ReplicaSetController(registry, timeline)
        self._sets: dict[Resource, StatefulSetController | DaemonSetController | RolloutController] = {
            STATEFULSETS: StatefulSetController(registry),
            DAEMONSETS: DaemonSetController(registry),
            ROLLOUTS: RolloutController(registry, timeline),
        }
        self._endpoints = EndpointSliceController(registry)
        self._garbage = GarbageCollector(registry)
        registry.store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        self._collect(change)
        if change.resource is PODS:
            self._pod_changed(change)
        elif change.resource is REPLICASETS:
            self._wake_replicaset(*key_of(change.object))
            self._wake_owner(change.object)
        elif change.resource is DEPLOYMENTS:
            self._wake_deployment(*key_of(change.object))
        elif change.resource in self._sets:
            self._wake_set(change.resource, *key_of(change.object))
        elif change.resource is SERVICES:
            self._wake_service(*key_of(change.object))
        elif change.resource is NAMESPACES and change.type == "ADDED":
            name = change.object["metadata"]["name"]
            self._timeline.soon(("namespace", name), lambda: self._registry.furnish(name))

    def _pod_changed(self, change: Change) -> None:
        self._wake_owner(change.object)
        namespace, _ = key_of(change.object)
        states = [obj["metadata"].get("labels") or {} for obj in (change.object, change.previous) if obj]
        for service in self._store.all(SERVICES, namespace):
            if any(covers(service["spec"].get("selector"), labels) for labels in states):
                self._wake_service(*key_of(service))
        if change.type == "DELETED":
            self._wake_recreating(change.object)

    def _wake_recreating(self, pod: Object) -> None:
        """A Deployment that recreates waits for its last old pod, not for a ReplicaSet."""
        owner = controller_of(pod)
        namespace, _ = key_of(pod)
        rs = self._store.get(REPLICASETS, namespace, owner["name"]) if owner else None
        if rs is not None:
            self._wake_owner(rs)

    def _wake_owner(self, obj: Object) -> None:
        owner = controller_of(obj)
        if owner is None:
            return
        namespace, _ = key_of(obj)
        if owner["kind"] == "ReplicaSet":
            self._wake_replicaset(namespace, owner["name"])
        elif owner["kind"] == "Deployment":
            self._wake_deployment(namespace, owner["name"])
        elif (resource := _OWNERS.get(owner["kind"])) in self._sets:
            self._wake_set(resource, namespace, owner["name"])

    def _wake_set(self, resource: Resource, namespace: str, name: str) -> None:
        self._timeline.soon((resource, namespace, name), lambda: self._sets[resource].sync(namespace, name))

    def _wake_deployment(self, namespace: str, name: str) -> None:
        self._timeline.soon(("deployment", namespace, name), lambda: self._deployments.sync(namespace, name))

    def _wake_replicaset(self, namespace: str, name: str) -> None:
        self._timeline.soon(("replicaset", namespace, name), lambda: self._replicasets.sync(namespace, name))

    def _wake_service(self, namespace: str, name: str) -> None:
        self._timeline.soon(("service", namespace, name), lambda: self._endpoints.sync(namespace, name))

    def _collect(self, change: Change) -> None:
        metadata = change.object["metadata"]
        if change.type == "DELETED":
            uid, name = metadata["uid"], metadata["name"]
            if change.resource is NAMESPACES:
                self._timeline.soon(("empty", name), lambda: self._garbage.empty_namespace(name))
            elif change.resource in _OWNERS.values():
                self._timeline.soon(("collect", uid), lambda: self._garbage.collect(uid))
            self._wake_waiting_owners(change.object)
        elif "deletionTimestamp" in metadata and metadata.get("finalizers"):
            self._wake_finaliser(change.resource, *key_of(change.object))

    def _wake_waiting_owners(self, obj: Object) -> None:
        namespace, _ = key_of(obj)
        for owner in obj["metadata"].get("ownerReferences") or ():
            if (resource := _OWNERS.get(owner["kind"])) is not None:
                self._wake_finaliser(resource, namespace, owner["name"])

    def _wake_finaliser(self, resource: Resource, namespace: str, name: str) -> None:
        key = ("finalise", resource, namespace, name)
        self._timeline.soon(key, lambda: self._garbage.finalise(resource, namespace, name))
