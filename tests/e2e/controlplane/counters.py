"""One pod's metrics, counted on as real time passes: cAdvisor's names, and those of the dialect it speaks.

Nothing is drawn at random: 2 % errors of 50 requests are one error. A test fails for its subject, not by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from e2e.controlplane.behaviour import Behaviour, Dialect

# prometheus-fastapi-instrumentator's defaults: a fine histogram without labels, a coarse one with.
FINE = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60)
COARSE = (0.1, 0.5, 1)
EXPRESS = (0.003, 0.03, 0.1, 0.3, 1.5, 10)  # express-prom-bundle's defaults
OPENTELEMETRY = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
BOUNDS = (*FINE, *COARSE, *EXPRESS, *OPENTELEMETRY)
SPREAD = 0.5  # of the logarithm of a latency
MEBIBYTE = 1024 * 1024
POD = ("namespace", "pod")


@dataclass
class Counters:
    """Of one life of a pod's container: another restart begins another."""

    requests: float = 0.0
    errors: float = 0.0
    seconds: float = 0.0  # all latencies together
    within: dict[float, float] = field(default_factory=lambda: dict.fromkeys(BOUNDS, 0.0))
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


Pods = Mapping[tuple[str, str], Counters]
"""Counters by namespace and name."""


def exposition(pods: Mapping[tuple[str, str], tuple[Dialect, Counters]]) -> list[Metric]:
    """All pods' series, as their applications and their kubelet would give them.

    As in the real ones, no series with labels of its own is there before its first request: a pod without
    errors has no errors series.
    """
    spoken = {
        name: {pod: counters for pod, (dialect, counters) in pods.items() if dialect == name} for name in _DIALECTS
    }
    applications = [metric for name, expose in _DIALECTS.items() for metric in expose(spoken[name])]
    return [*_merged(applications), *_containers({pod: counters for pod, (_, counters) in pods.items()})]


def _fastapi(pods: Pods) -> list[Metric]:
    requests = CounterMetricFamily("http_requests", "Requests", labels=[*POD, "method", "handler", "status"])
    fine = HistogramMetricFamily("http_request_duration_highr_seconds", "Latency, finely", labels=POD)
    coarse = HistogramMetricFamily("http_request_duration_seconds", "Latency", labels=[*POD, "method", "handler"])
    for pod, counters in pods.items():
        route = (*pod, "GET", "/api")
        for status, count in (("2xx", counters.answered), ("5xx", counters.failed)):
            if count:
                requests.add_metric((*route, status), count)
        if counters.answered or counters.failed:
            coarse.add_metric(route, buckets=counters.buckets(COARSE), sum_value=counters.seconds)
        fine.add_metric(pod, buckets=counters.buckets(FINE), sum_value=counters.seconds)
    return [requests, fine, coarse]


def _express(pods: Pods) -> list[Metric]:
    labels = [*POD, "method", "path", "status_code"]
    return [_by_status("http_request_duration_seconds", pods, labels, ("POST", "/graphql"), EXPRESS)]


def _opentelemetry(pods: Pods) -> list[Metric]:
    """As a collector sends them, with the resource attributes as labels."""
    labels = ["k8s_namespace_name", "k8s_pod_name", "http_route", "http_response_status_code"]
    return [_by_status("http_server_request_duration_seconds", pods, labels, ("/api",), OPENTELEMETRY)]


def _by_status(
    name: str, pods: Pods, labels: list[str], route: tuple[str, ...], bounds: tuple[float, ...]
) -> HistogramMetricFamily:
    """One histogram for each status; the bad ones take as long as the others."""
    family = HistogramMetricFamily(name, "Latency", labels=labels)
    for pod, counters in pods.items():
        whole = counters.answered + counters.failed
        buckets = counters.buckets(bounds)
        for status, count in (("200", counters.answered), ("500", counters.failed)):
            if count:
                share = count / whole
                part = [(bound, float(math.floor(within * share))) for bound, within in buckets[:-1]]
                values = (*pod, *route, status)
                family.add_metric(values, buckets=[*part, ("+Inf", count)], sum_value=counters.seconds * share)
    return family


_DIALECTS: Mapping[Dialect, Callable[[Pods], list[Metric]]] = {
    "fastapi": _fastapi,
    "express": _express,
    "opentelemetry": _opentelemetry,
}


def _merged(metrics: Iterable[Metric]) -> list[Metric]:
    """Families of one name as one, which an exposition may name but once."""
    found: dict[str, Metric] = {}
    for metric in metrics:
        if metric.name in found:
            found[metric.name].samples.extend(metric.samples)
        else:
            found[metric.name] = metric
    return list(found.values())


def _containers(pods: Pods) -> list[Metric]:
    cpu = CounterMetricFamily("container_cpu_usage_seconds", "CPU time", labels=[*POD, "container"])
    memory = GaugeMetricFamily("container_memory_working_set_bytes", "Memory", labels=[*POD, "container"])
    for pod, counters in pods.items():
        cpu.add_metric((*pod, "app"), counters.cpu)
        memory.add_metric((*pod, "app"), counters.memory)
    return [cpu, memory]


def _share_within(bound: float, median: float) -> float:
    return 0.5 * (1 + math.erf(math.log(bound / median) / (SPREAD * math.sqrt(2))))
