"""An upgrade in the middle of a watch, on the real control plane: the new one stands by, the old one gets SIGTERM.

Wherever it stood, nothing is lost and nothing done twice: one record, one act, each notice once.
"""

from __future__ import annotations

import asyncio

import pytest

from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.daemon import OF_ANOTHER_SCHEMA, Daemon
from e2e.guarding import Guarding
from e2e.process_stories import undone_once
from e2e.real_stage import RealStage
from e2e.season import Director, Part, Scraped, Season, Teller, Watchdog, only_here
from stage import App

pytestmark = pytest.mark.timeout(300)

FAILING = Behaviour(errors=0.5)
LATER = Behaviour(errors=0.5, after=15)
LONG = 20  # seconds in which a version that may not act would have acted


async def hand_over(guarding: Guarding, successor: Daemon) -> None:
    """SIGTERM for the one at work; the other, which stands by, is the watchdog from now on."""
    before, guarding.daemon = guarding.daemon, successor
    assert await before.terminate() == 0


async def standby(guarding: Guarding) -> Daemon:
    successor = guarding.daemon.replica()
    await successor.start()
    return successor


async def in_the_bake(stage: RealStage, _: Namespace, guarding: Guarding) -> None:
    successor = await standby(guarding)
    await stage.deploy("research", "v2", LATER)
    await stage.phase("research", "watching")
    await hand_over(guarding, successor)
    await undone_once(stage)


async def before_its_write(stage: RealStage, _: Namespace, guarding: Guarding) -> None:
    successor = await standby(guarding)
    await stage.before_the_put_back(lambda: hand_over(guarding, successor))
    await stage.deploy("research", "v2", FAILING)
    await undone_once(stage)


async def before_the_answer(stage: RealStage, namespace: Namespace, guarding: Guarding) -> None:
    successor = await standby(guarding)
    guarding.interception.after_the_put_back(namespace.name, lambda: hand_over(guarding, successor))
    await stage.deploy("research", "v2", FAILING)
    await undone_once(stage)


async def in_the_recovery(stage: RealStage, _: Namespace, guarding: Guarding) -> None:
    successor = await standby(guarding)
    await stage.deploy("research", "v2", FAILING)
    await stage.phase("research", "recovering")
    await hand_over(guarding, successor)
    await undone_once(stage)


async def to_another_schema_and_back(stage: RealStage, _: Namespace, guarding: Guarding) -> None:
    """The newer one cannot read the open watch: it leaves it, and the target, to the version that can."""
    old, newer = guarding.daemon, guarding.daemon.replica(OF_ANOTHER_SCHEMA)
    await newer.start()
    await stage.deploy("research", "v2", LATER)
    await stage.phase("research", "watching")
    await hand_over(guarding, newer)
    await newer.line(lambda line: line["event"] == "unguarded")
    known = await _on_record(guarding)
    await asyncio.sleep(LONG)
    assert await stage.acts() + await stage.acts(refused=True) == []
    assert await _on_record(guarding) == known
    await newer.terminate()
    guarding.daemon = old
    await old.start()
    await undone_once(stage)


async def _on_record(guarding: Guarding) -> dict[str, object]:
    found = await guarding.own.list("configmaps")
    return {one["metadata"]["name"]: one.get("data") for one in found}


TELLERS: dict[str, Teller] = {
    "in_the_bake": in_the_bake,
    "before_its_write": before_its_write,
    "before_the_answer": before_the_answer,
    "in_the_recovery": in_the_recovery,
    "to_another_schema_and_back": to_another_schema_and_back,
}


@pytest.fixture(scope="module")
def upgrades(
    control_plane: ControlPlane | ExternalCluster, scraped: Scraped, tmp_path_factory: pytest.TempPathFactory
) -> Season:
    """All of them, told side by side, each with two watchdogs of its own."""
    director = Director(control_plane, scraped, tmp_path_factory.mktemp("upgrades"))
    for name, tell in TELLERS.items():
        director.add(_part(name, tell))
    return asyncio.run(director.play())


def _part(name: str, tell: Teller) -> Part:
    return only_here(name, Watchdog(name.replace("_", "-"), intercepted=True), tell, App("research"))


@pytest.mark.parametrize("name", TELLERS)
def test_an_upgrade_loses_nothing_and_does_nothing_twice(upgrades: Season, name: str):
    upgrades.stories[name].check()
    watchdog = upgrades.watchdogs[name.replace("_", "-")]
    assert watchdog.exit_code == 0
    assert watchdog.refusals == []
    assert [line for line in watchdog.log if line["level"] == "error" or "traceback" in line] == []
