"""Which of the rights that the watchdog needs (`adapters/kubernetes/rights.py`) the API server does not grant."""

import asyncio
from collections.abc import Iterator, Sequence

from watchdog.adapters.kubernetes.access import may
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.rights import RIGHTS, Right, Where
from watchdog.domain.rules import Action, Guard, Rule, Rulebook
from watchdog.rulebook import Places
from watchdog.survey.coverage import place_of_guard
from watchdog.survey.findings import Finding, Kind, Level

_AT_ONCE = 8


async def missing_rights(
    kube: KubeClient, rulebook: Rulebook, places: Places, own: str, who: str, *, own_account: bool
) -> Sequence[Finding]:
    """One finding for each right that is needed and not granted; those it cannot do without come as errors.

    `own_account`: the check runs as the watchdog itself does. A person who lacks a right may still be the one who
    checks, so it is a warning then. Raises `OutOfReach`.
    """
    room = asyncio.Semaphore(_AT_ONCE)

    async def asked(right: Right, namespace: str, guard: Guard | None) -> Finding | None:
        async with room:
            if await may(kube, right, namespace):
                return None
        place = places.of() if guard is None else place_of_guard(places, guard)
        group = right.group or "core"
        return Finding(
            Kind.MISSING_RIGHT,
            Level.ERROR if own_account else Level.WARNING,
            f"{who} may not {right.verb} {right.full_resource} ({group}) in namespace {namespace}: {right.why}",
            "grant it by a Role" if own_account else "the watchdog's own account needs it, whoever checks",
            *place,
        )

    answers = await asyncio.gather(*(asked(*need) for need in needed(rulebook, own)))
    return [finding for finding in answers if finding is not None]


def needed(rulebook: Rulebook, own: str) -> Iterator[tuple[Right, str, Guard | None]]:
    """Each right that these rules need, in which namespace, and the first guard that needs it there."""
    for right in RIGHTS:
        if right.where is Where.OWN:
            yield right, own, None
            continue
        for namespace in sorted(rulebook.namespaces):
            guard = next((one for one in rulebook.guards if _needs(one, right, namespace)), None)
            if guard is not None:
                yield right, namespace, guard


def _needs(guard: Guard, right: Right, namespace: str) -> bool:
    if namespace not in {*guard.namespaces, *(target.namespace for target in guard.targets)}:
        return False
    acts = any(_acts(guard, rule) for rule in guard.rules)
    return (acts or not right.acting) and (guard.restore_replicas or not right.scaling)


def _acts(guard: Guard, rule: Rule) -> bool:
    return guard.action_of(rule) is Action.ROLLBACK
