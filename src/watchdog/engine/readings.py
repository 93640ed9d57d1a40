"""What an answer means to a rule: a reading, or in which way there is none."""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from sys import intern

from watchdog.domain.conditions import GaugeMetric, HistogramMetric, RateMetric, RatioMetric, Statistic, Threshold
from watchdog.domain.counting import Increase
from watchdog.domain.measurement import (
    Answer,
    Buckets,
    Counts,
    FailureReason,
    NoData,
    PodValues,
    QueryFailed,
    Reading,
)
from watchdog.domain.tallies import histogram, rates, ratio
from watchdog.engine.gathering import Outcome
from watchdog.engine.questions import Question

NOTHING_COUNTED = NoData("the block ends before anything counts")
# Counters are floating-point numbers: sums of many may differ in their last digits.
_NOISE = 1e-9


def reading_of(
    threshold: Threshold, lead: Sequence[Increase], companion: Sequence[Increase], answered: bool, query: str
) -> Reading:
    """The reading of a counted metric in one block."""
    if not lead:
        return NoData("no new samples" if answered else "no series", query)
    match threshold.metric:
        case RatioMetric():
            return _counts(lead, companion, query)
        case HistogramMetric(scale=scale):
            buckets = Buckets(histogram(lead, companion, scale))
            if buckets.total <= 0.0:
                return NoData("no requests", query)
            if threshold.statistic is Statistic.MEAN and not companion:
                return NoData("the histogram has no _sum", query)
            return buckets
        case RateMetric():
            per_pod = rates(lead)
            return PodValues(per_pod) if per_pod else NoData("no pod has two samples yet", query)
        case GaugeMetric():
            raise TypeError("a gauge is not counted")


def _counts(totals: Iterable[Increase], bads: Iterable[Increase], query: str) -> Reading:
    counts = Counts(ratio(totals, bads))
    if counts.bad > counts.total * (1.0 + _NOISE) + _NOISE:
        detail = f"more bad events ({counts.bad:g}) than events ({counts.total:g})"
        return QueryFailed(FailureReason.IMPOSSIBLE, detail, query)
    return counts if counts.total > 0.0 else NoData("no requests", query)


def impossible_sample(answer: Answer) -> QueryFailed | None:
    """A counter below zero is no counter."""
    for series in answer.series:
        for _, value in series.samples:
            if value < 0.0 and math.isfinite(value):
                detail = f"a counter is negative: {value:g} in {_shown(series.labels.items())}"
                return QueryFailed(FailureReason.IMPOSSIBLE, detail, answer.query)
    return None


def gauge_reading(outcome: Outcome, question: Question) -> Reading:
    """One number per pod. A number that is not finite is none."""
    if isinstance(outcome, QueryFailed):
        return outcome
    over_time = _per_pod(outcome, question)
    if isinstance(over_time, QueryFailed):
        return over_time
    values = {pod: samples[-1] for pod, samples in over_time.items() if samples}
    return PodValues(values) if values else _no_values(outcome, question)


def values_over_time(outcome: Outcome, question: Question) -> Reading:
    """The median over time of each pod's gauge."""
    if isinstance(outcome, QueryFailed):
        return outcome
    over_time = _per_pod(outcome, question)
    if isinstance(over_time, QueryFailed):
        return over_time
    values = {pod: median(samples) for pod, samples in over_time.items() if samples}
    return PodValues(values) if values else _no_values(outcome, question)


def gauge_steps(outcome: Outcome, question: Question, first: float, step: float) -> list[Reading]:
    """One reading for each of the steps of a range query, `first` (Unix seconds) and every `step` seconds after it."""
    if isinstance(outcome, QueryFailed):
        return []
    steps: dict[int, dict[str, float]] = {}
    for series in outcome.series:
        label = question.template.pod_label(series.labels)
        pod = "" if label is None else series.labels[label]
        for at, value in series.samples:
            if math.isfinite(value):
                steps.setdefault(round((at - first) / step), {})[intern(pod)] = value
    absent = NoData("no value at this moment")
    return [PodValues(steps[index]) if index in steps else absent for index in range(max(steps, default=-1) + 1)]


def medians(readings: Iterable[Reading], query: str) -> Reading:
    """The median over time of each pod's values."""
    per_pod: dict[str, list[float]] = {}
    absent: Reading = NoData("no samples", query)
    for reading in readings:
        if isinstance(reading, PodValues):
            for pod, value in reading.pods.items():
                per_pod.setdefault(pod, []).append(value)
        else:
            absent = reading
    return PodValues({pod: median(values) for pod, values in per_pod.items()}) if per_pod else absent


def _per_pod(answer: Answer, question: Question) -> dict[str, list[float]] | QueryFailed:
    """Each pod's finite values in order of time; two series of one pod are a mistake in the query."""
    values: dict[str, list[float]] = {}
    for series in answer.series:
        label = question.template.pod_label(series.labels)
        pod = "" if label is None else series.labels[label]
        if pod in values:
            by = question.template.pod_labels[0][0] if question.template.pod_labels else None
            remedy = f"aggregate with max by ({by})" if label else "aggregate with max()"
            whose = f"pod {pod}" if pod else "the revision"
            detail = f"more than one sample for {whose}; {remedy}"
            return QueryFailed(FailureReason.IMPOSSIBLE, detail, question.query)
        values[intern(pod)] = [value for _, value in series.samples if math.isfinite(value)]
    return values


def _no_values(answer: Answer, question: Question) -> NoData:
    return NoData("only NaN or infinite values" if answer.series else "no series", question.query)


def _shown(labels: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels))[:200] + "}"
