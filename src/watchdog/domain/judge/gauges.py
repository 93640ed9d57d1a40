"""Gauges and rates (CPU, memory, a queue): an exceedance that lasts, is no habit and no cold start on its way out.

Judged is the median over pods, so that an autoscaler that doubles the pods changes nothing. No rate of false rollbacks
is promised for these: there is no model of what a harmless release's CPU does. What keeps a good release from being
sent back is time: an exceedance must last for `for`, and for longer than any that stable had in the baseline.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from watchdog.domain.conditions import Dimension, GaugeMetric, Op, RateMetric, ShareOfLimit, Threshold
from watchdog.domain.copies import with_fields
from watchdog.domain.judge.history import RECENT, History
from watchdog.domain.judge.literal import Literal, over_since
from watchdog.domain.judge.measures import middle_of
from watchdog.domain.judge.verdict import Finding, Verdict, number, span
from watchdog.domain.live import NO_LIMITS, Limits
from watchdog.domain.measurement import Baseline, Block, NoData, PodValues, Reading
from watchdog.domain.rules import Rule

SETTLING = timedelta(minutes=2)
"""How long after its warm-up a pod may still be in its cold start: until then an exceedance that falls is forgiven."""

OF_THE_BAKE = 0.25
"""What habit and cold start may delay a breach by, at most, each: a bake must be able to find what it is there for."""

LONGEST_GAP = 2 * RECENT
"""A stretch without values that is longer ends a run over the limit in the baseline; a shorter one is part of it."""

_DIGITS = 4  # of a baseline's values: a record holds many of them
_FEW, _FEWEST = 5, 3  # values below which a trend looks further back, and below which there is none
_MANY = 12  # values beyond which it takes medians of neighbours

LimitsOf = Callable[[str], Limits]
"""What a pod's judged containers may use."""


def unlimited(_pod: str) -> Limits:
    """Nothing is known of any pod."""
    return NO_LIMITS


def is_gauge(threshold: Threshold) -> bool:
    """Whether the metric has one value a pod, not requests to count."""
    return isinstance(threshold.metric, GaugeMetric | RateMetric)


# -- what is judged ----------------------------------------------------------------------------------------------


def as_shares(threshold: Threshold, reading: Reading, limits_of: LimitsOf) -> Reading:
    """Under `N% limit` each pod's value as a share of its own limit; pods without one are not judged."""
    if not isinstance(threshold.limit, ShareOfLimit) or not isinstance(reading, PodValues):
        return reading
    cores = threshold.metric.dimension is Dimension.CORES
    shares: dict[str, float] = {}
    for pod, value in reading.pods.items():
        limits = limits_of(pod)
        limit = limits.cpu if cores else limits.memory
        if limit is not None and limit > 0.0 and math.isfinite(value / limit):
            shares[pod] = value / limit
    if shares:
        return PodValues(shares)
    return NoData(f"no pod that was measured has a {'CPU' if cores else 'memory'} limit on each of its containers")


def settled_part(reading: Reading, start: datetime, warm_from: Callable[[str], datetime | None]) -> Reading:
    """The reading without pods that are in their cold start, as long as there are others to judge by.

    So pods that an autoscaler or a node drain brings later are no spike of the whole, however many they are. While
    all are new, all are judged.
    """
    if not isinstance(reading, PodValues):
        return reading

    def settled(pod: str) -> bool:
        moment = warm_from(pod)
        return moment is not None and start - moment >= SETTLING

    kept = {pod: value for pod, value in reading.pods.items() if settled(pod)}
    return PodValues(kept) if 0 < len(kept) < len(reading.pods) else reading


def began(history: History, block: Block) -> History:
    """The history with the end of its cold start, from the first block in which a warm pod was measured."""
    if history.cold_until is not None or not isinstance(block.reading, PodValues):
        return history
    return with_fields(history, cold_until=block.start + min(SETTLING, OF_THE_BAKE * history.bake))


# -- the baseline's habit ----------------------------------------------------------------------------------------


def course_of(threshold: Threshold, readings: Sequence[Reading], step: float) -> tuple[float | None, ...]:
    """A baseline over time, `step` seconds between readings, as the judge would have seen it. For `Baseline.course`.

    Of a rate that is the mean over the recent minute. Empty for what is judged otherwise, and under `N% limit`: the
    limits of stable's pods are not known any more.
    """
    if not is_gauge(threshold) or isinstance(threshold.limit, ShareOfLimit) or step <= 0.0:
        return ()
    rate = isinstance(threshold.metric, RateMetric)
    size = max(1, math.ceil(RECENT.total_seconds() / step)) if rate else 1
    course: list[float | None] = []
    for index, reading in enumerate(readings):
        window = readings[max(0, index + 1 - size) : index + 1]
        value = middle_of(window).value if isinstance(reading, PodValues) else None
        course.append(None if value is None or not math.isfinite(value) else float(f"{value:.{_DIGITS}g}"))
    return tuple(course) if any(value is not None for value in course) else ()


def longest_run(baseline: Baseline | None, op: Op, limit: float) -> timedelta:
    """For how long at a time the baseline was over a limit, at most: each step over it counts whole."""
    if baseline is None:
        return timedelta(0)
    longest = 0
    first = last = -1  # of the present run
    for index, value in enumerate(baseline.course):
        if value is None:
            continue
        if last >= 0 and (index - last) * baseline.step > LONGEST_GAP.total_seconds():
            first = last = -1
        if op.holds(value, limit):
            first, last = (index if first < 0 else first), index
            longest = max(longest, last - first + 1)
        else:
            first = last = -1
    return timedelta(seconds=longest * baseline.step)


def patience(rule: Rule, history: History, habit: timedelta, step: float) -> timedelta:
    """For how long an exceedance must last: `for`, and longer than stable's habit, up to a part of the bake."""
    if not habit:
        return rule.hold
    return max(rule.hold, min(habit + timedelta(seconds=step), OF_THE_BAKE * history.bake))


# -- the cold start ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trend:
    """Where the recent values go: the line's value at the newest block, and its slope per second."""

    level: float
    slope: float


def trend_of(blocks: Sequence[Block]) -> Trend | None:
    """The line of the median slope (Theil and Sen) through the recent values: no outlier bends it.

    The last minute counts; where it holds few values, the last two. None where there are fewer than three.
    """
    newest = blocks[-1].end
    points: list[tuple[float, float]] = []  # seconds before the newest block, as a negative number, and the value
    for block in reversed(blocks):
        age = newest - block.end
        if age > 2 * RECENT or (age > RECENT and len(points) >= _FEW):
            break
        if isinstance(block.reading, PodValues) and math.isfinite(value := block.reading.middle):
            points.append((-age.total_seconds(), value))
    points = _thinned(points)
    if len(points) < _FEWEST:
        return None
    slope = median((value - other) / (moment - before) for (moment, value), (before, other) in combinations(points, 2))
    return Trend(median(value - slope * moment for moment, value in points), slope)


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `_MANY` points: the medians of neighbours. At a block each second there are too many pairs."""
    size = math.ceil(len(points) / _MANY) or 1
    groups = (points[index : index + size] for index in range(0, len(points), size))
    return [(median(moment for moment, _ in group), median(value for _, value in group)) for group in groups]


def settles(threshold: Threshold, limit: float, blocks: Sequence[Block], until: datetime | None) -> str:
    """Why an exceedance is a cold start on its way out; "" where it is none, or where the time for that is over.

    It is one if, falling on as it does, it is back within the limit by `until`.
    """
    if until is None or blocks[-1].end > until or not is_gauge(threshold):
        return ""
    trend = trend_of(blocks)
    if trend is None or not (math.isfinite(trend.slope) and math.isfinite(trend.level)):
        return ""
    if trend.slope == 0.0 or (trend.slope < 0.0) is not threshold.op.upward:
        return ""
    way = "falling" if threshold.op.upward else "rising"
    pace = f"but {way} by {number(abs(trend.slope) * 60.0, threshold.dimension)} a minute: it is settling"
    if not threshold.op.holds(trend.level, limit):
        return f"{pace}, and its newest values are within the limit"
    left = abs(trend.level - limit) / abs(trend.slope)
    if left > (until - blocks[-1].end).total_seconds():
        return ""
    return f"{pace}, and would be within its limit in {span(timedelta(seconds=left))}"


# -- the verdict -------------------------------------------------------------------------------------------------


def judge_over(
    rule: Rule, threshold: Threshold, history: History, blocks: Sequence[Block], baseline: Baseline | None, now: Literal
) -> Verdict:
    """The verdict at the end of a block at which the rule as written holds; `now` is what it says there."""
    at, limit = blocks[-1].end, now.evidence.limit
    assert limit is not None  # else the rule as written could not hold
    habit = longest_run(baseline, threshold.op, limit)
    needed = patience(rule, history, habit, 0.0 if baseline is None else baseline.step)
    since = over_since(rule, threshold, history, baseline)
    evidence = with_fields(now.evidence, since=since)
    before = f"; before the switch it was over that for at most {span(habit)}" if habit else ""
    if at - since < needed:
        why = f"{now.why}, for {span(at - since)} of {span(needed)}{before}"
        return Verdict(rule.name, Finding.UNDECIDED, at, why, literal=True, evidence=evidence)
    settling = settles(threshold, limit, blocks, history.cold_until)
    if settling:
        return Verdict(rule.name, Finding.UNDECIDED, at, f"{now.why}, {settling}", literal=True, evidence=evidence)
    why = f"{now.why}, for {span(at - since)}{before}" if habit else now.why
    return Verdict(rule.name, Finding.BREACH, at, why, literal=True, evidence=evidence)
