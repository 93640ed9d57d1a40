"""What the watchdog may have to ask of the API server: the one table of rights.

A Role that grants these and nothing else is enough to run it; what is not in the table it never asks for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from watchdog.adapters.kubernetes.kinds import (
    ACCOUNTS,
    CANARIES,
    CLAIMS,
    CONFIGMAPS,
    CONTROLLERREVISIONS,
    DEPLOYMENTS,
    DESTINATIONRULES,
    EVENTS,
    LEASES,
    NAME,
    OBJECTS,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    Resource,
)
from watchdog.adapters.kubernetes.owners import RESOURCES as OWNERS
from watchdog.adapters.kubernetes.shard_leases import lease_name
from watchdog.domain.rollout import TargetKind
from watchdog.domain.shards import Shard


class Where(StrEnum):
    """In which namespaces a right is needed."""

    GUARDED = "guarded"  # each that a guard names
    OWN = "own"  # the watchdog's own, where its records are
    OWNERS = "owners"  # where Argo CD or Flux keep what they reconcile, if a guard may look at that


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource; `why` says what does not work without it.

    `acting`: only a guard that rolls back needs it. `scaling`: only one with `restore_replicas` does. `telling`: not
    needed by a dry run. `kind`: only where targets of that kind are guarded.
    """

    verb: str
    resource: Resource
    where: Where
    why: str
    subresource: str = ""
    name: str = ""  # of the one object it is needed on; "" for all of the kind
    acting: bool = False
    scaling: bool = False
    telling: bool = False
    kind: TargetKind | None = None

    @property
    def group(self) -> str:
        """The resource's API group; "" for the core."""
        return self.resource.api_version.rpartition("/")[0]

    @property
    def full_resource(self) -> str:
        """As people and RBAC write it: `deployments/scale`."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural


def _rights(verbs: str, resources: Iterable[Resource], where: Where, why: str) -> Iterator[Right]:
    for resource in resources:
        for verb in verbs.split():
            yield Right(verb, resource, where, why)


_NOBODY_LEADS = "it cannot know whether it leads, and does nothing"
RIGHTS: tuple[Right, ...] = (
    *_rights("list watch", (DEPLOYMENTS, REPLICASETS, PODS, SERVICES), Where.GUARDED, "its switches are not seen"),
    *_rights("get", (DEPLOYMENTS, SERVICES), Where.GUARDED, "it is not looked at before it is acted on"),
    Right("patch", DEPLOYMENTS, Where.GUARDED, "a rollout is not undone", acting=True),
    Right("patch", SERVICES, Where.GUARDED, "a flip is not put back", acting=True),
    Right(
        "patch",
        DEPLOYMENTS,
        Where.GUARDED,
        "a colour that is scaled down is not scaled up",
        subresource="scale",
        acting=True,
        scaling=True,
    ),
    *_rights(
        "get",
        (CONFIGMAPS, CLAIMS, ACCOUNTS),
        Where.GUARDED,
        "that something an old template needs is gone is not noticed before it is gone back to",
    ),
    Right("create", EVENTS, Where.GUARDED, "kubectl describe does not show what was done", telling=True),
    *_rights("get list create update patch delete", (CONFIGMAPS,), Where.OWN, "there are no records"),
    Right("create", LEASES, Where.OWN, _NOBODY_LEADS),  # RBAC cannot bind a create to a name
    Right("get", LEASES, Where.OWN, _NOBODY_LEADS, name=NAME),
    Right("update", LEASES, Where.OWN, _NOBODY_LEADS, name=NAME),
)


def _of_kind(kind: TargetKind) -> Iterator[Right]:
    """What a kind needs whose revisions are ControllerRevisions."""
    own, seen = OBJECTS[kind], "its switches are not seen"
    for right in (
        *_rights("list watch", (own, CONTROLLERREVISIONS), Where.GUARDED, seen),
        *_rights("get", (own, CONTROLLERREVISIONS), Where.GUARDED, "it is not looked at before it is acted on"),
        Right("patch", own, Where.GUARDED, "a rollout is not undone", acting=True),
    ):
        yield replace(right, kind=kind)


def _of_rollouts() -> Iterator[Right]:
    """Argo's controller does the rest: the watchdog may read a Rollout, and tell it to abort in its status."""
    own, seen = OBJECTS[TargetKind.ROLLOUT], "its switches are not seen"
    for right in (
        *_rights("list watch", (own,), Where.GUARDED, seen),
        *_rights("get", (own,), Where.GUARDED, "it is not looked at before it is acted on"),
        Right("patch", own, Where.GUARDED, "a Rollout is not aborted", subresource="status", acting=True),
    ):
        yield replace(right, kind=TargetKind.ROLLOUT)


def _of_route(kind: TargetKind, *beside: Resource) -> Iterator[Right]:
    """What a kind needs that holds weights; `beside`: what it is read together with."""
    own, seen = OBJECTS[kind], "its switches are not seen"
    for right in (
        *_rights("list watch", (own, *beside), Where.GUARDED, seen),
        *_rights("get", (own,), Where.GUARDED, "it is not looked at before it is acted on"),
        Right("patch", own, Where.GUARDED, "its weights are not put back", acting=True),
    ):
        yield replace(right, kind=kind)


# Only where a guard opts in (`kinds`, or a target that is named), and not granted unless asked for.
BY_KIND: Mapping[TargetKind, tuple[Right, ...]] = MappingProxyType(
    {
        **{kind: tuple(_of_kind(kind)) for kind in (TargetKind.STATEFULSET, TargetKind.DAEMONSET)},
        TargetKind.ROLLOUT: tuple(_of_rollouts()),
        TargetKind.HTTPROUTE: tuple(_of_route(TargetKind.HTTPROUTE)),
        TargetKind.VIRTUALSERVICE: tuple(_of_route(TargetKind.VIRTUALSERVICE, DESTINATIONRULES)),
        TargetKind.INGRESS: tuple(_of_route(TargetKind.INGRESS)),
    }
)

# Not needed, and not granted unless asked for: without them what they roll out is known by the marks on it alone.
RUNNERS: tuple[Right, ...] = tuple(
    _rights(
        "list",
        (ROLLOUTS, CANARIES),
        Where.GUARDED,
        "that a Rollout or a Canary rolls a Deployment out is not known, unless the Deployment says so itself",
    )
)

# Not needed, and not granted unless asked for: without `get` what heals is taken from the marks on the object alone.
GITOPS: tuple[Right, ...] = (
    *_rights("get", OWNERS.values(), Where.OWNERS, "whether it heals is not known before the undo"),
    *(
        Right("patch", owner, Where.OWNERS, 'gitops = "suspend" cannot suspend it', acting=True)
        for owner in OWNERS.values()
    ),
)


def shard_rights(shards: int, *, base: str = NAME) -> tuple[Right, ...]:
    """What `WATCHDOG_SHARDS` needs beside them: the lease of each shard; nothing, where there is one."""
    why = "it cannot know whether it leads the shard, whose targets are not watched"
    names = [lease_name(Shard(number, shards), base) for number in range(shards)] if shards > 1 else []
    return tuple(Right(verb, LEASES, Where.OWN, why, name=name) for name in names for verb in ("get", "update"))
