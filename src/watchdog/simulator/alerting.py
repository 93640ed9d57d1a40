"""Alerting rules of the simulated Prometheus: evaluated now and then, written down as `ALERTS` series."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchdog.simulator import promql
from watchdog.simulator.promql.labels import without_name
from watchdog.simulator.tsdb import METRIC_NAME, STALE, Labels, Tsdb, labels_of, milliseconds


@dataclass(frozen=True, slots=True, eq=False)
class AlertingRule:
    """As in a rule file: each series that `expr` gives is an alert, which fires once it was there for `hold`."""

    name: str
    expr: str
    hold: timedelta = timedelta(0)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Alerting:
    """Evaluates `rules` each `every`, at the first chance after it."""

    tsdb: Tsdb
    semantics: promql.Semantics
    every: timedelta = timedelta(seconds=15)
    rules: list[AlertingRule] = field(default_factory=list)
    _active: dict[tuple[AlertingRule, Labels], datetime] = field(default_factory=dict)
    _written: set[Labels] = field(default_factory=set)
    _last: datetime | None = None

    def evaluate(self, now: datetime) -> None:
        """Evaluate all rules if it is time; a series that is not written again goes stale, as in Prometheus."""
        if self._last is not None and now - self._last < self.every:
            return
        self._last = now
        active: dict[tuple[AlertingRule, Labels], datetime] = {}
        written: set[Labels] = set()
        for rule in self.rules:
            answer = promql.query_instant(self.tsdb, rule.expr, milliseconds(now), self.semantics)
            assert isinstance(answer, promql.InstantVector), f"{rule.expr} gives no vector"
            for labels, _ in answer.samples:
                key = (rule, without_name(labels))
                since = active[key] = self._active.get(key, now)
                state = "firing" if now - since >= rule.hold else "pending"
                written.add(_series(rule, key[1], state))
        for series in written:
            self.tsdb.series(dict(series)).append(milliseconds(now), 1.0)
        for series in self._written - written:
            self.tsdb.series(dict(series)).append(milliseconds(now), STALE)
        self._active, self._written = active, written


def _series(rule: AlertingRule, labels: Labels, state: str) -> Labels:
    own = {METRIC_NAME: "ALERTS", "alertname": rule.name, "alertstate": state}
    return labels_of({**dict(labels), **rule.labels, **own})
