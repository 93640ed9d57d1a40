"""The subset of PromQL, held to the answers of a real Prometheus over the same samples."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.prometheus.queries import ONLY_INSTANT, QUERIES, REFUSED
from simulator.prometheus.real import RealPrometheus, needs_prometheus, prometheus_over
from simulator.prometheus.samples import BEGIN, samples
from watchdog.simulator import promql
from watchdog.simulator.prometheus_answers import result
from watchdog.simulator.promql import BadQuery, ExecutionFailed
from watchdog.simulator.tsdb import Tsdb, milliseconds

pytestmark = [pytest.mark.prometheus, needs_prometheus]

BEGIN_MS = milliseconds(BEGIN)
# On a sample; between two; at the very edge of windows and of the lookback; in and after gaps; when all is over.
MOMENTS = [BEGIN_MS + seconds for seconds in (15_000, 912_345, 1_800_000, 2_100_000, 2_100_001, 2_107_400, 3_700_000)]
SAME = 1e-9


@pytest.fixture(scope="module")
def tsdb() -> Tsdb:
    return samples()


@pytest.fixture(scope="module")
def real(tsdb: Tsdb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with prometheus_over(tsdb, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def same_number(ours: str, theirs: str) -> bool:
    mine, other = float(ours), float(theirs)
    if math.isnan(mine) or math.isnan(other):
        return math.isnan(mine) and math.isnan(other)
    return mine == other or math.isclose(mine, other, rel_tol=SAME, abs_tol=0 if abs(other) > 1e-12 else 1e-12)


def same_points(ours: list[list[Any]], theirs: list[list[Any]]) -> bool:
    return [at for at, _ in ours] == [at for at, _ in theirs] and all(
        same_number(mine, other) for (_, mine), (_, other) in zip(ours, theirs, strict=True)
    )


def assert_same(ours: dict[str, Any], theirs: dict[str, Any], *, ordered: bool) -> None:
    assert ours["resultType"] == theirs["resultType"]
    if ours["resultType"] == "scalar":
        assert same_points([ours["result"]], [theirs["result"]]), (ours, theirs)
        return
    if ours["resultType"] == "string":
        assert ours == theirs
        return
    mine = [(json.dumps(s["metric"], sort_keys=True), s) for s in ours["result"]]
    other = [(json.dumps(s["metric"], sort_keys=True), s) for s in theirs["result"]]
    if not ordered:
        mine.sort(key=lambda pair: pair[0])
        other.sort(key=lambda pair: pair[0])
    assert [labels for labels, _ in mine] == [labels for labels, _ in other]
    for (labels, a), (_, b) in zip(mine, other, strict=True):
        points = (a.get("values") or [a["value"]], b.get("values") or [b["value"]])
        assert same_points(*points), (labels, *points)


@pytest.mark.parametrize("query", QUERIES + ONLY_INSTANT)
def test_an_instant_query_is_answered_as_by_prometheus(query: str, tsdb: Tsdb, real: RealPrometheus) -> None:
    for at in MOMENTS:
        theirs = real.data("/api/v1/query", query=query, time=f"{at / 1000:.3f}")
        ours = json.loads(json.dumps(result(promql.query_instant(tsdb, query, at))))
        assert_same(ours, theirs, ordered=query.startswith("sort"))


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(("begin", "seconds", "step"), [(0, 3900, 61), (1790, 400, 7)])
def test_a_range_query_is_answered_as_by_prometheus(
    query: str, begin: int, seconds: int, step: int, tsdb: Tsdb, real: RealPrometheus
) -> None:
    start = BEGIN_MS + begin * 1000
    end = start + seconds * 1000
    theirs = real.data(
        "/api/v1/query_range", query=query, start=f"{start / 1000:.3f}", end=f"{end / 1000:.3f}", step=str(step)
    )
    ours = json.loads(json.dumps(result(promql.query_range(tsdb, query, start, end, step * 1000))))
    assert_same(ours, theirs, ordered=False)


@pytest.mark.parametrize("query", REFUSED)
def test_a_query_is_refused_where_prometheus_refuses_it(query: str, tsdb: Tsdb, real: RealPrometheus) -> None:
    at = BEGIN_MS + 1_800_000
    theirs = real.get("/api/v1/query", query=query, time=str(at / 1000))
    with pytest.raises((BadQuery, ExecutionFailed)) as refusal:
        promql.query_instant(tsdb, query, at)
    assert theirs.status_code == (400 if isinstance(refusal.value, BadQuery) else 422), theirs.text
    if isinstance(refusal.value, ExecutionFailed):
        # Which of two duplicates is named first depends on an order that nobody promises.
        ours, real_message = str(refusal.value), theirs.json()["error"]
        assert ours.split(": [", maxsplit=1)[0] == real_message.split(": [")[0]
