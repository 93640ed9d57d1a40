"""A new user, a real API server and a real Prometheus: `init`, `check`, `check --live`, and no edit by hand.

Three services speak three dialects, one of them blue-green; the user may get, list and watch, and nothing else.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.prometheus import RealPrometheus
from e2e.controlplane.users import Rule, User
from e2e.daemon import verb
from watchdog.rulebook import read_rules

pytestmark = pytest.mark.timeout(300)

READ_ONLY: Sequence[Rule] = (
    {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list", "watch"]},
)
PROBED = {"readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "timeoutSeconds": 3}}
ENOUGH = 400  # requests of each service


@dataclass
class Newcomer:
    """Someone with a kubeconfig, the URL of Prometheus, and an empty folder."""

    namespace: Namespace
    user: User
    folder: Path
    prometheus: RealPrometheus

    @property
    def rules(self) -> Path:
        return self.folder / "rules.toml"

    async def calls(self, *words: str) -> CompletedProcess[str]:
        settings = {
            "KUBECONFIG": str(self.user.kubeconfig),
            "PROMETHEUS_URL": self.prometheus.url,
            "NAMESPACE": self.namespace.name,
            "RULES": str(self.rules),
        }
        return await verb(*words, environment=settings)

    async def begins(self) -> str:
        """`init`; what it wrote."""
        ran = await self.calls("init", "--namespace", self.namespace.name)
        assert ran.returncode == 0, ran.stderr
        return self.rules.read_text()


@pytest.fixture
async def newcomer(namespace: Namespace, real_prometheus: RealPrometheus, tmp_path: Path) -> Newcomer:
    await namespace.deploy("research", behaviour=Behaviour(errors=0.005), probes=PROBED)
    for colour in ("blue", "green"):
        labels = {"app": "gateway", "colour": colour}
        express = Behaviour(dialect="express")
        await namespace.deploy(f"gateway-{colour}", behaviour=express, labels=labels, behind="gateway")
    await namespace.service("gateway", {"app": "gateway", "colour": "blue"})
    await namespace.deploy("brand", behaviour=Behaviour(dialect="opentelemetry"))
    counters = (
        f'http_requests_total{{namespace="{namespace.name}"}}',
        f'http_request_duration_seconds_count{{namespace="{namespace.name}", status_code!=""}}',
        f'http_server_request_duration_seconds_count{{k8s_namespace_name="{namespace.name}"}}',
    )

    async def served() -> bool:
        found = [await real_prometheus.query(f"sum({counter})") for counter in counters]
        return all(one and float(one[0]["value"][1]) >= ENOUGH for one in found)

    await namespace.until(served, "the services to have served", within=90)
    user = await namespace.user("newcomer", READ_ONLY)
    return Newcomer(namespace, user, tmp_path, real_prometheus)


async def test_three_dialects_are_found_and_pass_every_check_without_a_hand_edit(newcomer: Newcomer):
    text = await newcomer.begins()
    space = newcomer.namespace.name

    guards = {guard.name: guard for guard in read_rules(text).guards}
    found = {str(target): guard for guard in guards.values() for target in guard.targets}
    tables = tomllib.loads(text)["guards"]
    presets = {target: tables[guard.name]["preset"] for target, guard in found.items()}
    assert presets == {
        f"{space}/deployment/research": "fastapi",
        f"{space}/service/gateway": "express",
        f"{space}/deployment/brand": "opentelemetry",
    }, text
    rules = {target: {rule.name for rule in guard.rules} for target, guard in found.items()}
    assert rules[f"{space}/deployment/research"] == {"ready", "errors", "latency", "cpu", "memory", "signs"}, text
    # express-prom-bundle's buckets end the usual rule; the mean needs none.
    assert rules[f"{space}/service/gateway"] == {"errors", "latency-mean", "cpu", "memory", "signs"}, text
    assert rules[f"{space}/deployment/brand"] == {"errors", "latency", "cpu", "memory", "signs"}, text
    assert "Scraped each 1 s" in text
    assert "8 % fault is proven in about" in " ".join(text.replace("#", " ").split())

    offline = await newcomer.calls("check")
    assert offline.returncode == 0, offline.stdout + offline.stderr
    live = await newcomer.calls("check", "--live")
    assert live.returncode == 0, live.stdout + live.stderr
    assert "live; 0 errors" in live.stdout, live.stdout


async def test_a_misspelt_metric_is_named_with_its_nearest_real_one(newcomer: Newcomer):
    text = await newcomer.begins()
    pods = 'namespace="{{ namespace }}", pod=~"{{ pods }}"'
    misspelt = f"""
[guards.research.metrics.http_error_rate]
kind  = "ratio"
bad   = 'http_request_total{{{pods}, status=~"5.."}}'
total = 'http_request_total{{{pods}}}'
"""
    newcomer.rules.write_text(text + misspelt)

    live = await newcomer.calls("check", "--live")
    assert live.returncode == 1
    named = [line for line in live.stdout.splitlines() if "http_request_total" in line]
    assert len(named) == 1, live.stdout
    assert "did you mean http_requests_total?" in named[0]
    line = next(number for number, one in enumerate(newcomer.rules.read_text().splitlines(), 1) if "total = '" in one)
    assert named[0].startswith(f"{newcomer.rules}:{line}:"), named[0]


async def test_it_reads_and_never_writes(newcomer: Newcomer, audited: ControlPlane | ExternalCluster):
    await newcomer.begins()
    again = await newcomer.calls("init", "--namespace", newcomer.namespace.name)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    printed = await newcomer.calls("init", "--namespace", newcomer.namespace.name, "--stdout")
    assert printed.returncode == 0
    assert "[guards.research]" in printed.stdout

    assert isinstance(audited, ControlPlane)
    assert audited.audited_writes(user=newcomer.user.name) == []
    assert audited.refusals(newcomer.user.name) == []


async def test_namespaces_that_may_not_be_listed_must_be_named(newcomer: Newcomer):
    ran = await newcomer.calls("init")
    assert ran.returncode == 1
    assert "--namespace" in ran.stderr
    assert not newcomer.rules.exists()


async def test_without_prometheus_the_file_has_probes_and_signs_and_says_why(newcomer: Newcomer):
    words = ("init", "--namespace", newcomer.namespace.name, "--prometheus-url", "http://127.0.0.1:9")
    ran = await newcomer.calls(*words)
    assert ran.returncode == 0, ran.stderr
    assert "Prometheus does not answer" in ran.stderr
    text = newcomer.rules.read_text()
    kinds = {type(rule.check).__name__ for guard in read_rules(text).guards for rule in guard.rules}
    assert kinds == {"Probe", "Signs"}
    assert "Prometheus does not answer" in text
