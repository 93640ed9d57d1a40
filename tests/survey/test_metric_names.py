"""What Prometheus knows by name, from the simulated one and from a real one over the very same samples."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulator.prometheus.real import needs_prometheus, prometheus_over
from town import START, Town, tell
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.rollout import any_pods_of
from watchdog.simulator.tsdb import Tsdb
from watchdog.survey.metric_names import MetricNames, PrometheusAway, Wrong, nearest
from watchdog.survey.selectors import Matcher, Selector, selectors_in
from watchdog.survey.traffic import requests_per_second, scrape_interval

REQUESTS = Selector("http_requests_total")
Body = Callable[[LivePrometheus, MetricNames], Awaitable[None]]


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[LivePrometheus]:
    source = LivePrometheus(url)
    try:
        yield source
    finally:
        await source.close()


def on_the_simulator(body: Body, _folder: Path) -> None:
    async def look(here: Town) -> None:
        async with asking(here.prometheus.url) as source:
            await body(source, MetricNames(source, START))

    tell(look, start=False)


def on_a_real_one(body: Body, folder: Path) -> None:
    samples: list[Tsdb] = []

    async def furnish(here: Town) -> None:
        samples.append(here.prometheus.tsdb)

    async def look(url: str) -> None:
        async with asking(url) as source:
            await body(source, MetricNames(source, START))

    tell(furnish, start=False)
    # On real time: a simulated clock would not wait for another process.
    with prometheus_over(samples[0], folder) as real:
        asyncio.run(look(real.url))


@pytest.fixture(
    params=[
        pytest.param(on_the_simulator, id="simulated"),
        pytest.param(on_a_real_one, id="real", marks=[needs_prometheus, pytest.mark.prometheus]),
    ]
)
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Body], None]:
    return lambda body: request.param(body, tmp_path)


def test_names_labels_values_and_bounds_are_what_the_applications_export(told: Callable[[Body], None]) -> None:
    async def look(_source: LivePrometheus, names: MetricNames) -> None:
        assert {"http_requests_total", "container_memory_working_set_bytes"} <= await names.metrics()
        assert {"namespace", "pod", "status", "method"} <= await names.labels_of(REQUESTS)
        assert await names.values_of("namespace", REQUESTS) == {"production"}
        bounds = await names.bounds_of(Selector("http_request_duration_seconds_bucket"))
        assert bounds == (0.1, 0.5, 1.0, math.inf)
        assert await names.labels_of(Selector("nothing_of_that_name")) == set()

    told(look)


def test_the_label_that_places_a_pod_is_found_by_its_values(told: Callable[[Body], None]) -> None:
    async def look(_source: LivePrometheus, names: MetricNames) -> None:
        pods = Matcher("", "=~", any_pods_of("research"))
        assert await names.label_of(REQUESTS, pods.accepts) == "pod"
        assert await names.label_of(REQUESTS, Matcher("", "=", "nobody").accepts) is None

    told(look)


@pytest.mark.parametrize(
    ("query", "wrong", "near"),
    [
        ("http_request_total", Wrong.NAME, "http_requests_total"),
        ("nothing_at_all_like_it", Wrong.NAME, ""),
        ('http_requests_total{podname="x"}', Wrong.LABEL, "pod"),
        ('http_requests_total{k8s_namespace_name="production"}', Wrong.LABEL, "namespace"),
        ('http_requests_total{namespace="prodution"}', Wrong.VALUE, 'namespace="production"'),
        ('{__name__="http_request_total"}', Wrong.NAME, "http_requests_total"),
    ],
)
def test_what_finds_nothing_is_told_what_was_meant(
    told: Callable[[Body], None], query: str, wrong: Wrong, near: str
) -> None:
    async def look(_source: LivePrometheus, names: MetricNames) -> None:
        absence = await names.why_empty(selectors_in(query)[0])
        assert (absence.wrong, absence.nearest) == (wrong, near)

    told(look)


def test_traffic_and_scrapes_are_measured(told: Callable[[Body], None]) -> None:
    async def look(source: LivePrometheus, _names: MetricNames) -> None:
        rate = await requests_per_second(source, 'http_requests_total{pod=~"research-.*"}', START)
        assert rate == pytest.approx(20, rel=0.1)
        assert await scrape_interval(source, 'http_requests_total{pod=~"research-.*"}', START) == 15.0
        assert await requests_per_second(source, "http_request_total", START) is None
        assert await scrape_interval(source, "http_request_total", START) is None

    told(look)


def test_two_matchers_that_never_meet_are_both_named() -> None:
    async def look(here: Town) -> None:
        async with asking(here.prometheus.url) as source:
            names = MetricNames(source, START)
            pods = sorted(await names.values_of("pod", REQUESTS))
            (selector,) = selectors_in(
                f'http_requests_total{{app="x", pod="{pods[0]}", status="2xx", pod!="{pods[0]}"}}'
            )
            absence = await names.why_empty(selector.without("app"))
            assert absence.wrong is Wrong.TOGETHER
            assert pods[0] in absence.sentence

    tell(look, start=False)


def test_a_prometheus_that_is_away_is_said_to_be() -> None:
    async def look(here: Town) -> None:
        await here.prometheus.go_down()
        async with asking(here.prometheus.url) as source:
            with pytest.raises(PrometheusAway, match="does not answer"):
                await MetricNames(source, START).metrics()

    tell(look, start=False)


def test_selectors_are_read_out_of_any_query() -> None:
    query = 'sum(rate(a_total{x="1", y!~"b\\"c"}[5m])) / on (pod) max by (pod) ({__name__="b", z=~".+"}) + a_total'
    assert [str(one) for one in selectors_in(query)] == ['a_total{x="1", y!~"b\\"c"}', 'b{z=~".+"}', "a_total"]


def test_the_nearest_name_is_the_most_alike() -> None:
    known = ["http_requests_total", "grpc_requests_total", "http_request_duration_seconds_count"]
    assert nearest("http_request_total", known) == "http_requests_total"
    assert nearest("zzz", known) == ""
