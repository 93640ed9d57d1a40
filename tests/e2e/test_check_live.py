"""`watchdog check --live` against the real control plane and the real Prometheus, with no more than it needs."""

from __future__ import annotations

import json
from pathlib import Path

from e2e.controlplane.namespace import Namespace
from e2e.controlplane.prometheus import RealPrometheus
from e2e.daemon import verb
from e2e.guarding import IN_GUARDED_NAMESPACES, IN_ITS_OWN
from stage import rules_text

GUARD = """
[guards.services]
namespaces = ["{namespace}"]
selector = "app in (research, brand)"
rules = ["error-rate", "latency", "crash"]
interval = "2s"
warmup = "2s"
bake = "60s"
channels = ["releases", "oncall"]
[guards.content]
targets = ["{namespace}/deployment/content"]
rules = ["error-rate"]
interval = "2s"
warmup = "2s"
bake = "60s"
channels = ["releases"]
"""
MISSPELT = """
[guards.content.metrics.http_error_rate]
kind = "ratio"
bad = 'http_request_total{namespace="{{ namespace }}", pod=~"{{ pods }}", status=~"5.."}'
total = 'http_request_total{namespace="{{ namespace }}", pod=~"{{ pods }}"}'
"""
URLS = {"SECRET_RELEASES_URL": "json://127.0.0.1:9/a", "SECRET_ONCALL_URL": "json://127.0.0.1:9/b"}


async def test_a_misspelt_metric_and_a_missing_right_are_named_and_mended_rules_pass(
    namespace: Namespace, real_prometheus: RealPrometheus, tmp_path: Path
) -> None:
    for name in ("research", "brand", "content"):
        await namespace.deploy(name)

    async def measured() -> bool:
        query = f'count(count_over_time(http_requests_total{{namespace="{namespace.name}"}}[30s]) > 4)'
        found = await real_prometheus.query(query)
        return bool(found) and float(found[0]["value"][1]) >= 6

    await namespace.until(measured, "the metrics of six pods", within=60)
    rules = tmp_path / "rules.toml"
    guard = GUARD.format(namespace=namespace.name)
    needed = [*IN_GUARDED_NAMESPACES, *IN_ITS_OWN]
    patching = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}
    assert patching in needed

    async def check(who: str, rights: list[dict[str, list[str]]], text: str) -> tuple[int, dict[str, object]]:
        rules.write_text(text)
        user = await namespace.user(who, rights)
        settings = {
            "KUBECONFIG": str(user.kubeconfig),
            "NAMESPACE": namespace.name,
            "PROMETHEUS_URL": real_prometheus.url,
            **URLS,
        }
        ran = await verb("check", "--live", "-o", "json", str(rules), environment=settings)
        assert ran.stderr == ""
        return ran.returncode, json.loads(ran.stdout)

    text = rules_text(guard) + MISSPELT
    code, answer = await check("reader", [one for one in needed if one != patching], text)
    findings = answer["findings"]
    assert isinstance(findings, list)
    problems = [one for one in findings if one["level"] != "note"]
    blind = next(one for one in problems if one["kind"] == "blind-rule")
    assert code == 1
    assert blind["message"] == "rule error-rate is blind: there is no metric http_request_total"
    assert blind["remedy"] == "did you mean http_requests_total?"
    assert blind["targets"] == [f"{namespace.name}/deployment/content"]
    assert text.splitlines()[blind["line"] - 1].startswith("total = ")
    missing = [one["message"] for one in problems if one["kind"] == "missing-right"]
    assert len(missing) == 1
    assert f"may not patch deployments (apps) in namespace {namespace.name}" in missing[0]

    code, answer = await check("watchdog", needed, rules_text(guard))
    findings = answer["findings"]
    assert isinstance(findings, list)
    unused = "doubtful"  # rules that these guards leave out
    assert (code, [one for one in findings if one["level"] != "note" and one["kind"] != unused]) == (0, [])
    safety = [one["message"] for one in findings if one["kind"] == "time-to-safety"]
    assert len(safety) == 2
    assert all("rollout " in message and "scrape 1 s" in message for message in safety)
