"""What a record tells beside its verdicts: the moments, the tempo, what was checked, how each rule reads.

Everything here is derived from the watch and only read by people and their programs; nothing is read back.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from watchdog.domain.checks import checks_of
from watchdog.domain.conditions import Dimension, HistogramMetric, RatioMetric, Threshold
from watchdog.domain.joining import told_of
from watchdog.domain.judge.harmless import share_of_baseline
from watchdog.domain.judge.history import History
from watchdog.domain.judge.verdict import Evidence, number, span
from watchdog.domain.measurement import Baseline
from watchdog.domain.outlook import outlook_of
from watchdog.domain.part import weight_of
from watchdog.domain.rollout import Revision, WeightStep
from watchdog.domain.rules import Alerts, Budget, Probe, Rule, Signs
from watchdog.domain.state import Point, Track, Watch

COURSE_KEPT = 120
"""Points of stable's past that a record keeps for each rule."""


def story_of(watch: Watch) -> dict[str, Any]:
    """The moments and the setting of a watch."""
    guard = watch.guard
    return {
        "images": {
            "candidate": list(watch.switch.candidate.images),
            "stable": list(_images(watch.stable.revision if watch.stable else None)),
        },
        "changes": [] if watch.changes is None else list(watch.changes.lines),
        "commits": "" if watch.changes is None else watch.changes.commits,
        "slices": list(watch.hurts),
        "services": [flip.service for flip in watch.switch.flips],
        **({"steps": [_step(one) for one in watch.steps]} if watch.steps else {}),
        **({} if watch.switch.part is None else {"part": watch.switch.part}),
        **({"weight": weight} if (weight := weight_of(watch)) else {}),
        "tempo": {
            "bake": guard.bake.total_seconds(),
            "warmup": guard.warmup.total_seconds(),
            "interval": guard.interval.total_seconds(),
            "baseline": guard.baseline.total_seconds(),
            "recovery": guard.recovery.total_seconds(),
        },
        **({"outlook": list(outlook)} if (outlook := outlook_of(watch)) else {}),
        "may_act": watch.may_act,
        "notify_only": watch.notify_only,
        "ready_at": _moment(watch.ready_from),
        "bake_from": _moment(watch.bake_from),
        "bake_until": _moment(watch.bake_end),
        "patience_until": _moment(watch.patience),
        "breached": list(watch.breached),
        "noted": list(watch.noted),
        "breached_at": _moment(watch.breached_at),
        "put_back_to": None if watch.remedy is None else str(watch.remedy.to),
        "put_back_complete_at": _moment(watch.recovery_from),
        "recovery_until": _moment(watch.recovery_end),
        "attempts": watch.attempts,
        "conflicts": [{"at": one.at.isoformat(), "what": one.detail} for one in watch.conflicts],
        "left": dict(watch.left),
        "refusal": None if watch.refusal is None else watch.refusal.reason.value,
        "checks": checks_of(watch),
    }


def _step(step: WeightStep) -> dict[str, Any]:
    return {"at": step.at.isoformat(), "what": told_of(step), "share": step.share}


def rule_story(watch: Watch, track: Track, every: int) -> dict[str, Any]:
    """How a rule reads, where its numbers come from, and what it measured before the switch and after the act."""
    rule = track.rule
    verdict = track.breach or track.verdict
    evidence = None if verdict is None else verdict.evidence
    recovery = next((one for one in watch.recovery_tracks if one.rule.name == rule.name), None)
    threshold = track.threshold
    return {
        "text": text_of(rule),
        "asks": _asks(rule),
        "dimension": str(_dimension(track)),
        "upward": threshold is None or threshold.op.upward,
        "hold": rule.hold.total_seconds(),
        "action": str(watch.guard.action_of(rule)),
        "breached_at": None if track.breach is None else track.breach.at.isoformat(),
        "since": None if evidence is None else _moment(evidence.since),
        "outage": verdict is not None and verdict.outage,
        "window_from": None if evidence is None else _moment(evidence.window_start),
        "window_to": None if evidence is None else _moment(evidence.window_end),
        **_met(watch, track),
        "stable": None if track.baseline is None else _stable(track, track.baseline, every),
        "recovery": [] if recovery is None else [_point(point) for point in recovery.path[::every]],
    }


def _met(watch: Watch, track: Track) -> dict[str, Any]:
    """How many requests people made of the candidate from the switch on, and how many were bad, or slow."""
    threshold, history = track.threshold, track.history
    if threshold is None:
        return {}
    if isinstance(threshold.metric, HistogramMetric):
        return _slow(watch, track, threshold)
    if not isinstance(threshold.metric, RatioMetric) or not history.met[1]:
        return {}
    bad, total = map(_rounded, history.met)
    return {"met": {"metric": threshold.metric.name, "bad": bad, "total": total, "until": _moment(_last(history))}}


def _slow(watch: Watch, track: Track, threshold: Threshold) -> dict[str, Any]:
    """The same of a quantile, as its evidence counts: requests `over` so many seconds, without those of cold pods.

    `in_window`: the slow ones in the window of the verdict. `usual`: stable's share of slow ones before the switch.
    """
    history = track.history
    bets, bound = history.bets, history.bound
    if not bets.requests or bound is None or math.isinf(bound):
        return {}
    verdict = track.breach or track.verdict
    met = {"metric": threshold.metric.name, "bad": _rounded(bets.bad), "total": _rounded(bets.requests)}
    until = watch.switch.at + history.last_bet * history.interval
    return {
        "met": {
            **met,
            "until": _moment(until),
            "over": _rounded(bound),
            "in_window": None if verdict is None else _in_window(watch, history, verdict.evidence),
            "usual": _rounded(share_of_baseline(threshold, track.baseline, bound)),
        }
    }


def _in_window(watch: Watch, history: History, evidence: Evidence) -> float | None:
    if evidence.window_start is None or evidence.window_end is None:
        return None
    first, last = ((at - watch.switch.at) / history.interval for at in (evidence.window_start, evidence.window_end))
    return _rounded(math.fsum(bet.bad for bet in history.ledger if first < bet.block <= last))


def _last(history: History) -> datetime | None:
    return history.blocks[-1].end if history.blocks else None


def text_of(rule: Rule) -> str:
    """A rule as rules.toml has it, on one line."""
    held = f", for {span(rule.hold)}" if rule.hold else ""
    match rule.check:
        case Threshold(text=text):
            return text + held
        case Budget() as budget:
            period, spent = span(budget.period), number(budget.spend, Dimension.RATIO)
            return f"spends more than {spent} of the error budget of {period}{held}"
        case Probe() as probe:
            return f"GET {probe.path} on port {probe.port} each {span(probe.every)}, {probe.failures} failures in a row"
        case Signs(signs):
            return f"any of {', '.join(signs)}{held}"
        case Alerts(names):
            return f"any of the alerts {', '.join(names)}{held}"
        case _:
            assert_never(rule.check)


def _asks(rule: Rule) -> str:
    """Whom the rule asks."""
    match rule.check:
        case Probe():
            return "probe"
        case Signs():
            return "pods"
        case _:
            return "prometheus"


def _images(revision: Revision | None) -> tuple[str, ...]:
    return () if revision is None else revision.images


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _dimension(track: Track) -> Dimension:
    verdict = track.breach or track.verdict
    if verdict is not None and verdict.evidence.value is not None:
        return verdict.evidence.dimension
    return Dimension.PLAIN if track.threshold is None else track.threshold.metric.dimension


def _point(point: Point) -> list[Any]:
    return [point.at.isoformat(), _rounded(point.value), _rounded(point.limit), str(point.finding)]


def _stable(track: Track, baseline: Baseline, every: int) -> dict[str, Any]:
    """When stable was measured, and its course where the rule's own numbers were kept interval by interval."""
    values, step = _course(track, baseline)
    known = sorted(value for value in values if value is not None)
    return {
        "from": baseline.start.isoformat(),
        "to": baseline.end.isoformat(),
        "query": baseline.query,
        "band": [_rounded(_quantile(known, 0.05)), _rounded(_quantile(known, 0.95))] if known else None,
        "course": _thinned(baseline.start, values, step, COURSE_KEPT // every),
    }


def _course(track: Track, baseline: Baseline) -> tuple[Sequence[float | None], timedelta]:
    threshold = track.threshold
    if baseline.course and baseline.step > 0:
        return baseline.course, timedelta(seconds=baseline.step)
    own = threshold is not None and isinstance(threshold.metric, RatioMetric) and baseline.blocks
    if not own:
        return (), timedelta(0)
    shares = [bad / total if total else None for bad, total in baseline.blocks]
    return shares, (baseline.end - baseline.start) / len(shares)


def _thinned(start: datetime, values: Sequence[float | None], step: timedelta, most: int) -> list[list[Any]]:
    """At most so many points, each the largest of its stretch: bursts of stable's must not be thinned away."""
    size = max(1, math.ceil(len(values) / max(most, 1)))
    points = []
    for begin in range(0, len(values), size):
        stretch = [value for value in values[begin : begin + size] if value is not None]
        at = start + step * (begin + min(size, len(values) - begin))
        points.append([at.isoformat(timespec="seconds"), _rounded(max(stretch)) if stretch else None])
    return points


def _quantile(known: Sequence[float], share: float) -> float:
    return known[round(share * (len(known) - 1))]


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")
