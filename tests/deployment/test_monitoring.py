"""deploy/monitoring: a dashboard and alerts whose every query is parsed, and finds the watchdog's own metrics."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deployment.tools import DEPLOY, ROOT, program, said
from simulator.prometheus.real import RealPrometheus, needs_prometheus, prometheus
from watchdog.adapters.web.metrics import Metrics
from watchdog.domain.judge import Finding
from watchdog.domain.state import Phase

MONITORING = DEPLOY / "monitoring"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OF_THE_KUBELET = ("container_memory_working_set_bytes", "container_cpu_usage_seconds_total")


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return found


def queries() -> list[str]:
    texts = [target["expr"] for panel in panels() for target in panel["targets"]]
    # As Grafana fills them in.
    return [text.replace("$namespace", ".*").replace("$__rate_interval", "5m") for text in texts]


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def selected(query: str) -> set[str]:
    """The names of the metrics that a query reads."""
    return set(re.findall(r"\b(?:watchdog|container)_[a-z_]+", query))


def exposed() -> set[str]:
    found = set()
    for family in text_string_to_metric_families(b"".join(after(7).text()).decode()):
        found |= {sample.name for sample in family.samples}
    return found


def after(minutes: int) -> Metrics:
    """The metrics of a watchdog with something of everything to tell, so many minutes after its start."""
    metrics = Metrics()
    metrics.leader(True)
    metrics.rules_valid(True)
    metrics.watches_open(1)
    metrics.unguarded("production/deployment/brand", "hold")
    metrics.rule_value("production/deployment/research", "errors", 0.01 * minutes)
    metrics.rule_verdict("production/deployment/research", "errors", Finding.NO_DATA.value)
    metrics.probed("production/deployment/research", "health", 1e9 + 60.0 * minutes, {"research-a": (minutes, 1e9)})
    metrics.circuit_open(False)
    metrics.rights_missing(0)
    for _ in range(minutes):
        metrics.query_spared()
        metrics.switch_seen("rollout")
        metrics.outcome(Phase.ROLLED_BACK.value)
        metrics.outcome(Phase.FAILED.value)
        metrics.rollback("rollout", "refused")
        metrics.breach_to_action(0.4)
        metrics.query(0.02)
        metrics.query_answered(4000)
        metrics.loop_lag(0.002)
        metrics.query_failed("timeout")
        metrics.notification("oncall", "gave-up")
    return metrics


def openmetrics(minutes: int) -> str:
    """An hour of these metrics, as a scrape a minute would have them, for promtool to make a database of."""
    series: dict[str, list[str]] = {}
    for minute in range(minutes):
        at = (NOW - timedelta(minutes=minutes - 1 - minute)).timestamp()
        lines = [line for line in b"".join(after(minute).text()).decode().splitlines() if not line.startswith("#")]
        lines += [f'{name}{{container="watchdog"}} {1 + minute}' for name in OF_THE_KUBELET]
        for line in lines:
            name, _, value = line.rpartition(" ")
            bare, brace, labels = name.partition("{")
            labels = re.sub(r"\bpod=", "exported_pod=", labels)  # as a scrape calls a label that the scraper sets
            placed = f'{bare}{{namespace="watchdog",pod="a"{"," + labels if brace else "}"}'
            series.setdefault(placed, []).append(f"{placed} {value} {at:.3f}")
    return "\n".join([line for lines in series.values() for line in lines] + ["# EOF", ""])


@pytest.fixture(scope="module")
def an_hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    directory = tmp_path_factory.mktemp("an-hour")
    (directory / "samples.txt").write_text(openmetrics(60))
    said(["promtool", "tsdb", "create-blocks-from", "openmetrics", "samples.txt", "data"], cwd=directory)
    with prometheus("global: {}\n", directory) as running:
        yield running


def test_every_query_is_promql_over_metrics_that_there_are() -> None:
    known = exposed() | set(OF_THE_KUBELET)
    for query in [*queries(), *(alert["expr"] for alert in alerts())]:
        promql_parser.parse(query)
        assert selected(query), query
        assert selected(query) <= known, query


def test_every_metric_of_the_watchdog_is_on_the_dashboard() -> None:
    shown = {re.sub(r"_(bucket|total|count|sum)$", "", name) for query in queries() for name in selected(query)}
    own = {family.name for family in text_string_to_metric_families(b"".join(after(1).text()).decode())}
    assert own - shown <= {"watchdog_dry_run"}


@needs_prometheus
@pytest.mark.prometheus
@pytest.mark.parametrize("query", queries())
def test_every_query_of_the_dashboard_finds_something(an_hour: RealPrometheus, query: str) -> None:
    found = an_hour.data("/api/v1/query", query=query, time=str(NOW.timestamp()))
    assert found["result"], query
    assert not {"NaN"} & {each["value"][1] for each in found["result"]}


@needs_prometheus
@pytest.mark.prometheus
def test_the_alerts_that_should_fire_over_that_hour_do(an_hour: RealPrometheus) -> None:
    def holds(alert: dict[str, Any]) -> bool:
        return bool(an_hour.data("/api/v1/query", query=alert["expr"], time=str(NOW.timestamp()))["result"])

    assert {alert["alert"] for alert in alerts() if holds(alert)} == {
        *("WatchdogAlive", "WatchdogBlind", "WatchdogRollbackFailed", "WatchdogChannelFailing"),
        "WatchdogPrometheusUnreachable",
    }


@needs_prometheus
@pytest.mark.prometheus
def test_promtool_finds_the_alerts_right_and_their_tests_pass(tmp_path: Path) -> None:
    assert "SUCCESS" in said([program("promtool"), "check", "rules", "alerts.yaml"], cwd=MONITORING)
    assert "SUCCESS" in said([program("promtool"), "test", "rules", "alerts.test.yaml"], cwd=MONITORING)
    # And they can fail: an alert that never fires is found out.
    blunt = (MONITORING / "alerts.yaml").read_text().replace('verdict="no-data"}) == 1', 'verdict="no-data"}) == 2')
    (tmp_path / "alerts.yaml").write_text(blunt)
    (tmp_path / "alerts.test.yaml").write_text((MONITORING / "alerts.test.yaml").read_text())
    with pytest.raises(AssertionError, match="WatchdogBlind"):
        said([program("promtool"), "test", "rules", "alerts.test.yaml"], cwd=tmp_path)


def test_each_alert_is_tested_and_has_its_section_of_the_runbook() -> None:
    tests = (MONITORING / "alerts.test.yaml").read_text()
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert sections == [alert["alert"] for alert in alerts()]
    for alert in alerts():
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
        fires = rf"alertname: {alert['alert']}\n    exp_alerts:\n    - exp_labels"
        assert re.search(fires, tests), f"{alert['alert']} is never seen to fire"


def test_panels_do_not_overlap_and_each_says_what_it_shows() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        mine = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not mine & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        assert panel["description"]
        cells |= mine
