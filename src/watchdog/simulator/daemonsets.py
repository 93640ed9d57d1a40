"""The daemonset controller: one pod on each node, and as many at once replaced as may be away."""

import math
from collections.abc import Mapping, Sequence

from watchdog.simulator.histories import HASH, Histories, without_zeros
from watchdog.simulator.objects import Object, is_true, key_of, owner_reference, replaced
from watchdog.simulator.pods import is_ending, is_over, pods_of
from watchdog.simulator.registry import CONTROLLER, CONTROLLER_STATUS, Registry
from watchdog.simulator.resources import DAEMONSETS, NODES, PODS
from watchdog.simulator.updates import TEMPLATES

_ALWAYS = ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady")


class DaemonSetController:
    """Reconciles one DaemonSet at a time. Every node is one of its own."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._histories = Histories(registry, HASH)

    def sync(self, namespace: str, name: str) -> None:
        """Take one DaemonSet a step further, and write its status."""
        owner = self._registry.store.get(DAEMONSETS, namespace, name)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        revision = self._histories.current(owner)
        digest = revision["metadata"]["labels"][HASH]
        nodes = sorted(node["metadata"]["name"] for node in self._registry.store.all(NODES))
        pods = self._by_node(owner, nodes)
        self._fill(owner, pods, digest)
        if owner["spec"]["updateStrategy"]["type"] != "OnDelete":
            self._roll(owner, pods, digest)
        self._report(owner, self._by_node(owner, nodes), digest)
        prefix = f"{owner['metadata']['name']}-"
        living = pods_of(self._registry.store, owner)
        self._histories.forget(owner, {prefix + pod["metadata"]["labels"][HASH] for pod in living} | {prefix + digest})

    def _by_node(self, owner: Object, nodes: Sequence[str]) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = {node: [] for node in nodes}
        for pod in pods_of(self._registry.store, owner):
            if (node := _meant_for(pod)) in found:
                found[node].append(pod)
        return found

    def _fill(self, owner: Object, pods: Mapping[str, Sequence[Object]], digest: str) -> None:
        for node, there in pods.items():
            for pod in there:
                if is_over(pod) and not is_ending(pod):
                    self._registry.delete(PODS, *key_of(pod))
            if not there:
                self._make(owner, node, digest)

    def _roll(self, owner: Object, pods: Mapping[str, Sequence[Object]], digest: str) -> None:
        away, broken, whole = 0, [], []
        for there in pods.values():
            new = [pod for pod in there if pod["metadata"]["labels"][HASH] == digest]
            old = [pod for pod in there if pod not in new]
            if not old or new or is_ending(old[0]):
                away += not (new and is_true(new[0], "Ready"))
            elif is_true(old[0], "Ready"):
                whole.append(old[0])
            else:
                broken.append(old[0])  # whoever is down anyhow is replaced at once
        for pod in [*broken, *whole[: max(0, _most_away(owner, len(pods)) - away)]]:
            self._registry.delete(PODS, *key_of(pod))

    def _make(self, owner: Object, node: str, digest: str) -> None:
        template = owner["spec"]["template"]
        labels = {
            **template["metadata"].get("labels", {}),
            HASH: digest,
            "pod-template-generation": owner["metadata"]["annotations"][TEMPLATES],
        }
        metadata = {
            "generateName": f"{owner['metadata']['name']}-",
            "labels": labels,
            "ownerReferences": [owner_reference(owner)],
        }
        if annotations := template["metadata"].get("annotations"):
            metadata["annotations"] = annotations
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        spec = {**template["spec"], "affinity": {"nodeAffinity": required}}
        self._registry.create(PODS, owner["metadata"]["namespace"], {"metadata": metadata, "spec": spec}, CONTROLLER)

    def _report(self, owner: Object, pods: Mapping[str, Sequence[Object]], digest: str) -> None:
        served = [there[0] for there in pods.values() if there]
        ready = [pod for pod in served if is_true(pod, "Ready")]
        status = {
            "currentNumberScheduled": len(served),
            "desiredNumberScheduled": len(pods),
            "numberAvailable": len(ready),
            "numberMisscheduled": 0,
            "numberReady": len(ready),
            "numberUnavailable": len(pods) - len(ready),
            "observedGeneration": owner["metadata"]["generation"],
            "updatedNumberScheduled": sum(pod["metadata"]["labels"][HASH] == digest for pod in served),
        }
        written = without_zeros(status, _ALWAYS)
        newest = self._registry.get(DAEMONSETS, *key_of(owner))
        if written != newest["status"]:
            self._registry.update(DAEMONSETS, *key_of(owner), replaced(newest, status=written), CONTROLLER_STATUS)


def _most_away(owner: Object, nodes: int) -> int:
    most = owner["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"]
    if isinstance(most, str):
        return max(1, math.ceil(int(most.rstrip("%")) * nodes / 100))
    return int(most)


def _meant_for(pod: Object) -> str:
    """The node that a daemon's pod was made for: the scheduler is told by an affinity."""
    if name := pod["spec"].get("nodeName"):
        return str(name)
    return pinned(pod) or ""


def pinned(pod: Mapping[str, object]) -> str | None:
    """The one node that a pod may run on, where its affinity names one."""
    spec = pod["spec"]
    assert isinstance(spec, Mapping)
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("values"):
                return str(field["values"][0])
    return None
