"""Whether a histogram's buckets are fine enough to judge a release's latency by, seen on what it counts now."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.conditions import HistogramMetric, Op, Statistic, Threshold, TimesBaseline
from watchdog.domain.histograms import PodBuckets
from watchdog.domain.judge.harmless import Harmless, harmless_of
from watchdog.domain.judge.quantiles import quantile_of
from watchdog.domain.measurement import Answer, Baseline, Buckets

CONDITION = "p95(http_latency) > 2x baseline"
LOOK_BACK = timedelta(minutes=30)
"""The usual `baseline` of a guard: what the limit would hang on now."""

_COARSE = 2.0  # a limit that is judged at twice itself, or further, is no limit


@dataclass(frozen=True, slots=True)
class Latency:
    """What a histogram counted of a target; bounds in seconds. `harmless`: as the judge would hold a release to it."""

    whole: PodBuckets
    has_sum: bool  # its `_sum` is there, so that a mean can be had
    harmless: Harmless | None

    @property
    def bounds(self) -> tuple[float, ...]:
        """The finite bounds."""
        return tuple(bound for bound in self.whole.bounds if math.isfinite(bound))

    @property
    def p95(self) -> float | None:
        """None without requests."""
        return quantile_of(self.whole, 0.95)

    @property
    def fine(self) -> bool:
        """Whether the buckets can tell twice as slow from more; taken for granted where nothing is counted yet."""
        harmless = self.harmless
        if harmless is None or harmless.bound is None or harmless.asked is None:
            return True
        return harmless.bound < _COARSE * harmless.asked


def latency_of(
    answer: Answer, metric: HistogramMetric, start: datetime, end: datetime, *, has_sum: bool
) -> Latency | None:
    """Read `sum by (le) (increase(...))` of that stretch; None where it has no buckets."""
    counts: list[tuple[float, float]] = []
    for series in answer.series:
        try:
            bound = float(series.labels.get("le", ""))
        except ValueError:
            continue
        if series.samples and not math.isnan(bound):
            counts.append((bound * metric.scale, series.samples[-1][1]))
    counts.sort()
    if not counts or not math.isinf(counts[-1][0]):
        return None
    whole = PodBuckets.of(tuple(counts), counts[-1][1], math.nan, 1)
    threshold = Threshold(metric, Statistic.P95, Op.ABOVE, TimesBaseline(2.0), CONDITION)
    return Latency(whole, has_sum, harmless_of(threshold, Baseline(start, end, Buckets({"": whole}))))
