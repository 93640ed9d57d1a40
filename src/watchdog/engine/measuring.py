"""When a watch asks Prometheus: its baseline once, then each block after its end, in recovery on a grid of its own."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import zip_longest

from watchdog.domain.alerts import moments_of, past_of, place_of
from watchdog.domain.events import BaselineMeasured, Event, Measured, RecoveryMeasured, Ticked
from watchdog.domain.live import Live
from watchdog.domain.measurement import Baseline, Block, NoData, QueryFailed
from watchdog.domain.rollout import Revision, SwitchKind
from watchdog.domain.rules import Alerts
from watchdog.domain.state import SETTLE, Phase, Track, Watch
from watchdog.engine.alerting import AlertTracker
from watchdog.engine.sampling import Sampler, Span, Subject, Tracker
from watchdog.ports import Clock

log = logging.getLogger(__name__)

Trackers = Mapping[str, Tracker | AlertTracker]
"""By the names of their rules."""

_MOST_AT_ONCE = 600
"""Blocks caught up in one go after an absence; older ones are left out."""

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
        self._sampler = sampler
        self._clock = clock
        self._post = post
        self._watch = watch
        self._live = live
        self._born: dict[Revision, dict[str, datetime]] = {}

    async def run(self) -> None:
        """Measure until cancelled."""
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
        left = [track for track in watch.tracks if track.threshold is not None and track.baseline is None]
        while left:
            answers = await asyncio.gather(*(self._baseline(watch, track) for track in left))
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

    async def _baseline(self, watch: Watch, track: Track) -> Baseline:
        stable, threshold = watch.stable, track.threshold
        at = watch.switch.at
        if stable is None or threshold is None:
            return Baseline(at, at, NoData("no stable revision is known"))
        end = min(stable.until, at)
        start = max(stable.since, end - watch.guard.baseline)
        if start >= end:
            return Baseline(start, end, NoData("stable did not serve before the switch"))
        subject, interval = self._subject(stable.revision, start), watch.guard.interval.total_seconds()
        return await self._sampler.baseline(threshold, subject, start, end, interval)

    def _births(self, revision: Revision) -> dict[str, datetime]:
        """When the revision's pods were created, those that are gone by now among them."""
        born = self._born.setdefault(revision, {})
        live = self._live()
        if live is not None:
            pods = live.candidate_pods if revision == self._watch().switch.candidate else live.stable_pods
            born.update((pod.name, pod.created) for pod in pods)
        return dict(born)

    def _subject(self, revision: Revision, since: datetime) -> Subject:
        return Subject(self._watch().switch.target, revision, self._births(revision), since)

    async def _blocks(self) -> None:
        """The blocks of the grid `switch + k * interval`, until the watch is in recovery."""
        watch = self._watch()
        revision, since, interval = watch.switch.candidate, watch.switch.at, watch.guard.interval
        trackers = self._trackers(watch.tracks, self._subject(revision, since)) | self._alerts(watch.tracks)
        beside = self._beside_trackers(watch, since)
        index = max(1, math.floor((self._clock.now() - since) / interval) - _MOST_AT_ONCE)
        while self._watch().phase is not Phase.RECOVERING:
            index = await self._next(trackers, beside, since, interval, index, revision, recovering=False)

    async def _recovery(self) -> None:
        """The blocks after the completed put-back, of the revision that was gone back to."""
        while (since := self._watch().recovery_from) is None:
            await self._clock.sleep(0.5)
            self._post(Ticked(measured=False))
        watch = self._watch()
        if watch.remedy is None:
            return
        subject = self._subject(watch.remedy.to, since)
        alerts = self._alerts(watch.recovery_tracks, recovering=True)
        trackers = self._trackers(watch.recovery_tracks, subject) | alerts
        index, interval = 1, watch.guard.interval
        while True:
            index = await self._next(trackers, {}, since, interval, index, watch.remedy.to, recovering=True)

    def _trackers(self, tracks: Sequence[Track], subject: Subject) -> dict[str, Tracker]:
        return {
            track.rule.name: self._sampler.tracker(track.threshold, subject)
            for track in tracks
            if track.threshold is not None
        }

    def _alerts(self, tracks: Sequence[Track], *, recovering: bool = False) -> dict[str, AlertTracker]:
        watch = self._watch()
        place, moments = place_of(watch, recovering=recovering), moments_of(watch, recovering=recovering)
        return {
            track.rule.name: AlertTracker(track.rule.check, place, moments, past_of(watch))
            for track in tracks
            if isinstance(track.rule.check, Alerts)
        }

    def _beside_trackers(self, watch: Watch, since: datetime) -> dict[str, Tracker]:
        """Stable's pods, which go on serving while a rollout is under way; a flip leaves it without traffic at once."""
        if watch.stable is None or watch.switch.kind is not SwitchKind.ROLLOUT:
            return {}
        weighed = [track for track in watch.tracks if track.rule.alpha is not None]
        return self._trackers(weighed, self._subject(watch.stable.revision, since))

    async def _rows(
        self, trackers: Trackers, beside: Mapping[str, Tracker], spans: Sequence[Span]
    ) -> list[tuple[Block, ...]]:
        """Each rule's blocks, with what stable measured in the same spans until the rollout was complete."""
        completed = self._watch().bake_from
        # One interval more: the last requests of a pod that ended are scraped no more, those before are.
        shared = [span for span in spans if completed is None or span[1] < completed + (span[2] - span[1])]
        stable = [beside[name] for name in trackers if name in beside and shared]
        rows, besides = await asyncio.gather(
            asyncio.gather(*(self._sampler.blocks(tracker, spans) for tracker in trackers.values())),
            asyncio.gather(*(self._sampler.blocks(tracker, shared) for tracker in stable)),
        )
        of_rule = dict(zip([name for name in trackers if name in beside], besides, strict=False))
        return [
            tuple(
                replace(block, beside=with_stable.reading) if with_stable is not None else block
                for block, with_stable in zip_longest(row, of_rule.get(name, ()))
            )
            for name, row in zip(trackers, rows, strict=True)
        ]

    async def _next(
        self,
        trackers: Trackers,
        beside: Mapping[str, Tracker],
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
        for tracker in trackers.values():
            if isinstance(tracker, AlertTracker):
                tracker.moved(place_of(self._watch(), recovering=recovering))
            else:
                tracker.subject = self._subject(revision, since)
        for tracker in beside.values():
            tracker.subject = self._subject(tracker.subject.revision, since)
        rows = await self._rows(trackers, beside, spans)
        for blocks in zip(*rows, strict=True):
            of_rules = dict(zip(trackers, blocks, strict=True))
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

    async def _until(self, moment: datetime) -> None:
        """Wait, with a tick when the bake or the recovery is over before."""
        while True:
            now = self._clock.now()
            if now >= moment:
                return
            watch = self._watch()
            over = watch.recovery_end if watch.phase is Phase.RECOVERING else watch.bake_end
            due = over + SETTLE if over is not None else moment
            wake = min(moment, due) if due > now else moment
            await self._clock.sleep((wake - now).total_seconds())
            if wake < moment:
                self._post(Ticked())
