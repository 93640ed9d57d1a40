"""What a rule reads of the time before the switch: one long stretch, in bounded pieces."""

import pytest

from engine.metric_world import (
    CPU,
    ERRORS,
    LATENCY,
    QUEUE,
    TsdbSource,
    a_rule,
    a_subject,
    add,
    after,
)
from engine.test_sampling import A, in_simulated_time
from watchdog.domain.conditions import RatioMetric, Threshold
from watchdog.domain.measurement import (
    Counts,
    FailureReason,
    NoData,
    PodCount,
    PodValues,
    QueryFailed,
)
from watchdog.engine.sampling import Sampler
from watchdog.simulator.tsdb import Tsdb


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
