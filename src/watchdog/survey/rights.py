"""Which of the rights that the watchdog needs (`adapters/kubernetes/rights.py`) the API server does not grant."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from watchdog.adapters.kubernetes.access import may
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import NAME
from watchdog.adapters.kubernetes.owners import RESOURCES
from watchdog.adapters.kubernetes.rights import BY_KIND, GITOPS, RIGHTS, Right, Where, shard_rights
from watchdog.domain.owners import Owner
from watchdog.domain.rules import Action, Guard, Rulebook
from watchdog.rulebook import Places
from watchdog.survey.coverage import place_of_guard
from watchdog.survey.findings import Finding, Kind, Level

_AT_ONCE = 8

Need = tuple[Right, str, Guard | None]
"""A right, the namespace it is needed in, and the first guard that needs it there."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Verbs on one resource in one namespace that are needed and not granted."""

    verbs: tuple[str, ...]
    what: str  # the resource, with its API group
    namespace: str
    why: str
    guard: Guard | None

    def __str__(self) -> str:
        return f"may not {', '.join(self.verbs)} {self.what} in namespace {self.namespace}: {self.why}"


async def missing_rights(
    kube: KubeClient,
    rulebook: Rulebook,
    places: Places,
    own: str,
    who: str,
    *,
    own_account: bool,
    owners: Iterable[tuple[Owner, Guard]] = (),
    shards: int = 1,
) -> Sequence[Finding]:
    """One finding for each resource of which a verb is needed and not granted, with all such verbs.

    `own_account`: the check runs as the watchdog itself does, and what it lacks is an error. A person who lacks a right
    may still be the one who checks: a warning. `owners`: what guards may suspend. Raises `OutOfReach`.
    """
    return [
        Finding(
            Kind.MISSING_RIGHT,
            Level.ERROR if own_account else Level.WARNING,
            f"{who} {lack}",
            "grant it by a Role" if own_account else "the watchdog's own account needs it, whoever checks",
            *(places.of() if lack.guard is None else place_of_guard(places, lack.guard)),
        )
        for lack in await lacking(kube, (*needed(rulebook, own, shards=shards), *needed_of_owners(owners)))
    ]


async def lacking(kube: KubeClient, needs: Iterable[Need]) -> Sequence[Lack]:
    """What of it is not granted, as the API server says, one for each resource. Raises `OutOfReach`."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def refused(right: Right, namespace: str) -> bool:
        async with room:
            return not await may(kube, right, namespace)

    needs = tuple(needs)
    answers = await asyncio.gather(*(refused(right, namespace) for right, namespace, _ in needs))
    verbs: dict[tuple[str, str, str], list[str]] = {}
    guards: dict[tuple[str, str, str], Guard | None] = {}
    for (right, namespace, guard), lacks in zip(needs, answers, strict=True):
        if lacks:
            name = f" {right.name}" if right.name else ""
            key = f"{right.full_resource}{name} ({right.group or 'core'})", namespace, right.why
            verbs.setdefault(key, []).append(right.verb)
            guards.setdefault(key, guard)
    return [Lack(tuple(those), *key, guards[key]) for key, those in verbs.items()]


def needed(rulebook: Rulebook, own: str, *, dry_run: bool = False, shards: int = 1) -> Iterator[Need]:
    """Each right that these rules need; `dry_run`: that they need where nothing is written to what is guarded."""
    base = f"{NAME}-dry-run" if dry_run else NAME
    of_kinds = (right for rights in BY_KIND.values() for right in rights)
    for right in (*RIGHTS, *of_kinds, *shard_rights(shards, base=base)):
        if dry_run and (right.acting or right.telling):
            continue
        if right.where is Where.OWN:
            yield right, own, None
            continue
        for namespace in sorted(rulebook.namespaces):
            guard = next((one for one in rulebook.guards if _needs(one, right, namespace)), None)
            if guard is not None:
                yield right, namespace, guard


def needed_of_owners(owners: Iterable[tuple[Owner, Guard]]) -> Iterator[Need]:
    """Each right on what guards may suspend: on that one object, where it says in which namespace it is."""
    for owner, guard in dict(owners).items():
        if guard.gitops == "suspend" and owner.namespace and owner.tool in RESOURCES:
            for right in GITOPS:
                if right.resource == RESOURCES[owner.tool] and (acts(guard) or not right.acting):
                    yield replace(right, name=owner.name), owner.namespace, guard


def _needs(guard: Guard, right: Right, namespace: str) -> bool:
    if namespace not in {*guard.namespaces, *(target.namespace for target in guard.targets)}:
        return False
    if right.kind is not None and right.kind not in guard.kinds_in(namespace):
        return False
    return (acts(guard) or not right.acting) and (guard.restore_replicas or not right.scaling)


def acts(guard: Guard) -> bool:
    """Whether any rule of the guard may lead to a rollback."""
    return any(guard.action_of(rule) is not Action.NOTIFY for rule in guard.rules)
