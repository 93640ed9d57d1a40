"""The garbage collector: what belonged to an object that is gone goes too, or is let free."""

from collections.abc import Iterator

from watchdog.simulator.deletions import FOREGROUND, ORPHAN
from watchdog.simulator.objects import Object, key_of, with_metadata
from watchdog.simulator.registry import CONTROLLER, Registry
from watchdog.simulator.resources import NAMESPACES, RESOURCES, Resource


class GarbageCollector:
    """Follows ownerReferences by uid."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self, uid: str) -> None:
        """The owner is gone: delete what nobody else owns."""
        for resource, obj in self._dependents(uid):
            others = [owner for owner in obj["metadata"]["ownerReferences"] if owner["uid"] != uid]
            if others:
                self._write(resource, with_metadata(obj, ownerReferences=others))
            elif "deletionTimestamp" not in obj["metadata"]:
                self._registry.delete(resource, *key_of(obj))

    def finalise(self, resource: Resource, namespace: str, name: str) -> None:
        """An owner waits to go: let its dependents free, or delete them first, as its finalizer says."""
        obj = self._registry.store.get(resource, namespace, name)
        if obj is None or "deletionTimestamp" not in obj["metadata"]:
            return
        finalizers = obj["metadata"].get("finalizers") or ()
        uid = obj["metadata"]["uid"]
        if ORPHAN in finalizers:
            for kind, dependent in self._dependents(uid):
                owners = [owner for owner in dependent["metadata"]["ownerReferences"] if owner["uid"] != uid]
                self._write(kind, with_metadata(dependent, ownerReferences=owners or None))
        elif FOREGROUND in finalizers:
            self.collect(uid)
            if next(self._dependents(uid), None) is not None:
                return  # asked again when the last of them is gone
        rest = [each for each in finalizers if each not in (ORPHAN, FOREGROUND)]
        if len(rest) != len(finalizers):
            self._write(resource, with_metadata(obj, finalizers=rest or None))

    def empty_namespace(self, namespace: str) -> None:
        """A namespace is gone: so is all that was in it."""
        for resource in RESOURCES:
            if resource is NAMESPACES or not resource.namespaced:
                continue
            for obj in self._registry.store.all(resource, namespace):
                self._registry.store.remove(resource, *key_of(obj))

    def _dependents(self, uid: str) -> Iterator[tuple[Resource, Object]]:
        for resource in RESOURCES:
            for obj in self._registry.store.all(resource):
                if any(owner["uid"] == uid for owner in obj["metadata"].get("ownerReferences") or ()):
                    yield resource, obj

    def _write(self, resource: Resource, obj: Object) -> None:
        self._registry.update(resource, *key_of(obj), obj, CONTROLLER)
