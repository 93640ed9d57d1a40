"""Quantiles and means of cumulative histograms, counted in a window."""

import math

from watchdog.domain.histograms import PodBuckets

_ROUNDING = 1e-9  # milliseconds scaled to seconds differ in their last digits


def quantile_of(whole: PodBuckets, quantile: float) -> float | None:
    """The quantile as Prometheus's `histogram_quantile` gives it: linear inside a bucket, from 0 in the first one.

    Above the highest finite bound it is that bound. None for an empty histogram or one without `+Inf`.
    """
    bounds, events = whole.bounds, whole.events
    if not bounds or not math.isinf(bounds[-1]) or events[-1] <= 0:
        return None
    rank = quantile * events[-1]
    below, lower = 0.0, 0.0
    for bound, count in zip(bounds, events, strict=True):
        if count >= rank:
            if math.isinf(bound):
                return bounds[-2] if len(bounds) > 1 else None
            if lower == 0.0 and bound <= 0:
                return bound
            width = count - below
            return bound if width <= 0 else lower + (bound - lower) * (rank - below) / width
        below, lower = count, bound
    return None


def mean_of(whole: PodBuckets) -> float | None:
    """Sum over count; None for an empty histogram or one whose sum was not measured (NaN)."""
    mean = whole.sum / whole.total if whole.total > 0 else math.nan
    return None if math.isnan(mean) else mean


def bound_above(whole: PodBuckets, limit: float) -> float:
    """The smallest bucket bound that is not below `limit`; infinite where the buckets end before it."""
    return next((bound for bound in whole.bounds if bound >= limit * (1.0 - _ROUNDING)), math.inf)


def slower_than(whole: PodBuckets, bound: float) -> float:
    """How many requests were slower than the smallest bucket bound that is not below `bound`."""
    bounds, events = whole.bounds, whole.events
    if not bounds:
        return 0.0
    least = bound * (1.0 - _ROUNDING)
    within = next((count for upper, count in zip(bounds, events, strict=True) if upper >= least), events[-1])
    return max(0.0, events[-1] - within)
