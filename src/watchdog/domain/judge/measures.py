"""What a window of blocks measures: a share, a quantile or mean, or the middle of its pods; and each pod alone."""

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from watchdog.domain.conditions import RatioMetric, Statistic, Threshold
from watchdog.domain.histograms import PodBuckets, merged
from watchdog.domain.judge.quantiles import mean_of, quantile_of
from watchdog.domain.measurement import Block, Buckets, Counts, PodCount, PodValues, Reading
from watchdog.domain.rules import Rule


class Measure(NamedTuple):
    """A window's value; `value` None with the reason where it has none.

    Made at each judgement and gone after it, so a tuple: a frozen dataclass takes three times as long to make.
    """

    value: float | None
    why: str = ""
    enough: bool = True
    bad: float | None = None
    total: float | None = None
    pods: int = 0


def measure_of(rule: Rule, threshold: Threshold, blocks: Sequence[Block]) -> Measure:
    """What the blocks measure together."""
    return measure_of_readings(rule, threshold, [block.reading for block in blocks])


def measure_of_readings(rule: Rule, threshold: Threshold, readings: Sequence[Reading]) -> Measure:
    """What the readings of blocks measure together."""
    if isinstance(threshold.metric, RatioMetric):
        measure = _ratio(rule, readings)
    elif threshold.statistic is not Statistic.VALUE:
        measure = _latency(rule, threshold.statistic, readings)
    else:
        measure = middle_of(readings)
    if measure.value is not None and not math.isfinite(measure.value):
        return Measure(None, "what was measured is not a number", enough=False)
    return measure


def _ratio(rule: Rule, readings: Sequence[Reading]) -> Measure:
    counts = [reading for reading in readings if isinstance(reading, Counts)]
    bad = math.fsum([reading.bad for reading in counts])
    total = math.fsum([reading.total for reading in counts])
    if total <= 0:
        return Measure(None, "there were no requests", enough=False)
    why = _too_few(rule, total, sum([reading.samples for reading in counts]))
    return Measure(bad / total, why, not why, bad, total, _count_pods(counts))


def _latency(rule: Rule, statistic: Statistic, readings: Sequence[Reading]) -> Measure:
    buckets = [reading for reading in readings if isinstance(reading, Buckets)]
    total = math.fsum([reading.total for reading in buckets])
    if total <= 0:
        return Measure(None, "there were no requests", enough=False)
    value = _statistic(statistic, [reading.whole for reading in buckets])
    if value is None:
        return Measure(None, "the histogram is empty", enough=False)
    why = _too_few(rule, total, sum([reading.samples for reading in buckets]))
    return Measure(value, why, not why, None, total, _count_pods(buckets))


def _statistic(statistic: Statistic, parts: Sequence[PodBuckets]) -> float | None:
    whole = merged(parts)
    quantile = statistic.quantile
    return mean_of(whole) if quantile is None else quantile_of(whole, quantile)


def middle_of(readings: Sequence[Reading]) -> Measure:
    """Of each pod its mean over the readings, of the pods the median."""
    means = _means(readings)
    if not means:
        return Measure(None, "no pod was measured", enough=False)
    return Measure(median(means.values()), pods=len(means))


def _count_pods(readings: Sequence[Counts | Buckets]) -> int:
    return len(readings[0].pods if len(readings) == 1 else set().union(*[reading.pods for reading in readings]))


def _per_pod(threshold: Threshold, blocks: Sequence[Block]) -> Iterator[float]:
    """What each pod's own value is, where it has one."""
    readings = [block.reading for block in blocks]
    if not isinstance(threshold.metric, RatioMetric) and threshold.statistic is Statistic.VALUE:
        yield from _means(readings).values()
        return
    counts: dict[str, list[PodCount]] = {}
    buckets: dict[str, list[PodBuckets]] = {}
    for reading in readings:
        if isinstance(reading, Counts):
            for pod, count in reading.pods.items():
                counts.setdefault(pod, []).append(count)
        elif isinstance(reading, Buckets):
            for pod, part in reading.pods.items():
                buckets.setdefault(pod, []).append(part)
    for each in counts.values():
        total = math.fsum([count.total for count in each])
        if total > 0:
            yield math.fsum([count.bad for count in each]) / total
    for parts in buckets.values():
        value = _statistic(threshold.statistic, parts)
        if value is not None:
            yield value


def pods_over(threshold: Threshold, blocks: Sequence[Block], limit: float | None) -> int:
    """How many pods are over the limit by themselves."""
    return sum(1 for value in _per_pod(threshold, blocks) if limit is not None and threshold.op.holds(value, limit))


def _means(readings: Sequence[Reading]) -> dict[str, float]:
    sums: dict[str, list[float]] = {}
    for reading in readings:
        if isinstance(reading, PodValues):
            for pod, value in reading.pods.items():
                if math.isfinite(value):
                    sums.setdefault(pod, []).append(value)
    return {pod: sum(values) / len(values) for pod, values in sums.items()}


def _too_few(rule: Rule, total: float, samples: int) -> str:
    if total < rule.min_requests:
        return f"only {total:.0f} of {rule.min_requests} requests were seen"
    if samples < 2:
        return "fewer than two samples were seen"
    return ""
