"""Quantiles are those of Prometheus's histogram_quantile."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import buckets
from watchdog.domain.histograms import PodBuckets, merged
from watchdog.domain.judge.quantiles import mean_of, quantile_of

INF = math.inf


def part(per_bound: dict[float, float], *, total_time: float = 0.0) -> PodBuckets:
    return buckets(per_bound, time=total_time).pods["research-a"]


def prometheus_quantile(quantile: float, bounds: list[tuple[float, float]]) -> float:
    """bucketQuantile of Prometheus 2.42's promql/quantile.go, written down line by line."""
    if not bounds or not math.isinf(bounds[-1][0]) or len(bounds) < 2 or bounds[-1][1] == 0:
        return math.nan
    rank = quantile * bounds[-1][1]
    b = next((n for n in range(len(bounds) - 1) if bounds[n][1] >= rank), len(bounds) - 1)
    if b == len(bounds) - 1:
        return bounds[-2][0]
    if b == 0 and bounds[0][0] <= 0:
        return bounds[0][0]
    start, end, count = 0.0, bounds[b][0], bounds[b][1]
    if b > 0:
        start = bounds[b - 1][0]
        count -= bounds[b - 1][1]
        rank -= bounds[b - 1][1]
    return start + (end - start) * (rank / count)


@pytest.mark.parametrize(
    ("quantile", "per_bound", "expected"),
    [
        (0.5, {0.1: 50, 0.5: 90, INF: 100}, 0.1),
        (0.95, {0.1: 90, 0.5: 100, INF: 100}, 0.3),
        (0.5, {0.1: 100, INF: 100}, 0.05),  # from 0 within the first bucket
        (0.99, {0.1: 50, 0.5: 90, INF: 100}, 0.5),  # above the highest finite bound it is that bound
        (0.5, {-1.0: 60, 1.0: 100, INF: 100}, -1.0),  # a first bound that is not above 0 is taken as it is
        (0.9, {-1.0: 60, 1.0: 100, INF: 100}, 0.5),
        (0.9, {0.0: 60, 1.0: 100, INF: 100}, 0.75),
    ],
)
def test_known_histograms(quantile: float, per_bound: dict[float, float], expected: float) -> None:
    assert quantile_of(merged([part(per_bound)]), quantile) == pytest.approx(expected)


@pytest.mark.parametrize("per_bound", [{}, {0.1: 5}, {INF: 5}, {0.1: 0, INF: 0}])
def test_a_histogram_that_has_no_quantile_has_none(per_bound: dict[float, float]) -> None:
    assert quantile_of(merged([part(per_bound)]), 0.5) is None
    assert quantile_of(merged([]), 0.5) is None


histograms = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, 0.05, 0.1, 0.5, 1.0, 2.5]), st.integers(0, 100)), min_size=1, max_size=7
)


@given(histograms, st.integers(0, 100), st.sampled_from([0.5, 0.95, 0.99]))
def test_any_histogram_has_the_quantile_that_prometheus_gives(
    increments: list[tuple[float, int]], beyond: int, quantile: float
) -> None:
    per_bucket: dict[float, float] = {}
    for bound, count in increments:
        per_bucket[bound] = per_bucket.get(bound, 0) + count
    running, bounds = 0.0, []
    for bound, count in sorted(per_bucket.items()):
        running += count
        bounds.append((bound, running))
    bounds.append((INF, running + beyond))
    expected = prometheus_quantile(quantile, bounds)
    found = quantile_of(merged([part(dict(bounds))]), quantile)
    assert math.isnan(expected) if found is None else found == pytest.approx(expected)


def test_histograms_are_added_over_the_bounds_that_all_of_them_have() -> None:
    first, second = part({0.1: 1, 0.5: 2, INF: 3}), part({0.1: 10, 1.0: 20, INF: 30})
    assert merged([first, second]).counts == ((0.1, 11), (INF, 33))
    assert merged([]).counts == ()
    assert merged([first]).counts == ((0.1, 1), (0.5, 2), (INF, 3))


def test_a_mean_is_over_all_parts_and_none_where_it_cannot_be_told() -> None:
    assert mean_of(merged([part({INF: 10}, total_time=1), part({INF: 30}, total_time=7)])) == pytest.approx(0.2)
    assert mean_of(merged([])) is None
    assert mean_of(merged([part({INF: 0}, total_time=0)])) is None
    assert mean_of(merged([part({INF: 10}, total_time=math.nan)])) is None
