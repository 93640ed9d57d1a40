"""Alerting rules of the simulated Prometheus, held to those of a real one that sees the same."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulator.prometheus.breaking import configuration, target
from simulator.prometheus.real import needs_prometheus, pause, prometheus
from watchdog.simulator import promql
from watchdog.simulator.alerting import Alerting, AlertingRule
from watchdog.simulator.tsdb import Tsdb, milliseconds

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HIGH = AlertingRule("High", 'broken{job="target"} > 0', timedelta(seconds=2), {"severity": "critical"})
ASKED = 'ALERTS{alertname="High"}'


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def states(tsdb: Tsdb, at: datetime) -> list[dict[str, str]]:
    answer = promql.query_instant(tsdb, ASKED, milliseconds(at))
    assert isinstance(answer, promql.InstantVector)
    return [dict(labels) for labels, _ in answer.samples]


def test_an_alert_is_pending_for_its_while_then_fires_and_ends_at_once() -> None:
    tsdb = Tsdb()
    alerting = Alerting(tsdb, promql.Semantics(), timedelta(seconds=1), [HIGH])
    seen = []
    for second, broken in enumerate([0, 1, 1, 1, 1, 0, 0]):
        tsdb.add("broken", {"job": "target"}, after(second), broken)
        alerting.evaluate(after(second))
        seen.append([row["alertstate"] for row in states(tsdb, after(second))])
    assert seen == [[], ["pending"], ["pending"], ["firing"], ["firing"], [], []]


def test_rules_are_evaluated_no_more_often_than_they_should_be() -> None:
    tsdb = Tsdb()
    alerting = Alerting(tsdb, promql.Semantics(), timedelta(seconds=15), [HIGH])
    alerting.evaluate(START)
    tsdb.add("broken", {"job": "target"}, after(1), 1)
    alerting.evaluate(after(14))
    assert states(tsdb, after(14)) == []
    alerting.evaluate(after(15))
    assert [row["alertstate"] for row in states(tsdb, after(15))] == ["pending"]


RULES = """
groups:
  - name: shop
    interval: 1s
    rules:
      - alert: High
        expr: broken{job="target"} > 0
        for: 2s
        labels: { severity: critical }
"""


@needs_prometheus
@pytest.mark.prometheus
def test_prometheus_writes_the_same_series(tmp_path: Path) -> None:
    broken = threading.Event()
    broken.set()
    (tmp_path / "rules.yml").write_text(RULES)
    with target(broken) as address, prometheus(configuration(address), tmp_path) as real:

        def found() -> list[dict[str, str]]:
            return [series["metric"] for series in real.data("/api/v1/query", query=ASKED)["result"]]

        seen: list[str] = []
        for _ in range(300):
            states_now = [labels["alertstate"] for labels in found()]
            assert len(states_now) <= 1
            seen += [state for state in states_now if state not in seen]
            if "firing" in seen:
                break
            pause(0.1)
        assert seen == ["pending", "firing"]
        (theirs,) = found()
        broken.clear()
        for _ in range(300):
            if not found():
                break
            pause(0.1)
        assert found() == []  # stale at once, not after five minutes

    tsdb = Tsdb()
    alerting = Alerting(tsdb, promql.Semantics(), timedelta(seconds=1), [HIGH])
    for second in range(4):
        tsdb.add("broken", {"job": "target", "instance": address}, after(second), 1)
        alerting.evaluate(after(second))
    assert states(tsdb, after(3)) == [theirs]
