"""What is to be seen in a cluster, without a request: objects by kind, pods by their Deployment, whether it is out."""

from watchdog.simulator import rollouts
from watchdog.simulator.objects import Object, controlled_by, is_true, key_of
from watchdog.simulator.pods import is_ending, pods_of
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import DEPLOYMENTS, PODS, named

Objects = list[Object]  # by this name, since the class has a method `list`


class Looking:
    """Reads the store directly. Objects it hands out are the stored ones: read-only."""

    _registry: Registry

    def pods(self, namespace: str = "") -> Objects:
        """All pods, with their status."""
        return list(self._registry.store.all(PODS, namespace))

    def list(self, kind: str, namespace: str = "") -> Objects:
        """The objects of a kind (`services`, `Service` or `svc`), by name."""
        return sorted(self._registry.store.all(named(kind), namespace), key=key_of)

    def get(self, kind: str, namespace: str, name: str) -> Object:
        """One object; raises `Refusal` (404) where there is none."""
        return self._registry.get(named(kind), namespace, name)

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        return self._registry.store.get(named(kind), namespace, name)

    def pods_of(self, namespace: str, deployment: str, *, revision: int | None = None) -> Objects:
        """The pods of a Deployment, of all its revisions or of one, oldest first."""
        owner = self.get("deployments", namespace, deployment)
        pods = [
            pod
            for rs in controlled_by(owner, self.list("replicasets", namespace))
            if revision in (None, rollouts.revision_of(rs))
            for pod in pods_of(self._registry.store, rs)
        ]
        return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    def ready_pods(self, namespace: str, deployment: str, *, revision: int | None = None) -> Objects:
        """Those of them that are ready and not on their way out."""
        pods = self.pods_of(namespace, deployment, revision=revision)
        return [pod for pod in pods if is_true(pod, "Ready") and not is_ending(pod)]

    def rolled_out(self, namespace: str, deployment: str) -> bool:
        """Whether `kubectl rollout status` would say that it is done."""
        found = self._registry.store.get(DEPLOYMENTS, namespace, deployment)
        return found is not None and rollouts.is_complete(found, found["status"])

    @property
    def version(self) -> int:
        """The newest resourceVersion."""
        return self._registry.store.version
