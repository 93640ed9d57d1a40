"""The objects of one namespace as they are kept in memory, and who owns which."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from watchdog.adapters.kubernetes.changes import Change, Changed, Deleted, Relisted, Unreadable
from watchdog.adapters.kubernetes.kinds import CONTROLLERREVISIONS, OBJECTS, PODS, READ, REPLICASETS, Resource
from watchdog.domain.rollout import USUAL, TargetKind

Json = dict[str, Any]

_Owner = tuple[TargetKind, str]
_Place = tuple[Resource, str]

_KEEPERS = frozenset({REPLICASETS, CONTROLLERREVISIONS})
_RUNNERS = {kind.proper: kind for kind in TargetKind if not kind.routes}


class Namespace:
    """The objects of one namespace, by name, with the indexes that are asked for.

    Of kinds that nobody guards there nothing is kept, and nothing is watched: they may not even be allowed.
    """

    def __init__(self, kinds: frozenset[TargetKind] = USUAL) -> None:
        read = (resource for kind in TargetKind if kind in kinds | USUAL for resource in READ[kind])
        self.objects: dict[Resource, dict[str, Json]] = {resource: {} for resource in read}
        self.unreadable: dict[Resource, dict[str, Unreadable]] = defaultdict(dict)  # what is not among them
        self.listed: set[Resource] = set()
        self._owned: dict[Resource, dict[str, dict[str, Json]]] = {
            REPLICASETS: defaultdict(dict),  # of a Deployment's uid
            CONTROLLERREVISIONS: defaultdict(dict),  # of the uid of what they are revisions of
            PODS: defaultdict(dict),  # of the uid of what made them
        }
        self._keepers: dict[_Owner, dict[_Place, Unreadable]] = defaultdict(dict)  # of revisions, that are unreadable

    @property
    def read(self) -> list[Resource]:
        """What is listed, in that order: what is always read comes last, so that all is there when it is `synced`."""
        always = {resource for kind in USUAL for resource in READ[kind]}
        return sorted(self.objects, key=lambda resource: resource in always)

    @property
    def synced(self) -> bool:
        """Whether each resource was listed that is always read.

        A kind that is guarded as well, and may not be listed, takes nothing away from the others.
        """
        return all(self.knows(kind) for kind in USUAL)

    def knows(self, kind: TargetKind) -> bool:
        """Whether all was listed that targets of a kind are known by."""
        return self.listed.issuperset(READ[kind])

    def take_in(self, resource: Resource, change: Change) -> list[Json]:
        """What a reflector says; returns what that was about."""
        match change:
            case Changed(one):
                self.put(resource, one)
            case Unreadable(one):
                self.put_aside(resource, change)
            case Deleted(one):
                self.remove(resource, one["metadata"]["name"])
            case Relisted():
                gone = self._names(resource) - {one["metadata"]["name"] for one in change.all}
                touched = [there for name in gone if (there := self.known(resource, name)) is not None]
                for name in gone:
                    self.remove(resource, name)
                for whole in change.objects:
                    self.put(resource, whole)
                for each in change.unreadable:
                    self.put_aside(resource, each)
                self.listed.add(resource)
                return [*touched, *change.all]
        return [one]

    def put(self, resource: Resource, one: Json) -> None:
        """Add or replace."""
        name = one["metadata"]["name"]
        self.remove(resource, name)
        self.objects[resource][name] = one
        if resource in self._owned:
            self._owned[resource][controller_uid(one)][name] = one

    def put_aside(self, resource: Resource, one: Unreadable) -> None:
        """Add or replace what has not the shape of its kind: it is among none of the others."""
        name = one.object["metadata"]["name"]
        self.remove(resource, name)
        self.unreadable[resource][name] = one
        owner = self.workload_of(resource, one.object)
        if owner is not None and resource in _KEEPERS:
            self._keepers[owner][resource, name] = one

    def illegible(self, kind: TargetKind, name: str) -> str:
        """What of a target has not the shape of its kind: its object, or what keeps one of its revisions; "" for none.

        Without one of its revisions nobody can tell which of them serves. A pod is left out.
        """
        own = self.unreadable.get(OBJECTS[kind], {}).get(name)
        if own is not None:
            return own.why
        kept = self._keepers.get((kind, name), {})
        return next((f"{resource.kind} {keeper}: {one.why}" for (resource, keeper), one in kept.items()), "")

    def known(self, resource: Resource, name: str) -> Json | None:
        """One object, if only its metadata where it has not the shape of its kind."""
        aside = self.unreadable[resource].get(name)
        return aside.object if aside else self.objects[resource].get(name)

    def _names(self, resource: Resource) -> set[str]:
        return self.objects[resource].keys() | self.unreadable[resource].keys()

    def remove(self, resource: Resource, name: str) -> None:
        """Drop, where it is there."""
        if self.unreadable[resource].pop(name, None) is not None:
            for kept in self._keepers.values():
                kept.pop((resource, name), None)
        before = self.objects[resource].pop(name, None)
        if before is not None and resource in self._owned:
            owned = self._owned[resource]
            owned[controller_uid(before)].pop(name, None)
            if not owned[controller_uid(before)]:
                del owned[controller_uid(before)]

    def owned(self, resource: Resource, uid: str) -> Iterable[Json]:
        """The ReplicaSets or ControllerRevisions of a workload, or the pods of what made them."""
        found = self._owned[resource].get(uid)
        return tuple(found.values()) if found else ()

    def workload_of(self, resource: Resource, one: Json) -> tuple[TargetKind, str] | None:
        """What runs the pods that a pod, or what keeps a revision, belongs to; None for what is not watched."""
        owner = controller(one)
        if owner is None:
            return None
        kind, name = _RUNNERS.get(str(owner.get("kind"))), str(owner.get("name", ""))
        if kind is not None:
            return (kind, name) if name and OBJECTS[kind] in self.objects else None
        if resource == REPLICASETS or owner.get("kind") != REPLICASETS.kind:
            return None
        replicaset = self.objects[REPLICASETS].get(name)
        if replicaset is not None:
            return self.workload_of(REPLICASETS, replicaset)
        # A ReplicaSet that is not there yet, or no more: a Deployment names it after itself and its template's hash.
        deployment = name.rpartition("-")[0]
        return (TargetKind.DEPLOYMENT, deployment) if deployment else None


def controller_uid(one: Json) -> str:
    """The uid of the object that controls this one; "" for none."""
    owner = controller(one)
    return "" if owner is None else str(owner.get("uid", ""))


def controller(one: Json) -> Json | None:
    """The reference to the object that controls this one."""
    return next((owner for owner in one["metadata"].get("ownerReferences") or [] if owner.get("controller")), None)
