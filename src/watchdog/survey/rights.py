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
    """One finding for each resource of which a verb is needed and not granted, with all such verbs.

    `own_account`: the check runs as the watchdog itself does, and what it lacks is an error. A person who lacks a right
    may still be the one who checks: a warning. Raises `OutOfReach`.
    """
    room = asyncio.Semaphore(_AT_ONCE)

    async def refused(right: Right, namespace: str) -> bool:
        async with room:
            return not await may(kube, right, namespace)

    needs = tuple(needed(rulebook, own))
    answers = await asyncio.gather(*(refused(right, namespace) for right, namespace, _ in needs))
    verbs: dict[tuple[str, str, tuple[int, int]], list[str]] = {}
    for (right, namespace, guard), lacking in zip(needs, answers, strict=True):
        if lacking:
            what = f"{right.full_resource} ({right.group or 'core'}) in namespace {namespace}"
            place = places.of() if guard is None else place_of_guard(places, guard)
            verbs.setdefault((what, right.why, place), []).append(right.verb)
    return [
        Finding(
            Kind.MISSING_RIGHT,
            Level.ERROR if own_account else Level.WARNING,
            f"{who} may not {', '.join(those)} {what}: {why}",
            "grant it by a Role" if own_account else "the watchdog's own account needs it, whoever checks",
            *place,
        )
        for (what, why, place), those in verbs.items()
    ]


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
