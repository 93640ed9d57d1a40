"""A `MetricSource` over a store of samples in this process, and the subjects and rules that the tests measure with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from watchdog.domain.conditions import (
    Absolute,
    GaugeMetric,
    HistogramMetric,
    Metric,
    Op,
    RateMetric,
    RatioMetric,
    Statistic,
    Threshold,
)
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series
from watchdog.domain.rollout import Revision, Target
from watchdog.engine.sampling import Span, Subject
from watchdog.ports import Clock
from watchdog.simulator import promql
from watchdog.simulator.tsdb import Tsdb, milliseconds

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TARGET = Target.parse("production/deployment/brand")
PODS = 'namespace="{{ namespace }}", pod=~"{{ pods }}"'

ERRORS = RatioMetric("errors", f'http_requests_total{{{PODS}, status=~"5.."}}', f"http_requests_total{{{PODS}}}")
LATENCY = HistogramMetric("latency", f"http_seconds_bucket{{{PODS}}}")
CPU = RateMetric("cpu", f"cpu_seconds_total{{{PODS}}}")
QUEUE = GaugeMetric("queue", f"max by (pod) (queue{{{PODS}}})")


def a_rule(metric: Metric, statistic: Statistic = Statistic.VALUE) -> Threshold:
    return Threshold(metric, statistic, Op.ABOVE, Absolute(1.0), f"{metric.name} > 1")


def a_subject(template: str = "5d8f", since: datetime = START, target: Target = TARGET, **born: float) -> Subject:
    """Pods are named by their last part, `born` so many seconds after START."""
    revision = Revision(target.name, template)
    pods = {pod_of(pod, template, target.name): START + timedelta(seconds=at) for pod, at in born.items()}
    return Subject(target, revision, pods, since)


def pod_of(pod: str, template: str = "5d8f", workload: str = "brand") -> str:
    return f"{workload}-{template}-{pod}"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_span(index: int, interval: float = 15.0) -> Span:
    """A block of the grid that begins at START."""
    return index, after((index - 1) * interval), after(index * interval)


def add(tsdb: Tsdb, name: str, pod: str, *samples: tuple[float, float], **labels: str) -> None:
    """Put samples (seconds after START, value) of one series into the store."""
    every = {"namespace": "production", "pod": pod, "instance": f"{pod}:80", "job": "pods", **labels}
    for at, value in samples:
        tsdb.add(name, every, after(at), value)


@dataclass
class TsdbSource:
    """Answers from the store, and remembers what it was asked. `fault` may fail a query."""

    tsdb: Tsdb
    clock: Clock | None = None
    fault: Callable[[str], QueryFailed | None] = lambda _query: None
    left_open: bool = False
    asked: list[tuple[str, float]] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)

    async def query(self, promql_text: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        if (failed := self._noted(promql_text, at)) is not None:
            return failed
        semantics = promql.Semantics(left_open=self.left_open)
        answer = promql.query_instant(self.tsdb, promql_text, milliseconds(at), semantics)
        match answer:
            case promql.InstantVector(samples):
                return Answer(promql_text, _series((labels, [point]) for labels, point in samples))
            case promql.Matrix(series):
                return Answer(promql_text, _series(series))
            case promql.Scalar(point):
                return Answer(promql_text, _series([((), [point])]))
            case _:
                return QueryFailed(FailureReason.GARBLED, "a text", promql_text)

    async def query_range(
        self, promql_text: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        if (failed := self._noted(promql_text, end)) is not None:
            return failed
        milli = (milliseconds(start), milliseconds(end), round(step * 1000))
        return Answer(promql_text, _series(promql.query_range(self.tsdb, promql_text, *milli).series))

    def _noted(self, query: str, at: datetime) -> QueryFailed | None:
        self.asked.append((query, (at - START).total_seconds()))
        if self.clock is not None:
            self.asked_at.append(self.clock.now())
        return self.fault(query)


def _series(found: Iterable[tuple[tuple[tuple[str, str], ...], list[tuple[int, float]]]]) -> tuple[Series, ...]:
    return tuple(Series(dict(labels), tuple((at / 1000, value) for at, value in points)) for labels, points in found)
