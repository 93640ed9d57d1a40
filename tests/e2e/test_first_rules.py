"""A new user, a real API server and a real Prometheus: `init`, `check`, `check --live`, `dry-run`, and no edit by hand.

Three services speak three dialects, one of them blue-green; the user may get, list and watch, and nothing else. All
that the user calls is called once, as it would be in those first minutes; the tests look at what came of it.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.prometheus import RealPrometheus
from e2e.controlplane.users import Rule
from e2e.daemon import verb
from watchdog.rulebook import read_rules

pytestmark = pytest.mark.timeout(300)

READ_ONLY: Sequence[Rule] = (
    {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list", "watch"]},
)
PROBED = {"readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "timeoutSeconds": 3}}
ENOUGH = 400  # requests of each service
TARGETS = ("deployment/research", "deployment/brand", "service/gateway")
LOOKED_BACK = timedelta(seconds=50)  # of which the first 30 s are the warm-up
WARM = 60  # samples, one a second: there is something before that moment as well
NOTHING_LISTENS = "http://127.0.0.1:9"

PODS = 'namespace="{{ namespace }}", pod=~"{{ pods }}"'
MISSPELT = f"""
[guards.research.metrics.http_error_rate]
kind  = "ratio"
bad   = 'http_request_total{{{PODS}, status=~"5.."}}'
total = 'http_request_total{{{PODS}}}'
"""


Ran = dict[str, CompletedProcess[str]]
"""What each call printed, by its name here."""


@dataclass
class FirstMinutes:
    """What the user called, and what was written where."""

    namespace: str
    user: str
    folder: Path
    ran: Mapping[str, CompletedProcess[str]]

    @property
    def rules(self) -> str:
        return self.written("rules")

    def written(self, name: str) -> str:
        return (self.folder / f"{name}.toml").read_text()


@pytest.fixture(scope="module")
def first_minutes(
    control_plane: ControlPlane | ExternalCluster,
    real_prometheus: RealPrometheus,
    tmp_path_factory: pytest.TempPathFactory,
) -> FirstMinutes:
    return asyncio.run(_played(control_plane, real_prometheus, tmp_path_factory.mktemp("first-rules")))


async def _played(plane: ControlPlane | ExternalCluster, prometheus: RealPrometheus, folder: Path) -> FirstMinutes:
    async with plane.admin.client() as api:
        namespace = await Namespace.make(plane, api)
        try:
            await _furnished(namespace)
            await _served(namespace, prometheus)
            user = await namespace.user("newcomer", READ_ONLY)
            settings = {
                "KUBECONFIG": str(user.kubeconfig),
                "PROMETHEUS_URL": prometheus.url,
                "NAMESPACE": namespace.name,
            }
            ran = await _called(namespace.name, folder, settings)
            await _warm(namespace, prometheus)
            ran |= await _dry_runs(namespace.name, folder, settings)
            return FirstMinutes(namespace.name, user.name, folder, ran)
        finally:
            await namespace.remove()


async def _furnished(namespace: Namespace) -> None:
    express = Behaviour(dialect="express")
    await asyncio.gather(
        namespace.deploy("research", behaviour=Behaviour(errors=0.005), probes=PROBED),
        namespace.deploy("brand", behaviour=Behaviour(dialect="opentelemetry")),
        *(
            namespace.deploy(
                f"gateway-{colour}", behaviour=express, labels={"app": "gateway", "colour": colour}, behind="gateway"
            )
            for colour in ("blue", "green")
        ),
        namespace.service("gateway", {"app": "gateway", "colour": "blue"}),
    )


async def _served(namespace: Namespace, prometheus: RealPrometheus) -> None:
    async def enough() -> bool:
        found = [await prometheus.query(f"sum({counter})") for counter in _counters(namespace)]
        return all(one and float(one[0]["value"][1]) >= ENOUGH for one in found)

    await namespace.until(enough, "the services to have served", within=90)


async def _warm(namespace: Namespace, prometheus: RealPrometheus) -> None:
    async def long_enough() -> bool:
        counted = [f"max(count_over_time({counter}[5m]))" for counter in _counters(namespace)]
        return all([float((await prometheus.query(one))[0]["value"][1]) >= WARM for one in counted])

    await namespace.until(long_enough, "the services to be warm", within=120)


def _counters(namespace: Namespace) -> tuple[str, ...]:
    return (
        f'http_requests_total{{namespace="{namespace.name}"}}',
        f'http_request_duration_seconds_count{{namespace="{namespace.name}", status_code!=""}}',
        f'http_server_request_duration_seconds_count{{k8s_namespace_name="{namespace.name}"}}',
    )


async def _dry_runs(namespace: str, folder: Path, settings: Mapping[str, str]) -> Ran:
    """One look at what is being switched, and one at each target as if it had been switched a moment ago."""
    words = ("dry-run", "--rules", str(folder / "rules.toml"), "--once", "-o", "json")
    at = (datetime.now(UTC) - LOOKED_BACK).isoformat()
    looks = {target: (*words, "--target", f"{namespace}/{target}", "--at", at) for target in TARGETS}
    looks["dry-run"] = words
    ran = await asyncio.gather(*(verb(*one, environment=settings) for one in looks.values()))
    return dict(zip(looks, ran, strict=True))


async def _called(namespace: str, folder: Path, settings: Mapping[str, str]) -> Ran:
    ran: Ran = {}

    async def call(name: str, *words: str, **others: str) -> None:
        ran[name] = await verb(*words, environment={**settings, **others})

    rules, misspelt, blind = (str(folder / f"{name}.toml") for name in ("rules", "misspelt", "blind"))
    here = ("--namespace", namespace)
    await call("init", "init", rules, *here)
    if ran["init"].returncode == 0:
        _misspell(folder)
    await asyncio.gather(
        call("check", "check", rules),
        call("live", "check", "--live", rules),
        call("misspelt", "check", "--live", misspelt),
        call("again", "init", rules, *here),
        call("printed", "init", "-", *here),
        call("unnamed", "init", str(folder / "unnamed.toml")),
        call("blind", "init", blind, *here, PROMETHEUS_URL=NOTHING_LISTENS),
    )
    return ran


def _misspell(folder: Path) -> None:
    (folder / "misspelt.toml").write_text((folder / "rules.toml").read_text() + MISSPELT)


def test_three_dialects_are_found(first_minutes: FirstMinutes):
    assert first_minutes.ran["init"].returncode == 0, first_minutes.ran["init"].stderr
    text, space = first_minutes.rules, first_minutes.namespace
    found = {str(target): guard for guard in read_rules(text).guards for target in guard.targets}
    tables = tomllib.loads(text)["guards"]
    presets = {target: tables[guard.name]["preset"] for target, guard in found.items()}
    assert presets == {
        f"{space}/deployment/research": "fastapi",
        f"{space}/service/gateway": "express",
        f"{space}/deployment/brand": "opentelemetry",
    }, text


def test_each_gets_the_rules_that_it_can_be_judged_by(first_minutes: FirstMinutes):
    text, space = first_minutes.rules, first_minutes.namespace
    found = {str(target): guard for guard in read_rules(text).guards for target in guard.targets}
    rules = {target: {rule.name for rule in guard.rules} for target, guard in found.items()}
    assert rules[f"{space}/deployment/research"] == {"ready", "errors", "latency", "cpu", "memory", "signs"}, text
    # express-prom-bundle's buckets are too far apart for a quantile; a mean needs none.
    assert rules[f"{space}/service/gateway"] == {"errors", "latency-mean", "cpu", "memory", "signs"}, text
    assert rules[f"{space}/deployment/brand"] == {"errors", "latency", "cpu", "memory", "signs"}, text
    assert "Scraped each 1 s" in text
    assert "8 % fault is proven in about" in " ".join(text.replace("#", " ").split())


def test_what_it_wrote_passes_every_check(first_minutes: FirstMinutes):
    offline, live = first_minutes.ran["check"], first_minutes.ran["live"]
    assert offline.returncode == 0, offline.stdout + offline.stderr
    assert live.returncode == 0, live.stdout + live.stderr
    assert "live; 0 errors" in live.stdout, live.stdout


def test_a_dry_run_finds_all_three_and_judges_each_in_its_dialect(first_minutes: FirstMinutes):
    at_once = first_minutes.ran["dry-run"]
    # Nothing is being switched now, so there is nothing to judge.
    assert (at_once.returncode, at_once.stderr) == (4, "")
    begun = json.loads(at_once.stdout.splitlines()[0])
    # A Service's switches are its flips, and the rollouts of the colour that serves.
    serving = f"{first_minutes.namespace}/deployment/gateway-blue"
    assert set(begun["targets"]) == {serving, *(f"{first_minutes.namespace}/{target}" for target in TARGETS)}
    for target in TARGETS:
        ran = first_minutes.ran[target]
        facts = [json.loads(line) for line in ran.stdout.splitlines()]
        assert ran.stderr == "", ran
        values = {fact["rule"]: fact["value"] for fact in facts if fact["event"] == "verdict"}
        assert values["errors"] is not None, ran.stdout
        assert any(values.get(rule) is not None for rule in ("latency", "latency-mean")), ran.stdout


def test_a_misspelt_metric_is_named_with_its_nearest_real_one(first_minutes: FirstMinutes):
    live = first_minutes.ran["misspelt"]
    assert live.returncode == 1
    named = [line for line in live.stdout.splitlines() if "http_request_total" in line]
    assert len(named) == 1, live.stdout
    assert "did you mean http_requests_total?" in named[0]
    written = first_minutes.written("misspelt").splitlines()
    line = next(number for number, one in enumerate(written, 1) if one.startswith("total = 'http_request_total"))
    assert f"misspelt.toml:{line}:" in named[0], named[0]


def test_a_file_that_is_there_is_not_touched_and_a_dash_prints(first_minutes: FirstMinutes):
    again, printed = first_minutes.ran["again"], first_minutes.ran["printed"]
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    assert printed.returncode == 0
    assert {guard.name for guard in read_rules(printed.stdout).guards} == {"research", "gateway", "brand"}


def test_it_reads_what_it_may_and_never_writes(first_minutes: FirstMinutes, audited: ControlPlane):
    assert audited.audited_writes(user=first_minutes.user, namespace=first_minutes.namespace) == []
    refused = audited.refusals(first_minutes.user)
    # Only who names no namespace asks for all of them; check --live looks at what the watchdog remembers.
    assert {request for request in refused if "/configmaps" not in request} == {"list /api/v1/namespaces?limit=500"}


def test_namespaces_that_may_not_be_listed_must_be_named(first_minutes: FirstMinutes):
    unnamed = first_minutes.ran["unnamed"]
    assert unnamed.returncode == 1
    assert len(unnamed.stderr.splitlines()) == 1
    assert "--namespace" in unnamed.stderr
    assert not (first_minutes.folder / "unnamed.toml").exists()


def test_without_prometheus_the_file_has_probes_and_signs_and_says_why(first_minutes: FirstMinutes):
    blind = first_minutes.ran["blind"]
    assert blind.returncode == 0, blind.stderr
    assert "Prometheus does not answer" in blind.stderr
    text = first_minutes.written("blind")
    kinds = {type(rule.check).__name__ for guard in read_rules(text).guards for rule in guard.rules}
    assert kinds == {"Probe", "Signs"}
    assert "Prometheus does not answer" in text
