"""Whether the alerts that a rule waits for exist, asked of a real Prometheus."""

from pathlib import Path

import pytest

from simulator.prometheus.real import needs_prometheus, prometheus
from watchdog.adapters.clock import SystemClock
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.measurement import QueryFailed
from watchdog.domain.rollout import Target
from watchdog.engine.sampling import Sampler
from watchdog.rulebook import check_rules
from watchdog.survey.findings import Kind, Level
from watchdog.survey.measuring import Measuring
from watchdog.survey.metric_names import MetricNames
from watchdog.survey.targets import Found

RULES = """version = 1
[guards.services]
targets = ["production/deployment/research"]
rules = ["alerts"]
[rules.alerts]
alerts = ["ErorrsHigh", "Slow"]
"""
RULE_FILE = """
groups:
- name: research
  rules:
  - {alert: ErrorsHigh, expr: vector(1) > 2}
  - {alert: Slow, expr: vector(1) > 2}
  - {record: some:thing, expr: vector(1)}
"""
RESEARCH = Target.parse("production/deployment/research")


@needs_prometheus
@pytest.mark.prometheus
async def test_an_alert_that_no_rule_is_called_by_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(RULE_FILE)
    with prometheus("rule_files: [alerts.yml]\n", tmp_path) as real:
        source = LivePrometheus(real.url)
        sampler = Sampler(source, SystemClock())
        try:
            assert await source.alert_names(deadline=10.0) == ("ErrorsHigh", "Slow")
            report = check_rules(RULES)
            assert report.rulebook is not None
            now = SystemClock().now()
            measuring = Measuring(source, sampler, MetricNames(source, now), report.places, now)
            (finding,) = await measuring.look_at(Found(RESEARCH, {}, report.rulebook.guards, ()))
        finally:
            await sampler.close()
            await source.close()
    assert (finding.kind, finding.level) == (Kind.BLIND_RULE, Level.WARNING)
    assert finding.message == "rule alerts waits for an alert that Prometheus has no rule of: ErorrsHigh"
    assert finding.remedy == "did you mean ErrorsHigh?"
    assert finding.line == 6


@needs_prometheus
@pytest.mark.prometheus
async def test_a_prometheus_without_rules_says_nothing_of_alerts(tmp_path: Path) -> None:
    with prometheus("global: {}\n", tmp_path) as real:
        source = LivePrometheus(real.url)
        try:
            assert await source.alert_names(deadline=10.0) == ()
            assert await MetricNames(source, SystemClock().now()).alerts() == set()
        finally:
            await source.close()


async def test_a_store_that_has_no_such_page_is_no_failure() -> None:
    source = LivePrometheus("http://127.0.0.1:1")
    try:
        assert isinstance(await source.alert_names(deadline=10.0), QueryFailed)
        assert await MetricNames(source, SystemClock().now()).alerts() == set()
    finally:
        await source.close()
