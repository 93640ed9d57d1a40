"""The sampler over the live client and the simulated Prometheus: the preset's metrics, as the daemon measures them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest

from simulator.prometheus.cluster import NAMESPACE, START, FakeCluster
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.conditions import Absolute, Op, Statistic, Threshold
from watchdog.domain.measurement import Block, Buckets, Counts, FailureReason, PodValues, QueryFailed
from watchdog.domain.rollout import Revision, Target, TargetKind
from watchdog.engine.sampling import Sampler, Subject
from watchdog.rulebook.presets import preset
from watchdog.simulator.behaviour import Behaviour, Course
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.prometheus_faults import Status

PODS = ("brand-5d8f-aaaaa", "brand-5d8f-bbbbb")
INTERVAL = timedelta(seconds=15)


def a_rule(name: str, statistic: Statistic = Statistic.VALUE) -> Threshold:
    return Threshold(preset("fastapi")[name], statistic, Op.ABOVE, Absolute(0.05), name)


RULES = {
    "errors": a_rule("http_error_rate"),
    "p95": a_rule("http_latency", Statistic.P95),
    "p99": a_rule("http_latency", Statistic.P99),
    "cpu": a_rule("cpu"),
    "memory": a_rule("memory"),
}


async def all_blocks(
    *jobs: str, left_open: bool = False, refused: bool = False
) -> tuple[dict[str, list[Block]], list[str]]:
    """A watch of three minutes over two pods that send a fifth of their answers as errors from the first minute on."""
    clock = SimulatedClock(START)
    cluster = FakeCluster()
    cluster.add_service("brand", app="brand")
    behaviour = Behaviour(errors=Course.step(0.0, 0.2, after=60.0))
    for pod in PODS:
        cluster.add_pod(pod, behaviour)
        cluster.behaviours[pod] = behaviour
    simulated = SimulatedPrometheus(clock, cluster, cluster.behaviour_of, noise=False, jobs=jobs, left_open=left_open)
    async with simulated as prometheus:
        if refused:
            prometheus.faults.until_cleared(Status.unprocessable(), only=lambda query: "http_requests_total" in query)
        live = LivePrometheus(prometheus.url)
        sampler = Sampler(live, clock)
        target = Target(NAMESPACE, TargetKind.DEPLOYMENT, "brand")
        subject = Subject(target, Revision("brand", "5d8f"), dict.fromkeys(PODS, START), START)
        trackers = {name: sampler.tracker(rule, subject) for name, rule in RULES.items()}
        found: dict[str, list[Block]] = {name: [] for name in RULES}
        for index in range(1, 13):
            span = (index, START + (index - 1) * INTERVAL, START + index * INTERVAL)
            rows = await asyncio.gather(*(sampler.blocks(tracker, [span]) for tracker in trackers.values()))
            for name, [block] in zip(RULES, rows, strict=True):
                found[name].append(block)
        await sampler.close()
        await live.close()
        return found, [request.query for request in prometheus.requests]


def measured(*jobs: str, **options: bool) -> tuple[dict[str, list[Block]], list[str]]:
    return run_simulated(all_blocks(*(jobs or ("pods",)), **options))


@pytest.mark.parametrize("left_open", [False, True], ids=["Prometheus 2", "Prometheus 3"])
def test_a_watch_sees_what_the_pods_did(left_open: bool) -> None:
    found, asked = measured(left_open=left_open)
    early = [block.reading for block in found["errors"][:4]]
    late = [block.reading for block in found["errors"][5:]]
    assert all(isinstance(reading, Counts) and reading.bad == 0 for reading in early)
    for reading in late:
        assert isinstance(reading, Counts)
        assert reading.bad / reading.total == pytest.approx(0.2, abs=0.02)
        assert reading.samples == 3
        assert set(reading.pods) == set(PODS)
    for block in found["p95"]:
        assert isinstance(block.reading, Buckets)
        assert all(pod.counts[-1][0] == inf for pod in block.reading.pods.values())
    assert all(isinstance(block.reading, PodValues) for name in ("cpu", "memory") for block in found[name][1:])
    # Requests (the bad ones among them) with buckets (of two quantiles), CPU, memory.
    assert len(asked) == 12 * 3


def test_no_request_is_lost_at_the_borders_of_blocks() -> None:
    found, _ = measured()
    every = [block.reading for block in found["errors"]]
    total = sum(reading.total for reading in every if isinstance(reading, Counts))
    rate = [reading.total for reading in every[4:] if isinstance(reading, Counts)]
    assert total == pytest.approx(sum(rate) / len(rate) * 12, rel=0.03)


def test_pods_scraped_by_two_jobs_count_once() -> None:
    once, _ = measured()
    twice, _ = measured("pods", "services")
    without_query = [replace(block, query="") for block in twice["errors"]]
    assert [block.reading for block in without_query] == [block.reading for block in once["errors"]]
    assert [block.reading for block in twice["cpu"]] == [block.reading for block in once["cpu"]]


def test_a_refused_query_is_a_failed_reading_with_prometheus_own_words() -> None:
    found, _ = measured(refused=True)
    for block in found["errors"]:
        assert isinstance(block.reading, QueryFailed)
        assert block.reading.reason is FailureReason.REFUSED
        assert "too many samples" in block.reading.detail
    assert all(isinstance(block.reading, Buckets) for block in found["p95"])
