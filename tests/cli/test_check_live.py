"""`watchdog check --live` as a person and a pipeline call it, against a cluster and a Prometheus on real time."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from cli.verbs import OWN, call, call_beside
from survey.scenes import SECRETS, line_of
from town import GOOD, NAMESPACE, PART_OF, RULES
from watchdog.adapters.clock import SystemClock
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.prometheus import SimulatedPrometheus

MISSPELT = (
    RULES
    + """
[metrics.http_latency]
kind = "histogram"
buckets = 'http_request_duration_higr_seconds_bucket{namespace="{{ namespace }}", pod=~"{{ pods }}"}'
"""
)
URLS = {name.removeprefix("WATCHDOG_"): url for name, url in SECRETS.items()}


@asynccontextmanager
async def a_place(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A cluster with one target and its Prometheus; yields the settings that lead there."""
    clock = SystemClock()
    with free_octet() as octet:
        cluster = SimulatedCluster(clock, octet, past=timedelta(hours=1))
        prometheus = SimulatedPrometheus(clock, cluster, lambda _pod: GOOD, seed=3)
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        cluster.deploy(NAMESPACE, "research", "research:v1", replicas=2, labels=PART_OF)
        cluster.service(NAMESPACE, "research")
        async with cluster:
            prometheus.backfill(1900)
            async with prometheus:
                yield {
                    "KUBECONFIG": str(cluster.kubeconfig(folder / "kubeconfig")),
                    "NAMESPACE": OWN,
                    "PROMETHEUS_URL": prometheus.url,
                    **URLS,
                }


def written(folder: Path, text: str) -> str:
    path = folder / "rules.toml"
    path.write_text(text)
    return str(path)


async def test_rules_that_would_work_exit_0_and_a_misspelt_metric_exits_1_with_the_nearest(tmp_path: Path) -> None:
    async with a_place(tmp_path) as settings:
        right = await call_beside("check", "--live", written(tmp_path, RULES), **settings)
        wrong = await call_beside("check", "--prometheus", path := written(tmp_path, MISSPELT), **settings)
        as_json = await call_beside("check", "--live", "-o", "json", path, **settings)
        github = await call_beside("check", "--live", "-o", "github", path, **settings)
        sarif = await call_beside("check", "--live", "-o", "sarif", path, **settings)
    assert right.exit_code == 0, right.output
    assert right.stdout.splitlines()[-1] == f"{path}: live; 0 errors, 0 warnings"
    line = line_of("buckets = ", MISSPELT)
    said = (
        "production/deployment/research: rule latency is blind: there is no metric "
        "http_request_duration_higr_seconds_bucket; did you mean http_request_duration_highr_seconds_bucket?"
    )
    assert f"{path}:{line}:11: {said}" in wrong.stdout.splitlines()
    assert {one.exit_code for one in (wrong, as_json, github, sarif)} == {1}
    answer = json.loads(as_json.stdout)
    assert answer["valid"]
    (blind,) = (one for one in answer["findings"] if one["kind"] == "blind-rule")
    assert (blind["line"], blind["targets"]) == (line, ["production/deployment/research"])
    assert any(one.startswith("::error file=") and f",line={line},col=11," in one for one in github.stdout.splitlines())
    assert any(one["ruleId"] == "blind-rule" for one in json.loads(sarif.stdout)["runs"][0]["results"])


def test_a_file_with_mistakes_is_not_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, RULES.replace("> 5%", "> 5 percent"))
    result = call("check", "--live", path, PROMETHEUS_URL="http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr == f"{path}: 1 mistake; the cluster and Prometheus were not asked\n"


def test_neither_cluster_nor_prometheus_are_one_line_each_and_exit_1(tmp_path: Path) -> None:
    path = written(tmp_path, RULES)
    result = call("check", "--live", path, **URLS)
    assert result.exit_code == 1
    cluster, prometheus, *conclusion = result.stdout.splitlines()
    assert cluster.startswith(f"{path}: no cluster is named: set WATCHDOG_KUBECONFIG or pass --kubeconfig")
    assert prometheus == f"{path}: WATCHDOG_PROMETHEUS_URL is not set; write the URL of Prometheus"
    assert conclusion[-1] == f"{path}: live; 2 errors, 0 warnings"


async def test_each_source_is_asked_for_its_own_guards_and_one_that_is_away_is_told_in_place(
    tmp_path: Path,
) -> None:
    async with a_place(tmp_path) as settings:
        url = settings.pop("PROMETHEUS_URL")
        selected = 'selector   = "app.kubernetes.io/part-of=plasma-engine"'
        text = RULES.replace(selected, f'{selected}\nsource = "shop"')
        text += f"""
[guards.elsewhere]
targets = ["{NAMESPACE}/deployment/brand"]
rules = ["error-rate"]
channels = ["releases"]
source = "away"
[sources.shop]
url = "{url}"
[sources.away]
url = "http://127.0.0.1:1"
"""
        told = await call_beside("check", "--live", path := written(tmp_path, text), **settings)
        alone = await call_beside("check", "--live", path, **{**settings, "PROMETHEUS_URL": url})
    line = line_of('url = "http://127.0.0.1:1"', text)
    (away,) = (one for one in told.stdout.splitlines() if "Prometheus does not answer" in one)
    assert away.startswith(f'{path}:{line}:7: source "away": Prometheus does not answer (unreachable)')
    assert not [one for one in told.stdout.splitlines() if "is blind" in one or "PROMETHEUS_URL" in one], told.stdout
    assert alone.stdout == told.stdout


def test_a_cluster_without_live_is_wrong_usage(tmp_path: Path) -> None:
    result = call("check", written(tmp_path, RULES), "--context", "staging")
    assert result.exit_code == 2
    assert "are for --live" in result.stderr


def test_a_wrong_setting_exits_2_with_live_and_does_not_matter_without(tmp_path: Path) -> None:
    path = written(tmp_path, RULES)
    assert call("check", path, PROMETHEUS_URL="prometheus:9090").exit_code == 0
    result = call("check", "--live", path, PROMETHEUS_URL="prometheus:9090")
    assert result.exit_code == 2
    assert result.stderr.startswith("watchdog: WATCHDOG_PROMETHEUS_URL: ")
