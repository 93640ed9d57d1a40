"""How long it takes at worst until a bad release is gone again, from the switch on."""

from collections.abc import Iterable
from datetime import timedelta

from watchdog.domain.judge.verdict import span
from watchdog.domain.rules import Action, Guard
from watchdog.engine.sampling import SETTLE
from watchdog.rulebook import Places
from watchdog.survey.findings import Finding, Kind, Level
from watchdog.survey.targets import Found

OBJECTIVE = timedelta(minutes=15)
"""The recovery time that a guard should keep to."""


def time_to_safety(guard: Guard, covered: Iterable[Found], scrape: float | None, places: Places) -> Finding | None:
    """The guard's worst time: of a release that turns bad just as its bake ends. None where nothing is put back.

    `scrape`: seconds between two samples as measured. What could not be measured is left out, and said.
    """
    targets = [one for one in covered if guard in one.guards]
    if not targets or guard.action is Action.NOTIFY:
        return None
    rollout, unknown = _rollout(guard, targets)
    if scrape is None:
        unknown.append("the scrape interval")
    parts = {
        "rollout": rollout,
        "bake": guard.bake,
        "interval": guard.interval,
        "scrape": None if scrape is None else timedelta(seconds=scrape),
        "settling": timedelta(seconds=SETTLE),
        "putting back": rollout,
    }
    known = {name: part for name, part in parts.items() if part is not None}
    worst = sum(known.values(), timedelta(0))
    told = ", ".join(f"{name} {span(part)}" for name, part in known.items())
    left_out = f"; without {' and '.join(unknown)}, which could not be measured" if unknown else ""
    late = worst > OBJECTIVE
    return Finding(
        Kind.TIME_TO_SAFETY,
        Level.WARNING if late else Level.NOTE,
        f"guard {guard.name}: a release that turns bad at the end of its bake is gone {span(worst)} after the switch "
        f"({told}){left_out}",
        f"a bad release should be gone within {span(OBJECTIVE)}; shorten the bake" if late else "",
        *places.of("guards", guard.name, "bake"),
    )


def _rollout(guard: Guard, targets: Iterable[Found]) -> tuple[timedelta | None, list[str]]:
    """The longest of the targets' last rollouts, and what is not known of them.

    None where there is none: a flip takes no time, unless its old colour is scaled up first.
    """
    rollouts = [
        workload.rollout
        for one in targets
        if not one.target.kind.routes or guard.restore_replicas
        for workload in one.workloads
    ]
    known = [rollout for rollout in rollouts if rollout is not None]
    return max(known, default=None), ["the rollout"] if rollouts and not known else []
