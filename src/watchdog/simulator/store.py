"""What etcd is to the API server: objects, one counter for all versions, and a log for those who watch.

Stored objects are never changed; a write puts another dict in their place. So everyone may read them without
copying, and no one may write to them.
"""

import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from watchdog.simulator.objects import Object, key_of, with_metadata
from watchdog.simulator.refusals import expired
from watchdog.simulator.resources import Resource

Key = tuple[str, str]
_LOG_KEPT = 20_000


@dataclass(frozen=True)
class Change:
    """One write, as a watch will tell it."""

    version: int
    type: str  # ADDED, MODIFIED, DELETED
    resource: Resource
    object: Object
    previous: Object | None


Listener = Callable[[Change], None]
_About = tuple[Resource | None, str]


class Store:
    """Objects by resource and name, and the log of what happened to them."""

    def __init__(self) -> None:
        self.version = 1
        self._objects: dict[Resource, dict[Key, Object]] = {}
        self._within: dict[tuple[Resource, str], dict[str, Object]] = {}  # the same by namespace
        self._log: list[Change] = []
        self._floor = 1
        self._listeners: dict[_About, list[Listener]] = {}

    def subscribe(
        self, listener: Listener, resource: Resource | None = None, namespace: str = ""
    ) -> Callable[[], None]:
        """Call `listener` with each change, or of a resource, or of that within a namespace; returns what ends that."""
        listeners = self._listeners.setdefault((resource, namespace), [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, read-only."""
        return self._objects.get(resource, {}).get((namespace, name))

    def all(self, resource: Resource, namespace: str = "") -> Iterable[Object]:
        """The objects of a resource, read-only, in no promised order."""
        if namespace:
            return list(self._within.get((resource, namespace), {}).values())
        return list(self._objects.get(resource, {}).values())

    def put(self, resource: Resource, obj: Object) -> Object:
        """Store a new or changed object under the next version."""
        key = key_of(obj)
        previous = self._objects.setdefault(resource, {}).get(key)
        self.version += 1
        stored = with_metadata(obj, resourceVersion=str(self.version))
        self._objects[resource][key] = stored
        self._within.setdefault((resource, key[0]), {})[key[1]] = stored
        self._tell(Change(self.version, "MODIFIED" if previous else "ADDED", resource, stored, previous))
        return stored

    def remove(self, resource: Resource, namespace: str, name: str) -> Object:
        """Take an object out; its last state carries the version of its removal."""
        previous = self._objects[resource].pop((namespace, name))
        del self._within[resource, namespace][name]
        self.version += 1
        last = with_metadata(previous, resourceVersion=str(self.version))
        self._tell(Change(self.version, "DELETED", resource, last, previous))
        return last

    def _tell(self, change: Change) -> None:
        self._log.append(change)
        if len(self._log) > _LOG_KEPT:
            self._forget(len(self._log) - _LOG_KEPT * 3 // 4)
        # Thousands watch a large cluster, each a namespace of its own: a change is told to those alone who asked.
        namespace = key_of(change.object)[0]
        abouts = dict.fromkeys(((None, ""), (change.resource, ""), (change.resource, namespace)))
        for listener in [one for about in abouts for one in self._listeners.get(about, ())]:
            listener(change)

    def _forget(self, count: int) -> None:
        self._floor = self._log[count - 1].version
        del self._log[:count]

    def compact(self) -> None:
        """Forget the past: a watch or a page from before this moment is answered with 410."""
        self._log.clear()
        self.version += 1
        self._floor = self.version

    def since(self, version: int) -> list[Change]:
        """What happened after `version`; refused with 410 where that is no longer known."""
        if version < self._floor:
            raise expired(f"too old resource version: {version} ({self._floor})")
        start = bisect.bisect_right(self._log, version, key=lambda change: change.version)
        return self._log[start:]

    def as_of(self, resource: Resource, version: int) -> dict[Key, Object]:
        """The objects of a resource as they were at `version`, for the later pages of a list."""
        objects = dict(self._objects.get(resource, {}))
        for change in reversed(self.since(version)):
            if change.resource is not resource:
                continue
            key = key_of(change.object)
            if change.previous is None:
                objects.pop(key, None)
            else:
                objects[key] = change.previous
        return objects
