"""Stories that only a real process can tell: a person's verbs beside it, and its death."""

from __future__ import annotations

import asyncio
import subprocess

from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.daemon import verb
from e2e.guarding import Guarding, give_rights
from e2e.real_stage import RealStage
from e2e.season import ON_ITS_OWN, Part, Watchdog, only_here
from stage import App

FAILING = Behaviour(errors=0.5)
UNDER_A_BUDGET = "under_a_budget_that_allows_no_disruption"
MORTAL = Watchdog("mortal", intercepted=True)
_READ_RECORDS = ({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},)
_WRITE_RECORDS = ({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "update", "patch"]},)


def by_hand(verbs: dict[str, subprocess.CompletedProcess[str]]) -> Part:
    """A person's verbs beside a running watchdog; what they said comes into `verbs`."""

    async def tell(stage: RealStage, namespace: Namespace, guarding: Guarding) -> None:
        ann = await guarding.own.user("ann", [*_READ_RECORDS, *_WRITE_RECORDS])
        await give_rights(ann, guarding.own, {namespace.name: ""})
        target = f"{namespace.name}/deployment/research"

        async def run(*arguments: str) -> None:
            laptop = {"KUBECONFIG": str(ann.kubeconfig), "NAMESPACE": guarding.own.name}
            verbs[" ".join(arguments[:1])] = await verb(*arguments, environment=laptop)

        await stage.deploy("research", "v2")
        await stage.phase("research", "watching")
        await run("status", "-o", "json")
        await run("rollback", target, "--reason", "checkout is down", "--yes")
        superseded, by_hand = await stage.outcome("research"), await stage.outcome("research", 2)
        await run("history", "--target", target, "-o", "json")
        await run("explain", by_hand["watch"])

        assert superseded["outcome"] == "superseded", superseded["reason"]
        assert (by_hand["outcome"], by_hand["recovery"]) == ("rolled-back", "recovered"), by_hand["reason"]
        assert by_hand["by_hand"] == f"{ann.name}: checkout is down"
        assert await stage.version("research") == "v1"
        assert await guarding.acts(namespace.name, user=ann) in (["deployments/research"], [])
        assert "rolled-back" in await stage.told()

    return only_here("by_hand", ON_ITS_OWN, tell, App("research"))


def under_a_budget() -> Part:
    """A PodDisruptionBudget that lets no pod be evicted: a rollout evicts none, and neither does its undo."""

    async def tell(stage: RealStage, namespace: Namespace, _: Guarding) -> None:
        spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "research"}}}
        await namespace.create("poddisruptionbudgets", {"metadata": {"name": "research"}, "spec": spec})

        async def counted() -> bool:
            status = (await namespace.get("poddisruptionbudgets", "research")).get("status") or {}
            return bool(status.get("currentHealthy") == 2)

        await namespace.until(counted, "the budget to be counted")
        name = (await namespace.list("pods", {"app": "research"}))[0]["metadata"]["name"]
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        assert (await namespace.api.post(namespace.path("pods", f"{name}/eviction"), json=eviction)).status_code == 429
        await stage.deploy("research", "v2", FAILING)
        await undone_once(stage)

    return only_here(UNDER_A_BUDGET, ON_ITS_OWN, tell, App("research"))


def killed() -> list[Part]:
    """A watchdog that is killed at the two worst moments, and a release while it is dead."""
    told = _Killed()
    return [
        only_here("killed_before_its_write", MORTAL, told.before_its_write, App("research")),
        only_here("killed_before_the_answer", MORTAL, told.before_the_answer, App("research")),
        only_here("released_while_it_was_dead", MORTAL, told.released_while_it_was_dead, App("research")),
    ]


class _Killed:
    """The mortal watchdog's story, told in three namespaces; they wait for one another."""

    def __init__(self) -> None:
        self._dead = asyncio.Event()
        self._released = asyncio.Event()
        self._back = asyncio.Event()

    async def before_its_write(self, stage: RealStage, _: Namespace, guarding: Guarding) -> None:
        async def strike() -> None:
            await guarding.daemon.kill()
            self._dead.set()

        await stage.before_the_put_back(strike)
        await stage.deploy("research", "v2", FAILING)
        await self._dead.wait()
        assert await stage.acts() == []
        await self._released.wait()
        await guarding.daemon.start()
        self._back.set()
        await undone_once(stage)

    async def released_while_it_was_dead(self, stage: RealStage, _: Namespace, __: Guarding) -> None:
        await self._dead.wait()
        await stage.deploy("research", "v2", FAILING)
        await stage.rolled_out("research")
        self._released.set()
        await undone_once(stage)

    async def before_the_answer(self, stage: RealStage, namespace: Namespace, guarding: Guarding) -> None:
        await self._back.wait()
        struck = asyncio.Event()

        async def strike() -> None:
            await guarding.daemon.kill()
            struck.set()

        guarding.interception.after_the_put_back(namespace.name, strike)
        await stage.deploy("research", "v2", FAILING)
        await struck.wait()
        await guarding.daemon.start()
        await undone_once(stage)


async def undone_once(stage: RealStage) -> None:
    """The release of research was put back by one write, on one record, and everybody was told once."""
    record = await stage.outcome("research")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.version("research") == "v1"
    assert await stage.told() == ["switch", "rolled-back", "recovered"]
    assert await stage.told("oncall") == ["rolled-back"]
    assert await stage.acts() == ["deployments/research"]
    assert len(await stage.records()) == 1
