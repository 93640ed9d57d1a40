"""Keeps what is known of each target's habits fresh: in the background, one target at a time, with pauses.

Nothing waits for it. A watch that opens before a calibration exists goes on without one; a target with an open watch is
not calibrated; where Prometheus is away it is tried again later.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from watchdog.domain.conditions import Threshold
from watchdog.domain.judge.calibration import (
    Seen,
    Span,
    calibration_key,
    calibration_of,
    near,
    other_pods,
    over_limit,
    seen,
)
from watchdog.domain.judge.habits import Calibration, LeftOut
from watchdog.domain.judge.weighing import betting_on
from watchdog.domain.measurement import Baseline, Block, FailureReason, NoData, QueryFailed, as_one_pod
from watchdog.domain.memory import Memory
from watchdog.domain.quiet import Stretch, concerns, false_alarms, pods_of, recorded, stretches
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard, Rule
from watchdog.engine.memories import Memories
from watchdog.engine.sampling import Sampler, Subject
from watchdog.engine.sampling import Span as BlockSpan
from watchdog.ports import Clock, Document, Journal, OutOfReach

log = logging.getLogger(__name__)

_FIRST = 300.0  # seconds after the start: whatever is being watched comes first
_LOOK_EVERY = 30.0
_FRESH = timedelta(hours=24)
_RETRY = timedelta(minutes=10)
_PAUSE = 1.0  # seconds between two questions
_LONGEST = 1800.0  # seconds for one target: what was not asked by then is left out
_AT_ONCE = 540.0  # seconds of the past that one question is about
_AWAY = frozenset({FailureReason.UNREACHABLE, FailureReason.TIMEOUT, FailureReason.UNAVAILABLE, FailureReason.CROWDED})
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Away(Exception):
    """Prometheus cannot be asked now."""


@dataclass(slots=True)
class _Shown:
    """What one rule measured in one stretch."""

    baseline: Baseline
    blocks: list[Block] = field(default_factory=list)


class Calibrator:
    """The background task. `targets` are those that may be calibrated now, each with its guard."""

    def __init__(
        self,
        *,
        sampler: Sampler,
        journal: Journal,
        memories: Memories,
        targets: Callable[[], Mapping[Target, Guard]],
        clock: Clock,
    ) -> None:
        self._sampler = sampler
        self._journal = journal
        self._memories = memories
        self._targets = targets
        self._clock = clock
        self._not_before: dict[Target, datetime] = {}
        self._away = False

    async def run(self) -> None:
        """Calibrate what is due, the oldest first, until cancelled."""
        await self._clock.sleep(_FIRST)
        while True:
            due = self._due()
            if due is not None:
                await self._attempt(*due)
            await self._clock.sleep(_LOOK_EVERY)

    def _due(self) -> tuple[Target, Guard] | None:
        now = self._clock.now()
        waiting = []
        for target, guard in self._targets().items():
            memory = self._memories.of(target)
            rules = weighed(guard)
            if memory is None or not rules or self._not_before.get(target, now) > now:
                continue
            known = [memory.calibrations.get(calibration_key(rule, guard)) for rule in rules]
            oldest = min(_NEVER if one is None else one.at for one in known)
            if now - oldest >= _FRESH:
                waiting.append((oldest, target, guard))
        if not waiting:
            return None
        _, target, guard = min(waiting, key=lambda one: one[:2])
        return target, guard

    async def _attempt(self, target: Target, guard: Guard) -> None:
        self._not_before[target] = self._clock.now() + _RETRY
        try:
            found = await self._calibrations(target, guard)
        except (_Away, OutOfReach) as error:
            if not self._away:
                log.warning(
                    "calibration waits until it can ask", extra={"facts": {"target": str(target), "why": str(error)}}
                )
            self._away = True
            return
        except Exception:  # the log tells of it; habits are no reason to end what guards
            log.exception("calibration failed", extra={"facts": {"target": str(target)}})
            return
        self._away = False
        memory = self._memories.of(target)
        if not found or memory is None:
            return
        # All that is remembered is of the rules in force: what an edited rule had reached is of no use any more.
        self._memories.hold(replace(memory, calibrations=found))
        await self._memories.write(target)

    async def _calibrations(self, target: Target, guard: Guard) -> Mapping[str, Calibration] | None:
        """Of each rule by its key; None where a watch was opened meanwhile."""
        memory = self._memories.of(target)
        if memory is None:
            return None
        began = self._clock.monotonic()
        records = await self._records(memory)
        known, marked = recorded(memory, records, self._clock.now()), false_alarms(memory, records)
        rules = weighed(guard)
        found: dict[str, list[Seen]] = {rule.name: [*marked.get(calibration_key(rule, guard), ())] for rule in rules}
        for stretch in stretches(target, guard, memory.since, self._clock.now()):
            if target not in self._targets():
                return None
            late = self._clock.monotonic() - began > _LONGEST
            if late or all(near(window, known) for window in stretch.spans):
                reason = LeftOut.UNMEASURED if late else LeftOut.RECORDED
                for left_out in found.values():
                    left_out.extend([reason] * stretch.windows)
                continue
            for rule, windows in (await self._stretch(memory, guard, rules, stretch, known)).items():
                found[rule] += windows
            await self._clock.sleep(_PAUSE)
        at = self._clock.now()
        result = {calibration_key(rule, guard): calibration_of(found[rule.name], at) for rule in rules}
        reached = {rule.name: result[calibration_key(rule, guard)].reached for rule in rules}
        most = max(one.windows for one in result.values())
        log.info("calibrated", extra={"facts": {"target": str(target), "windows": most, "reached": reached}})
        return result

    async def _records(self, memory: Memory) -> Sequence[Document]:
        """Those of the target and of its colours."""
        return await self._journal.records(lambda one: one if concerns(memory, one) else None)

    async def _stretch(
        self, memory: Memory, guard: Guard, rules: Mapping[Rule, Threshold], stretch: Stretch, known: Sequence[Span]
    ) -> Mapping[str, list[Seen]]:
        """What each rule's windows showed. Raises `_Away`."""
        shown = await self._baselines(memory, rules, stretch)
        if all(isinstance(one.baseline.reading, NoData) for one in shown.values()):
            # Older than what Prometheus keeps, or nobody used it then.
            return {name: [LeftOut.UNMEASURED] * stretch.windows for name in shown}
        disturbed = await self._blocks(memory, rules, stretch, shown)
        return {rule.name: list(_windows(rule, guard, stretch, shown[rule.name], disturbed, known)) for rule in rules}

    async def _baselines(self, memory: Memory, rules: Mapping[Rule, Threshold], stretch: Stretch) -> dict[str, _Shown]:
        subject = _subject(memory, stretch.baseline_from)
        start, end, interval = stretch.baseline_from, stretch.start, stretch.interval.total_seconds()
        baselines = await asyncio.gather(
            *(self._sampler.baseline(threshold, subject, start, end, interval) for threshold in rules.values())
        )
        _raise_if_away(baseline.reading for baseline in baselines)
        await self._clock.sleep(_PAUSE)
        return {rule.name: _Shown(baseline) for rule, baseline in zip(rules, baselines, strict=True)}

    async def _blocks(
        self, memory: Memory, rules: Mapping[Rule, Threshold], stretch: Stretch, shown: Mapping[str, _Shown]
    ) -> Sequence[Span]:
        """Measure the stretch piece by piece; returns when other pods served than before."""
        subject = _subject(memory, stretch.baseline_from)
        trackers = [self._sampler.tracker(threshold, subject) for threshold in rules.values()]
        disturbed: list[Span] = []
        for spans in _pieces(stretch):
            rows = await asyncio.gather(*(self._sampler.blocks(tracker, spans) for tracker in trackers))
            _raise_if_away(row[-1].reading for row in rows)
            for one, row in zip(shown.values(), rows, strict=True):
                disturbed += other_pods(one.baseline, row)
                # Whose pods they were is known now: what is kept of a long stretch must not be large.
                one.blocks += [replace(block, reading=as_one_pod(block.reading)) for block in row]
            await self._clock.sleep(_PAUSE)
        return disturbed


def weighed(guard: Guard) -> Mapping[Rule, Threshold]:
    """The rules that are judged by evidence, with what they bet on."""
    return {rule: threshold for rule in guard.rules if (threshold := betting_on(rule)) is not None}


def _windows(
    rule: Rule, guard: Guard, stretch: Stretch, shown: _Shown, disturbed: Sequence[Span], known: Sequence[Span]
) -> Iterable[Seen]:
    over = over_limit(rule, shown.blocks, shown.baseline, bake=guard.bake)
    for n in range(stretch.windows):
        window = shown.blocks[n * stretch.blocks : (n + 1) * stretch.blocks]
        yield seen(
            rule,
            window,
            shown.baseline,
            interval=guard.interval,
            bake=guard.bake,
            over=over,
            disturbed=disturbed,
            recorded=known,
        )


def _subject(memory: Memory, since: datetime) -> Subject:
    return Subject(memory.target, memory.serving, {}, since, pods_of(memory))


def _pieces(stretch: Stretch) -> Iterable[Sequence[BlockSpan]]:
    size = max(1, math.floor(_AT_ONCE / stretch.interval.total_seconds()))
    for first in range(1, stretch.all_blocks + 1, size):
        last = min(first + size - 1, stretch.all_blocks)
        yield [
            (index, stretch.start + (index - 1) * stretch.interval, stretch.start + index * stretch.interval)
            for index in range(first, last + 1)
        ]


def _raise_if_away(readings: Iterable[object]) -> None:
    """Where no rule got an answer, and not for a fault of its own, it is not the time to ask."""
    failures = list(readings)
    away = [one for one in failures if isinstance(one, QueryFailed) and one.reason in _AWAY]
    if away and len(away) == len(failures):
        raise _Away(f"{away[0].reason}: {away[0].detail}")
