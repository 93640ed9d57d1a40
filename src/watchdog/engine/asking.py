"""What a watch asks of Prometheus, whenever it asks: of whom, since when, and what belongs together.

When is left to the caller: `measuring` asks as time passes, a replay asks for all blocks at once.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from watchdog.domain.alerts import moments_of, past_of, place_of
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import Baseline, Block, NoData
from watchdog.domain.rollout import Revision, SwitchKind
from watchdog.domain.rules import Alerts
from watchdog.domain.state import Track, Watch
from watchdog.engine.alerting import AlertTracker
from watchdog.engine.sampling import Sampler, Span, Subject, Tracker
from watchdog.engine.staying import Stays

_AT_ONCE = 30.0
"""Seconds after a switch in which no pod has come, been asked for its metrics, and gone again for good."""

Trackers = Mapping[str, Tracker | AlertTracker]
"""By the names of their rules."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A revision's pods that were seen, those that are gone among them, with their creation times; and how far back all
    are known, by looks at a cluster whose changes came in without a break."""

    born: Mapping[str, datetime] = field(default_factory=dict)  # which nobody changes: subjects have it
    looked: datetime | None = None  # the first look at what came in since then
    unbroken: datetime | None = None

    def seeing(self, pods: Sequence[Pod]) -> "_Known":
        """With these, who are there now."""
        if all(self.born.get(pod.name) == pod.created for pod in pods):
            return self
        return replace(self, born={**self.born, **{pod.name: pod.created for pod in pods}})

    def after(self, live: Live) -> "_Known":
        """The same after one look more."""
        if live.unbroken_since is None:
            return _Known(self.born)
        if self.unbroken == live.unbroken_since:
            return self
        return _Known(self.born, live.at, live.unbroken_since)

    def since(self, switch: datetime) -> datetime | None:
        """The beginning, where the cluster was watched before it, and the target looked at soon after."""
        if self.looked is None or self.unbroken is None or self.unbroken > switch:
            return self.looked
        return self.looked if self.looked - switch > timedelta(seconds=_AT_ONCE) else switch


_NOTHING = _Known()


class Asking:
    """The questions of one watch. `live` is the last look at its target: it tells when pods were created."""

    def __init__(self, sampler: Sampler, watch: Callable[[], Watch], live: Callable[[], Live | None]) -> None:
        self._sampler = sampler
        self._watch = watch
        self._live = live
        self._known: dict[Revision, _Known] = {}
        self._stays: Stays | None = None  # where the names of pods do not tell whose they are

    def looked(self, live: Live) -> None:
        """Take note of the pods that there are: what has gone by the time that it is asked about was there."""
        watch = self._watch()
        stable = () if watch.stable is None else ((watch.stable.revision, live.stable_pods),)
        for revision, pods in ((watch.switch.candidate, live.candidate_pods), *stable):
            self._known[revision] = self._known.get(revision, _NOTHING).seeing(pods).after(live)

    def subject(self, revision: Revision, since: datetime) -> Subject:
        """The revision's pods, those that are gone by now among them."""
        live, watch = self._live(), self._watch()
        if revision.named_pods:
            known = self._known.get(revision, _NOTHING)
            if live is not None:
                pods = live.candidate_pods if revision == watch.switch.candidate else live.stable_pods
                known = self._known[revision] = known.seeing(pods)
            return Subject(watch.switch.target, revision, known.born, since, known_since=known.since(since))
        if self._stays is None:
            self._stays = Stays()
        if live is not None:
            self._stays.looked(watch, live)
        stays = self._stays.of(revision)
        return Subject(
            watch.switch.target, revision, {name: began for name, (began, _) in stays.items()}, since, stays=stays
        )

    async def baselines(self, tracks: Sequence[Track]) -> list[Baseline]:
        """Those of several rules, when there is room: the samples of a thousand watches are too many at once."""
        async with self._sampler.baselines.inside():
            return await asyncio.gather(*(self.baseline(track) for track in tracks))

    async def baseline(self, track: Track) -> Baseline:
        """What the track's rule measured of stable, in the last `baseline` before the switch in which it served."""
        watch = self._watch()
        stable, threshold = watch.stable, track.threshold
        at = watch.switch.at
        if stable is None or threshold is None:
            return Baseline(at, at, NoData("no stable revision is known"))
        end = min(stable.until, at)
        start = max(stable.since, end - watch.guard.baseline)
        if start >= end:
            return Baseline(start, end, NoData("stable did not serve before the switch"))
        interval = watch.guard.interval.total_seconds()
        if stable.revision.named_pods:
            subject = self.subject(stable.revision, start)
        else:
            # Before the switch all pods were stable's. What one of today's had counted then, no creation time tells.
            subject = Subject(watch.switch.target, stable.revision, {}, start)
        return await self._sampler.baseline(threshold, subject, start, end, interval)

    def of_candidate(self) -> Trackers:
        """What the rules measure of the candidate, from the switch on."""
        watch = self._watch()
        subject = self.subject(watch.switch.candidate, watch.switch.at)
        return self._trackers(watch.tracks, subject) | self._alerts(watch.tracks)

    def of_destination(self, revision: Revision, since: datetime) -> Trackers:
        """What the breached rules measure of what was gone back to, from the completed put-back on."""
        tracks = self._watch().recovery_tracks
        return self._trackers(tracks, self.subject(revision, since)) | self._alerts(tracks, recovering=True)

    def beside(self) -> dict[str, Tracker]:
        """Stable's pods, which go on serving while a rollout is under way, or beside a candidate that has only a part.

        A flip leaves them without traffic at once.
        """
        watch = self._watch()
        goes_on = watch.switch.kind is SwitchKind.ROLLOUT or watch.switch.kind.in_parts
        if watch.stable is None or not goes_on:
            return {}
        weighed = [track for track in watch.tracks if track.rule.alpha is not None]
        return self._trackers(weighed, self.subject(watch.stable.revision, watch.switch.at))

    def stable_serves(self, span: Span) -> bool:
        """Whether stable may have been asked anything in the span: until the rollout was complete, by weight always.

        And for one interval more: the last requests of a pod that ended are scraped no more, those before are.
        """
        completed = None if self._watch().switch.kind.in_parts else self._watch().bake_from
        return completed is None or span[1] < completed + (span[2] - span[1])

    async def blocks(
        self, trackers: Trackers, beside: Mapping[str, Tracker], spans: Sequence[Span]
    ) -> list[Mapping[str, Block]]:
        """The rules' blocks, span by span, with what stable measured beside them until the rollout was complete."""
        shared = [span for span in spans if self.stable_serves(span)]
        stable = [beside[name] for name in trackers if name in beside and shared]
        rows, besides = await asyncio.gather(
            asyncio.gather(*(self._sampler.blocks(tracker, spans) for tracker in trackers.values())),
            asyncio.gather(*(self._sampler.blocks(tracker, shared) for tracker in stable)),
        )
        of_rule = dict(zip([name for name in trackers if name in beside], besides, strict=False))
        joined = [
            tuple(
                replace(block, beside=with_stable.reading) if with_stable is not None else block
                for block, with_stable in zip_longest(row, of_rule.get(name, ()))
            )
            for name, row in zip(trackers, rows, strict=True)
        ]
        return [dict(zip(trackers, blocks, strict=True)) for blocks in zip(*joined, strict=True)]

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
