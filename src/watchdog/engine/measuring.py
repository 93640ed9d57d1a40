"""When a watch asks Prometheus: its baseline once, then each block after its end, in recovery on a grid of its own."""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.alerts import place_of
from watchdog.domain.events import BaselineMeasured, Event, Measured, RecoveryMeasured, Ticked
from watchdog.domain.live import Live
from watchdog.domain.measurement import QueryFailed
from watchdog.domain.rollout import Revision
from watchdog.domain.state import SETTLE, Phase, Watch
from watchdog.engine.alerting import AlertTracker
from watchdog.engine.asking import Asking, Trackers
from watchdog.engine.sampling import Sampler, Span, Tracker
from watchdog.ports import Clock

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 600
"""Blocks caught up in one go after an absence; older ones are left out."""

_TOGETHER = 2.0
"""Seconds in which watches begin that ask for their baselines together."""

_BLIND = 300.0
"""Seconds without a single look at the target after which time alone may end the watch."""


class Measuring:
    """The measuring task of one watch."""

    def __init__(
        self,
        sampler: Sampler,
        clock: Clock,
        post: Callable[[Event], None],
        watch: Callable[[], Watch],
        live: Callable[[], Live | None],
    ) -> None:
        self._clock = clock
        self._post = post
        self._watch = watch
        self._live = live
        self._asking = Asking(sampler, watch, live)
        self._baseline: asyncio.Task[None] | None = None  # while it is asked for: a task that is done keeps its frame

    def looked(self, live: Live) -> None:
        """Take note of a look at the target."""
        self._asking.looked(live)

    async def run(self, scope: asyncio.TaskGroup) -> None:
        """Measure until cancelled; the baseline is asked for beside it in `scope`, until it is there or `end`.

        Whoever waits for a block waits in this very coroutine: a thousand watches wait at any time, and each one
        between would hold its frame all the while.
        """
        await self._looked_at()
        self._baseline = scope.create_task(self._baselines(), name=self._watch().id)
        row: _Row | None = self._of_candidate()
        while row is not None:
            if self._watch().phase is Phase.RECOVERING and not row.recovering:
                row = await self._of_destination()
                continue
            due = row.since + row.index * row.interval + SETTLE
            while (wake := self._wakes(due)) is not None:
                await self._clock.sleep((wake - self._clock.now()).total_seconds())
                if wake < due:
                    self._post(Ticked())
            await self._measure(row)

    def end(self) -> None:
        """Ask for the baseline no more."""
        if self._baseline is not None:
            self._baseline.cancel()

    async def _looked_at(self) -> None:
        """Wait for the first look: what newborn pods count from 0 depends on when they were created.

        A target that cannot be looked at (its namespace may no longer be read) must not stay open for ever.
        """
        began = self._clock.monotonic()
        while self._live() is None:
            await self._clock.sleep(0.1)
            if self._clock.monotonic() - began > _BLIND:
                self._post(Ticked())
                await self._clock.sleep(self._watch().guard.interval.total_seconds())

    async def _baselines(self) -> None:
        """Ask until every rule has an answer; "no data" is one."""
        try:
            await self._ask_for_baselines()
        finally:
            self._baseline = None

    async def _ask_for_baselines(self) -> None:
        watch = self._watch()
        await self._until_others_ask(watch)
        left = [track for track in watch.tracks if track.threshold is not None and track.baseline is None]
        while left:
            answers = await self._asking.baselines(left)
            known = {
                track.rule.name: baseline
                for track, baseline in zip(left, answers, strict=True)
                if not isinstance(baseline.reading, QueryFailed)
            }
            if known:
                self._post(BaselineMeasured(known))
            left = [track for track in left if track.rule.name not in known]
            if left:
                await self._clock.sleep(watch.guard.interval.total_seconds())

    async def _until_others_ask(self, watch: Watch) -> None:
        """Wait a moment, so that watches that begin together ask for their baselines as one.

        Not where the first block could be there before the baseline that it is held against.
        """
        first = watch.switch.at + watch.guard.interval
        if self._clock.now() + timedelta(seconds=2.0 * _TOGETHER) < first:
            await self._clock.sleep(_TOGETHER - self._clock.monotonic() % _TOGETHER)

    def _of_candidate(self) -> "_Row":
        """The blocks of the grid `switch + k * interval`, until the watch is in recovery."""
        # Nothing here keeps the watch as it was at some moment: with all its blocks it is large.
        switch, interval = self._watch().switch, self._watch().guard.interval
        index = max(1, math.floor((self._clock.now() - switch.at) / interval) - _MOST_AT_ONCE)
        trackers, beside = self._asking.of_candidate(), self._asking.beside()
        return _Row(trackers, beside, switch.candidate, switch.at, interval, index)

    async def _of_destination(self) -> "_Row | None":
        """The blocks after the completed put-back, of the revision that was gone back to."""
        while (since := self._watch().recovery_from) is None:
            await self._clock.sleep(0.5)
            self._post(Ticked(measured=False))
        remedy, interval = self._watch().remedy, self._watch().guard.interval
        if remedy is None:
            return None
        trackers = self._asking.of_destination(remedy.to, since)
        return _Row(trackers, {}, remedy.to, since, interval, index=1, recovering=True)

    async def _measure(self, row: "_Row") -> None:
        """Measure the next block and all that are due with it, and say that time has passed."""
        since, interval = row.since, row.interval
        last = max(row.index, math.floor((self._clock.now() - SETTLE - since) / interval))
        spans = self._spans(row, last)
        subject = self._asking.subject(row.revision, since)  # one for all: a tracker keeps it until the next block
        for tracker in row.trackers.values():
            if isinstance(tracker, AlertTracker):
                tracker.moved(place_of(self._watch(), recovering=row.recovering))
            else:
                tracker.subject = subject
        for tracker in row.beside.values():
            tracker.subject = self._asking.subject(tracker.subject.revision, since)
        measured = await self._asking.blocks(row.trackers, row.beside, spans)
        if not self._asking.stable_serves(spans[-1]):
            row.beside.clear()  # how far its series were counted is half of all that was counted
        for of_rules in measured:
            self._post(RecoveryMeasured(of_rules) if row.recovering else Measured(of_rules))
        row.index = last + 1
        self._post(Ticked(measured=self._caught_up(since + row.index * interval)))

    def _spans(self, row: "_Row", last: int) -> list[Span]:
        """The blocks from the next one to the `last`. Where one ends the other begins: that is kept as one moment."""
        spans: list[Span] = []
        for index in range(row.index, last + 1):
            start = row.ended or row.since + (index - 1) * row.interval
            row.ended = row.since + index * row.interval
            spans.append((index, start, row.ended))
        return spans

    def _caught_up(self, next_end: datetime) -> bool:
        """Whether the last word may be said: it waits for a block that came due while the one before was asked for.

        Not for one that ends after the watch: where each answer takes longer than a block, there is always another.
        """
        watch = self._watch()
        over = watch.recovery_end if watch.phase is Phase.RECOVERING else watch.bake_end or watch.patience
        return self._clock.now() < next_end + SETTLE or (over is not None and next_end > over)

    def _over(self) -> datetime | None:
        """When the bake, or the look at the recovery, ends."""
        watch = self._watch()
        return watch.recovery_end if watch.phase is Phase.RECOVERING else watch.bake_end

    def _wakes(self, due: datetime) -> datetime | None:
        """When to wake next on the way to a moment, None if it has come: when the bake or the recovery is over, too."""
        now = self._clock.now()
        if now >= due:
            return None
        over = self._over()
        return min(due, over + SETTLE) if over is not None and over + SETTLE > now else due


@dataclass(slots=True)
class _Row:
    """Consecutive blocks of one revision, and how far they were measured."""

    trackers: Trackers
    beside: dict[str, Tracker]
    revision: Revision
    since: datetime
    interval: timedelta
    index: int  # of the next block
    recovering: bool = False
    ended: datetime | None = None  # the block before
