"""Replays one switch: asks what the live watch would have asked, and hands it to `advance` at the same moments."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from watchdog.domain.conditions import RatioMetric, Threshold
from watchdog.domain.effects import Look, PutBack
from watchdog.domain.events import BaselineMeasured, Looked, Superseded, Ticked
from watchdog.domain.judge.verdict import span
from watchdog.domain.live import Pod
from watchdog.domain.measurement import Baseline, Block, Counts, ProbeResult, ProbeRound, QueryFailed
from watchdog.domain.rules import Probe
from watchdog.domain.state import Phase, Watch, open_watch
from watchdog.domain.telling import name_of
from watchdog.domain.watch import advance
from watchdog.engine.asking import Asking
from watchdog.engine.peering import Peering, PeersOf
from watchdog.engine.sampling import Sampler
from watchdog.ports import MetricSources
from watchdog.replay.filming import Case, Film, film_of, without_data, without_senses
from watchdog.replay.looks import PROGRESS, Looks, looks_of
from watchdog.replay.probes import rounds_of
from watchdog.replay.report import CUT_SHORT

_LONGEST = timedelta(hours=2)  # after a switch for which bad requests are counted
_MOST_LOOKS = 10  # looks that one breach asks for at one moment


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a switch would have gone."""

    watch: Watch
    decided_at: datetime | None  # when it would have acted
    not_replayable: Mapping[str, str]  # rule to the reason
    ended: datetime  # until when it was followed
    bad: float | None = None
    saved: float | None = None
    counted_until: datetime | None = None
    failures: tuple[str, ...] = ()  # questions without an answer
    put_back: datetime | None = None  # when the watchdog itself ended what could be seen, where it did


class At:
    """A clock that stands where the replay is."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        """What is past is not waited for."""


class _NoProber:
    """The past cannot be probed."""

    async def probe(self, pods: Sequence[Pod], probe: Probe) -> Sequence[ProbeResult]:
        return ()


class Replayer:
    """Replays cases, each against its guard's source. `now`: where the history ends."""

    def __init__(
        self, sources: MetricSources, sampler: Sampler, peers: PeersOf, now: datetime, *, deadline: float
    ) -> None:
        self._sources = sources
        self._sampler = sampler
        self._peers = peers
        self._now = now
        self._deadline = deadline

    async def replay(self, case: Case) -> Replayed:
        """Follow the switch until its bake ends, whatever was decided before. Raises `NotAnswered`."""
        switch, told = case.switch, case.course.kube_state
        patience = case.serving.patience or PROGRESS
        last = max(case.serving.completed or switch.at + patience, case.moved)
        limit = min(self._now, last + case.guard.bake, *([case.ends] if case.ends else []))
        rounds = await self._rounds(case, limit)
        blind = without_senses(case.guard.rules, rounds, told=told)
        guard = replace(case.guard, rules=tuple(rule for rule in case.guard.rules if rule.name not in blind))
        watch = open_watch(switch, guard, case.stable, notify_only=case.notify_only, now=switch.at)
        before = case.stable.revision if case.stable else None
        candidate = case.course.pods_of(switch.candidate, limit)
        stable = case.course.pods_of(before, switch.at) if before else ()
        looks = await looks_of(
            self._sources(guard.source),
            watch,
            candidate,
            stable,
            limit,
            told=told,
            completed=case.serving.completed,
            patience=patience,
        )
        completed = looks.at(limit).completed_at
        bake_from = max(watch.bake_from, case.moved) if watch.bake_from is not None else completed
        if bake_from is not None:
            bake_from = max(bake_from, switch.at)
        until = min(limit, bake_from + guard.bake) if bake_from is not None else limit
        blocks, baselines, failures = await self._measured(replace(watch, bake_from=bake_from), looks, until)
        film = film_of(watch, case, looks, rounds, blocks, until, bake_from)
        if baselines:
            film.add(switch.at, 0, BaselineMeasured(baselines))
        watch, decided = await self._follow(watch, looks, film)
        blind = {**blind, **without_data(watch, blocks, limits_known=looks.limits_known)}
        replayed = Replayed(watch, decided, blind, until, failures=tuple(failures), put_back=case.put_back)
        return await self._counted(case, replayed, looks)

    async def _rounds(self, case: Case, limit: datetime) -> Mapping[str, list[ProbeRound]]:
        if case.placebo or not any(isinstance(rule.check, Probe) for rule in case.guard.rules):
            return {}
        return await rounds_of(self._sources(case.guard.source), case.switch.target, case.switch.at, limit)

    async def _measured(
        self, watch: Watch, looks: Looks, until: datetime
    ) -> tuple[list[Mapping[str, Block]], Mapping[str, Baseline], list[str]]:
        """Every block whose end lies within the watch, and the baselines; and what could not be asked."""
        births = looks.births()
        asking = Asking(self._sampler, lambda: watch, lambda: births)
        interval, since = watch.guard.interval, watch.switch.at
        count = math.floor((until - since) / interval)
        spans = [(k, since + (k - 1) * interval, since + k * interval) for k in range(1, count + 1)]
        weighed = [track for track in watch.tracks if track.threshold is not None]
        rows, found = await asyncio.gather(
            asking.blocks(asking.of_candidate(), asking.beside(), spans),
            asyncio.gather(*(asking.baseline(track) for track in weighed)),
        )
        baselines = {track.rule.name: baseline for track, baseline in zip(weighed, found, strict=True)}
        failures = [
            f"{name}: {baseline.reading.reason}: {baseline.reading.detail}"
            for name, baseline in baselines.items()
            if isinstance(baseline.reading, QueryFailed)
        ]
        failures += sorted(
            {
                f"{name}: {block.reading.reason}: {block.reading.detail}"
                for row in rows
                for name, block in row.items()
                if isinstance(block.reading, QueryFailed)
            }
        )
        known = {name: one for name, one in baselines.items() if not isinstance(one.reading, QueryFailed)}
        return rows, known, failures

    async def _follow(self, watch: Watch, looks: Looks, film: Film) -> tuple[Watch, datetime | None]:
        """Hand each event to `advance`. After the act nothing is waited for: the rules are only judged further."""
        clock = At(watch.opened)
        peering = Peering(
            peers=self._peers,
            sampler=self._sampler,
            prober=_NoProber(),
            providers={},
            clock=clock,
            deadline=self._deadline,
        )
        decided: datetime | None = None
        for at, _, event in film.in_order():
            if decided is not None and isinstance(event, Ticked | Superseded):
                continue
            clock.at = at
            step = advance(watch, event, at)
            watch = step.watch
            for _ in range(_MOST_LOOKS):
                if any(isinstance(effect, PutBack) for effect in step.effects):
                    decided = decided or at
                if not any(isinstance(effect, Look) for effect in step.effects):
                    break
                compared = await peering.compare(watch)
                step = advance(watch, Looked(looks.at(at, fresh=True), compared), at)
                watch = step.watch
            if watch.phase.terminal:
                break
        return watch, decided

    async def _counted(self, case: Case, replayed: Replayed, looks: Looks) -> Replayed:
        """Bad requests up to the candidate's real end, and those of them after the decision."""
        ratio = next(
            (
                rule.check
                for rule in case.guard.rules
                if isinstance(rule.check, Threshold)
                and isinstance(rule.check.metric, RatioMetric)
                and rule.name not in replayed.not_replayable
            ),
            None,
        )
        if ratio is None or case.placebo:
            return replayed
        begin = case.switch.at
        last = min(case.following.since if case.following else replayed.ended, begin + _LONGEST, self._now)
        middle = replayed.decided_at
        middle = last if middle is None else min(middle, last)
        births = looks.births()
        subject = Asking(self._sampler, lambda: replayed.watch, lambda: births).subject(case.switch.candidate, begin)
        edges = [begin, middle, last] if begin < middle < last else [begin, last]
        spans = [(k, start, end) for k, (start, end) in enumerate(pairwise(edges), 1)]
        found = await self._sampler.blocks(self._sampler.tracker(ratio, subject), spans)
        bad = [block.reading.bad if isinstance(block.reading, Counts) else 0.0 for block in found]
        if any(isinstance(block.reading, QueryFailed) for block in found):
            return replayed
        saved = bad[-1] if len(bad) == 2 else 0.0 if replayed.decided_at is not None else None
        return replace(replayed, bad=sum(bad), saved=saved, counted_until=last)


def outcome_of(replayed: Replayed) -> tuple[str, str]:
    """What the watch would have come to, and why, in one sentence."""
    watch = replayed.watch
    if replayed.decided_at is not None:
        first = watch.track(watch.breached[0]) if watch.breached else None
        return Phase.ROLLED_BACK.value, first.breach.sentence if first and first.breach else ""
    if watch.phase.terminal:
        return watch.phase.value, watch.reason
    if replayed.put_back is not None:
        return _cut_short(watch, replayed.put_back)
    if watch.phase in (Phase.HOLDING, Phase.DECIDING) and watch.refusal is not None:
        return Phase.HELD.value, watch.refusal.sentence
    return Phase.INCONCLUSIVE.value, "the history ends before the bake does"


def _cut_short(watch: Watch, put_back: datetime) -> tuple[str, str]:
    """What it had come to when the watchdog itself put it back: what these rules would have done then nobody can know.

    To tell is all that is decided under `notify`, and was done.
    """
    told = watch.track(watch.noted[0]) if watch.noted else None
    if told is not None and told.breach is not None and watch.refusal is None:
        return Phase.NOTIFIED.value, told.breach.sentence
    after = span(put_back - watch.switch.at)
    by = f"cut short by the rollback of {name_of(watch.switch.candidate)}, {after} after the switch"
    held = f"; until then it was held: {watch.refusal.sentence}" if watch.refusal is not None else ""
    return CUT_SHORT, f"{by}: what these rules would have done later cannot be known{held}"
