"""Quantiles and means of cumulative histograms, counted in a window."""

import math
from collections.abc import Iterable, Sequence

from watchdog.domain.measurement import PodBuckets

_ROUNDING = 1e-9  # milliseconds scaled to seconds differ in their last digits


def merged(parts: Sequence[PodBuckets]) -> tuple[tuple[float, float], ...]:
    """The sum of cumulative histograms, over the bounds that all of them have.

    Parts whose bounds differ (two dialects behind one name) can only be added where they agree.
    """
    if not parts:
        return ()
    first = [bound for bound, _ in parts[0].counts]
    if first == sorted(set(first)) and all([bound for bound, _ in part.counts] == first for part in parts):
        # Pods of one revision agree; with many pods and blocks this is where the time goes.
        columns = zip(*([count for _, count in part.counts] for part in parts), strict=True)
        return tuple(zip(first, (float(sum(column)) for column in columns), strict=True))
    bounds = set.intersection(*({bound for bound, _ in part.counts} for part in parts))
    sums = dict.fromkeys(sorted(bounds), 0.0)
    for part in parts:
        for bound, count in part.counts:
            if bound in sums:
                sums[bound] += count
    return tuple(sums.items())


def quantile_of(parts: Sequence[PodBuckets], quantile: float) -> float | None:
    """The quantile as Prometheus's `histogram_quantile` gives it: linear inside a bucket, from 0 in the first one.

    Above the highest finite bound it is that bound. None for an empty histogram or one without `+Inf`.
    """
    counts = merged(parts)
    if not counts or not math.isinf(counts[-1][0]) or counts[-1][1] <= 0:
        return None
    rank = quantile * counts[-1][1]
    below, lower = 0.0, 0.0
    for bound, count in counts:
        if count >= rank:
            if math.isinf(bound):
                return counts[-2][0] if len(counts) > 1 else None
            if lower == 0.0 and bound <= 0:
                return bound
            width = count - below
            return bound if width <= 0 else lower + (bound - lower) * (rank - below) / width
        below, lower = count, bound
    return None


def mean_of(parts: Sequence[PodBuckets]) -> float | None:
    """Sum over count; None for an empty histogram or one whose sum was not measured (NaN)."""
    total = math.fsum(part.total for part in parts)
    mean = math.fsum(part.sum for part in parts) / total if total > 0 else math.nan
    return None if math.isnan(mean) else mean


def bound_above(parts: Iterable[PodBuckets], limit: float) -> float:
    """The smallest bucket bound that is not below `limit`; infinite where the buckets end before it."""
    return next((bound for bound, _ in merged(tuple(parts)) if bound >= limit * (1.0 - _ROUNDING)), math.inf)


def slower_than(parts: Sequence[PodBuckets], bound: float) -> float:
    """How many requests were slower than the smallest bucket bound that is not below `bound`."""
    counts = merged(parts)
    if not counts:
        return 0.0
    within = next((count for upper, count in counts if upper >= bound * (1.0 - _ROUNDING)), counts[-1][1])
    return max(0.0, counts[-1][1] - within)
