"""The simulated applications count what their behaviour says, and only while traffic reaches them."""

from datetime import timedelta

import pytest

from simulator.prometheus.cluster import START, FakeCluster, set_ready, set_restarts
from watchdog.simulator.behaviour import Behaviour, Course, Latency
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.promql import InstantVector, query_instant
from watchdog.simulator.tsdb import milliseconds


def a_cluster(**behaviours: Behaviour) -> FakeCluster:
    """Pods of one application behind one Service; `-` stands for `_` in their names."""
    cluster = FakeCluster()
    cluster.add_service("brand", app="brand")
    for name, behaviour in behaviours.items():
        cluster.add_pod(name.replace("_", "-"), behaviour)
    return cluster


class Run:
    """A simulated Prometheus that has run, and questions to its samples."""

    def __init__(self, cluster: FakeCluster, *, noise: bool = False, seed: int = 0) -> None:
        self.cluster, self.noise, self.seed = cluster, noise, seed

    def of(self, *steps: object) -> "Run":
        """Let seconds pass (numbers) and change the cluster (functions), in turn."""

        async def story() -> None:
            clock = SimulatedClock(START)
            async with SimulatedPrometheus(
                clock, self.cluster, self.cluster.behaviour_of, phases=1, noise=self.noise, seed=self.seed
            ) as prometheus:
                prometheus.observe()
                for step in steps:
                    if callable(step):
                        step()
                        prometheus.observe()
                    else:
                        assert isinstance(step, int)
                        await clock.sleep(step)
                # The scraper's own tick of this very moment comes after us.
                await clock.sleep(0.001)
                self.tsdb, self.now = prometheus.tsdb, clock.now()

        run_simulated(story())
        return self

    def all(self, query: str, ago: float = 0) -> list[float]:
        answer = query_instant(self.tsdb, query, milliseconds(self.now - timedelta(seconds=ago)))
        assert isinstance(answer, InstantVector)
        return [value for _, (_, value) in answer.samples]

    def one(self, query: str, ago: float = 0) -> float:
        values = self.all(query, ago)
        assert len(values) == 1, values
        return values[0]


def test_requests_add_up_to_the_rate_of_the_service_however_many_pods_share_it() -> None:
    run = Run(a_cluster(a=Behaviour(requests_per_second=30), b=Behaviour(requests_per_second=30))).of(100)
    assert run.one("sum(http_requests_total)") == 3000
    assert run.all("sum by (pod) (http_requests_total)") == [1500, 1500]
    assert run.one("sum(http_request_duration_highr_seconds_count)") == 3000
    assert run.one('sum(http_request_duration_seconds_bucket{le="+Inf"})') == 3000
    assert run.one("sum(rate(http_requests_total[1m]))") == pytest.approx(30)


def test_noise_keeps_the_rate_and_is_the_same_for_the_same_seed() -> None:
    cluster = a_cluster(a=Behaviour(requests_per_second=50, errors=Course(0.1)))
    first, second, other = (Run(cluster, noise=True, seed=seed).of(1000) for seed in (1, 1, 2))
    total, errors = "sum(http_requests_total)", 'http_requests_total{status="5xx"}'
    assert first.one(total) == pytest.approx(50_000, rel=0.03)
    assert first.one(errors) == pytest.approx(5000, rel=0.1)
    assert first.one(errors) == second.one(errors) != other.one(errors)
    assert first.one(total) == first.one('http_request_duration_seconds_bucket{le="+Inf"}')


def test_errors_begin_when_they_are_told_to_and_have_no_series_before_the_first_one() -> None:
    run = Run(a_cluster(a=Behaviour(requests_per_second=100, errors=Course.step(0, 0.25, after=60)))).of(120)
    errors = 'http_requests_total{status="5xx"}'
    assert run.all(errors, ago=60) == []
    assert run.one(errors, ago=55) == 125
    assert run.one(errors) == 1500
    assert run.one('http_requests_total{status="2xx"}') == 10_500


def test_errors_can_grow_and_end() -> None:
    growing = Course.ramp(0.0, 0.01, after=10, ceiling=0.5)
    run = Run(a_cluster(a=Behaviour(requests_per_second=100, errors=growing))).of(100)
    assert run.one('increase(http_requests_total{status="5xx"}[10s] offset 20s) / 10') == pytest.approx(50, rel=0.01)
    burst = Course.step(0.0, 1.0, after=30, until=40)
    run = Run(a_cluster(a=Behaviour(requests_per_second=10, errors=burst))).of(100)
    assert run.one('http_requests_total{status="5xx"}') == 100


def test_an_idle_colour_gets_nothing_until_the_selector_flips() -> None:
    cluster = FakeCluster()
    cluster.add_service("gateway", app="gateway", colour="blue")
    for colour in ("blue", "green"):
        behaviour = Behaviour(
            dialect="express",
            requests_per_second=20,
            slow=Latency(5, 8) if colour == "green" else None,
            slow_after=20,
            since="traffic",
        )
        cluster.add_pod(f"gateway-{colour}", behaviour, labels={"app": "gateway", "colour": colour})

    def flip() -> None:
        cluster.add_service("gateway", app="gateway", colour="green")

    count = 'sum(http_request_duration_seconds_count{pod="gateway-green"})'
    run = Run(cluster).of(100, flip, 100)
    assert run.all(count, ago=100) == []
    assert run.one(count) == 2000
    assert run.one('sum(http_request_duration_seconds_count{pod="gateway-blue"})') == 2000
    # Slow from 20 s after the flip, however long it had been ready before.
    slow = 'sum(http_request_duration_seconds_bucket{pod="gateway-green",le="+Inf"})'
    slow += ' - sum(http_request_duration_seconds_bucket{pod="gateway-green",le="1.5"})'
    assert run.one(slow, ago=80) <= 1
    assert run.one(slow) == pytest.approx(1600, rel=0.02)
    idle = 'rate(container_cpu_usage_seconds_total{pod="gateway-green",container="app"}[1m])'
    assert run.one(idle, ago=100) == pytest.approx(0.01)
    assert run.one(idle) == pytest.approx(0.1)


def test_pods_that_are_not_ready_or_terminate_get_nothing() -> None:
    cluster = a_cluster(a=Behaviour(requests_per_second=10), b=Behaviour(requests_per_second=10))
    late, leaving = cluster.by_name["b"], cluster.by_name["a"]
    set_ready(late, None)

    def b_is_ready() -> None:
        set_ready(late, START + timedelta(seconds=50))

    def a_terminates() -> None:
        leaving["metadata"]["deletionTimestamp"] = "2026-03-02T12:01:40Z"

    run = Run(cluster).of(50, b_is_ready, 50, a_terminates, 50)
    assert run.one('sum(http_requests_total{pod="a"})') == 500 + 250
    assert run.one('sum(http_requests_total{pod="b"})') == 250 + 500


def test_counters_begin_again_at_zero_when_the_container_restarts() -> None:
    cluster = a_cluster(a=Behaviour(requests_per_second=10, errors=Course.step(0, 1, after=50, until=60)))

    def restart() -> None:
        set_restarts(cluster.by_name["a"], 1)
        set_ready(cluster.by_name["a"], START + timedelta(seconds=100))

    run = Run(cluster).of(100, restart, 40)
    assert run.one("sum(http_requests_total)", ago=42) == 950
    assert run.one("sum(http_requests_total)") == 400
    assert run.all('http_requests_total{status="5xx"}') == [], "stale: the new process has made no error yet"
    assert run.one('resets(http_requests_total{status="2xx"}[2m])') == 1


def test_latency_follows_its_distribution() -> None:
    run = Run(a_cluster(a=Behaviour(requests_per_second=1000, latency=Latency(median=0.1, p95=0.5)))).of(60)
    share = "http_request_duration_highr_seconds_bucket{le=%r} / ignoring(le) http_request_duration_highr_seconds_count"
    assert run.one(share % "0.1") == pytest.approx(0.5, abs=0.001)
    assert run.one(share % "0.5") == pytest.approx(0.95, abs=0.001)
    mean = "http_request_duration_highr_seconds_sum / http_request_duration_highr_seconds_count"
    assert run.one(mean) == pytest.approx(0.1614, rel=0.01)  # median * exp(sigma^2 / 2)


def test_slowness_begins_when_it_is_told_to() -> None:
    behaviour = Behaviour(requests_per_second=100, latency=Latency(0.02, 0.05), slow=Latency(2, 4), slow_after=62.5)
    run = Run(a_cluster(a=behaviour)).of(100)
    below = 'http_request_duration_seconds_bucket{le="0.5"}'
    assert run.one(below, ago=40) >= 5999
    assert run.one(below) == pytest.approx(6250, abs=5)


def test_graphql_errors_hide_in_answers_with_status_200() -> None:
    behaviour = Behaviour(dialect="express", requests_per_second=100, graphql_errors=Course.step(0, 0.5, after=50))
    run = Run(a_cluster(a=behaviour)).of(100)
    assert run.one("sum by (status_code) (http_request_duration_seconds_count)") == 10_000
    assert run.one('graphql_requests_total{outcome="ok"}') == 7500
    assert run.one('graphql_requests_total{outcome="error"}') == 2500
    assert run.all('graphql_requests_total{outcome="error"}', ago=50) == []


def test_memory_leaks_cpu_spikes_and_queues_fill() -> None:
    behaviour = Behaviour(
        cpu=Course.step(0.2, 0.9, after=50), memory=Course.ramp(1e8, 1e6), queue_depth=Course.ramp(0, 2)
    )
    run = Run(a_cluster(a=behaviour)).of(100)
    assert run.one('container_memory_working_set_bytes{container="app"}') == pytest.approx(2e8)
    assert run.one('container_memory_working_set_bytes{container=""}') == pytest.approx(2e8), "the pod's cgroup"
    assert run.one('rate(container_cpu_usage_seconds_total{container="app"}[30s])') == pytest.approx(0.9)
    assert run.one('container_cpu_usage_seconds_total{container="app"}') == pytest.approx(10 + 45)
    assert run.one("queue_depth") == 200


def test_a_service_that_carries_no_traffic_brings_none() -> None:
    cluster = a_cluster(a=Behaviour(requests_per_second=10))
    cluster.add_service("brand-internal", app="brand")
    assert Run(cluster).of(10).one("sum(http_requests_total)") == 200, "each Service has its own callers"
    cluster.services["brand"]["spec"]["selector"] = {}
    cluster.services["brand-internal"]["spec"]["selector"] = {"app": "other"}
    assert Run(cluster).of(10).all("sum(http_requests_total)") == []
