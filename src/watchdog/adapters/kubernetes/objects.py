"""The objects of one namespace as they are kept in memory, and who owns which."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from watchdog.adapters.kubernetes.kinds import PODS, REPLICASETS, Resource
from watchdog.adapters.kubernetes.trimming import TRIMS

Json = dict[str, Any]


class Namespace:
    """The objects of one namespace, by name, with the indexes that are asked for."""

    def __init__(self) -> None:
        self.objects: dict[Resource, dict[str, Json]] = {resource: {} for resource in TRIMS}
        self.listed: set[Resource] = set()
        self._owned: dict[Resource, dict[str, dict[str, Json]]] = {
            REPLICASETS: defaultdict(dict),  # of a Deployment's uid
            PODS: defaultdict(dict),  # of a ReplicaSet's uid
        }

    @property
    def synced(self) -> bool:
        """Whether each resource was listed."""
        return len(self.listed) == len(TRIMS)

    def put(self, resource: Resource, one: Json) -> None:
        """Add or replace."""
        name = one["metadata"]["name"]
        self.remove(resource, name)
        self.objects[resource][name] = one
        if resource in self._owned:
            self._owned[resource][controller_uid(one)][name] = one

    def remove(self, resource: Resource, name: str) -> None:
        """Drop, where it is there."""
        before = self.objects[resource].pop(name, None)
        if before is not None and resource in self._owned:
            owned = self._owned[resource]
            owned[controller_uid(before)].pop(name, None)
            if not owned[controller_uid(before)]:
                del owned[controller_uid(before)]

    def owned(self, resource: Resource, uid: str) -> Iterable[Json]:
        """The ReplicaSets of a Deployment, or the pods of a ReplicaSet."""
        found = self._owned[resource].get(uid)
        return tuple(found.values()) if found else ()


def controller_uid(one: Json) -> str:
    """The uid of the object that controls this one; "" for none."""
    for owner in one["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return str(owner.get("uid", ""))
    return ""
