"""`watchdog dry-run` with a credential that can only read, and `run --dry-run`, on the real control plane."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.channels import Webhook
from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane
from e2e.controlplane.prometheus import RealPrometheus
from e2e.controlplane.users import Rule, User
from e2e.daemon import Daemon, verb
from e2e.guarding import IN_ITS_OWN, Guarding
from e2e.interception import Interception, PassedOn
from e2e.real_stage import PATIENCE, RealStage
from stage import App, Colours, Story

pytestmark = pytest.mark.timeout(400)

FAILING = Behaviour(errors=0.5)
SCENE = (App("research"), Colours("gateway", green=FAILING))
PAGE = Path(__file__).parents[2] / "docs" / "dry-run.md"
# What the page says that a dry run needs, and nothing else.
IN_GUARDED: tuple[Rule, ...] = tuple(
    yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[-1])["rules"]
)
RECORDS: tuple[Rule, ...] = ({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},)


async def story(_: object) -> None:
    """Told by the tests."""


@dataclass
class Scene:
    """A guarded namespace in which everything serves, a watchdog that knows it, and the hand before its server."""

    home: Namespace
    own: Namespace
    stage: RealStage
    guarding: Guarding
    interception: Interception
    environment: Mapping[str, str]

    async def reader(self) -> User:
        """Someone who can get, list and watch, and nothing else."""
        user = await self.own.user("reader", RECORDS)
        await self.home.allow(user, IN_GUARDED)
        return user


@pytest.fixture
async def scene(
    audited: ControlPlane, namespace: Namespace, real_prometheus: RealPrometheus, tmp_path: Path
) -> AsyncIterator[Scene]:
    async with audited.admin.client() as api, Webhook() as webhook, Interception(audited.admin) as interception:
        own = await Namespace.make(audited, api)
        guard = Story(story, SCENE, ("error-rate", "crash"), bake="150s").guard(namespace.name)
        guarding = await Guarding.prepare(
            "acting",
            own,
            {namespace.name: guard},
            real_prometheus.url,
            webhook,
            interception,
            tmp_path,
            intercepted=True,
        )
        stage = RealStage(namespace, guarding)
        await stage.furnish(SCENE)
        await guarding.daemon.start()
        await stage.is_known(SCENE)

        async def served() -> bool:
            found = await real_prometheus.query(f'sum(http_requests_total{{namespace="{namespace.name}"}})')
            return bool(found) and float(found[0]["value"][1]) > 600

        await namespace.until(served, "the requests before the releases", within=PATIENCE)
        assert await guarding.daemon.terminate() == 0
        environment = {
            "RULES": str(tmp_path / "rules.toml"),
            "NAMESPACE": own.name,
            "PROMETHEUS_URL": real_prometheus.url,
            "SECRET_RELEASES_URL": webhook.url("dry-releases"),
            "SECRET_ONCALL_URL": webhook.url("dry-oncall"),
        }
        yield Scene(namespace, own, stage, guarding, interception, environment)
        guarding.daemon.clean_up()
        await own.remove()


class DryRun:
    """A `watchdog dry-run -o json` that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.facts: list[dict[str, Any]] = []

    async def until(self, event: str, target: str = "") -> dict[str, Any]:
        """The first such fact, of that target."""
        async with asyncio.timeout(120):
            while True:
                for fact in self.facts:
                    if fact["event"] == event and str(fact.get("target", "")).endswith(target):
                        return fact
                assert self.process.stdout is not None
                line = await self.process.stdout.readline()
                assert line, f"it ended: {self.facts}"
                self.facts.append(json.loads(line))

    async def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            out, err = await self.process.communicate()
        assert err == b""
        self.facts += [json.loads(line) for line in out.splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def dry_run(environment: Mapping[str, str]) -> AsyncIterator[DryRun]:
    settings = {f"WATCHDOG_{name}": value for name, value in environment.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "watchdog", "dry-run", "-o", "json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath), **settings},
        limit=2**20,
    )
    try:
        yield DryRun(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def without_version(body: str) -> str:
    """The bytes of a patch, but for the resourceVersion that it is conditional on."""
    return re.sub(r'("path": "/metadata/resourceVersion", "value": ")[^"]*', r"\1...", body)


def second_of(watch: str) -> datetime:
    """The switch's time, as the name of its watch has it."""
    return datetime.strptime(watch.rsplit("-", 2)[1], "%Y%m%dt%H%M%S").replace(tzinfo=UTC)


async def test_it_only_reads_and_shows_the_bytes_that_run_then_sends(scene: Scene, audited: ControlPlane):
    reader = await scene.reader()
    environment = {**scene.environment, "KUBECONFIG": str(reader.kubeconfig)}
    async with dry_run(environment) as dry:
        begun = await dry.until("begun")
        assert f"{scene.home.name}/deployment/research" in begun["targets"]
        assert begun["unseeded"] == ""
        await asyncio.sleep(2)  # until its watches of the cluster stand
        await scene.stage.deploy("research", "v2", FAILING)
        await scene.stage.flip("gateway", "green")
        shown = {name: await dry.until("would-roll-back", f"/{name}") for name in ("research", "gateway")}
        switch = await dry.until("switch", "/research")
        target = f"{scene.home.name}/deployment/research"
        # Not `--once`: pods of before, which served on for a moment, count with the candidate's, and make it later.
        looked_back = await verb("dry-run", "--target", target, "--at", switch["switched_at"], environment=environment)
        once = await verb("dry-run", "--once", environment=environment)
        assert await dry.interrupt() == 3

    assert (looked_back.returncode, once.returncode) == (3, 3), (looked_back, once)
    assert dry.facts[-1]["event"] == "summary"
    assert await scene.stage.version("research") == "v2"
    assert await scene.stage.colour("gateway") == "green"
    # Not even a dry run or a review of its rights: nothing but get, list and watch, and none of them refused.
    assert audited.audited_writes(reader.name) == []
    assert audited.refusals(reader.name) == []

    await scene.guarding.daemon.start()
    records = {name: await scene.stage.phase(name, "recovering") for name in shown}
    sent = [
        write
        for write in scene.interception.passed_on(scene.guarding.user.access.token)
        if isinstance(write, PassedOn) and write.verb == "patch" and write.namespace == scene.home.name
    ]
    assert sorted(write.name for write in sent) == ["gateway", "research"]
    for write in sent:
        [request] = shown[write.name]["requests"]
        assert request["path"].endswith(f"/namespaces/{scene.home.name}/{write.resource}/{write.name}")
        body = write.body.decode()
        if write.name == "gateway":
            # No object says when a flip was, but in whole seconds: who sees it late may name its watch by another one.
            mine, theirs = shown["gateway"]["watch"], records["gateway"]["watch"]
            assert abs(second_of(mine) - second_of(theirs)) <= timedelta(seconds=2), (mine, theirs)
            assert body.count(theirs) == 1
            body = body.replace(theirs, mine)
        assert without_version(request["body"]) == without_version(body)


async def test_run_as_a_dry_run_records_and_tells_and_writes_nothing_to_what_it_guards(
    scene: Scene, audited: ControlPlane, tmp_path: Path
):
    lease: Rule = {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": ["rollback-watchdog-dry-run"],
        "verbs": ["get", "update"],
    }
    user = await scene.own.user("dry", [*IN_ITS_OWN, lease])
    await scene.home.allow(user, IN_GUARDED)
    settings = {**scene.environment, "KUBECONFIG": str(user.kubeconfig), "LISTEN": "127.0.0.1:0", "DRY_RUN": "true"}
    (tmp_path / "dry").mkdir()
    daemon = Daemon(tmp_path / "dry", settings)
    try:
        await daemon.start()
        await scene.stage.deploy("research", "v2", FAILING)

        async def ended() -> dict[str, Any] | None:
            found = await scene.own.list("configmaps", {"rollback-watchdog.dev/record": "dry-run-watch"})
            records = [json.loads(one["data"]["record.json"]) for one in found]
            return next((record for record in records if record["outcome"] is not None), None)

        record = await scene.home.until(ended, "the outcome of the dry run", within=120)
        metrics = await daemon.metrics()
        assert await daemon.terminate() == 0
    finally:
        daemon.clean_up()
    assert record["outcome"] == "would-roll-back", record["reason"]
    assert "could not be asked" in record["reason"]
    assert datetime.fromisoformat(record["ended_at"])
    assert await scene.stage.version("research") == "v2"
    assert "watchdog_dry_run 1.0" in metrics
    titles = scene.guarding.webhook.titles("dry-oncall")
    assert titles
    assert all(title.startswith("[dry run] ") for title in titles)
    writes = audited.audited_writes(user.name)
    # A question about one's own rights is a "create" that creates nothing.
    asked = "selfsubjectaccessreviews"
    elsewhere = [write for write in writes if write.namespace != scene.own.name and write.resource != asked]
    # It asked the API server once, in a dry run, and was refused; no Event, no patch.
    assert [(write.verb, write.code, write.dry_run) for write in elsewhere] == [("patch", 403, True)]
    assert {line.get("dry_run") for line in daemon.log()} == {True}
