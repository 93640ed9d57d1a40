"""The literal rule: a measure over the recent minute compared with its limit, held for as long as `for` asks.

At each block's end the last ceil(60 s / interval) blocks since the switch are judged, lengthened backwards until
they hold `min_requests` and two samples. `for` counts judged blocks: a block within the limit starts it afresh,
blocks without data or with too few requests neither count nor reset.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from watchdog.domain.judge.history import History
from watchdog.domain.judge.quantiles import mean_of, quantile_of
from watchdog.domain.judge.verdict import Evidence, number, span
from watchdog.domain.measurement import (
    Baseline,
    Block,
    Buckets,
    Counts,
    NoData,
    PodValues,
    QueryFailed,
    Reading,
)
from watchdog.domain.rules import (
    AboveBaseline,
    Absolute,
    GaugeMetric,
    RatioMetric,
    Rule,
    Statistic,
    Threshold,
    TimesBaseline,
)

RECENT = timedelta(seconds=60)


class State(Enum):
    OVER = auto()
    WITHIN = auto()
    UNDECIDED = auto()
    NO_DATA = auto()


@dataclass(frozen=True, slots=True)
class Literal:
    """What the rule as written says at one block's end."""

    state: State
    why: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Measure:
    """A window's value; `value` None with the reason where it has none."""

    value: float | None
    why: str = ""
    enough: bool = True
    bad: float | None = None
    total: float | None = None
    pods: int = 0
    per_pod: tuple[float, ...] = ()


def could_fire(rule: Rule, threshold: Threshold, history: History, baseline: Baseline | None) -> bool:
    """Whether the literal rule could say yes or no at the end of the newest block.

    Where scrapes are further apart than blocks, most blocks hold no sample; the rule is then as able to fire as it was
    at the last one that did, within the recent minute.
    """
    blocks = history.blocks
    silent = 0
    while silent < math.ceil(RECENT / history.interval) - 1 and blocks and isinstance(blocks[-1].reading, NoData):
        blocks, silent = blocks[:-1], silent + 1
    if not blocks:
        return False
    state = literal(rule, threshold, history.interval, blocks, baseline).state
    return state in (State.OVER, State.WITHIN)


def baseline_value(rule: Rule, threshold: Threshold, baseline: Baseline | None) -> float | None:
    """What stable measured before the switch, without floor; None where that is not known."""
    if baseline is None:
        return None
    measure = _measure(rule, threshold, (Block(0, baseline.start, baseline.end, baseline.reading),))
    return measure.value if measure.enough else None


def _window(rule: Rule, threshold: Threshold, interval: timedelta, blocks: Sequence[Block]) -> Sequence[Block]:
    if isinstance(threshold.metric, GaugeMetric):
        return blocks[-1:]
    size = math.ceil(RECENT / interval)
    start = max(0, len(blocks) - size)
    while start > 0 and not _measure(rule, threshold, blocks[start:]).enough:
        start -= 1
    return blocks[start:]


def literal(
    rule: Rule, threshold: Threshold, interval: timedelta, blocks: Sequence[Block], baseline: Baseline | None
) -> Literal:
    newest = blocks[-1]
    dimension = threshold.metric.dimension
    if isinstance(newest.reading, NoData | QueryFailed):
        return Literal(
            State.NO_DATA, absence(newest.reading), Evidence(dimension=dimension, query=newest.reading.query)
        )
    window = _window(rule, threshold, interval, blocks)
    measure = _measure(rule, threshold, window)
    evidence = Evidence(
        value=measure.value,
        bad=measure.bad,
        total=measure.total,
        window_start=window[0].start,
        window_end=newest.end,
        pods=measure.pods,
        dimension=dimension,
        query=newest.query,
    )
    if measure.value is None:
        return Literal(State.NO_DATA, measure.why, evidence)
    if not measure.enough:
        return Literal(State.UNDECIDED, measure.why, evidence)
    limit, evidence, why = _limit(rule, threshold, baseline, evidence)
    if limit is None:
        state = State.NO_DATA if why.startswith("no baseline") else State.UNDECIDED
        return Literal(state, why, evidence)
    over = threshold.op.holds(measure.value, limit)
    pods_over = sum(1 for value in measure.per_pod if threshold.op.holds(value, limit))
    evidence = replace(evidence, limit=limit, pods_over=pods_over)
    return Literal(State.OVER if over else State.WITHIN, _sentence(threshold, evidence), evidence)


def _limit(
    rule: Rule, threshold: Threshold, baseline: Baseline | None, evidence: Evidence
) -> tuple[float | None, Evidence, str]:
    if isinstance(threshold.limit, Absolute):
        return threshold.limit.value, replace(evidence, baseline=baseline_value(rule, threshold, baseline)), ""
    if baseline is None:
        return None, evidence, "the baseline was not measured yet"
    if isinstance(baseline.reading, NoData | QueryFailed):
        return None, evidence, f"no baseline: {absence(baseline.reading)}"
    measure = _measure(rule, threshold, (Block(0, baseline.start, baseline.end, baseline.reading),))
    if measure.value is None:
        return None, evidence, f"no baseline: {measure.why}"
    if not measure.enough:
        return None, evidence, f"the baseline is too thin: {measure.why}"
    floor = threshold.metric.floor
    at_floor = floor is not None and measure.value < floor
    base = floor if at_floor and floor is not None else measure.value
    evidence = replace(evidence, baseline=measure.value, baseline_at_floor=at_floor)
    match threshold.limit:
        case TimesBaseline(factor):
            return factor * base, evidence, ""
        case AboveBaseline(delta):
            return base + delta, evidence, ""


def _measure(rule: Rule, threshold: Threshold, blocks: Sequence[Block]) -> _Measure:
    readings = [block.reading for block in blocks]
    if isinstance(threshold.metric, RatioMetric):
        measure = _ratio(rule, readings)
    elif threshold.statistic is not Statistic.VALUE:
        measure = _latency(rule, threshold.statistic, readings)
    else:
        measure = _per_pod(readings)
    if measure.value is not None and not math.isfinite(measure.value):
        return _Measure(None, "what was measured is not a number", enough=False)
    return measure


def _ratio(rule: Rule, readings: Sequence[Reading]) -> _Measure:
    counts = [reading for reading in readings if isinstance(reading, Counts)]
    bad = math.fsum(reading.bad for reading in counts)
    total = math.fsum(reading.total for reading in counts)
    if total <= 0:
        return _Measure(None, "there were no requests", enough=False)
    pods: dict[str, tuple[float, float]] = {}
    for reading in counts:
        for pod, count in reading.pods.items():
            before = pods.get(pod, (0.0, 0.0))
            pods[pod] = (before[0] + count.bad, before[1] + count.total)
    why = _too_few(rule, total, sum(reading.samples for reading in counts))
    shares = tuple(pod_bad / pod_total for pod_bad, pod_total in pods.values() if pod_total > 0)
    return _Measure(bad / total, why, not why, bad, total, len(pods), shares)


def _latency(rule: Rule, statistic: Statistic, readings: Sequence[Reading]) -> _Measure:
    buckets = [reading for reading in readings if isinstance(reading, Buckets)]
    total = math.fsum(reading.total for reading in buckets)
    if total <= 0:
        return _Measure(None, "there were no requests", enough=False)
    names = sorted({pod for reading in buckets for pod in reading.pods})

    def value_of(pods: Sequence[str]) -> float | None:
        parts = [reading.pods[pod] for reading in buckets for pod in pods if pod in reading.pods]
        quantile = statistic.quantile
        return mean_of(parts) if quantile is None else quantile_of(parts, quantile)

    value = value_of(names)
    if value is None:
        return _Measure(None, "the histogram is empty", enough=False)
    why = _too_few(rule, total, sum(reading.samples for reading in buckets))
    each = tuple(one for name in names if (one := value_of((name,))) is not None)
    return _Measure(value, why, not why, None, total, len(names), each)


def _per_pod(readings: Sequence[Reading]) -> _Measure:
    sums: dict[str, list[float]] = {}
    for reading in readings:
        if isinstance(reading, PodValues):
            for pod, value in reading.pods.items():
                if math.isfinite(value):
                    sums.setdefault(pod, []).append(value)
    if not sums:
        return _Measure(None, "no pod was measured", enough=False)
    means = {pod: sum(values) / len(values) for pod, values in sums.items()}
    return _Measure(PodValues(means).middle, pods=len(means), per_pod=tuple(means.values()))


def _too_few(rule: Rule, total: float, samples: int) -> str:
    if total < rule.min_requests:
        return f"only {total:.0f} of {rule.min_requests} requests were seen"
    if samples < 2:
        return "fewer than two samples were seen"
    return ""


def over_since(
    rule: Rule, threshold: Threshold, interval: timedelta, blocks: Sequence[Block], baseline: Baseline | None
) -> datetime:
    """The end of the first block of the unbroken run over the limit, looking no further back than needed twice."""
    since = blocks[-1].end
    for end in range(len(blocks) - 1, 0, -1):
        at_end = literal(rule, threshold, interval, blocks[:end], baseline)
        if at_end.state is State.WITHIN:
            break
        if at_end.state is State.OVER:
            since = blocks[end - 1].end
            if blocks[-1].end - since >= max(rule.hold, RECENT):
                break
    return since


def absence(reading: NoData | QueryFailed) -> str:
    """Why there is nothing to judge, for people."""
    return reading.detail if isinstance(reading, NoData) else f"the query failed ({reading.reason}): {reading.detail}"


def _sentence(threshold: Threshold, evidence: Evidence) -> str:
    dimension = evidence.dimension
    limit = f"limit {threshold.op} {number(evidence.limit, dimension)}"
    if evidence.baseline is not None and threshold.needs_baseline:
        floor = ", below its floor" if evidence.baseline_at_floor else ""
        limit += f", baseline {number(evidence.baseline, dimension)}{floor}"
    value = number(evidence.value, dimension)
    seconds = ""
    if evidence.window_start and evidence.window_end:
        seconds = f" in the last {span(evidence.window_end - evidence.window_start)}"
    if evidence.bad is not None and evidence.total is not None:
        return f"{evidence.bad:,.0f} of {evidence.total:,.0f} requests were bad{seconds} ({value}; {limit})"
    what = threshold.metric.name if threshold.statistic is Statistic.VALUE else threshold.statistic.value
    over = f" over {evidence.total:,.0f} requests" if evidence.total is not None else ""
    pods = f", {evidence.pods_over} of {evidence.pods} pods alone" if evidence.pods > 1 else ""
    return f"{what} is {value}{over}{seconds} ({limit}{pods})"
