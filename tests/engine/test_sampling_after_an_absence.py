"""What a rule reads once Prometheus is back: what was missed counts, in pieces where it is much."""

import pytest

from engine.metric_world import (
    CPU,
    ERRORS,
    LATENCY,
    TsdbSource,
    a_rule,
    a_span,
    a_subject,
    add,
)
from engine.test_sampling import A, a_store_with_errors, in_simulated_time, measured
from watchdog.domain.conditions import RatioMetric
from watchdog.domain.measurement import (
    Block,
    Counts,
    FailureReason,
    PodCount,
    QueryFailed,
)
from watchdog.engine.sampling import Sampler
from watchdog.simulator.tsdb import Tsdb


@pytest.mark.parametrize("left_open", [False, True], ids=["Prometheus 2", "Prometheus 3"])
@pytest.mark.parametrize("metric", [ERRORS, LATENCY, CPU], ids=lambda metric: metric.name)
def test_blocks_asked_at_once_after_an_absence_are_those_that_were_asked_one_by_one(
    metric: RatioMetric, left_open: bool
) -> None:
    tsdb = a_store_with_errors()
    for at in range(0, 61, 15):  # exactly on the borders of blocks
        add(tsdb, "http_seconds_bucket", A, (at, at), le="0.1")
        add(tsdb, "http_seconds_bucket", A, (at, 2 * at), le="+Inf")
        add(tsdb, "cpu_seconds_total", A, (at, 3 * at), container="app")
    one_by_one = measured(tsdb, a_rule(metric), a_subject(a=0), 1, 2, 3, 4, left_open=left_open)
    at_once: list[Block] = []

    async def test(sampler: Sampler) -> None:
        at_once.extend(
            await sampler.blocks(sampler.tracker(a_rule(metric), a_subject(a=0)), list(map(a_span, range(1, 5))))
        )

    in_simulated_time(TsdbSource(tsdb, left_open=left_open), test)
    assert [block.reading for block in at_once] == [block.reading for block in one_by_one]


def test_what_was_missed_while_prometheus_was_away_counts_when_it_is_back() -> None:
    source = TsdbSource(a_store_with_errors())
    away = QueryFailed(FailureReason.UNREACHABLE, "away")

    async def test(sampler: Sampler) -> None:
        tracker = sampler.tracker(a_rule(ERRORS), a_subject(a=0))
        source.fault = lambda _query: away
        for index in (1, 2, 3):
            [block] = await sampler.blocks(tracker, [a_span(index)])
            assert isinstance(block.reading, QueryFailed)
            assert block.reading.reason is FailureReason.UNREACHABLE
            assert "http_requests_total" in block.reading.query
        source.fault = lambda _query: None
        [block] = await sampler.blocks(tracker, [a_span(4)])
        assert block.reading == Counts({A: PodCount(2, 40, 4)})

    in_simulated_time(source, test)


def test_a_long_absence_of_prometheus_is_made_up_for_in_pieces() -> None:
    tsdb = Tsdb()
    add(tsdb, "http_requests_total", A, *((float(at), at / 10) for at in range(0, 1801, 10)), status="200")
    source = TsdbSource(tsdb, fault=lambda _query: QueryFailed(FailureReason.TIMEOUT, "away"))

    async def test(sampler: Sampler) -> None:
        tracker = sampler.tracker(a_rule(ERRORS), a_subject(a=0))
        await sampler.blocks(tracker, [a_span(1)])
        source.fault = lambda _query: None
        source.asked.clear()
        [block] = await sampler.blocks(tracker, [a_span(120)])
        assert block.reading == Counts({A: PodCount(0, 180, 181)})
        assert len(source.asked) == 3

    in_simulated_time(source, test)
