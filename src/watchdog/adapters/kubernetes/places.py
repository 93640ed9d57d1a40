"""Whose pods serve a target now, for who asks about one by name."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import UNREADABLE, ApiError, strange, unanswered
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, OBJECTS, PODS, REPLICASETS, SERVICES
from watchdog.adapters.kubernetes.providers import pods_of, unwatched
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.adapters.kubernetes.weighted import Weighted
from watchdog.domain.rollout import Target, TargetKind
from watchdog.ports import Clock, OutOfReach

Json = dict[str, Any]

UNTIL_IT_RISES = "no watch opens until its weight rises, and no put-back keeps those requests away"
"""What follows where traffic comes to a route by something else than its weights."""

READ = (DEPLOYMENTS, REPLICASETS, PODS, SERVICES)
"""What of a guarded namespace is read."""


class Weights(NamedTuple):
    """What is to be said of a route's weights; each "" where nothing is.

    `unweighed`: why it never shares traffic by weights. `beside`: what brings traffic to one that has none yet. `odd`:
    which weight of it is taken for another.
    """

    unweighed: str = ""
    beside: str = ""
    odd: str = ""


_NOTHING_SAID = Weights()


@dataclass(frozen=True, slots=True)
class Place:
    """One target, and what runs its pods. `workloads`: the Deployments behind it, the present one first; else itself.

    `pods`: a regular expression of its pods' names, where it is no Deployment and none is behind it.
    `selected_by`: the Services that select a Deployment's pods, with their labels.
    """

    target: Target
    labels: Mapping[str, str]
    workloads: tuple[str, ...]
    selected_by: Mapping[Target, Mapping[str, str]]
    pods: str = ""
    weights: Weights = _NOTHING_SAID

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know who asks about it."""
        beside = f"{self.weights.beside}: {UNTIL_IT_RISES}" if self.weights.beside else ""
        return tuple(filter(None, (beside, self.weights.odd)))


async def places(client: KubeClient, namespace: str) -> Sequence[Place]:
    """All of a namespace. Raises `OutOfReach`, which says what may not be read."""
    read: list[Sequence[Json]] = []
    for resource in READ:
        try:
            if resource in (DEPLOYMENTS, SERVICES):
                read.append(await client.list(resource, namespace))
                continue
            async for _ in client.pages(resource, namespace, limit=1, metadata_only=True):
                break
        except ApiError as error:
            if isinstance(error, OutOfReach):
                raise
            needs = "get, list and watch of deployments, replicasets, pods and services are needed"
            raise OutOfReach(
                f"{resource.plural} of namespace {namespace} cannot be read ({needs}): {error.message}"
            ) from error
    return _places(namespace, *read)


async def place_of(client: KubeClient, clock: Clock, target: Target) -> Place | None:
    """One of another kind than a Deployment or a Service, read now. None: it is not there. Raises `OutOfReach`."""
    with unanswered(f"looking at {target}"):
        one = await client.find(OBJECTS[target.kind], target.namespace, target.name)
    if one is None:
        return None
    provider, labels = unwatched(client, clock, target.kind), workloads.labels(one)
    if not isinstance(provider, Weighted):
        return Place(target, labels, (target.name,), {}, pods_of(target))
    weights = weights_of(client, clock, target.kind, one)
    if weights.unweighed:
        return Place(target, labels, (), {}, weights=weights)
    backends = (await provider.now(target)).backends
    behind = sorted((-each.weight, each.revision.workload) for each in backends if each.revision is not None)
    if not behind:
        raise OutOfReach(f"of {target} it cannot be told which Deployments its weights are of", final=True)
    return Place(target, labels, tuple(dict.fromkeys(name for _, name in behind)), {}, weights=weights)


async def others(client: KubeClient, clock: Clock, namespace: str, kind: TargetKind) -> Sequence[Place]:
    """All of another kind than a Deployment or a Service; what stands behind a route is told by `place_of` alone.

    None where the kind is not installed. Raises `OutOfReach`, which says what may not be read.
    """
    try:
        listed = await client.list(OBJECTS[kind], namespace)
    except ApiError as error:
        if isinstance(error, OutOfReach):
            raise
        if error.status == HTTPStatus.NOT_FOUND:
            return ()
        why = f"{kind.plural} of namespace {namespace} cannot be listed: {error.message}"
        raise OutOfReach(why, final=True) from error
    found = []
    for one in listed:
        target, weights = Target(namespace, kind, one["metadata"]["name"]), weights_of(client, clock, kind, one)
        found.append(Place(target, workloads.labels(one), (), {}, weights=weights))
    return found


def weights_of(client: KubeClient, clock: Clock, kind: TargetKind, one: Json) -> Weights:
    """Of an object that cannot be read nothing is told, as of one without weights: somebody may mend it."""
    provider = unwatched(client, clock, kind)
    if isinstance(provider, Weighted):
        with suppress(*UNREADABLE):
            return Weights(provider.unweighed(one), provider.beside_weights(one), provider.odd_weights(one))
    return _NOTHING_SAID


def unreadable(client: KubeClient, clock: Clock, kind: TargetKind, one: Json) -> str:
    """Why nothing can be told of an object of a listed kind, for its shape; "" where it can be read."""
    try:
        kept = TRIMS[OBJECTS[kind]](one)
        provider = unwatched(client, clock, kind)
        if isinstance(provider, Weighted):
            provider.unweighed(kept)
    except UNREADABLE as error:
        return strange(error, one)
    return ""


def _places(namespace: str, deployments: Sequence[Json], services: Sequence[Json]) -> Sequence[Place]:
    pods = {
        one["metadata"]["name"]: ((one["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {}
        for one in deployments
    }
    selectors = {one["metadata"]["name"]: (one.get("spec") or {}).get("selector") or {} for one in services}
    labels = {one["metadata"]["name"]: workloads.labels(one) for one in services}
    found = []
    for one in deployments:
        name = one["metadata"]["name"]
        selecting = {
            Target(namespace, TargetKind.SERVICE, service): labels[service]
            for service, selector in selectors.items()
            if workloads.selects(selector, pods[name])
        }
        found.append(Place(Target(namespace, TargetKind.DEPLOYMENT, name), workloads.labels(one), (name,), selecting))
    for service, selector in selectors.items():
        now = [name for name, of in pods.items() if workloads.selects(selector, of)]
        others = [name for name, of in pods.items() if workloads.looks_like_a_colour(selector, of)]
        if now:
            target = Target(namespace, TargetKind.SERVICE, service)
            found.append(Place(target, labels[service], (*sorted(now), *sorted(others)), {}))
    return found
