"""When a watch asks Prometheus: its baseline once, then each block after its end, in recovery on a grid of its own."""

import asyncio
import logging
import math
from collections.abc import Callable
from datetime import datetime, timedelta

from watchdog.domain.alerts import place_of
from watchdog.domain.events import BaselineMeasured, Event, Measured, RecoveryMeasured, Ticked
from watchdog.domain.live import Live
from watchdog.domain.measurement import QueryFailed
from watchdog.domain.rollout import Revision
from watchdog.domain.state import SETTLE, Phase, Watch
from watchdog.engine.alerting import AlertTracker
from watchdog.engine.asking import Asking, Trackers
from watchdog.engine.sampling import Sampler, Tracker
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

    def looked(self, live: Live) -> None:
        """Take note of a look at the target."""
        self._asking.looked(live)

    async def run(self) -> None:
        """Measure until cancelled."""
        try:
            await self._measure()
        except asyncio.CancelledError as cancelled:
            # The frames of a TaskGroup hold the error, and it holds them: with them all that was measured would stay.
            raise cancelled.with_traceback(None) from None

    async def _measure(self) -> None:
        await self._looked_at()
        async with asyncio.TaskGroup() as scope:
            scope.create_task(self._baselines(), name=f"baseline {self._watch().id}")
            await self._blocks()
            await self._recovery()

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

    async def _blocks(self) -> None:
        """The blocks of the grid `switch + k * interval`, until the watch is in recovery."""
        # Nothing here keeps the watch as it was at some moment: with all its blocks it is large.
        switch, interval = self._watch().switch, self._watch().guard.interval
        revision, since = switch.candidate, switch.at
        trackers, beside = self._asking.of_candidate(), self._asking.beside()
        index = max(1, math.floor((self._clock.now() - since) / interval) - _MOST_AT_ONCE)
        while self._watch().phase is not Phase.RECOVERING:
            index = await self._next(trackers, beside, since, interval, index, revision, recovering=False)

    async def _recovery(self) -> None:
        """The blocks after the completed put-back, of the revision that was gone back to."""
        while (since := self._watch().recovery_from) is None:
            await self._clock.sleep(0.5)
            self._post(Ticked(measured=False))
        remedy, interval = self._watch().remedy, self._watch().guard.interval
        if remedy is None:
            return
        trackers = self._asking.of_destination(remedy.to, since)
        index = 1
        while True:
            index = await self._next(trackers, {}, since, interval, index, remedy.to, recovering=True)

    async def _next(
        self,
        trackers: Trackers,
        beside: dict[str, Tracker],
        since: datetime,
        interval: timedelta,
        index: int,
        revision: Revision,
        *,
        recovering: bool,
    ) -> int:
        """Wait for block `index`, measure it and all that are due with it, and say that time has passed."""
        await self._until(since + index * interval + SETTLE)
        last = max(index, math.floor((self._clock.now() - SETTLE - since) / interval))
        spans = [(k, since + (k - 1) * interval, since + k * interval) for k in range(index, last + 1)]
        subject = self._asking.subject(revision, since)  # one for all: a tracker keeps it until the next block
        for tracker in trackers.values():
            if isinstance(tracker, AlertTracker):
                tracker.moved(place_of(self._watch(), recovering=recovering))
            else:
                tracker.subject = subject
        for tracker in beside.values():
            tracker.subject = self._asking.subject(tracker.subject.revision, since)
        measured = await self._asking.blocks(trackers, beside, spans)
        if not self._asking.stable_serves(spans[-1]):
            beside.clear()  # how far its series were counted is half of all that was counted
        for of_rules in measured:
            self._post(RecoveryMeasured(of_rules) if recovering else Measured(of_rules))
        self._post(Ticked(measured=self._caught_up(since + (last + 1) * interval)))
        return last + 1

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

    async def _until(self, moment: datetime) -> None:
        """Wait, with a tick when the bake or the recovery is over before."""
        while True:
            now = self._clock.now()
            if now >= moment:
                return
            over = self._over()
            due = over + SETTLE if over is not None else moment
            wake = min(moment, due) if due > now else moment
            await self._clock.sleep((wake - now).total_seconds())
            if wake < moment:
                self._post(Ticked())
