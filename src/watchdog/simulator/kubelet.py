"""The scheduler and the kubelets of the simulated nodes: they give pods a place, an address and a life."""

from collections.abc import Iterator

from watchdog.simulator.daemonsets import pinned
from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object, condition_of, key_of, replaced, timestamp
from watchdog.simulator.pod_behaviour import BehaviourOf, PodBehaviour
from watchdog.simulator.podlife import PodLife, condition
from watchdog.simulator.registry import CONTROLLER_STATUS, Registry
from watchdog.simulator.resources import NODES, PODS
from watchdog.simulator.store import Change
from watchdog.simulator.timeline import Timeline

_SCHEDULER = Writer("kube-scheduler", "status")
_NODE = Writer("kubelet", "status")


class Nodes:
    """All nodes of the cluster and the pods that live on them."""

    def __init__(
        self, registry: Registry, timeline: Timeline, behaviour_of: BehaviourOf, octet: int, count: int
    ) -> None:
        self._registry = registry
        self._timeline = timeline
        self._behaviour_of = behaviour_of
        self._addresses = _addresses(octet)
        self._names = [f"node-{number + 1}" for number in range(count)]
        self._lost: set[str] = set()
        self._lives: dict[str, PodLife] = {}
        self._scheduled = 0
        for name in self._names:
            self._register(name)
        registry.store.subscribe(self._changed)

    def _register(self, name: str) -> None:
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
        self._registry.create(NODES, "", {"metadata": {"name": name, "labels": labels}, "spec": {}}, _NODE)
        self._set_node_ready(name, "True", "KubeletReady", "kubelet is posting ready status")

    def _set_node_ready(self, name: str, status: str, reason: str, message: str) -> None:
        node = self._registry.get(NODES, "", name)
        ready = condition(node, "Ready", status, reason, message, now=timestamp(self._registry.now()))
        ready.pop("lastProbeTime")
        self._registry.update(NODES, "", name, replaced(node, status={"conditions": [ready]}), _NODE)

    def _changed(self, change: Change) -> None:
        if change.resource is not PODS:
            return
        metadata = change.object["metadata"]
        uid = metadata["uid"]
        if change.type == "ADDED":
            self._timeline.soon(("schedule", uid), lambda: self._schedule(*key_of(change.object), uid))
        elif change.type == "DELETED":
            if (life := self._lives.pop(uid, None)) is not None:
                life.abandon()
        elif "deletionTimestamp" in metadata and uid in self._lives:
            life, grace = self._lives[uid], metadata.get("deletionGracePeriodSeconds", 0)
            if change.object["spec"].get("nodeName") not in self._lost:
                self._timeline.soon(("terminate", uid), lambda: life.terminate(grace))

    def _schedule(self, namespace: str, name: str, uid: str) -> None:
        pod = self._registry.store.get(PODS, namespace, name)
        if pod is None or pod["metadata"]["uid"] != uid or pod["spec"].get("nodeName"):
            return
        behaviour, usable = self._behaviour_of(pod), [n for n in self._names if n not in self._lost]
        only = pinned(pod)
        if not behaviour.schedulable or not usable or (only is not None and only not in usable):
            self._refuse(pod)
            return
        node = only or usable[self._scheduled % len(usable)]
        self._scheduled += 1
        placed = condition(pod, "PodScheduled", "True", "", "", now=timestamp(self._registry.now()))
        # A binding is no update: it leaves no trace in managedFields, and the generation as it is.
        bound = replaced(
            pod,
            spec={**pod["spec"], "nodeName": node},
            status={**pod["status"], "conditions": [placed]},
        )
        self._registry.store.put(PODS, bound)
        self._live(bound, behaviour)

    def _live(self, pod: Object, behaviour: PodBehaviour) -> None:
        life = PodLife(self._registry, self._timeline, pod, behaviour, next(self._addresses))
        self._lives[pod["metadata"]["uid"]] = life
        life.begin()

    def _refuse(self, pod: Object) -> None:
        count = len(self._names)
        message = f"0/{count} nodes are available: {count} Insufficient cpu."
        said = condition(pod, "PodScheduled", "False", "Unschedulable", message, now=timestamp(self._registry.now()))
        status = {**pod["status"], "conditions": [said]}
        self._registry.update(PODS, *key_of(pod), replaced(pod, status=status), _SCHEDULER)

    def reschedule(self) -> None:
        """Try again to place what found no node; the behaviours are asked anew."""
        for pod in self._registry.store.all(PODS):
            if not pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]:
                self._schedule(*key_of(pod), pod["metadata"]["uid"])

    def life_of(self, namespace: str, name: str) -> PodLife:
        """The life of a pod that was scheduled."""
        pod = self._registry.get(PODS, namespace, name)
        return self._lives[pod["metadata"]["uid"]]

    def lose(self, name: str, evict_after: float) -> None:
        """A node stops answering: its pods are not ready, and after a while they are deleted but never go."""
        self._lost.add(name)
        self._set_node_ready(name, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
        for pod in self._on(name):
            self._lives[pod["metadata"]["uid"]].abandon()
            self._mark_unready(pod)
        self._timeline.after(evict_after, lambda: self._evict_from(name))

    def _on(self, node: str) -> list[Object]:
        return [pod for pod in self._registry.store.all(PODS) if pod["spec"].get("nodeName") == node]

    def _mark_unready(self, pod: Object) -> None:
        ready = condition_of(pod, "Ready")
        if ready is None or ready["status"] != "True":
            return
        now = timestamp(self._registry.now())
        said = condition(pod, "Ready", "False", "", "", now=now)
        conditions = [said if old["type"] == "Ready" else old for old in pod["status"]["conditions"]]
        status = {**pod["status"], "conditions": conditions}
        self._registry.update(PODS, *key_of(pod), replaced(pod, status=status), CONTROLLER_STATUS)

    def _evict_from(self, name: str) -> None:
        if name not in self._lost:
            return
        for pod in self._on(name):
            if "deletionTimestamp" not in pod["metadata"]:
                self._registry.delete(PODS, *key_of(pod))

    def restore(self, name: str) -> None:
        """The node is back: pods that were deleted meanwhile go, the others begin a new life."""
        self._lost.discard(name)
        self._set_node_ready(name, "True", "KubeletReady", "kubelet is posting ready status")
        for pod in self._on(name):
            if "deletionTimestamp" in pod["metadata"]:
                self._registry.store.remove(PODS, *key_of(pod))
            elif pod["status"].get("phase") == "Running":
                self._live(pod, self._behaviour_of(pod))
        self.reschedule()


def _addresses(octet: int) -> Iterator[str]:
    """127.X.a.b, so that a pod's server can be reached on loopback as it is."""
    for number in range(1, 256 * 256):
        if 0 < number % 256 < 255:
            yield f"127.{octet}.{number // 256}.{number % 256}"
