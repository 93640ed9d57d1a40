"""`switch --weight` as people and pipelines call it: what it prints, in words and as JSON, and its exit codes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from builders import at
from cli.test_wait_and_switch import GATEWAY, Cluster, a_cluster
from watchdog.domain.memory import Memory
from watchdog.domain.rollout import Target

ROUTE = "production/httproute/gateway"
STEP = ("switch", ROUTE, "--to", "gateway-green", "--yes")


@asynccontextmanager
async def a_route(folder: Path) -> AsyncIterator[Cluster]:
    """A cluster whose HTTPRoute gives blue all of its traffic."""
    async with a_cluster(folder) as cluster:
        backends = []
        for colour, weight in (("blue", 100), ("green", 0)):
            cluster.cluster.service("production", f"gateway-{colour}", {"app": "gateway", "colour": colour})
            backends.append({"name": f"gateway-{colour}", "port": 80, "weight": weight})
        body = {"metadata": {"name": "gateway"}, "spec": {"rules": [{"backendRefs": backends}]}}
        cluster.cluster.create("httproutes", "production", body)
        cluster.remember(Memory(Target.parse(ROUTE), cluster.revision("gateway-blue"), at(0)))
        yield cluster


def weights(cluster: Cluster) -> list[int]:
    """Of blue and green."""
    spec = cluster.cluster.get("httproutes", "production", "gateway")["spec"]
    return [one["weight"] for one in spec["rules"][0]["backendRefs"]]


async def test_a_step_is_told_before_and_after_and_needs_its_percentage(tmp_path: Path) -> None:
    async with a_route(tmp_path) as cluster:
        bare = await cluster.call(*STEP)
        of_a_service = await cluster.call("switch", GATEWAY, "--to", "green", "--weight", "5", "--yes")
        of_a_deployment = await cluster.call("switch", "production/deployment/research", "--to", "x", "--weight", "5")
        done = await cluster.call(*STEP, "--no-wait", "--weight", "5")
        again = await cluster.call(*STEP, "--no-wait", "--weight", "5")
        assert weights(cluster) == [95, 5]
    assert (bare.exit_code, of_a_service.exit_code, of_a_deployment.exit_code) == (2, 2, 2)
    assert "say which percentage gateway-green is to have, as --weight 25" in bare.stderr
    assert "has no weights: a Service moves all of its traffic" in of_a_service.stderr
    assert "a Deployment is rolled out, not switched" in of_a_deployment.stderr
    assert done.exit_code == 0, done.output
    before, after, written = done.stdout.splitlines()
    assert before.startswith(f"{ROUTE}: gateway-blue-")
    assert after.startswith("     -> gateway-green-")
    assert after.endswith(" (gateway:green), 5 % of the traffic (1 of 1 pods are ready)")
    assert written.endswith("0/gateway-green:80=0 -> 0/gateway-blue:80=95, 0/gateway-green:80=5")
    assert "already; nothing was written" in again.stdout


async def test_taking_all_of_it_back_tells_of_what_gets_the_traffic_and_of_nothing_else(tmp_path: Path) -> None:
    async with a_route(tmp_path) as cluster:
        await cluster.call(*STEP, "--no-wait", "--weight", "5")
        cluster.cluster.scale("production", "gateway-green", 0)  # whatever the candidate is like
        done = await cluster.call(*STEP, "--weight", "0")
        assert weights(cluster) == [100, 0]
    assert done.exit_code == 0, done.output
    before, after, _ = done.stdout.splitlines()
    assert before.startswith(f"{ROUTE}: gateway-green-")
    assert after.startswith("     -> gateway-blue-")
    assert after.endswith(" (gateway:blue) (gateway-blue: 1 of 1 pods are ready)")


@pytest.mark.parametrize(
    ("words", "text", "code", "reason"),
    [
        (("--to", "gateway-green", "--weight", "25", "--no-wait", "--yes"), "", 0, "switched: 0/gateway-blue:80=95, "),
        (("--to", "gateway-green", "--weight", "0", "--yes"), "", 0, "switched: 0/gateway-blue:80=95, "),
        (("--to", "gateway-green", "--weight", "5", "--no-wait", "--yes"), "", 0, f"{ROUTE} gives gateway-green 5 %"),
        (("--to", "pink", "--weight", "5", "--yes"), "", 4, "not switched (no-such-colour): "),
        (("--to", "gateway-green", "--weight", "25"), "n\n", 1, "nothing was done"),
    ],
    ids=["without waiting", "of nothing", "that is there", "that is refused", "that a person denies"],
)
async def test_a_step_ends_with_one_json_object_for_programs(
    tmp_path: Path, words: tuple[str, ...], text: str, code: int, reason: str
) -> None:
    async with a_route(tmp_path) as cluster:
        await cluster.call(*STEP, "--no-wait", "--weight", "5")
        result = await cluster.call("switch", ROUTE, *words, "-o", "json", text=text)
    told = json.loads(result.stdout)
    assert told.pop("reason").startswith(reason)
    nothing = dict.fromkeys(("outcome", "recovery", "watch", "link"))
    assert told == {"target": ROUTE, "exit": code, **nothing}
    assert result.exit_code == code
