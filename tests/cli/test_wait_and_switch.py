"""`wait` and `switch` as people and pipelines call them: what they print, and their exit codes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from builders import a_ratio, a_rule, a_stable, a_switch, at
from cli.verbs import LABEL, OWN, call_beside
from watchdog.adapters.clock import SystemClock
from watchdog.adapters.kubernetes.documents import record_name
from watchdog.domain.memory import Memory
from watchdog.domain.record import document_of, record_of
from watchdog.domain.rollout import Revision, Target, TargetKind
from watchdog.domain.rules import Guard
from watchdog.domain.state import Phase, Watch, open_watch
from watchdog.simulator.cluster import SimulatedCluster

RESEARCH = "production/deployment/research"
GATEWAY = "production/service/gateway"


class Cluster:
    """A cluster on real time, with a Deployment and a Service of two colours."""

    def __init__(self, cluster: SimulatedCluster, folder: Path) -> None:
        self.cluster = cluster
        kubeconfig = cluster.kubeconfig(folder / "kubeconfig")
        rules = str(folder / "rules.toml")
        self.settings = {"KUBECONFIG": str(kubeconfig), "NAMESPACE": OWN, "RULES": rules}

    def revision(self, deployment: str) -> Revision:
        """The current one."""
        found = next(
            one
            for one in self.cluster.list("replicasets", "production")
            if one["metadata"]["ownerReferences"][0]["name"] == deployment
        )
        return Revision(deployment, found["metadata"]["labels"]["pod-template-hash"])

    def a_watch(self, phase: Phase = Phase.WATCHING, reason: str = "") -> Watch:
        """Of what `research` serves."""
        switch = a_switch(candidate=self.revision("research"))
        guard = Guard("services", ("production",), (a_rule(a_ratio(), name="error-rate"),))
        watch = open_watch(switch, guard, a_stable(), now=switch.at)
        ended = at(700) if phase.terminal else None
        return replace(watch, phase=phase, reason=reason, ended_at=ended)

    def keep(self, watch: Watch) -> None:
        """Its record."""
        still_open = "false" if watch.phase.terminal else "true"
        labels = {f"{LABEL}/record": "watch", f"{LABEL}/open": still_open}
        metadata = {"name": record_name(watch.id), "labels": labels}
        data = {"record.json": json.dumps(record_of(watch))}
        if self.cluster.find("configmaps", OWN, record_name(watch.id)) is None:
            self.cluster.create("configmaps", OWN, {"metadata": metadata, "data": data})
        else:
            self.cluster.patch("configmaps", OWN, record_name(watch.id), {"metadata": {"labels": labels}, "data": data})

    def remember(self, memory: Memory) -> None:
        """What the watchdog knows of the target."""
        name = f"rollback-watchdog-targets-{memory.target.namespace}"
        key = f"{memory.target.kind}.{memory.target.name}"
        metadata = {"name": name, "labels": {f"{LABEL}/record": "targets"}}
        data = {key: json.dumps(document_of(memory))}
        if self.cluster.find("configmaps", OWN, name) is None:
            self.cluster.create("configmaps", OWN, {"metadata": metadata, "data": data})
        else:
            self.cluster.patch("configmaps", OWN, name, {"data": data})

    async def call(self, *words: str, text: str = "", **settings: str) -> Result:
        return await call_beside(*words, text=text, **{**self.settings, **settings})


@asynccontextmanager
async def a_cluster(folder: Path) -> AsyncIterator[Cluster]:
    async with SimulatedCluster(SystemClock(), octet=93) as cluster:
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        cluster.deploy("production", "research", "research:v2", replicas=1)
        for colour in ("blue", "green"):
            labels = {"app": "gateway", "colour": colour}
            cluster.deploy("production", f"gateway-{colour}", f"gateway:{colour}", replicas=1, pod_labels=labels)
        cluster.service("production", "gateway", {"app": "gateway", "colour": "blue"})
        async with asyncio.timeout(30):
            while not all(
                cluster.rolled_out("production", name) for name in ("gateway-blue", "gateway-green", "research")
            ):
                await SystemClock().sleep(0.05)
        here = Cluster(cluster, folder)
        gateway = Target.parse(GATEWAY)
        here.remember(
            Memory(gateway, here.revision("gateway-blue"), at(0), selector={"app": "gateway", "colour": "blue"})
        )
        yield here


@pytest.mark.parametrize(
    ("phase", "code"),
    [
        (Phase.PASSED, 0),
        (Phase.HELD, 4),
        (Phase.NOTIFIED, 4),
        (Phase.FAILED, 4),
        (Phase.INCONCLUSIVE, 4),
        (Phase.SUPERSEDED, 5),
    ],
)
async def test_each_outcome_has_its_exit_code_and_a_line_that_says_why(phase: Phase, code: int, tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        watch = cluster.a_watch(phase, "because \x1b[31mof that\x1b[0m")
        cluster.keep(watch)
        result = await cluster.call("wait", RESEARCH)
        as_json = await cluster.call("wait", RESEARCH, "-o", "json", PUBLIC_URL="https://watchdog.example")
    assert result.exit_code == as_json.exit_code == code
    assert f"{RESEARCH}: {phase.value}: because" in result.output
    assert "\x1b" not in result.output
    assert f"watch: watchdog explain {watch.id}" in result.output
    told = json.loads(as_json.stdout)
    assert (told["exit"], told["outcome"], told["watch"]) == (code, phase.value, watch.id)
    assert told["link"] == f"https://watchdog.example/api/watches/{watch.id}"
    assert phase.value in as_json.stderr


async def test_progress_is_a_line_where_something_changed(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        cluster.keep(cluster.a_watch())
        waiting = asyncio.create_task(cluster.call("wait", RESEARCH))
        asked = f"configmaps/{record_name(cluster.a_watch().id)}"
        async with asyncio.timeout(30):
            while not any(asked in request.path for request in cluster.cluster.requests):
                await SystemClock().sleep(0.05)
        cluster.keep(cluster.a_watch(Phase.PASSED, "kept all its rules"))
        result = await waiting
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{RESEARCH}: watching; the rollout is not complete")
    assert lines[-2] == f"{RESEARCH}: passed: kept all its rules"
    assert len(lines) == 3


async def test_what_is_known_good_is_told_apart_from_what_passed(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        serving = cluster.revision("research")
        cluster.remember(Memory(Target.parse(RESEARCH), serving, at(0)).with_good(serving, at(0), None))
        plain = await cluster.call("wait", RESEARCH)
        accepted = await cluster.call("wait", RESEARCH, "--accept-known-good")
    assert (plain.exit_code, accepted.exit_code) == (4, 0)
    assert "needs no watch" in plain.output
    assert "needs no watch" in accepted.output


async def test_where_no_watch_opens_it_says_why(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        result = await cluster.call("wait", RESEARCH, "--open-within", "0s")
        nothing = await cluster.call("wait", "production/deployment/nothing")
    assert result.exit_code == 4
    assert result.stderr == (
        f"{RESEARCH}: no watch opened within 0 s: the watchdog knows nothing of {RESEARCH}: no guard covers it, or no"
        " watchdog runs\n"
    )
    assert nothing.exit_code == 1
    assert nothing.stderr == "watchdog: there is no production/deployment/nothing\n"


@pytest.mark.parametrize("kind", [kind for kind in TargetKind if kind.switch.in_parts or not kind.routes])
async def test_waiting_for_what_is_not_there_ends_at_once(kind: TargetKind, tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        nothing = await cluster.call("wait", f"production/{kind}/nothing")
    assert nothing.exit_code == 1
    assert nothing.stderr == f"watchdog: there is no production/{kind}/nothing\n"


async def test_waiting_for_an_ingress_that_is_no_canary_ends_at_once_with_why(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        cluster.cluster.create("ingresses", "production", {"metadata": {"name": "main"}, "spec": {"rules": []}})
        nothing = await cluster.call("wait", "production/ingress/main")
        switched = await cluster.call("switch", "production/ingress/main", "--to", "x", "--weight", "5", "--yes")
    assert nothing.exit_code == switched.exit_code == 1
    assert nothing.stderr.startswith("watchdog: production/ingress/main: it is no canary (it lacks the annotation ")
    assert switched.stderr == nothing.stderr


async def test_a_switch_is_told_before_and_after_and_needs_a_yes(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        said_no = await cluster.call("switch", GATEWAY, "--to", "green", "--no-wait", text="n\n")
        colour = cluster.cluster.get("services", "production", "gateway")["spec"]["selector"]["colour"]
        said_yes = await cluster.call("switch", GATEWAY, "--to", "green", "--no-wait", "--yes", "--reason", "v1.5.0")
        service = cluster.cluster.get("services", "production", "gateway")
        again = await cluster.call("switch", GATEWAY, "--to", "green", "--no-wait", "--yes")
    assert (said_no.exit_code, colour) == (1, "blue")
    assert "nothing was done" in said_no.output
    assert said_yes.exit_code == 0
    assert "-> gateway-green-" in said_yes.stdout
    assert "1 of 1 pods are ready" in said_yes.stdout
    assert said_yes.stdout.endswith("switched: colour=blue -> colour=green\n")
    assert service["spec"]["selector"] == {"app": "gateway", "colour": "green"}
    assert service["metadata"]["annotations"][f"{LABEL}/switched-by"].endswith(": v1.5.0")
    assert again.exit_code == 0
    assert "already; nothing was written" in again.stdout


async def test_a_refusal_is_one_line_with_the_check_to_override_and_exits_4(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as cluster:
        cluster.cluster.scale("production", "gateway-green", 0)
        async with asyncio.timeout(30):
            while not cluster.cluster.rolled_out("production", "gateway-green"):
                await SystemClock().sleep(0.05)
        refused = await cluster.call("switch", GATEWAY, "--to", "green", "--yes")
        unknown = await cluster.call("switch", GATEWAY, "--to", "pink", "--yes")
        passed_over = await cluster.call(
            "switch", GATEWAY, "--to", "green", "--yes", "--no-wait", "--override", "not-ready", "--reason", "drill"
        )
    assert refused.exit_code == unknown.exit_code == 4
    assert refused.stderr == "watchdog: not switched (not-ready): gateway-green is scaled to zero\n"
    assert "has no colour 'pink'; there are blue, green" in unknown.stderr
    assert passed_over.exit_code == 0
    assert "passed over not-ready" in passed_over.stdout


async def test_rules_with_mistakes_are_no_rules_to_probe_by(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("version = 2\n")
    async with a_cluster(tmp_path) as cluster:
        result = await cluster.call("switch", GATEWAY, "--to", "green", "--yes")
    assert result.exit_code == 1
    assert "rules.toml:1" in result.stderr
    assert len(result.stderr.splitlines()) == 1
