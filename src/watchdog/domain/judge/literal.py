"""The literal rule: a measure over the recent minute compared with its limit, held for as long as `for` asks.

At each block's end the last ceil(60 s / interval) blocks since the switch are judged, lengthened backwards until
they hold `min_requests` and two samples. `for` counts judged blocks: a block within the limit starts it afresh,
blocks without data or with too few requests neither count nor reset.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from watchdog.domain.conditions import (
    AboveBaseline,
    Absolute,
    GaugeMetric,
    ShareOfLimit,
    Statistic,
    Threshold,
    TimesBaseline,
)
from watchdog.domain.judge.history import RECENT, History
from watchdog.domain.judge.measures import Measure, measure_of, measure_of_readings, pods_over
from watchdog.domain.judge.verdict import Evidence, number, span
from watchdog.domain.measurement import Baseline, Block, NoData, QueryFailed
from watchdog.domain.rules import Rule


class State(Enum):
    """What the rule as written says, before any `for`."""

    OVER = auto()
    WITHIN = auto()
    UNDECIDED = auto()
    NO_DATA = auto()


class Literal(NamedTuple):
    """What the rule as written says at one block's end."""

    state: State
    why: str
    evidence: Evidence


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
    """What stable measured before the switch, without floor; None where that is not known.

    Of a share of a limit it never is: the limits of pods that are gone are forgotten.
    """
    if baseline is None or isinstance(threshold.limit, ShareOfLimit):
        return None
    measure = measure_of_readings(rule, threshold, [baseline.reading])
    return measure.value if measure.enough else None


def _window(
    rule: Rule, threshold: Threshold, interval: timedelta, blocks: Sequence[Block]
) -> tuple[Sequence[Block], Measure]:
    if isinstance(threshold.metric, GaugeMetric):
        newest = blocks[-1:]
        return newest, measure_of(rule, threshold, newest)
    start = max(0, len(blocks) - math.ceil(RECENT / interval))
    window = blocks[start:]
    measure = measure_of(rule, threshold, window)
    while start > 0 and not measure.enough:
        start -= 1
        window = blocks[start:]
        measure = measure_of(rule, threshold, window)
    return window, measure


def literal(
    rule: Rule, threshold: Threshold, interval: timedelta, blocks: Sequence[Block], baseline: Baseline | None
) -> Literal:
    """What the rule as written says at the end of the newest of these blocks."""
    newest = blocks[-1]
    dimension = threshold.dimension
    if isinstance(newest.reading, NoData | QueryFailed):
        return Literal(
            State.NO_DATA, absence(newest.reading), Evidence(dimension=dimension, query=newest.reading.query)
        )
    window, measure = _window(rule, threshold, interval, blocks)
    base = _limit(rule, threshold, baseline)
    value, limit = measure.value, base.limit
    over = value is not None and limit is not None and measure.enough and threshold.op.holds(value, limit)
    evidence = Evidence(
        value=value,
        limit=limit,
        baseline=base.baseline,
        baseline_at_floor=base.at_floor,
        bad=measure.bad,
        total=measure.total,
        window_start=window[0].start,
        window_end=newest.end,
        pods=measure.pods,
        pods_over=pods_over(threshold, window, limit) if over else 0,
        dimension=dimension,
        query=newest.query,
    )
    if measure.value is None:
        return Literal(State.NO_DATA, measure.why, evidence)
    if not measure.enough:
        return Literal(State.UNDECIDED, measure.why, evidence)
    if limit is None:
        state = State.NO_DATA if base.why.startswith("no baseline") else State.UNDECIDED
        return Literal(state, base.why, evidence)
    return Literal(State.OVER if over else State.WITHIN, _sentence(threshold, evidence), evidence)


class _Base(NamedTuple):
    """What is compared with; `limit` None with the reason where there is none."""

    limit: float | None
    why: str = ""
    baseline: float | None = None
    at_floor: bool = False


def limit_of(rule: Rule, threshold: Threshold, baseline: Baseline | None) -> float | None:
    """What the rule as written compares with; None where that hangs on a baseline that is not known."""
    return _limit(rule, threshold, baseline).limit


def _limit(rule: Rule, threshold: Threshold, baseline: Baseline | None) -> _Base:
    if isinstance(threshold.limit, Absolute):
        return _Base(threshold.limit.value, baseline=baseline_value(rule, threshold, baseline))
    if isinstance(threshold.limit, ShareOfLimit):
        return _Base(threshold.limit.share)
    if baseline is None:
        return _Base(None, "the baseline was not measured yet")
    if isinstance(baseline.reading, NoData | QueryFailed):
        return _Base(None, f"no baseline: {absence(baseline.reading)}")
    measure = measure_of_readings(rule, threshold, [baseline.reading])
    if measure.value is None:
        return _Base(None, f"no baseline: {measure.why}")
    if not measure.enough:
        return _Base(None, f"the baseline is too thin: {measure.why}")
    floor = threshold.metric.floor
    at_floor = floor is not None and measure.value < floor
    base = floor if at_floor and floor is not None else measure.value
    match threshold.limit:
        case TimesBaseline(factor):
            return _Base(factor * base, "", measure.value, at_floor)
        case AboveBaseline(delta):
            return _Base(base + delta, "", measure.value, at_floor)


def over_since(rule: Rule, threshold: Threshold, history: History, baseline: Baseline | None) -> datetime:
    """The end of the first block of the unbroken run over the limit, of which the newest block is the last.

    What earlier blocks said is known to the history, where it was judged block by block.
    """
    blocks, known = history.blocks, history.over
    since = blocks[-1].end
    for end in range(len(blocks) - 1, 0, -1):
        if known is not None and blocks[end - 1].index == known.index:
            return known.since or since
        at_end = literal(rule, threshold, history.interval, blocks[:end], baseline)
        if at_end.state is State.WITHIN:
            break
        if at_end.state is State.OVER:
            since = blocks[end - 1].end
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
    value = number(evidence.value, dimension) + (" of its limit" if isinstance(threshold.limit, ShareOfLimit) else "")
    seconds = ""
    if evidence.window_start and evidence.window_end:
        seconds = f" in the last {span(evidence.window_end - evidence.window_start)}"
    if evidence.bad is not None and evidence.total is not None:
        return f"{evidence.bad:,.0f} of {evidence.total:,.0f} requests were bad{seconds} ({value}, {limit})"
    what = threshold.metric.name if threshold.statistic is Statistic.VALUE else threshold.statistic.value
    over = f" over {evidence.total:,.0f} requests" if evidence.total is not None else ""
    pods = f", {evidence.pods_over} of {evidence.pods} pods alone" if evidence.pods > 1 and evidence.pods_over else ""
    return f"{what} is {value}{over}{seconds} ({limit}{pods})"
