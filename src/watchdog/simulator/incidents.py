"""What happens to pods and nodes that nobody meant to happen."""

from watchdog.simulator.kubelet import Nodes


class Incidents:
    """Made by whoever holds the cluster."""

    _nodes: Nodes

    def evict(self, namespace: str, pod: str) -> None:
        """The node is low on memory: the pod fails with reason Evicted and stays as an object."""
        self._nodes.life_of(namespace, pod).evict()

    def kill(self, namespace: str, pod: str, code: int = 137, reason: str = "Error") -> None:
        """The container of the pod ends and is restarted; with reason OOMKilled it was killed for its memory."""
        self._nodes.life_of(namespace, pod).exit(code, reason)

    def set_ready(self, namespace: str, pod: str, *, ready: bool) -> None:
        """What the pod's readiness probe says from now on."""
        self._nodes.life_of(namespace, pod).set_ready(ready=ready)

    def lose_node(self, name: str, evict_after: float = 300.0) -> None:
        """The node stops answering; after `evict_after` its pods are deleted, but never go."""
        self._nodes.lose(name, evict_after)

    def restore_node(self, name: str) -> None:
        """The node answers again."""
        self._nodes.restore(name)

    def reschedule(self) -> None:
        """There is room again: pods that found no node are tried once more, their behaviour asked anew."""
        self._nodes.reschedule()
