"""Which windows of a target's past are looked at for its habits, and what is known to have happened in them.

At most 50 windows as long as a bake, over seven days, half of them around the hour at which the target was switched
last (that is when it will be switched next, as far as anybody knows), half elsewhere in the day. Windows come in
stretches of a few, behind one baseline, so that few questions are asked. Which ones is decided by the target's name and
the day alone, so that a fleet does not look at the same hours and nobody can wonder why these.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from watchdog.domain.codec import Unreadable
from watchdog.domain.judge.calibration import MARGIN, Reached, Span, calibration_key
from watchdog.domain.judge.history import BLOCKS_KEPT
from watchdog.domain.marks import is_false_alarm, is_missed
from watchdog.domain.memory import Memory
from watchdog.domain.reading import Rule, items, moment, points, real, rules_of
from watchdog.domain.record import watch_of
from watchdog.domain.rollout import Target, any_pods_of, either
from watchdog.domain.rules import Guard
from watchdog.domain.state import Phase

DAYS = 7
WINDOWS = 50
_PER_STRETCH = WINDOWS // (2 * DAYS)
_LONGEST_WINDOW = timedelta(hours=1)
_LONGEST_BASELINE = timedelta(minutes=30)
_AROUND = timedelta(minutes=30)  # how far about the usual hour stretches lie
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Windows in a row from `start` on, with the baseline before them.

    Each window has `blocks` blocks of `interval`. `end` lies beyond the last window: an outage that begins in it must
    be seen to be one.
    """

    baseline_from: datetime
    start: datetime
    interval: timedelta
    blocks: int
    windows: int = _PER_STRETCH

    @property
    def all_blocks(self) -> int:
        """Blocks to measure, those of the margin among them."""
        return self.windows * self.blocks + math.ceil(MARGIN / self.interval)

    @property
    def end(self) -> datetime:
        return self.start + self.all_blocks * self.interval

    @property
    def spans(self) -> tuple[Span, ...]:
        """Begin and end of each window."""
        length = self.blocks * self.interval
        return tuple((self.start + n * length, self.start + (n + 1) * length) for n in range(self.windows))


def stretches(target: Target, guard: Guard, usual: datetime, now: datetime) -> tuple[Stretch, ...]:
    """What to look at, newest first. `usual` is a moment at the hour of day at which the target is switched.

    A window is a bake long, but no longer than an hour, nor than a history remembers.
    """
    blocks = max(1, min(BLOCKS_KEPT, math.floor(min(guard.bake, _LONGEST_WINDOW) / guard.interval)))
    baseline = min(guard.baseline, _LONGEST_BASELINE)
    measured = _PER_STRETCH * blocks * guard.interval
    length = baseline + measured + MARGIN
    newest = now - measured / 2 - _AROUND - MARGIN
    middle = usual + math.floor((newest - usual) / _DAY) * _DAY
    found = []
    for back in range(DAYS):
        day = middle - back * _DAY
        here = day - measured / 2 + (2.0 * _chance(target, day.date(), "here") - 1.0) * _AROUND
        room = max(timedelta(0), _DAY - 2 * length - 2 * _AROUND)
        there = here - length - _AROUND - _chance(target, day.date(), "elsewhere") * room
        for start in (here, there):
            begin = start.replace(microsecond=0)
            found.append(Stretch(begin - baseline, begin, guard.interval, blocks))
    return tuple(found)


def workloads_of(memory: Memory) -> tuple[str, ...]:
    """The workloads whose pods served the target, as far as is known."""
    return tuple(sorted({memory.serving.workload, *memory.colours}))


def pods_of(memory: Memory) -> str:
    """A regular expression of the pods that ever served the target: of whatever revision."""
    if memory.serving.pods:
        return memory.serving.pods
    return either([any_pods_of(workload) for workload in workloads_of(memory)])


def recorded(memory: Memory, records: Sequence[Mapping[str, Any]], now: datetime) -> tuple[Span, ...]:
    """When the target was switched, and the incidents that are on record of it or of its colours.

    Of a watch that passed, or that a person marked a false alarm, only the switch and the way back count: what came
    after was found harmless. Not so of one that a person marked as missed.
    """
    moments = [memory.since]
    for good in memory.good:
        moments += [good.since, *([good.until] if good.until is not None else [])]
    moments += [bad.at for bad in memory.bad]
    spans: list[Span] = [(at, at) for at in moments]
    for record in records:
        if concerns(memory, record):
            begin, end = moment(record.get("switched_at")), moment(record.get("ended_at")) or now
            if begin is None:
                continue
            harmless = is_false_alarm(record) or (record.get("outcome") == Phase.PASSED and not is_missed(record))
            spans.append((begin, begin if harmless else max(begin, end)))
            back = moment(record.get("acted_at"))
            if harmless and back is not None:
                spans.append((back, max(back, moment(record.get("put_back_complete_at")) or back)))
    return tuple(spans)


def false_alarms(memory: Memory, records: Sequence[Mapping[str, Any]]) -> Mapping[str, list[Reached]]:
    """What the judge reached in the target's watches that a person marked a false alarm, by `calibration_key`.

    Each is one more window of habits. A total outage was no matter of evidence, and a watch under other rules than
    those in force is found under their key, where nobody looks.
    """
    found: dict[str, list[Reached]] = {}
    for record in records:
        if not is_false_alarm(record) or not concerns(memory, record):
            continue
        try:
            watch = watch_of(record)
        except Unreadable:  # of another version: of no use here
            continue
        rules = {rule.name: rule for rule in rules_of(record)}
        for track in watch.tracks:
            told = rules.get(track.rule.name)
            reached = None if told is None or told.all.get("outage") else _reached(told)
            if reached is not None:
                found.setdefault(calibration_key(track.rule, watch.guard), []).append(reached)
    return found


def _reached(rule: Rule) -> Reached | None:
    known = [rule.evidence, *(point.log_evidence for point in points(rule.all.get("path")))]
    most = max((one for one in known if one is not None), default=None)
    if most is None:
        return None
    requests = [real(bet[2]) or 0.0 for bet in items(rule.all.get("bets")) if len(items(bet)) > 2]
    return Reached(most, len(requests), math.fsum(requests))


def concerns(memory: Memory, record: Mapping[str, Any]) -> bool:
    """Whether the record is of the target or of one of its colours."""
    target = str(record.get("target", ""))
    if target == str(memory.target):
        return True
    state = record.get("state")
    switch = state.get("switch") if isinstance(state, Mapping) else None
    candidate = switch.get("candidate") if isinstance(switch, Mapping) else None
    workload = candidate.get("workload") if isinstance(candidate, Mapping) else None
    return target.startswith(f"{memory.target.namespace}/") and workload in workloads_of(memory)


def _chance(target: Target, day: date, what: str) -> float:
    """A number from 0 to 1 that only this target has on this day."""
    digest = hashlib.sha256(f"{target}|{day.isoformat()}|{what}".encode()).hexdigest()
    return int(digest[:8], 16) / 2.0**32
