"""What the subset of PromQL does that a Prometheus of this machine cannot be asked: markers, limits, version 3."""

import pytest

from simulator.prometheus.samples import BEGIN, at
from watchdog.simulator.promql import (
    BadQuery,
    ExecutionFailed,
    InstantVector,
    Matrix,
    Semantics,
    query_instant,
    query_range,
)
from watchdog.simulator.promql.parse import parse
from watchdog.simulator.tsdb import STALE, Tsdb, milliseconds

BEGIN_MS = milliseconds(BEGIN)
PROMETHEUS_3 = Semantics(left_open=True)


def a_counter(*values: float) -> Tsdb:
    """`c`, one sample each 10 s."""
    tsdb = Tsdb()
    for k, value in enumerate(values):
        tsdb.add("c", {"pod": "a"}, at(10 * k), value)
    return tsdb


def values(tsdb: Tsdb, query: str, seconds: float, semantics: Semantics = Semantics()) -> list[float]:  # noqa: B008
    answer = query_instant(tsdb, query, BEGIN_MS + round(seconds * 1000), semantics)
    match answer:
        case InstantVector(samples):
            return [value for _, (_, value) in samples]
        case Matrix(series):
            return [value for _, points in series for _, value in points]
        case _:
            raise AssertionError(answer)


def test_a_window_includes_its_left_boundary_in_version_2_and_not_in_version_3() -> None:
    tsdb = a_counter(1, 2, 3, 4, 5)
    assert values(tsdb, "c[20s]", 40) == [3, 4, 5]
    assert values(tsdb, "c[20s]", 40, PROMETHEUS_3) == [4, 5]
    assert values(tsdb, "c", 40 + 300) == [5]
    assert values(tsdb, "c", 40 + 300, PROMETHEUS_3) == []
    assert values(tsdb, "count_over_time(vector(1)[1m:10s])", 60) == [7]
    assert values(tsdb, "count_over_time(vector(1)[1m:10s])", 60, PROMETHEUS_3) == [6]


def test_a_stale_marker_ends_a_series_at_once_and_is_in_no_window() -> None:
    tsdb = a_counter(1, 2, STALE, 5, 6)
    assert values(tsdb, "c", 15) == [2]
    assert values(tsdb, "c", 20) == []
    assert values(tsdb, "c", 29) == []
    assert values(tsdb, "c", 30) == [5]
    assert values(tsdb, "c[1m]", 40) == [1, 2, 5, 6]
    assert values(a_counter(STALE), "c[1m]", 40) == []
    assert values(a_counter(1, STALE), "absent(c)", 10) == [1]


def test_samples_that_have_not_arrived_are_not_seen() -> None:
    tsdb = a_counter(1, 2, 3, 4, 5)
    until = Semantics(visible_until=BEGIN_MS + 25_000)
    assert values(tsdb, "c", 40, until) == [3]
    assert values(tsdb, "c[1m]", 40, until) == [1, 2, 3]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("day_of_week(c)", "day_of_week"),
        ("histogram_count(c)", "histogram_count"),
        ("limitk(2, c)", "limitk"),
        ('c{pod="a" or pod="b"}', "or"),
        ("c + fill(0) c", "fill"),
        ('c{pod=~"a(?-i)b"}', "regular expression"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(query: str, named: str) -> None:
    with pytest.raises(ExecutionFailed, match=named):
        query_instant(a_counter(1, 2), query, BEGIN_MS)


def test_a_range_of_too_many_points_is_refused() -> None:
    query_range(Tsdb(), "1", 0, 11_000_000, 1000)
    with pytest.raises(BadQuery, match="11,000 points"):
        query_range(Tsdb(), "1", 0, 11_001_000, 1000)


def test_the_store_forgets_what_is_older_than_its_retention() -> None:
    tsdb = a_counter(*range(100))
    tsdb.forget(at(86400 + 500))
    assert values(tsdb, "c[1h]", 1000) == list(range(50, 100))
    tsdb.forget(at(90000))
    assert not list(tsdb.all())
    assert values(tsdb, "c[1h]", 1000) == []


def test_an_old_sample_is_not_taken() -> None:
    tsdb = a_counter(1, 2, 3)
    tsdb.add("c", {"pod": "a"}, at(10), 99)
    assert values(tsdb, "c[1m]", 20) == [1, 2, 3]


def test_a_query_is_parsed_once() -> None:
    assert parse("sum(c)") is parse("sum(c)")
