"""Which objects of the cluster the guards cover, and what serves each of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.flips import deployments_behind
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, NAMESPACES, OBJECTS, REPLICASETS, SERVICES, Resource
from watchdog.adapters.kubernetes.objects import controller_uid
from watchdog.adapters.kubernetes.places import unreadable, weights_of
from watchdog.adapters.kubernetes.pods import created, template_pod
from watchdog.adapters.kubernetes.providers import pods_of
from watchdog.adapters.kubernetes.trimming import trim_replicaset, trim_workload
from watchdog.domain.live import Pod
from watchdog.domain.owners import Owner, owner_of
from watchdog.domain.rollout import USUAL, Target, TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.ports import Clock, OutOfReach
from watchdog.rulebook.mistakes import nearest

Json = dict[str, Any]

_LONGEST_ROLLOUT = timedelta(hours=1)  # a longer one was a Deployment that could not progress, and says nothing


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, as its own template says; `rollout`: how long its last rollout took, where that can be told."""

    name: str
    made: datetime
    replicas: int
    pod: Pod
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    rollout: timedelta | None = None
    pods: str = ""  # a regular expression of its pods' names, where they are not a Deployment's


@dataclass(frozen=True, slots=True)
class Found:
    """A Deployment, or a Service, with the Deployments that serve it: more than one where that is not clear.

    Of a route by weights, all that its weights give traffic to; none where that cannot be told.

    `idle`: a Deployment that is the other colour of a guarded Service. `blind`: why no switch of it can be seen.
    `beside`: what brings traffic to a route that has no weight yet. `owner`: who reconciles it, by its marks.
    `unreadable`: what of its object has not the shape of its kind. `odd`: which weight of it is taken for another.
    """

    target: Target
    labels: Mapping[str, str]
    guards: tuple[Guard, ...]
    workloads: tuple[Workload, ...]
    idle: bool = False
    blind: str = ""
    beside: str = ""
    owner: Owner | None = None
    unreadable: str = ""
    odd: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that a guard may cover of the namespaces that are named, and why some could not be listed."""

    found: tuple[Found, ...] = ()
    troubles: tuple[str, ...] = ()
    unseen: frozenset[str] = frozenset()  # namespaces of which something could not be listed
    missing: Mapping[str, str] = field(default_factory=dict)  # namespaces that are not there, with the name nearest it

    @property
    def covered(self) -> tuple[Found, ...]:
        """What a guard covers and can see, without idle colours, and routes of which no pods are known to serve."""
        seen = (one for one in self.found if not (one.idle or one.blind or one.unreadable))
        return tuple(one for one in seen if one.guards and one.workloads)


async def take_inventory(kube: KubeClient, rulebook: Rulebook, clock: Clock) -> Inventory:
    """Look at every namespace that a guard names; it takes the right to list, and of routes to look at one."""
    found: list[Found] = []
    troubles: list[str] = []
    unseen: list[str] = []
    for namespace in sorted(rulebook.namespaces):
        try:
            deployments, replicasets, services = [
                await _listed(kube, resource, namespace) for resource in (DEPLOYMENTS, REPLICASETS, SERVICES)
            ]
        except OutOfReach as error:
            troubles.append(str(error))
            unseen.append(namespace)
            continue
        found += _found(namespace, rulebook, deployments, replicasets, services)
        for kind in sorted(rulebook.kinds[namespace] - USUAL):
            try:
                others = await _listed(kube, OBJECTS[kind], namespace)
            except OutOfReach as error:
                troubles.append(str(error))
                unseen.append(namespace)
                continue
            strange = [_unreadable(kube, clock, Target(namespace, kind, _name(one)), one, rulebook) for one in others]
            found += filter(None, strange)
            others = [one for one, known in zip(others, strange, strict=True) if known is None]
            if kind.switch.in_parts:
                behind = Backends(kube, clock, [_workload(one, replicasets) for one in deployments])
                found += [await _route(Target(namespace, kind, _name(one)), one, rulebook, behind) for one in others]
                continue
            found += [_other(Target(namespace, kind, _name(one)), one, rulebook) for one in others]
    empty = rulebook.namespaces - {one.target.namespace for one in found} - set(unseen)
    return Inventory(tuple(found), tuple(troubles), frozenset(unseen), await _missing(kube, empty))


async def _missing(kube: KubeClient, empty: Collection[str]) -> Mapping[str, str]:
    """Those of them that are not there, as far as that may be asked: an empty namespace lists as a missing one does."""
    try:
        there = [_name(one) for one in await kube.list(NAMESPACES, "")] if empty else []
    except (ApiError, OutOfReach):
        return {}
    return {name: nearest(name, there) or "" for name in empty if name not in there}


async def _listed(kube: KubeClient, resource: Resource, namespace: str) -> list[Json]:
    with unanswered(f"listing {resource.plural} in {namespace}"):
        return await kube.list(resource, namespace)


def _found(
    namespace: str,
    rulebook: Rulebook,
    deployments: Sequence[Json],
    replicasets: Sequence[Json],
    services: Sequence[Json],
) -> Iterable[Found]:
    known = [_workload(one, replicasets) for one in deployments]
    guarded = []
    for service in services:
        one = _service(Target(namespace, TargetKind.SERVICE, _name(service)), service, known, rulebook)
        if one.guards:
            guarded.append(_selector(service))
        yield one
    for deployment, workload in zip(deployments, known, strict=True):
        target = Target(namespace, TargetKind.DEPLOYMENT, workload.name)
        labels = workloads.labels(deployment)
        serving = any(workloads.selects(selector, workload.pod_labels) for selector in guarded)
        idle = not serving and any(workloads.looks_like_a_colour(selector, workload.pod_labels) for selector in guarded)
        guards, owner = rulebook.guards_of(target, labels), owner_of(labels, workloads.annotations(deployment), ())
        yield Found(target, labels, guards, (workload,), idle=idle, owner=owner)


def _unreadable(kube: KubeClient, clock: Clock, target: Target, one: Json, rulebook: Rulebook) -> Found | None:
    """An object of which only its metadata can be told; None for one that can be read."""
    why = unreadable(kube, clock, target.kind, one)
    if not why:
        return None
    labels = one["metadata"].get("labels")
    labels = {key: text for key, text in labels.items() if isinstance(text, str)} if isinstance(labels, dict) else {}
    return Found(target, labels, rulebook.guards_of(target, labels), (), unreadable=why)


def _other(target: Target, one: Json, rulebook: Rulebook) -> Found:
    """A StatefulSet or DaemonSet. How long its last rollout took, nothing tells."""
    labels, template = workloads.labels(one), (one.get("spec") or {}).get("template") or {}
    many = (one.get("status") or {}).get("desiredNumberScheduled")
    size = workloads.desired(trim_workload(one)) if many is None else int(many)
    workload = Workload(target.name, created(one), size, template_pod(template), pods=pods_of(target))
    owner = owner_of(labels, workloads.annotations(one), ())
    return Found(target, labels, rulebook.guards_of(target, labels), (workload,), owner=owner)


@dataclass(frozen=True, slots=True)
class Backends:
    """Who stands behind a route's weights, among a namespace's Deployments."""

    kube: KubeClient
    clock: Clock
    known: Sequence[Workload]

    async def of(self, target: Target) -> tuple[Workload, ...]:
        """None where nothing in it has a weight, none leads to the pods of one Deployment, or that may not be read."""
        try:
            names = await deployments_behind(self.kube, self.clock, target)
        except OutOfReach:
            return ()
        return tuple(one for one in self.known if one.name in names)


async def _route(target: Target, one: Json, rulebook: Rulebook, behind: Backends) -> Found:
    """A route by weights, with all that have traffic from it: of others no rule can measure anything yet."""
    labels = workloads.labels(one)
    guards, owner = rulebook.guards_of(target, labels), owner_of(labels, workloads.annotations(one), ())
    blind, beside, odd = weights_of(behind.kube, behind.clock, target.kind, one)
    serving = await behind.of(target) if guards and not blind else ()
    return Found(target, labels, guards, serving, blind=blind, beside=beside, owner=owner, odd=odd)


def _service(target: Target, service: Json, known: Sequence[Workload], rulebook: Rulebook) -> Found:
    selector, labels = _selector(service), workloads.labels(service)
    serving = tuple(one for one in known if workloads.selects(selector, one.pod_labels))
    blind = ""
    if (service.get("spec") or {}).get("type") == "ExternalName":
        blind = "it is an ExternalName: it selects no pods"
    elif not selector:
        blind = "it has no selector"
    elif not serving:
        blind = "it selects the pods of no Deployment"
    elif len(serving) > 1:
        blind = f"it selects the pods of several Deployments ({', '.join(one.name for one in serving)})"
    guards, owner = rulebook.guards_of(target, labels), owner_of(labels, workloads.annotations(service), ())
    return Found(target, labels, guards, serving, blind=blind, owner=owner)


def _selector(service: Json) -> Mapping[str, str]:
    return (service.get("spec") or {}).get("selector") or {}


def _name(one: Json) -> str:
    return str(one["metadata"]["name"])


def _workload(deployment: Json, replicasets: Sequence[Json]) -> Workload:
    template = (deployment.get("spec") or {}).get("template") or {}
    trimmed = trim_workload(deployment)
    return Workload(
        _name(deployment),
        created(deployment),
        workloads.desired(trimmed),
        template_pod(template),
        (template.get("metadata") or {}).get("labels") or {},
        _last_rollout(trimmed, replicasets),
    )


def _last_rollout(deployment: Json, replicasets: Sequence[Json]) -> timedelta | None:
    """From the making of the current ReplicaSet to the rollout's end; of one that was taken up again nobody can say."""
    uid = deployment["metadata"].get("uid")
    own = [trim_replicaset(one) for one in replicasets if controller_uid(one) == uid]
    current, completed = workloads.current(deployment, own), workloads.completed_at(deployment)
    if current is None or completed is None or workloads.HISTORY in workloads.annotations(current):
        return None
    took = completed - created(current)
    return took if timedelta(0) <= took <= _LONGEST_ROLLOUT else None
