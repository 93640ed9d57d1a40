"""What a rule reads from Prometheus, block by block."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf, nan

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


def test_gauges_leave_out_pods_without_a_finite_value() -> None:
    tsdb = Tsdb()
    add(tsdb, "queue", A, (5, 3.0))
    add(tsdb, "queue", B, (5, nan))
    add(tsdb, "queue", pod_of("c"), (5, inf))
    [block] = measured(tsdb, a_rule(QUEUE), a_subject(), 1)
    assert block.reading == PodValues({A: 3.0})


def test_a_gauge_without_values_says_whether_there_was_anything() -> None:
    tsdb = Tsdb()
    assert measured(tsdb, a_rule(QUEUE), a_subject(), 1)[0].reading == NoData(
        "no series", 'max by (pod) (queue{namespace="production", pod=~"brand-5d8f-[a-z0-9]+"})'
    )
    add(tsdb, "queue", A, (5, nan))
    reading = measured(tsdb, a_rule(QUEUE), a_subject(), 1)[0].reading
    assert isinstance(reading, NoData)
    assert reading.detail == "only NaN or infinite values"


def test_two_samples_of_one_pod_are_a_mistake_in_the_query() -> None:
    tsdb = Tsdb()
    add(tsdb, "queue", A, (5, 3.0), queue="in")
    add(tsdb, "queue", A, (5, 4.0), queue="out")
    [block] = measured(tsdb, a_rule(GaugeMetric("queue", f"queue{{{PODS}}}")), a_subject(), 1)
    assert isinstance(block.reading, QueryFailed)
    assert block.reading.reason is FailureReason.IMPOSSIBLE
    assert block.reading.detail == f"more than one sample for pod {A}; aggregate with max by (pod)"


def test_a_gauge_without_a_pod_label_is_one_for_the_revision() -> None:
    tsdb = Tsdb()
    add(tsdb, "queue", A, (5, 3.0))
    add(tsdb, "queue", B, (5, 4.0))
    [block] = measured(tsdb, a_rule(GaugeMetric("queue", f"sum(queue{{{PODS}}})")), a_subject(), 1)
    assert block.reading == PodValues({"": 7.0})


@pytest.mark.parametrize("indexes", [(1, 2, 3), (1, 3, 4)], ids=["even", "uneven"])
def test_gauges_of_several_blocks_are_those_at_each_end(indexes: tuple[int, ...]) -> None:
    tsdb = Tsdb()
    add(tsdb, "queue", A, *((float(at), float(at)) for at in range(0, 70, 5)))
    add(tsdb, "queue", B, *((float(at), nan if at == 30 else 1.0) for at in range(0, 70, 5)))
    source = TsdbSource(tsdb)

    async def test(sampler: Sampler) -> None:
        blocks = await sampler.blocks(sampler.tracker(a_rule(QUEUE), a_subject()), [a_span(index) for index in indexes])
        for block, index in zip(blocks, indexes, strict=True):
            expected = {A: 15.0 * index} if index == 2 else {A: 15.0 * index, B: 1.0}
            assert block.reading == PodValues(expected)

    in_simulated_time(source, test)
    assert len(source.asked) == (1 if indexes == (1, 2, 3) else 3)


@pytest.mark.parametrize("offset", [0.0005, 0.0015, 0.000499, 0.999999, 0.3333335])
@pytest.mark.parametrize("length", [15.0, 2.413667])
def test_gauges_are_found_wherever_the_grid_lies(offset: float, length: float) -> None:
    tsdb = Tsdb()
    add(tsdb, "queue", A, *((float(at), 1.0) for at in range(0, 70, 5)))
    spans = [(k, after(offset + (k - 1) * length), after(offset + k * length)) for k in (1, 2, 3, 4)]

    async def test(sampler: Sampler) -> None:
        blocks = await sampler.blocks(sampler.tracker(a_rule(QUEUE), a_subject(since=spans[0][1])), spans)
        assert [block.reading for block in blocks] == [PodValues({A: 1.0})] * 4

    in_simulated_time(TsdbSource(tsdb), test)


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


# -- baselines


def baseline(tsdb: Tsdb, threshold: Threshold, start: float, end: float) -> tuple[object, int]:
    source = TsdbSource(tsdb)
    found: list[object] = []

    async def test(sampler: Sampler) -> None:
        measured = await sampler.baseline(threshold, a_subject(), after(start), after(end), 15.0)
        assert (measured.start, measured.end) == (after(start), after(end))
        found.append(measured.reading)

    in_simulated_time(source, test)
    return found[0], len(source.asked)


def test_the_baseline_of_a_ratio_is_the_whole_stretch_in_bounded_pieces() -> None:
    tsdb = Tsdb()
    add(tsdb, "http_requests_total", A, *((float(-at), 10_000.0 - at) for at in range(2000, 0, -10)), status="200")
    add(tsdb, "http_requests_total", A, *((float(-at), 1_000.0 - at / 10) for at in range(2000, 0, -10)), status="500")
    reading, asked = baseline(tsdb, a_rule(ERRORS), -1800, -10)
    assert reading == Counts({A: PodCount(179.0, 1969.0, 180)})
    assert asked == 3


def test_the_baseline_of_a_rate_is_the_median_over_time() -> None:
    tsdb = Tsdb()
    steady = [(float(at), 2.0 * at) for at in range(0, 900, 15)]
    burst = [(float(at), 1800.0 + 50.0 * (at - 900)) for at in range(900, 1000, 15)]
    add(tsdb, "cpu_seconds_total", A, *steady, *burst)
    reading, _ = baseline(tsdb, a_rule(CPU), 0, 1000)
    assert reading == PodValues({A: 2.0})


def test_the_baseline_of_a_gauge_is_the_median_over_time() -> None:
    tsdb = Tsdb()
    add(tsdb, "queue", A, *((float(at), 100.0 if at % 50 == 0 else 5.0) for at in range(0, 901, 10)))
    reading, asked = baseline(tsdb, a_rule(QUEUE), 0, 900)
    assert reading == PodValues({A: 5.0})
    assert asked == 1


@pytest.mark.parametrize("metric", [ERRORS, LATENCY, CPU, QUEUE], ids=lambda metric: metric.name)
def test_a_baseline_of_nothing_is_no_data_and_a_failed_one_says_so(metric: RatioMetric) -> None:
    reading, _ = baseline(Tsdb(), a_rule(metric), 0, 900)
    assert isinstance(reading, NoData)
    failed = QueryFailed(FailureReason.TIMEOUT, "late")

    async def test(sampler: Sampler) -> None:
        found = await sampler.baseline(a_rule(metric), a_subject(), after(0), after(3), 1.0)
        assert isinstance(found.reading, QueryFailed)
        assert found.reading.reason is FailureReason.TIMEOUT

    in_simulated_time(TsdbSource(Tsdb(), fault=lambda _query: failed), test)


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
