"""Where VictoriaMetrics answers otherwise than Prometheus, and that the watchdog measures the same all the same."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulator.prometheus.real import RealPrometheus
from simulator.prometheus.victoria import victoria_metrics_over
from watchdog.adapters.clock import SystemClock
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.conditions import Absolute, GaugeMetric, Op, RatioMetric, Statistic, Threshold
from watchdog.domain.measurement import Answer, Counts, PodValues, QueryFailed
from watchdog.domain.rollout import Revision, Target
from watchdog.engine.sampling import Sampler, Subject
from watchdog.simulator.tsdb import Tsdb

pytestmark = pytest.mark.prometheus

INTERVAL = timedelta(seconds=15)
BLOCKS = 40  # ten minutes, up to now
PODS = 'namespace="production", pod=~"{{ pods }}"'
SELECTOR = 'requests_total{namespace="production", pod="app-1-aaaaa"}'


class Past:
    """Ten minutes of one pod up to now: 30 requests a block, one of them bad from half-time on; a gauge that climbs."""

    def __init__(self, directory: Path) -> None:
        self.end = SystemClock().now().replace(microsecond=0)
        self.start = self.end - BLOCKS * INTERVAL
        tsdb = Tsdb()
        for block in range(BLOCKS * 3 + 1):
            at = self.start + block * INTERVAL / 3
            labels = {"namespace": "production", "pod": "app-1-aaaaa"}
            bad = max(0, block - BLOCKS * 3 // 2)
            tsdb.add("requests_total", {**labels, "status": "200"}, at, 10.0 * block - bad)
            tsdb.add("requests_total", {**labels, "status": "500"}, at, float(bad))
            tsdb.add("depth", labels, at, float(block))
        self.running: RealPrometheus
        self.tsdb = tsdb
        self.directory = directory


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    told = Past(tmp_path_factory.mktemp("victoria-metrics"))
    with victoria_metrics_over(told.tsdb, told.directory) as told.running:
        yield told


def asked(past: Past, ask: Callable[[LivePrometheus], Awaitable[Answer | QueryFailed]]) -> Answer:
    async def main() -> Answer:
        live = LivePrometheus(past.running.url)
        try:
            answer = await ask(live)
        finally:
            await live.close()
        assert isinstance(answer, Answer), answer
        return answer

    return asyncio.run(main())


def test_left_to_itself_it_answers_with_what_was_half_a_minute_ago(past: Past) -> None:
    """If this fails, VictoriaMetrics has changed, and what is sent to it for that may go."""
    at = f"{past.end.timestamp():.3f}"
    (plain,) = past.running.data("/api/v1/query", query="depth", time=at)["result"]
    assert float(plain["value"][1]) < BLOCKS * 3


def test_a_moment_is_answered_as_of_that_moment(past: Past) -> None:
    answer = asked(past, lambda live: live.query("max by (pod) (depth)", past.end, deadline=5))
    assert [series.samples for series in answer.series] == [((past.end.timestamp(), BLOCKS * 3.0),)]


def test_a_long_range_has_the_steps_that_were_asked_for_up_to_now(past: Past) -> None:
    begin = past.start + timedelta(seconds=37.25)
    step = timedelta(seconds=5)

    answer = asked(
        past,
        lambda live: live.query_range("max by (pod) (depth)", begin, past.end, step.total_seconds(), deadline=5),
    )
    times = [at for at, _ in answer.series[0].samples]
    count = math.floor((past.end - begin) / step) + 1
    assert times == pytest.approx([(begin + index * step).timestamp() for index in range(count)])


def test_raw_samples_come_as_they_are_with_both_edges(past: Past) -> None:
    answer = asked(past, lambda live: live.query(f"{SELECTOR}[60001ms]", past.end, deadline=5))
    times = {at for series in answer.series for at, _ in series.samples}
    assert times == {past.end.timestamp() - 5 * back for back in range(13)}
    assert {series.labels["__name__"] for series in answer.series} == {"requests_total"}


def test_blocks_and_baselines_are_what_was_served(past: Past) -> None:
    ratio = RatioMetric("errors", f'requests_total{{{PODS}, status="500"}}', f"requests_total{{{PODS}}}")
    gauge = GaugeMetric("depth", f"max by (pod) (depth{{{PODS}}})")

    async def main() -> None:
        live, clock = LivePrometheus(past.running.url), SystemClock()
        sampler = Sampler(live, clock)
        subject = Subject(Target.parse("production/deployment/app"), Revision("app", "1"), {}, past.start)
        spans = [(k, past.start + (k - 1) * INTERVAL, past.start + k * INTERVAL) for k in range(1, BLOCKS + 1)]
        rules = [Threshold(metric, Statistic.VALUE, Op.ABOVE, Absolute(1.0), "") for metric in (ratio, gauge)]
        counted, depths = [await sampler.blocks(sampler.tracker(rule, subject), spans) for rule in rules]
        baseline = await sampler.baseline(rules[0], subject, past.start, past.end, INTERVAL.total_seconds())
        await sampler.close()
        await live.close()
        readings = [block.reading for block in counted]
        assert all(isinstance(one, Counts) for one in readings), readings
        assert [one.total for one in readings if isinstance(one, Counts)] == [30.0] * BLOCKS
        assert sum(one.bad for one in readings if isinstance(one, Counts)) == BLOCKS * 3 // 2
        assert [one.reading.middle for one in depths if isinstance(one.reading, PodValues)] == [
            3.0 * k for k in range(1, BLOCKS + 1)
        ]
        assert isinstance(baseline.reading, Counts)
        assert (baseline.reading.bad, baseline.reading.total) == (BLOCKS * 3 // 2, BLOCKS * 30.0)

    asyncio.run(main())


def test_names_labels_values_and_rules_are_listed(past: Past) -> None:
    async def main() -> None:
        live = LivePrometheus(past.running.url)
        names = await live.label_names([SELECTOR], past.start, past.end, deadline=5)
        values = await live.label_values("status", [SELECTOR], past.start, past.end, deadline=5)
        metrics = await live.label_values("__name__", [], past.start, past.end, deadline=5)
        alerts = await live.alert_names(deadline=5)
        await live.close()
        assert (names, values) == (("__name__", "namespace", "pod", "status"), ("200", "500"))
        assert metrics == ("depth", "requests_total")
        assert alerts == ()

    asyncio.run(main())
