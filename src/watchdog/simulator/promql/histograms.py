"""Quantiles of classic histograms, from buckets of cumulative counts."""

import math
from bisect import bisect_left

from watchdog.simulator.promql.arithmetic import NAN, divide
from watchdog.simulator.promql.labels import Vector, dropping
from watchdog.simulator.tsdb import Labels


def histogram_quantile(q: float, buckets: Vector) -> Vector:
    """The `q`-quantile of every histogram in `buckets`; a histogram of no observations has NaN."""
    histograms: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in buckets:
        try:
            bound = float(dict(labels).get("le", ""))
        except ValueError:
            continue
        histograms.setdefault(dropping(labels, ("le",)), []).append((bound, count))
    return [(labels, _quantile(q, counts)) for labels, counts in histograms.items()]


def _quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    if math.isnan(q):
        return NAN
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    bounds, counts = _monotonic(buckets)
    if bounds[-1] != math.inf or len(bounds) < 2 or not counts[-1] or math.isnan(counts[-1]):
        return NAN
    rank = q * counts[-1]
    at = bisect_left(counts, rank, hi=len(counts) - 1)
    if at == len(counts) - 1:
        return bounds[-2]
    if at == 0:
        if bounds[0] <= 0:
            return bounds[0]
        return bounds[0] * divide(rank, counts[0])
    width = bounds[at] - bounds[at - 1]
    return bounds[at - 1] + width * divide(rank - counts[at - 1], counts[at] - counts[at - 1])


def _monotonic(buckets: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Bounds, equal ones added up, and counts that never fall (scrapes may tear a histogram apart)."""
    bounds: list[float] = []
    counts: list[float] = []
    for bound, count in sorted(buckets, key=lambda bucket: bucket[0]):
        if bounds and bounds[-1] == bound:
            counts[-1] += count
        else:
            bounds.append(bound)
            counts.append(count)
    for at in range(1, len(counts)):
        counts[at] = max(counts[at], counts[at - 1])
    return bounds, counts
