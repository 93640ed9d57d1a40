"""How measurements become verdicts along a watch: folds events into tracks and judges them."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from watchdog.domain.conditions import GaugeMetric
from watchdog.domain.copies import with_fields
from watchdog.domain.judge import Finding, Verdict, judge
from watchdog.domain.judge.gauges import LimitsOf, as_shares, began, settled_part, unlimited
from watchdog.domain.judge.history import RECENT, History, Outage, OverRun, Probes, forgotten
from watchdog.domain.judge.literal import could_fire
from watchdog.domain.judge.pods import Pods
from watchdog.domain.judge.probes import probes_hold
from watchdog.domain.judge.signs import showing
from watchdog.domain.judge.thresholds import OUTAGE_REQUESTS, OUTAGE_SHARE
from watchdog.domain.judge.weighing import fails_beside, provable, shared_since, weight_of, with_bet
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import (
    Baseline,
    Block,
    Buckets,
    Counts,
    Firing,
    NoData,
    PodValues,
    ProbeRound,
    Reading,
)
from watchdog.domain.path import with_verdict
from watchdog.domain.rules import SIDECARS, Probe, Rule, Signs
from watchdog.domain.state import Track

WarmFrom = Callable[[str], datetime | None]
"""From when a pod's requests count ("" for metrics without pods); None: it was never ready."""


def with_block(track: Track, block: Block, warm_from: WarmFrom, limits_of: LimitsOf = unlimited) -> Track:
    """One more block: cold pods are left out of what is judged, but not of a total outage."""
    threshold, outage = track.threshold, None
    if isinstance(block.reading, Counts) and threshold is not None:
        beside = fails_beside(threshold, block.beside, OUTAGE_SHARE, OUTAGE_REQUESTS)
        outage = Outage(block.index, block.end, block.reading.bad, block.reading.total, beside)
    reading = warm_part(block, warm_from)
    if threshold is not None:
        reading = settled_part(as_shares(threshold, reading, limits_of), block.start, warm_from)
    warm = block if reading is block.reading else with_fields(block, reading=reading)
    # Of a gauge the newest block alone is judged.
    gauge = threshold is not None and isinstance(threshold.metric, GaugeMetric)
    history = track.history.with_block(warm, outage, track.history.interval if gauge else RECENT)
    if history is track.history:
        return track  # seen already: it counts once
    return _judged_block(track, with_bet(track.rule, began(history, warm), track.baseline, warm), block.end)


def _judged_block(track: Track, history: History, end: datetime) -> Track:
    """The track after its newest block, which counts as judged if the rule could have said yes or no at its end."""
    verdict = judge(track.rule, history, track.baseline, end)
    able = verdict.finding is Finding.PASS or verdict.literal or isinstance(history.blocks[-1].reading, Firing)
    if not able and track.threshold is not None and isinstance(history.blocks[-1].reading, NoData):
        able = could_fire(track.rule, track.threshold, history, track.baseline)
    history = with_fields(
        history,
        blocks_judged=history.blocks_judged + able,
        blocks_over=history.blocks_over + (verdict.literal and not _shared(track.rule, history, verdict)),
        over=_over(history, verdict),
    )
    return _with_verdict(track, history, verdict)


def _shared(rule: Rule, history: History, verdict: Verdict) -> bool:
    start = verdict.evidence.window_start
    return start is not None and shared_since(rule, history, start)


def _over(history: History, verdict: Verdict) -> OverRun | None:
    index, before = history.last_index, history.over
    if verdict.outage:
        return before  # the rule as written was not asked
    if verdict.literal:
        return OverRun(index, verdict.evidence.since)
    if verdict.finding is Finding.PASS:
        return OverRun(index, None)
    # No data and too few requests neither count nor start afresh.
    return None if before is None else with_fields(before, index=index)


def warm_part(block: Block, warm_from: WarmFrom) -> Reading:
    """The reading without pods that were not yet warm when the block began."""

    def warm(pod: str) -> bool:
        moment = warm_from(pod)
        return moment is not None and block.start >= moment

    match block.reading:
        case Counts(pods) | Buckets(pods) if all(map(warm, pods)) and pods:
            return block.reading
        case Counts(pods):
            kept = {pod: count for pod, count in pods.items() if warm(pod)}
            return Counts(kept) if kept else NoData("all pods are still warming up", block.query)
        case Buckets(buckets):
            left = {pod: bucket for pod, bucket in buckets.items() if warm(pod)}
            return Buckets(left) if left else NoData("all pods are still warming up", block.query)
        case PodValues(values):
            rest = {pod: value for pod, value in values.items() if warm(pod)}
            real = {pod: value for pod, value in rest.items() if math.isfinite(value)}
            if len(real) == len(values) > 0:
                return block.reading
            why = "no pod's value is a number" if rest else "all pods are still warming up"
            return PodValues(real) if real else NoData(why, block.query)
        case absent:
            return absent


def with_round(track: Track, probe: Probe, round_: ProbeRound, pods: Iterable[str]) -> Track:
    """One more round of probes."""
    probes = Probes.after(track.history.probes, round_, pods)
    held_since = (track.history.held_since or round_.at) if probes_hold(probe, probes) else None
    history = with_fields(track.history, probes=probes, held_since=held_since)
    return _judged(track, history, round_.at)


def with_pods(track: Track, signs: Signs, pods: Pods) -> Track:
    """One more look at the pods."""
    held_since = (track.history.held_since or pods.at) if showing(signs, pods, pods.at) else None
    history = with_fields(track.history, pods=pods, held_since=held_since)
    return _judged(track, history, pods.at)


def with_baseline(track: Track, baseline: Baseline) -> Track:
    """What the rule measured of stable; blocks that came before it are judged again, as if it had been there.

    But for what a breach was proven against, which stands with it.
    """
    return _judged_again(with_fields(track, baseline=baseline))


def under_rule(track: Track, rule: Rule) -> Track:
    """The same measurements under another limit, `for` or confidence. Looks at the blocks that the history keeps.

    A total outage needs no limit: its breach stands. The baseline's blocks were counted for the old limit; of a
    histogram the whole baseline is taken instead.
    """
    baseline, old, new = track.baseline, track.threshold, with_fields(track, rule=rule).threshold
    if baseline is not None and isinstance(baseline.reading, Buckets) and old is not None and old != new:
        baseline = with_fields(baseline, blocks=())
    again = _judged_again(with_fields(track, rule=rule, baseline=baseline, verdict=None, breach=None, path=()))
    outage = track.breach if track.breach is not None and track.breach.outage else None
    if outage is not None and (again.breach is None or outage.at < again.breach.at):
        return with_fields(again, breach=outage)
    return again


def _judged_again(track: Track) -> Track:
    """The track with all blocks that are kept judged afresh."""
    baseline = track.baseline
    if track.threshold is None or not track.history.blocks:
        return track
    again = with_fields(track, path=())
    kept, history = track.history, forgotten(track.history)
    if track.breach is not None and track.breach.evidence.log_evidence is not None:
        history = with_fields(history, harmless=kept.harmless)  # what was proven stands, and the bets that it came from
    for block in kept.blocks:
        outages = tuple(outage for outage in kept.outages if outage.end <= block.end)
        seen = with_fields(history.with_block(block, None), outages=outages)
        again = _judged_block(again, with_bet(track.rule, seen, baseline, block), block.end)
        history = again.history
    judged_blocks = max(history.blocks_judged, kept.blocks_judged)
    # A breach stands, and so does its point: a total outage was seen in blocks of which only the last two are kept.
    stood = {point.at: point for point in track.path if point.finding is Finding.BREACH}
    path = tuple(stood.get(point.at, point) for point in again.path)
    history = with_fields(history, blocks_seen=kept.blocks_seen, blocks_judged=judged_blocks, met=kept.met)
    return with_fields(again, path=path, history=history)


def _judged(track: Track, history: History, now: datetime) -> Track:
    return _with_verdict(track, history, judge(track.rule, history, track.baseline, now))


def _with_verdict(track: Track, history: History, verdict: Verdict) -> Track:
    """The track with its present verdict; a breach, once reached, stands."""
    breach = track.breach or (verdict if verdict.finding is Finding.BREACH else None)
    return with_fields(track, history=history, verdict=verdict, breach=breach, path=with_verdict(track.path, verdict))


def could_have_fired(track: Track) -> bool:
    """Whether a breach could have been seen: the condition of the outcome `passed`."""
    match track.rule.check:
        case Probe():
            return track.history.probes is not None and track.history.probes.armed
        case Signs():
            return track.history.pods is not None
        case _ if weight_of(track.rule, track.history) is not None:
            return provable(track.rule, track.history)
        case _:
            return track.history.blocks_seen > 0 and 2 * track.history.blocks_judged >= track.history.blocks_seen


def containers_of(names: tuple[str, ...] | None, pods: Iterable[Pod]) -> frozenset[str] | None:
    """The containers whose state is judged: the guard's `containers`, else all but the sidecars."""
    if names is not None:
        return frozenset(names)
    present = {container.name for pod in pods for container in pod.containers}
    return frozenset(present.difference(SIDECARS)) if present.intersection(SIDECARS) else None


def looked(
    before: Pods | None,
    live: Live,
    pods: tuple[Pod, ...],
    *,
    counted_from: datetime,
    warmup: timedelta,
    containers: tuple[str, ...] | None,
) -> Pods:
    """The pods' memory after one more look."""
    return Pods.after(
        before,
        live,
        pods=pods,
        counted_from=counted_from,
        warmup=warmup,
        containers=containers_of(containers, pods),
    )


def replaced(tracks: tuple[Track, ...], changed: Mapping[str, Track]) -> tuple[Track, ...]:
    """The tracks with those of the named rules exchanged."""
    return tuple([changed.get(track.rule.name, track) for track in tracks])
