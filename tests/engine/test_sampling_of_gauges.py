"""What a rule reads of a gauge: the value at the end of each block."""

from math import inf, nan

import pytest

from engine.metric_world import (
    PODS,
    QUEUE,
    TsdbSource,
    a_rule,
    a_span,
    a_subject,
    add,
    after,
    pod_of,
)
from engine.test_sampling import A, B, in_simulated_time, measured
from watchdog.domain.conditions import GaugeMetric
from watchdog.domain.measurement import (
    FailureReason,
    NoData,
    PodValues,
    QueryFailed,
)
from watchdog.engine.sampling import Sampler
from watchdog.simulator.tsdb import Tsdb


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
