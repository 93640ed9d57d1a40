"""The statefulset controller: pods with names of their own, made in order, rolled over from the last to the first."""

from collections.abc import Mapping, Sequence

from watchdog.simulator.histories import HASH, Histories, template_of, without_zeros
from watchdog.simulator.objects import Object, is_true, key_of, owner_reference, replaced
from watchdog.simulator.pods import is_ending, is_over, pods_of
from watchdog.simulator.registry import CONTROLLER, CONTROLLER_STATUS, Registry
from watchdog.simulator.resources import PODS, STATEFULSETS

_ALWAYS = ("replicas", "availableReplicas", "collisionCount")


class StatefulSetController:
    """Reconciles one StatefulSet at a time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._histories = Histories(registry, "controller.kubernetes.io/hash")

    def sync(self, namespace: str, name: str) -> None:
        """Take one StatefulSet a step further, and write the status of what was there before."""
        owner = self._registry.store.get(STATEFULSETS, namespace, name)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        update = self._histories.current(owner)
        known = {one["metadata"]["name"]: one for one in self._histories.of(owner)}
        current = known.get(owner["status"].get("currentRevision", ""), update)
        pods = pods_of(self._registry.store, owner)
        status = _status(owner, pods, current, update)
        self._step(owner, {_ordinal(pod): pod for pod in pods}, current, update)
        self._report(namespace, name, status)
        used = {pod["metadata"]["labels"][HASH] for pod in pods}
        self._histories.forget(owner, used | {one["metadata"]["name"] for one in (current, update)})

    def _step(self, owner: Object, pods: Mapping[int, Object], current: Object, update: Object) -> None:
        """As the real controller does: first whatever is missing, then what is too much, then the old revision."""
        ordered = owner["spec"]["podManagementPolicy"] == "OrderedReady"
        replicas = owner["spec"]["replicas"]
        for ordinal in range(replicas):
            pod = pods.get(ordinal)
            if pod is None:
                self._make(owner, ordinal, current if _keeps(owner, ordinal) else update)
                waits = True
            elif is_over(pod):
                self._registry.delete(PODS, *key_of(pod))
                waits = True
            else:
                waits = not _is_healthy(pod)
            if waits and ordered:
                return  # so one broken pod holds up all that come after it, and the rollover too
        for ordinal in sorted((one for one in pods if one >= replicas), reverse=True):
            if not is_ending(pods[ordinal]):
                self._registry.delete(PODS, *key_of(pods[ordinal]))
            if ordered:
                return
        if owner["spec"]["updateStrategy"]["type"] != "OnDelete":
            self._roll(owner, pods, update)

    def _roll(self, owner: Object, pods: Mapping[int, Object], update: Object) -> None:
        for ordinal in range(owner["spec"]["replicas"] - 1, _partition(owner) - 1, -1):
            pod = pods.get(ordinal)
            if pod is None:
                return
            if pod["metadata"]["labels"][HASH] != update["metadata"]["name"] and not is_ending(pod):
                self._registry.delete(PODS, *key_of(pod))
                return
            if not _is_healthy(pod):
                return

    def _make(self, owner: Object, ordinal: int, revision: Object) -> None:
        name, template = f"{owner['metadata']['name']}-{ordinal}", template_of(revision)
        labels = {
            **template["metadata"].get("labels", {}),
            HASH: revision["metadata"]["name"],
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
        }
        metadata = {"name": name, "labels": labels, "ownerReferences": [owner_reference(owner)]}
        if annotations := template["metadata"].get("annotations"):
            metadata["annotations"] = annotations
        spec = {**template["spec"], "hostname": name}
        if service := owner["spec"].get("serviceName"):
            spec["subdomain"] = service
        self._registry.create(PODS, owner["metadata"]["namespace"], {"metadata": metadata, "spec": spec}, CONTROLLER)

    def _report(self, namespace: str, name: str, status: Object) -> None:
        newest = self._registry.get(STATEFULSETS, namespace, name)
        if status != newest["status"]:
            written = replaced(newest, status=status)
            self._registry.update(STATEFULSETS, namespace, name, written, CONTROLLER_STATUS)


def _status(owner: Object, pods: Sequence[Object], current: Object, update: Object) -> Object:
    living = [pod for pod in pods if not is_over(pod)]
    ready = [pod for pod in living if is_true(pod, "Ready")]
    on = [pod["metadata"]["labels"][HASH] for pod in living if not is_ending(pod)]
    updated, now = on.count(update["metadata"]["name"]), current
    rolling = owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    if rolling and updated == len(living) == len(ready) == owner["spec"]["replicas"]:
        now = update
    status = {
        "availableReplicas": len(ready),
        "collisionCount": 0,
        "currentReplicas": on.count(now["metadata"]["name"]),
        "currentRevision": now["metadata"]["name"],
        "observedGeneration": owner["metadata"]["generation"],
        "readyReplicas": len(ready),
        "replicas": len(living),
        "updateRevision": update["metadata"]["name"],
        "updatedReplicas": updated,
    }
    return without_zeros(status, _ALWAYS)


def _keeps(owner: Object, ordinal: int) -> bool:
    """Whether a pod that is made anew stays on the revision from before."""
    return owner["spec"]["updateStrategy"]["type"] == "RollingUpdate" and ordinal < _partition(owner)


def _partition(owner: Object) -> int:
    rolling = owner["spec"]["updateStrategy"].get("rollingUpdate") or {}
    return int(rolling.get("partition") or 0)


def _is_healthy(pod: Object) -> bool:
    return is_true(pod, "Ready") and not is_ending(pod)


def _ordinal(pod: Object) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
