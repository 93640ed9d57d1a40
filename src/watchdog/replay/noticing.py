"""What a backtest must say of itself: what is missing, what was guessed, what was marked in vain."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from watchdog.domain.measurement import FailureReason, QueryFailed
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard
from watchdog.replay.cases import Marked
from watchdog.replay.courses import Found, Mark
from watchdog.replay.pod_names import SOURCE
from watchdog.replay.report import Note, Severity, SwitchReplay

_MEASURED = ("threshold", "budget")


def first_failure(failed: Sequence[tuple[Marked, str]]) -> QueryFailed:
    """The failure that everything met."""
    reason, _, detail = failed[0][1].partition(": ")
    return QueryFailed(FailureReason(reason), detail)


def failures(failed: Sequence[tuple[Marked, str]], total: int, switches: Sequence[SwitchReplay]) -> list[Note]:
    """What could not be replayed, and what only in part."""
    notes = []
    by_reason: dict[str, int] = {}
    for _, why in failed:
        by_reason[why] = by_reason.get(why, 0) + 1
    for why, count in sorted(by_reason.items()):
        notes.append(Note(Severity.WARNING, f"{count} of {total} switches and quiet windows were not replayed: {why}"))
    partly: dict[str, int] = {}
    for switch in switches:
        for why in switch.notes:
            partly[why] = partly.get(why, 0) + 1
    for why, count in sorted(partly.items()):
        notes.append(Note(Severity.WARNING, f"in {count} of {total} a question had no answer: {why}"))
    return notes


def unused(marks: Sequence[Mark], cases: Sequence[Marked]) -> list[Note]:
    """A mark that marks nothing is a mistake of whoever wrote it."""
    return [
        Note(Severity.WARNING, f"the labels mark {mark.at.isoformat()}: no switch was found there", str(mark.target))
        for mark in marks
        if not any(mark.is_near(one.case.switch.target, one.case.switch.at) for one in cases)
    ]


def unended(marks: Sequence[Mark], cases: Sequence[Marked]) -> list[Note]:
    """What the watchdog itself put back, as a label tells, while pods' names show no return to an older revision."""
    back = [mark for mark in marks if mark.rolled_back]
    count = sum(
        1
        for one in cases
        if not one.case.placebo
        and one.case.serving.source == SOURCE
        and one.case.put_back is None
        and any(mark.is_near(one.case.switch.target, one.case.switch.at) for mark in back)
    )
    which = "1 release that the watchdog itself put back is"
    which = which if count == 1 else f"{count} releases that the watchdog itself put back are"
    text = (
        f"{which} replayed as if nobody had: pods' names do not show it, so that what these rules had not decided "
        "counts as missed, or as clean, and not as cut short; give the records (--records or --switches)"
    )
    return [Note(Severity.WARNING, text)] if count else []


def unmeasured(switch: SwitchReplay) -> bool:
    """Whether nothing at all was measured: Prometheus was away, or keeps less than was asked for."""
    measured = [rule for rule in switch.rules if rule.kind in _MEASURED]
    return bool(measured) and all(rule.not_replayable for rule in measured)


def left_out(switches: Sequence[SwitchReplay]) -> tuple[list[SwitchReplay], list[Note]]:
    """Without quiet windows in which nothing was measured: they say nothing of any rule."""
    kept = [switch for switch in switches if not (switch.placebo and unmeasured(switch))]
    count = len(switches) - len(kept)
    text = f"{count} quiet window{'' if count == 1 else 's'} without any data left out"
    return kept, [Note(Severity.INFO, text)] if count else []


def nothing(found: Found, cases: Sequence[Marked], guards: Mapping[Target, Guard]) -> list[Note]:
    """Why there is nothing to report, where that is so."""
    if any(not one.case.placebo for one in cases):
        return []
    if not found.courses:
        text = "no pod of a guarded namespace is in Prometheus's history: nothing to replay"
    elif not guards:
        text = f"none of {len(found.courses)} targets that were found is guarded by this file: nothing to replay"
    else:
        text = "no switch was found in this time"
    return [Note(Severity.WARNING, text)]


def cut(switches: Sequence[SwitchReplay]) -> list[Note]:
    """What the watchdog put back before these rules decided: they are neither better nor worse for it."""
    count = sum(1 for switch in switches if switch.cut_short)
    which = "1 switch was" if count == 1 else f"{count} switches were"
    text = (
        f"{which} cut short: the watchdog itself rolled back before these rules decided, and what they would have done "
        "later cannot be known; counted as neither caught nor missed, nor as clean"
    )
    return [Note(Severity.INFO, text)] if count else []


def blank(switches: Sequence[SwitchReplay]) -> list[Note]:
    """A rule that measures nothing in one part of the time, and something in the other: its metric has changed."""
    notes = []
    for guard, name in dict.fromkeys((switch.guard, rule.rule) for switch in switches for rule in switch.rules):
        seen = [
            (switch.at, rule.not_replayable)
            for switch in switches
            if switch.guard == guard
            and (rule := switch.rule(name)) is not None
            and rule.kind in ("threshold", "budget")
        ]
        turns = [(earlier, later) for earlier, later in pairwise(seen) if bool(earlier[1]) != bool(later[1])]
        blank = [why for _, why in seen if why]
        if len(turns) == 1 and len(blank) > 1:
            earlier, later = turns[0]
            when = f"before {later[0]:%Y-%m-%d %H:%M}" if earlier[1] else f"after {earlier[0]:%Y-%m-%d %H:%M}"
            share = f"{len(blank)} of {len(seen)} switches and quiet windows"
            text = f"rule {name} of guard {guard} has no data {when} UTC ({share}): was its metric renamed?"
            notes.append(Note(Severity.WARNING, text))
    return notes


def span(duration: timedelta) -> str:
    """A duration of minutes or hours, for people."""
    seconds = round(duration.total_seconds())
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{seconds // 60} min {seconds % 60} s"
