"""`watchdog run` as a process of its own: how it refuses to start, how it lives, how it ends."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from cli.verbs import OWN, outcome, spawn
from serving import listening
from town import NAMESPACE, PART_OF, RULES
from watchdog.adapters.clock import SystemClock
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pods_http import SimulatedApplications
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.traffic import Behaviour

CANARY = "c4n4ry-8d1f-do-not-show"
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
METRICS = (
    "watchdog_switches_total", "watchdog_watches_open", "watchdog_outcomes_total", "watchdog_rollbacks_total",
    "watchdog_breach_to_action_seconds", "watchdog_rule_value", "watchdog_rule_verdict", "watchdog_query_seconds",
    "watchdog_query_failures_total", "watchdog_notifications_total", "watchdog_rules_valid", "watchdog_leader",
    "watchdog_unguarded", "watchdog_dry_run",
)  # fmt: skip
NOWHERE = "http://127.0.0.1:1"


def a_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def a_kubeconfig(folder: Path) -> str:
    """Of a cluster that is not there."""
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": NOWHERE}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": CANARY}}],
    }  # fmt: skip
    return a_file(folder, "kubeconfig", json.dumps(config))


def all_there(folder: Path, rules: str = RULES) -> dict[str, str]:
    """Settings with which nothing is missing but the cluster and Prometheus themselves."""
    return {
        "RULES": a_file(folder, "rules.toml", rules),
        "PROMETHEUS_URL": NOWHERE,
        "KUBECONFIG": a_kubeconfig(folder),
        "NAMESPACE": OWN,
        "LISTEN": "127.0.0.1:0",
        "SECRET_SLACK_URL": SLACK,
        "SECRET_PAGER_URL": f"json://user:{CANARY}@127.0.0.1:1/",
    }


async def refused(folder: Path, settings: dict[str, str], *words: str) -> tuple[int, str]:
    """It does not start: exit code, and what it says."""
    code, stdout, stderr = await outcome("run", *words, folder=folder, **settings)
    assert stdout == ""
    assert "Traceback" not in stderr
    assert CANARY not in stderr
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in stderr
    return code, stderr


def without(settings: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in names}


async def test_without_prometheus_it_says_which_variable_is_missing(tmp_path: Path) -> None:
    code, said = await refused(tmp_path, without(all_there(tmp_path), "PROMETHEUS_URL"))
    assert code == 1
    assert "WATCHDOG_PROMETHEUS_URL is not set" in said


async def test_with_an_invalid_rules_file_it_names_every_mistake(tmp_path: Path) -> None:
    wrong = RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 5 percent"').replace(
        'for  = "1m"', 'fro  = "1m"', 1
    )
    code, said = await refused(tmp_path, all_there(tmp_path, wrong))
    assert code == 1
    lines = [line for line in said.splitlines() if "rules.toml:" in line]
    assert len(lines) == 2


async def test_without_a_rules_file_it_says_so(tmp_path: Path) -> None:
    settings = all_there(tmp_path) | {"RULES": str(tmp_path / "none.toml")}
    code, said = await refused(tmp_path, settings)
    assert code == 1
    assert f"{tmp_path / 'none.toml'} cannot be read" in said


@pytest.mark.parametrize(
    "secret", [f"gopher://{CANARY}", f"not a url {CANARY}", f"file:///{CANARY}", "slack://x"], ids=str
)
async def test_with_a_channel_that_cannot_work_it_names_the_channel_and_shows_no_secret(
    tmp_path: Path, secret: str
) -> None:
    code, said = await refused(tmp_path, all_there(tmp_path) | {"SECRET_SLACK_URL": secret})
    assert code == 1
    assert "channel releases" in said


async def test_with_a_secret_missing_it_says_which_and_where_it_looked(tmp_path: Path) -> None:
    code, said = await refused(tmp_path, without(all_there(tmp_path), "SECRET_SLACK_URL"))
    assert code == 1
    assert "the secret SLACK_URL is missing" in said
    assert "WATCHDOG_SECRET_SLACK_URL" in said


async def test_with_its_port_taken_it_says_which(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = await refused(tmp_path, all_there(tmp_path) | {"LISTEN": listen})
    assert code == 1
    assert f"cannot listen on {listen}" in said


@pytest.mark.parametrize(("words", "more"), [(("--dry-run",), {}), ((), {"DRY_RUN": "true"})], ids=["flag", "setting"])
async def test_as_a_dry_run_it_says_so_in_each_line_of_its_log(
    tmp_path: Path, words: tuple[str, ...], more: dict[str, str]
) -> None:
    process = await spawn("run", *words, folder=tmp_path, **all_there(tmp_path), **more)
    log = await Log.of(process)
    async with httpx.AsyncClient(base_url=log.listens_at) as client:
        assert "watchdog_dry_run 1.0" in (await client.get("/metrics")).text
    assert await log.end() == 0
    assert {fact["dry_run"] for fact in log.facts} == {True}


async def test_without_a_cluster_it_waits_and_is_not_ready_and_still_ends_in_time(tmp_path: Path) -> None:
    process = await spawn("run", folder=tmp_path, **all_there(tmp_path))
    log = await Log.of(process)
    async with httpx.AsyncClient(base_url=log.listens_at) as client:
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert "not ready" in ready.text
    assert await log.end() == 0


@dataclass
class Log:
    """The log of a running watchdog, line by line."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    stdout: str = ""

    @classmethod
    async def of(cls, process: asyncio.subprocess.Process) -> "Log":
        """Read until it says that it has started."""
        log = cls(process)
        async with asyncio.timeout(30):
            while not any(fact["event"] == "started" for fact in log.facts):
                assert process.stderr is not None
                line = await process.stderr.readline()
                assert line, f"it ended: {log.lines}"
                log.lines.append(line.decode())
        return log

    @property
    def facts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    @property
    def listens_at(self) -> str:
        return next(str(fact["listen"]) for fact in self.facts if fact["event"] == "started")

    async def end(self) -> int:
        """SIGTERM; the exit code, within the five seconds."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5 + 1):  # the interpreter's own end beside it
            stdout, stderr = await self.process.communicate()
        self.stdout = stdout.decode()
        self.lines += stderr.decode().splitlines(keepends=True)
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def a_channel() -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
    """Something that takes notices over HTTP: its port, and what it got."""
    got: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/{anything:.*}", take)
    async with listening(app) as port:
        yield port, got


async def soon(holds: Any, within: float = 20.0) -> None:
    """Wait, in real time, for what another process does."""
    clock = SystemClock()
    async with asyncio.timeout(within):
        while not await holds():
            await clock.sleep(0.1)


async def test_it_runs_and_shows_itself_and_its_secrets_nowhere(tmp_path: Path) -> None:
    clock = SystemClock()
    stack = AsyncExitStack()
    cluster = SimulatedCluster(clock, stack.enter_context(free_octet()), past=timedelta(hours=1))
    cluster.create("namespaces", "", {"metadata": {"name": OWN}})
    cluster.deploy(NAMESPACE, "research", "research:v1", replicas=2, labels=PART_OF)
    cluster.service(NAMESPACE, "research")
    async with stack, a_channel() as (port, told), cluster:
        prometheus = SimulatedPrometheus(
            clock, cluster, lambda _pod: Behaviour(dialect="fastapi"), scrape_interval=1.0, seed=3, phases=1
        )
        prometheus.backfill(1800, step=30)
        async with prometheus, SimulatedApplications(prometheus):
            secret = f"json://{CANARY}-user:{CANARY}@127.0.0.1:{port}/{CANARY}/"
            token = a_file(tmp_path, "token", f"{CANARY}-token\n")
            settings = without(all_there(tmp_path), "SECRET_SLACK_URL", "SECRET_PAGER_URL") | {
                "KUBECONFIG": str(cluster.kubeconfig(tmp_path / "kubeconfig", cluster.user(f"{CANARY}-person"))),
                "PROMETHEUS_URL": prometheus.url,
                "PROMETHEUS_TOKEN_FILE": token,
                "SECRETS_DIR": str(Path(a_file(tmp_path, "secrets/SLACK_URL", secret)).parent),
                "SECRET_PAGER_URL": secret,
                "LOG_LEVEL": "debug",
                "LISEN": "a setting that is misspelt",
            }
            log = await Log.of(await spawn("run", folder=tmp_path, **settings))
            async with httpx.AsyncClient(base_url=log.listens_at) as client:

                async def ready() -> bool:
                    return (await client.get("/readyz")).status_code == 200

                async def watched() -> bool:
                    return bool((await client.get("/api/watches")).json())

                async def is_told() -> bool:
                    return bool(told)

                await soon(ready)
                cluster.deploy(NAMESPACE, "research", "research:v2", env={"TOKEN": "x"}, cause="v2")
                await soon(watched)
                await soon(is_told)
                assert (await client.get("/healthz")).text == "ok\n"
                metrics = (await client.get("/metrics")).text
                [watch] = (await client.get("/api/watches")).json()
                one = await client.get(f"/api/watches/{watch['watch']}")
                assert one.json()["target"] == f"{NAMESPACE}/deployment/research"
                assert (await client.get("/api/watches/none")).status_code == 404
                shown = metrics + one.text + (await client.get("/readyz")).text
            assert await log.end() == 0
            records = json.dumps(cluster.list("configmaps", OWN)) + json.dumps(cluster.list("events", NAMESPACE))

    assert all(f"\n# TYPE {name} " in f"\n{metrics}" for name in METRICS)
    assert "watchdog_rules_valid 1.0" in metrics
    assert 'watchdog_switches_total{kind="rollout"} 1.0' in metrics
    facts = log.facts  # every line is one JSON object
    assert {"time", "level", "logger", "event"} <= set.intersection(*(set(fact) for fact in facts))
    assert {"started", "switch", "stopping"} <= {fact["event"] for fact in facts}
    assert any("WATCHDOG_LISEN" in str(fact) and "WATCHDOG_LISTEN" in str(fact) for fact in facts)
    assert any(fact.get("watch") == watch["watch"] for fact in facts)
    assert log.stdout == ""
    assert "research:v2" in json.dumps(told)
    for place in (log.stdout, "".join(log.lines), shown, records):
        assert CANARY not in place
