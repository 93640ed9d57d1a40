"""All stories of the main job on a real control plane, side by side: many namespaces, few watchdogs, one minute or two.

Told one after the other they would take a quarter of an hour. So they are all told first, and the tests look at what
came of each.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from e2e.channels import Webhook
from e2e.controlplane.audit import AuditedWrite
from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.prometheus import RealPrometheus
from e2e.daemon import Line, verb
from e2e.guarding import Guarding, give_rights
from e2e.interception import Interception, PassedOn
from e2e.real_stage import RealStage
from stage import App, Record, Story

FAILING = Behaviour(errors=0.5)
ENOUGH_REQUESTS = 300  # of stable, for its baseline
Writes = Sequence[AuditedWrite | PassedOn]


@dataclass
class Told:
    """What became of one story: the assertion that failed, and what was written to its workloads by the very end."""

    namespace: str
    guarding: Guarding
    failure: BaseException | None = None
    acts: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise what failed as it was told."""
        if self.failure is not None:
            raise self.failure


@dataclass
class OneWatchdog:
    """What is known of one of the watchdogs after its end."""

    user: str
    own_namespace: str
    guarded: tuple[str, ...]
    exit_code: int
    log: list[Line]
    writes: Writes
    refusals: list[str]
    records: list[Record]
    metrics: str


@dataclass
class Season:
    """What became of all."""

    stories: dict[str, Told] = field(default_factory=dict)
    watchdogs: dict[str, OneWatchdog] = field(default_factory=dict)
    verbs: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)


Teller = Callable[[RealStage, Namespace, Guarding], Awaitable[None]]


@dataclass(frozen=True)
class _Part:
    """A story as it is told here: by which watchdog, and how."""

    story: Story
    watchdog: str
    tell: Teller


class Director:
    """Prepares everything, lets all stories be told at once, and gathers what became of them."""

    def __init__(self, plane: ControlPlane | ExternalCluster, prometheus: RealPrometheus, directory: Path) -> None:
        self._plane = plane
        self._prometheus = prometheus
        self._directory = directory
        self._season = Season()
        self._parts: list[_Part] = []

    def add(self, stories: Sequence[Story]) -> None:
        """Stories that are told on the simulator too."""

        def shared(story: Story) -> Teller:
            return lambda stage, _namespace, _guarding: story.tell(stage)

        for story in stories:
            watchdog = "intercepted" if story.intercepts else "watchdog"
            self._parts.append(_Part(story, watchdog, shared(story)))

    def add_by_hand(self) -> None:
        """A person's verbs beside a running watchdog."""
        self._alone("by_hand", "watchdog", self._by_hand)

    def add_killed(self) -> None:
        """A watchdog that is killed at the two worst moments, and a release while it is dead."""
        killed = _Killed()
        self._alone("killed_before_its_write", "mortal", killed.before_its_write)
        self._alone("killed_before_the_answer", "mortal", killed.before_the_answer)
        self._alone("released_while_it_was_dead", "mortal", killed.released_while_it_was_dead)

    def _alone(self, name: str, watchdog: str, tell: Teller) -> None:
        async def story(_: object) -> None:
            """Told by `tell` alone."""

        story.__name__ = name
        rules = ("error-rate", "crash")
        self._parts.append(_Part(Story(story, (App("research"),), rules, "60s"), watchdog, tell))

    async def play(self) -> Season:
        """Tell all."""
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(self._plane.admin.client())
            webhook = await stack.enter_async_context(Webhook())
            interception = await stack.enter_async_context(Interception(self._plane.admin))
            names = sorted({part.watchdog for part in self._parts})
            made = await asyncio.gather(*(self._make(api) for _ in [*self._parts, *names]))
            stack.push_async_callback(_removed, made)
            homes, own = made[: len(self._parts)], dict(zip(names, made[len(self._parts) :], strict=True))

            guardings: dict[str, Guarding] = {}
            for name in names:
                guards = {
                    home.name: part.story.guard(home.name)
                    for part, home in zip(self._parts, homes, strict=True)
                    if part.watchdog == name
                }
                (self._directory / name).mkdir()
                # Where there is no audit log to read, what is passed on is what is known of its writes.
                intercepted = name != "watchdog" or isinstance(self._plane, ExternalCluster)
                guardings[name] = await Guarding.prepare(
                    name,
                    own[name],
                    guards,
                    self._prometheus.url,
                    webhook,
                    interception,
                    self._directory / name,
                    intercepted=intercepted,
                )
                stack.callback(guardings[name].daemon.clean_up)
            await self._tell_all(homes, guardings)
        return self._season

    async def _make(self, api: httpx.AsyncClient) -> Namespace:
        return await Namespace.make(self._plane, api)

    async def _tell_all(self, homes: Sequence[Namespace], guardings: dict[str, Guarding]) -> None:
        stages = [RealStage(home, guardings[part.watchdog]) for part, home in zip(self._parts, homes, strict=True)]
        parts = list(zip(self._parts, homes, stages, strict=True))
        await asyncio.gather(*(stage.furnish(part.story.scene) for part, _, stage in parts))
        await self._served(homes)
        await asyncio.gather(*(guarding.daemon.start() for guarding in guardings.values()))
        await asyncio.gather(*(stage.is_known(part.story.scene) for part, _, stage in parts))
        told = await asyncio.gather(
            *(part.tell(stage, home, guardings[part.watchdog]) for part, home, stage in parts),
            return_exceptions=True,
        )
        for name, guarding in guardings.items():
            mine = tuple(home.name for part, home, _ in parts if part.watchdog == name)
            self._season.watchdogs[name] = await self._ended(guarding, mine)
        for (part, home, _), failure in zip(parts, told, strict=True):
            guarding = guardings[part.watchdog]
            acts = await guarding.acts(home.name)
            self._season.stories[part.story.name] = Told(home.name, guarding, failure, acts)

    async def _served(self, homes: Sequence[Namespace]) -> None:
        """Wait until what is stable has served enough to be compared with."""
        names = {home.name for home in homes}

        async def enough() -> bool:
            found = await self._prometheus.query("sum by (namespace) (http_requests_total)")
            counts = {one["metric"]["namespace"]: float(one["value"][1]) for one in found}
            return all(counts.get(name, 0) >= ENOUGH_REQUESTS for name in names)

        await homes[0].until(enough, "the requests before the releases", within=60)

    async def _ended(self, guarding: Guarding, guarded: tuple[str, ...]) -> OneWatchdog:
        metrics = await guarding.daemon.metrics()
        code = await guarding.daemon.terminate()
        plane = self._plane
        return OneWatchdog(
            user=guarding.user.name,
            own_namespace=guarding.own.name,
            guarded=guarded,
            exit_code=code,
            log=guarding.daemon.log(),
            writes=await guarding.writes(),
            refusals=plane.refusals(guarding.user.name) if isinstance(plane, ControlPlane) else [],
            records=[record for name in guarded for record in await guarding.records(name)],
            metrics=metrics,
        )

    # Stories that only a real process can tell

    async def _by_hand(self, stage: RealStage, namespace: Namespace, guarding: Guarding) -> None:
        ann = await guarding.own.user("ann", [*_READ_RECORDS, *_WRITE_RECORDS])
        await give_rights(ann, guarding.own, {namespace.name: ""})
        target = f"{namespace.name}/deployment/research"

        async def run(*arguments: str) -> None:
            laptop = {"KUBECONFIG": str(ann.kubeconfig), "NAMESPACE": guarding.own.name}
            self._season.verbs[" ".join(arguments[:1])] = await verb(*arguments, environment=laptop)

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
        await _undone_once(stage)

    async def released_while_it_was_dead(self, stage: RealStage, _: Namespace, __: Guarding) -> None:
        await self._dead.wait()
        await stage.deploy("research", "v2", FAILING)
        await stage.rolled_out("research")
        self._released.set()
        await _undone_once(stage)

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
        await _undone_once(stage)


async def _undone_once(stage: RealStage) -> None:
    record = await stage.outcome("research")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.version("research") == "v1"
    assert await stage.told() == ["switch", "rolled-back", "recovered"]
    assert await stage.told("oncall") == ["rolled-back"]
    assert await stage.acts() == ["deployments/research"]
    assert len(await stage.records()) == 1


_READ_RECORDS = ({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},)
_WRITE_RECORDS = ({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "update", "patch"]},)


async def _removed(namespaces: Sequence[Namespace]) -> None:
    await asyncio.gather(*(namespace.remove() for namespace in namespaces))
