"""What a rule reads from Prometheus, block by block."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

import pytest

from engine.metric_world import (
    CPU,
    ERRORS,
    LATENCY,
    PODS,
    QUEUE,
    START,
    TsdbSource,
    a_rule,
    a_span,
    a_subject,
    add,
    after,
    pod_of,
)
from watchdog.domain.conditions import GaugeMetric, RateMetric, RatioMetric, Statistic, Threshold
from watchdog.domain.measurement import (
    Block,
    Buckets,
    Counts,
    FailureReason,
    NoData,
    PodCount,
    PodValues,
    QueryFailed,
)
from watchdog.engine.sampling import Sampler, Subject
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

A, B = pod_of("a"), pod_of("b")


def in_simulated_time(source: TsdbSource, test: Callable[[Sampler], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = SimulatedClock(START)
        source.clock = clock
        sampler = Sampler(source, clock)
        await test(sampler)
        await sampler.close()

    run_simulated(main())


def measured(tsdb: Tsdb, threshold: Threshold, subject: Subject, *indexes: int, left_open: bool = False) -> list[Block]:
    """The blocks, asked for one after the other."""
    blocks: list[Block] = []

    async def test(sampler: Sampler) -> None:
        tracker = sampler.tracker(threshold, subject)
        for index in indexes:
            blocks.extend(await sampler.blocks(tracker, [a_span(index)]))

    in_simulated_time(TsdbSource(tsdb, left_open=left_open), test)
    return blocks


def a_store_with_errors() -> Tsdb:
    """A pod scraped at 5, 20, 35, 50 that answers 10 requests between scrapes; from 30 on one of them fails."""
    tsdb = Tsdb()
    add(tsdb, "http_requests_total", A, (5, 10), (20, 20), (35, 29), (50, 38), status="200")
    add(tsdb, "http_requests_total", A, (35, 1), (50, 2), status="500")
    return tsdb


def test_a_block_is_asked_after_it_has_settled_with_its_end_as_time() -> None:
    source = TsdbSource(a_store_with_errors())

    async def test(sampler: Sampler) -> None:
        await sampler.blocks(sampler.tracker(a_rule(ERRORS), a_subject()), [a_span(1)])

    in_simulated_time(source, test)
    assert [at for _, at in source.asked] == [15.0]
    assert (source.asked_at[0] - after(17)).total_seconds() == pytest.approx(0.05)


def test_a_ratio_is_counted_block_by_block() -> None:
    blocks = measured(a_store_with_errors(), a_rule(ERRORS), a_subject(a=0), 1, 2, 3, 4)
    assert [block.reading for block in blocks] == [
        Counts({A: PodCount(0, 10, 1)}),
        Counts({A: PodCount(0, 10, 1)}),
        Counts({A: PodCount(1, 10, 1)}),
        Counts({A: PodCount(1, 10, 1)}),
    ]
    assert [block.index for block in blocks] == [1, 2, 3, 4]


def test_counting_taken_up_in_the_middle_goes_on_as_if_it_had_never_stopped() -> None:
    whole = measured(a_store_with_errors(), a_rule(ERRORS), a_subject(a=0), 1, 2, 3, 4)
    resumed = measured(a_store_with_errors(), a_rule(ERRORS), a_subject(a=0), 3, 4)
    assert [block.reading for block in resumed] == [block.reading for block in whole[2:]]


def test_no_requests_no_new_samples_and_no_series_are_no_data() -> None:
    tsdb = Tsdb()
    add(tsdb, "http_requests_total", A, (5, 10), (20, 10), status="200")
    found = [block.reading for block in measured(tsdb, a_rule(ERRORS), a_subject(), 1, 2, 3)]
    assert [reading.detail for reading in found if isinstance(reading, NoData)] == [
        "no requests",
        "no requests",
        "no new samples",
    ]
    nothing = measured(Tsdb(), a_rule(ERRORS), a_subject(), 1)[0]
    assert isinstance(nothing.reading, NoData)
    assert nothing.reading.detail == "no series"
    assert "http_requests_total" in nothing.query


@pytest.mark.parametrize("metric", [ERRORS, QUEUE], ids=lambda metric: metric.name)
def test_what_blocks_say_alike_is_held_once(metric: RatioMetric | GaugeMetric) -> None:
    blocks = measured(Tsdb(), a_rule(metric), a_subject(), 2, 3, 4)
    assert blocks[0].query
    assert isinstance(blocks[0].reading, NoData)
    assert {id(block.query) for block in blocks} == {id(blocks[0].query)}
    assert {id(block.reading) for block in blocks} == {id(blocks[0].reading)}


def test_a_block_before_anything_counts_is_no_data_and_not_asked() -> None:
    source = TsdbSource(a_store_with_errors())

    async def test(sampler: Sampler) -> None:
        for metric in (ERRORS, QUEUE):
            tracker = sampler.tracker(a_rule(metric), a_subject(since=after(20)))
            [block] = await sampler.blocks(tracker, [a_span(1)])
            assert isinstance(block.reading, NoData)
        assert await sampler.blocks(tracker, []) == ()

    in_simulated_time(source, test)
    assert source.asked == []


def test_more_bad_events_than_events_are_impossible() -> None:
    tsdb = Tsdb()
    add(tsdb, "http_requests_total", A, (5, 10), (10, 12))
    add(tsdb, "errors_total", A, (5, 10), (10, 15))
    metric = RatioMetric("errors", f"errors_total{{{PODS}}}", f"http_requests_total{{{PODS}}}")
    [block] = measured(tsdb, a_rule(metric), a_subject(), 1)
    assert isinstance(block.reading, QueryFailed)
    assert block.reading.reason is FailureReason.IMPOSSIBLE


def test_a_negative_counter_is_impossible() -> None:
    tsdb = Tsdb()
    add(tsdb, "http_requests_total", A, (5, -1))
    [block] = measured(tsdb, a_rule(ERRORS), a_subject(), 1)
    assert isinstance(block.reading, QueryFailed)
    assert block.reading.reason is FailureReason.IMPOSSIBLE


def test_a_histogram_is_merged_over_the_series_of_a_pod() -> None:
    tsdb = Tsdb()
    for handler in ("/", "/x"):
        add(tsdb, "http_seconds_bucket", A, (5, 1), (10, 4), handler=handler, le="0.1")
        add(tsdb, "http_seconds_bucket", A, (5, 2), (10, 8), handler=handler, le="+Inf")
        add(tsdb, "http_seconds_sum", A, (5, 1.5), (10, 4.0), handler=handler)
    [block] = measured(tsdb, a_rule(LATENCY, Statistic.P95), a_subject(), 1)
    assert isinstance(block.reading, Buckets)
    assert block.reading.pods[A].counts == ((0.1, 6), (inf, 12))
    assert "_sum" not in block.query
    [block] = measured(tsdb, a_rule(LATENCY, Statistic.MEAN), a_subject(), 1)
    assert isinstance(block.reading, Buckets)
    assert block.reading.pods[A].sum == 5.0


def test_a_mean_without_sums_is_no_data() -> None:
    tsdb = Tsdb()
    add(tsdb, "http_seconds_bucket", A, (5, 2), (10, 8), le="+Inf")
    [block] = measured(tsdb, a_rule(LATENCY, Statistic.MEAN), a_subject(), 1)
    assert isinstance(block.reading, NoData)
    [block] = measured(Tsdb(), a_rule(LATENCY, Statistic.MEAN), a_subject(), 1)
    assert isinstance(block.reading, NoData)


def test_a_histogram_without_requests_is_no_data() -> None:
    tsdb = Tsdb()
    add(tsdb, "http_seconds_bucket", A, (5, 2), (10, 2), le="+Inf")
    [block] = measured(tsdb, a_rule(LATENCY, Statistic.P95), a_subject(), 1)
    assert block.reading == NoData("no requests", block.query)


def test_a_rate_is_per_second_and_pod_and_needs_two_samples() -> None:
    tsdb = Tsdb()
    add(tsdb, "cpu_seconds_total", A, (5, 100), (20, 115), (35, 130), container="app")
    add(tsdb, "cpu_seconds_total", A, (6, 10), (21, 40), (36, 70), container="worker")
    add(tsdb, "cpu_seconds_total", B, (20, 7), container="app")
    blocks = measured(tsdb, a_rule(CPU), a_subject(b=18), 1, 2, 3)
    assert blocks[0].reading == NoData("no pod has two samples yet", blocks[0].query)
    assert [block.reading for block in blocks[1:]] == [PodValues({A: 3.0}), PodValues({A: 3.0})]


def test_pods_that_come_later_are_told_to_the_tracker() -> None:
    tsdb = a_store_with_errors()
    add(tsdb, "http_requests_total", B, (20, 7), (35, 9), status="200")

    async def test(sampler: Sampler) -> None:
        tracker = sampler.tracker(a_rule(ERRORS), a_subject(a=0))
        await sampler.blocks(tracker, [a_span(1)])
        tracker.subject = a_subject(a=0, b=12)
        [block] = await sampler.blocks(tracker, [a_span(2)])
        assert block.reading == Counts({A: PodCount(0, 10, 1), B: PodCount(0, 7, 1)})

    in_simulated_time(TsdbSource(tsdb), test)


def test_other_revisions_are_never_counted() -> None:
    tsdb = a_store_with_errors()
    add(tsdb, "http_requests_total", pod_of("a", "7777"), (5, 100), (10, 200), status="500")
    [block] = measured(tsdb, a_rule(ERRORS), a_subject(a=0), 1)
    assert block.reading == Counts({A: PodCount(0, 10, 1)})


def test_templates_without_pods_are_one_nameless_pod() -> None:
    tsdb = Tsdb()
    add(tsdb, "requests", "controller-1", (5, 10), (10, 14), service="brand")
    add(tsdb, "requests", "controller-2", (5, 10), (10, 11), service="brand")
    add(tsdb, "requests", "controller-2", (5, 10), (10, 99), service="other")
    metric = RateMetric("requests", 'requests{namespace="{{ namespace }}", service="{{ name }}"}')
    [block] = measured(tsdb, a_rule(metric), a_subject(), 1)
    assert block.reading == PodValues({"": 1.0})


def test_closing_ends_what_is_still_being_asked() -> None:
    class Hanging(TsdbSource):
        async def query(self, promql_text: str, at: object, *, deadline: float) -> QueryFailed:  # type: ignore[override]
            await asyncio.Event().wait()
            raise AssertionError

    async def test(sampler: Sampler) -> None:
        asking = asyncio.create_task(sampler.blocks(sampler.tracker(a_rule(ERRORS), a_subject()), [a_span(1)]))  # type: ignore[arg-type]
        await asyncio.sleep(30)  # noqa: TID251 - simulated time
        await sampler.close()
        with pytest.raises(asyncio.CancelledError):
            await asking

    in_simulated_time(Hanging(Tsdb()), test)
