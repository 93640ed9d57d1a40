"""One pod's metrics, counted on as real time passes: fastapi-instrumentator's and cAdvisor's names.

Nothing is drawn at random: 2 % errors of 50 requests are one error. A test fails for its subject, not by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from e2e.controlplane.behaviour import Behaviour

# prometheus-fastapi-instrumentator's defaults: a fine histogram without labels, a coarse one with.
FINE = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60)
COARSE = (0.1, 0.5, 1)
SPREAD = 0.5  # of the logarithm of a latency
MEBIBYTE = 1024 * 1024
POD = ("namespace", "pod")


@dataclass
class Counters:
    """Of one life of a pod's container: another restart begins another."""

    requests: float = 0.0
    errors: float = 0.0
    seconds: float = 0.0  # all latencies together
    within: dict[float, float] = field(default_factory=lambda: dict.fromkeys((*FINE, *COARSE), 0.0))
    cpu: float = 0.0
    memory: float = 0.0
    leaked: float = 0.0

    def advance(self, seconds: float, behaviour: Behaviour, *, traffic: bool) -> None:
        """Let time pass. Without traffic no request comes, while CPU and memory stay in use."""
        self.cpu += seconds * behaviour.cpu
        self.leaked += seconds * behaviour.leak
        self.memory = (behaviour.memory + self.leaked) * MEBIBYTE
        if not traffic:
            return
        requests = seconds * behaviour.rps
        self.requests += requests
        self.errors += requests * behaviour.errors
        self.seconds += requests * behaviour.latency * math.exp(SPREAD**2 / 2)
        for bound in self.within:
            self.within[bound] += requests * _share_within(bound, behaviour.latency)

    # As exposed: whole requests, every floor of a sum that only grows, so that no counter goes back.

    @property
    def failed(self) -> int:
        return math.floor(self.errors)

    @property
    def answered(self) -> int:
        return math.floor(self.requests) - self.failed

    def buckets(self, bounds: Iterable[float]) -> list[tuple[str, float]]:
        finite = [(str(float(bound)), float(math.floor(self.within[bound]))) for bound in bounds]
        return [*finite, ("+Inf", float(math.floor(self.requests)))]


def exposition(pods: Mapping[tuple[str, str], Counters]) -> list[Metric]:
    """All pods' series under (namespace, pod), as an application and its kubelet would give them.

    As in the real ones, no series with labels of its own is there before its first request: a pod without
    errors has no errors series.
    """
    requests = CounterMetricFamily("http_requests", "Requests", labels=[*POD, "method", "handler", "status"])
    fine = HistogramMetricFamily("http_request_duration_highr_seconds", "Latency, finely", labels=POD)
    coarse = HistogramMetricFamily(
        "http_request_duration_seconds", "Latency, coarsely", labels=[*POD, "method", "handler"]
    )
    cpu = CounterMetricFamily("container_cpu_usage_seconds", "CPU time", labels=[*POD, "container"])
    memory = GaugeMetricFamily("container_memory_working_set_bytes", "Memory", labels=[*POD, "container"])
    for pod, counters in pods.items():
        route = (*pod, "GET", "/api")
        for status, count in (("2xx", counters.answered), ("5xx", counters.failed)):
            if count:
                requests.add_metric((*route, status), count)
        if counters.answered or counters.failed:
            coarse.add_metric(route, buckets=counters.buckets(COARSE), sum_value=counters.seconds)
        fine.add_metric(pod, buckets=counters.buckets(FINE), sum_value=counters.seconds)
        cpu.add_metric((*pod, "app"), counters.cpu)
        memory.add_metric((*pod, "app"), counters.memory)
    return [requests, fine, coarse, cpu, memory]


def _share_within(bound: float, median: float) -> float:
    return 0.5 * (1 + math.erf(math.log(bound / median) / (SPREAD * math.sqrt(2))))
