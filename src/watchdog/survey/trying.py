"""One question for each preset, about all series of its counter at once: whose they are is sorted out here."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from watchdog.domain.conditions import GaugeMetric, RateMetric
from watchdog.domain.measurement import QueryFailed
from watchdog.engine.templates import fill
from watchdog.ports import MetricSource
from watchdog.rulebook import presets
from watchdog.survey.metric_names import PrometheusAway, answered
from watchdog.survey.selectors import Matcher, selectors_in
from watchdog.survey.spellings import Dialect

DEADLINE = 30.0
CLUSTER = "cluster"  # the label by which one Prometheus tells several clusters apart

Pods = frozenset[tuple[str, str]]
"""Pods, by namespace and name."""

Row = tuple[Mapping[str, str], int]
"""Labels, and how many series have them."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One preset's counter, asked for in the whole Prometheus: series by the labels that matter, or why not.

    `rows` are by whatever may be the name of their namespace; under "" where nothing names one.
    """

    dialect: Dialect
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    series: int = 0
    failed: str = ""

    def about(self, namespace: str) -> tuple[Row, ...]:
        """The rows that may be about a target of that namespace."""
        return self.rows.get(namespace, ()) + self.rows.get("", ())


async def try_preset(source: MetricSource, dialect: Dialect, at: datetime) -> Tried:
    """Ask for a preset's counter, wherever it may be."""
    query = f"count by ({', '.join((*dialect.labels, CLUSTER))}) ({dialect.counter})"
    try:
        answer = answered(await source.query(query, at, deadline=DEADLINE))
    except PrometheusAway as error:
        return Tried(dialect, failed=str(error))
    rows: dict[str, list[Row]] = defaultdict(list)
    series = 0
    for one in answer.series:
        count = round(one.samples[-1][1])
        series += count
        named = {one.labels.get(label, "") for label in dialect.namespaces} - {""}
        for namespace in named if dialect.namespaces else ("",):
            rows[namespace].append((one.labels, count))
    return Tried(dialect, {namespace: tuple(those) for namespace, those in rows.items()}, series)


async def containers_seen(
    source: MetricSource, namespaces: Sequence[str], at: datetime
) -> dict[str, frozenset[tuple[str, str]]]:
    """The pods (namespace, name) of which cAdvisor's metrics are there, for `cpu` and `memory`."""
    metrics = presets.preset(presets.PRESETS[0])
    cpu, memory = metrics["cpu"], metrics["memory"]
    assert isinstance(cpu, RateMetric)
    assert isinstance(memory, GaugeMetric)
    found = {}
    values = {"namespace": "|".join(namespaces), "pods": ".+"}
    for name, template in (("cpu", cpu.counter), ("memory", memory.query)):
        (selector,) = selectors_in(fill(template, values))
        everywhere = replace(selector, matchers=tuple(_any_of(one) for one in selector.matchers))
        answer = await source.query(f"count by (namespace, pod) ({everywhere})", at, deadline=DEADLINE)
        series = () if isinstance(answer, QueryFailed) else answer.series
        found[name] = frozenset((one.labels.get("namespace", ""), one.labels.get("pod", "")) for one in series)
    return found


def _any_of(matcher: Matcher) -> Matcher:
    return replace(matcher, op="=~") if matcher.label == "namespace" else matcher
