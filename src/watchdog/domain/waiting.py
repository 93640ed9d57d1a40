"""Whose watch is the one that somebody waits for, and what can be said while there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.judge.verdict import span
from watchdog.domain.memory import Memory
from watchdog.domain.part import part_of
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.state import Phase, Watch

_ROUNDED = timedelta(seconds=1)
"""Kubernetes cuts its times to whole seconds: a switch may look as if it came that much before it was asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The switch that somebody waits for: of this target, to what served when the waiting began."""

    target: Target
    candidate: Revision | None = None  # None: not known, as where only the daemon's API is asked
    named: str = ""  # the candidate as a person names it: its pod-template-hash, or NAME-HASH
    since: datetime | None = None  # switches before this are another's
    others: frozenset[str] = frozenset()  # watches of the target that were there before the switch


@dataclass(frozen=True, slots=True)
class Found:
    """The watch of the switch that is waited for."""

    watch: Watch


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Something else serves now, and it was not this switch's watch that put it there."""

    why: str


def concerns(watch: Watch, target: Target) -> bool:
    """Whether the watch is about a switch of the target; a Service may have joined another's flip."""
    switch = watch.switch
    if switch.target == target:
        return True
    flipped = switch.kind.at_once and target.kind is switch.target.kind
    beside = flipped and switch.target.namespace == target.namespace
    return beside and any(flip.service == target.name for flip in switch.flips)


def find(wanted: Wanted, watches: Sequence[Watch], serving: Revision | None) -> Found | Overtaken | None:
    """The watch that is waited for among these; None while there is none yet.

    Only the newest watch of the target counts, and only where it fits what serves now: the watch of an earlier
    release must not answer for one that the watchdog has not seen yet. The revision alone does not tell them apart:
    what was rolled back may be released again.
    """
    newest = max((one for one in watches if _may_be(wanted, one)), key=_age, default=None)
    candidate = wanted.candidate
    if newest is not None and (candidate is None or _fits(newest, candidate, serving)):
        return Found(newest)
    if candidate is None or serving in (None, candidate):
        return None
    return Overtaken(f"{serving} serves {wanted.target} now, not {candidate}")


def _may_be(wanted: Wanted, watch: Watch) -> bool:
    if watch.id in wanted.others or not concerns(watch, wanted.target):
        return False
    candidate = watch.switch.candidate
    if wanted.named and wanted.named not in (candidate.template, f"{candidate.workload}-{candidate.template}"):
        return False
    return wanted.since is None or watch.switch.at >= wanted.since.replace(microsecond=0) - _ROUNDED


def _age(watch: Watch) -> tuple[datetime, datetime]:
    return watch.opened, watch.switch.at


def _fits(watch: Watch, candidate: Revision, serving: Revision | None) -> bool:
    """Whether the watch led from or to the candidate, and to what serves."""
    put_back = watch.acted_at is not None or watch.phase is Phase.ACTING
    back_to = watch.remedy.to if put_back and watch.remedy is not None else None
    if watch.switch.candidate != candidate:
        # The waiting began when it had been put back already: that is how the newest switch ended.
        return back_to == candidate == serving
    if back_to is None or serving == back_to:
        return True
    return watch.phase is Phase.ACTING and serving == candidate


def taken_over(watch: Watch, watches: Sequence[Watch]) -> Watch | None:
    """The rollback by hand that ended this watch, where it was that."""
    same = (
        one
        for one in watches
        if one.by_hand and one.switch.candidate == watch.switch.candidate and one.opened >= watch.opened
    )
    return max(same, key=_age, default=None) if watch.phase is Phase.SUPERSEDED else None


def is_known_good(memory: Memory | None, revision: Revision | None) -> bool:
    """Whether the watchdog has seen the revision serve and would go back to it: its watch passed, or it needed none."""
    if memory is None or revision is None or memory.serving != revision or memory.idle:
        return False
    return any(good.revision == revision for good in memory.good)


def unwatched(target: Target, serving: Revision | None, memory: Memory | None) -> str:
    """Why there is no watch, as well as it can be told from what the watchdog remembers."""
    if memory is None:
        return f"the watchdog knows nothing of {target}: no guard covers it, or no watchdog runs"
    if memory.idle:
        return f"{target} is an idle colour: no traffic goes to it, and the flip to it is what will be watched"
    if serving is None and target.kind.switch.in_parts:
        return f"the watchdog has not seen the weights of {target} as they are, or they give nothing known any traffic"
    if serving is None:
        return f"what serves {target} cannot be told"
    if memory.serving != serving:
        return f"the watchdog has not seen {serving} yet; it knows {memory.serving}. Does it run?"
    if is_known_good(memory, serving):
        return f"{serving} needs no watch: it is the first that was seen of {target}, or has served unharmed"
    return f"the watchdog saw {serving} and opened no watch: it was no traffic switch, or its guard is off"


def standing(watch: Watch, now: datetime) -> str:
    """How a watch stands, in one line: the phase, how much of the bake is over, and the rules that do not pass."""
    match watch.phase:
        case Phase.RECOVERING:
            return "put back; watching whether it helped"
        case Phase.ACTING:
            return f"putting it back: {_breached(watch)}"
        case Phase.DECIDING:
            return f"breached: {_breached(watch)}"
        case Phase.HOLDING:
            why = watch.refusal.sentence if watch.refusal else "acting was refused"
            return f"breached: {_breached(watch)}; held: {why}"
        case Phase.WATCHING:
            part = part_of(watch)
            return f"watching{_bake(watch, now)}{f'; {part}' if part else ''}{_rules(watch)}"
        case _:
            return f"{watch.phase}: {conclusion(watch)}"


def conclusion(watch: Watch) -> str:
    """Why an ended watch ended so: what was breached, where it was that, and the reason on record."""
    breached = _breached(watch) if watch.by_hand or watch.breached else ""
    return "; ".join(dict.fromkeys(filter(None, (breached, watch.reason))))


def _bake(watch: Watch, now: datetime) -> str:
    if watch.bake_from is None:
        return "; the rollout is not complete"
    gone = min(max(now - watch.bake_from, timedelta(0)), watch.guard.bake)
    return f", {span(gone)} of {span(watch.guard.bake)}"


def _breached(watch: Watch) -> str:
    if watch.by_hand:
        return f"by hand, {watch.by_hand}"
    verdicts = [(name, track.breach or track.verdict) for name in watch.breached if (track := watch.track(name))]
    return "; ".join(f"{name}: {verdict.sentence}" for name, verdict in verdicts if verdict) or "a rule"


def _rules(watch: Watch) -> str:
    said = [f"{track.rule.name} {track.verdict.finding}" for track in watch.tracks if track.verdict is not None]
    return f"; {', '.join(said)}" if said else ""
