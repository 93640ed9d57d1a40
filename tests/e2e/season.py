"""All stories of the main job on a real control plane, side by side: many namespaces, few watchdogs, one minute or two.

Told one after the other they would take a quarter of an hour. So they are all told first, and the tests look at what
came of each.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from e2e.channels import Webhook
from e2e.controlplane.audit import AuditedWrite
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.prometheus import RealPrometheus
from e2e.daemon import Line
from e2e.guarding import Guarding
from e2e.interception import Interception, PassedOn
from e2e.real_stage import PATIENCE, RealStage
from stage import App, Record, Story

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
Scraped = Callable[[str], RealPrometheus]
"""The Prometheus that scrapes each so often (`15s`), or VictoriaMetrics, running."""


@dataclass(frozen=True)
class Watchdog:
    """One of the watchdogs, with a Prometheus of its tempo."""

    name: str
    scrape: str = "1s"
    intercepted: bool = False  # its way to the API server leads through the interception


ON_ITS_OWN = Watchdog("watchdog")
VICTORIA_METRICS = "VictoriaMetrics, each second"
BY_VICTORIA_METRICS = Watchdog("victoria-metrics", scrape=VICTORIA_METRICS)
INTERCEPTED = Watchdog("intercepted", intercepted=True)


@dataclass(frozen=True)
class Part:
    """A story as it is told here: by which watchdog, how, and how long (seconds) its outcome may take."""

    story: Story
    watchdog: Watchdog
    tell: Teller
    patience: float = PATIENCE


def shared(stories: Sequence[Story]) -> list[Part]:
    """Stories that are told on the simulator too."""

    def teller(story: Story) -> Teller:
        return lambda stage, _namespace, _guarding: story.tell(stage)

    return [Part(story, INTERCEPTED if story.intercepts else ON_ITS_OWN, teller(story)) for story in stories]


# A ratio, a histogram, gauges and a rate; a rollout and a flip; an act and none.
TOLD_BY_VICTORIA_METRICS = (
    "an_error_spike_is_undone_once_and_told",
    "a_good_release_passes_and_is_left_alone",
    "a_slow_green_is_flipped_back_by_one_patch_of_the_service",
    "a_memory_leak_is_undone",
    "a_cpu_spike_is_undone",
    "a_release_on_hold_is_undone_once_the_hold_is_taken_off",
)


def as_victoria_metrics_tells(name: str) -> str:
    """The name of a story where it is told by VictoriaMetrics."""
    return f"{name}_as_victoria_metrics_tells"


def by_victoria_metrics(stories: Sequence[Story]) -> list[Part]:
    """Some of the stories once more, by a watchdog whose Prometheus is a VictoriaMetrics."""
    named = {story.name: story for story in stories}
    return [_by_victoria_metrics(named[name]) for name in TOLD_BY_VICTORIA_METRICS]


def _by_victoria_metrics(story: Story) -> Part:
    async def tell(stage: RealStage, _namespace: Namespace, _guarding: Guarding) -> None:
        await story.tell(stage)

    async def named(_: object) -> None:
        """Told by `tell`."""

    named.__name__ = as_victoria_metrics_tells(story.name)
    # Its samples are seen two or three seconds after they were scraped: no tempo of two seconds for it, and as many
    # intervals in a bake as elsewhere, lest nothing can be proven where stable has not served for minutes yet.
    tempo = {"interval": "5s", "recovery": "30s", "bake": "100s"}
    return Part(replace(story, tell=named, **tempo), BY_VICTORIA_METRICS, tell)


def only_here(
    name: str,
    watchdog: Watchdog,
    tell: Teller,
    app: App,
    rules: tuple[str, ...] = ("error-rate", "crash"),
    bake: str = "60s",
    patience: float = PATIENCE,
    **tempo: str,
) -> Part:
    """A story that is told here alone."""

    async def story(_: object) -> None:
        """Told by `tell`."""

    story.__name__ = name
    return Part(Story(story, (app,), rules, bake, **tempo), watchdog, tell, patience)


class Director:
    """Prepares everything, lets all stories be told at once, and gathers what became of them."""

    def __init__(self, plane: ControlPlane | ExternalCluster, scraped: Scraped, directory: Path) -> None:
        self._plane = plane
        self._scraped = scraped
        self._directory = directory
        self._parts: list[Part] = []
        self.season = Season()

    def add(self, part: Part) -> None:
        """One more story to tell."""
        self._parts.append(part)

    async def play(self) -> Season:
        """Tell all."""
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(self._plane.admin.client())
            webhook = await stack.enter_async_context(Webhook())
            interception = await stack.enter_async_context(Interception(self._plane.admin))
            watchdogs = sorted({part.watchdog for part in self._parts}, key=lambda one: one.name)
            made = await asyncio.gather(*(self._make(api) for _ in [*self._parts, *watchdogs]))
            stack.push_async_callback(_removed, made)
            homes, own = made[: len(self._parts)], made[len(self._parts) :]

            guardings: dict[str, Guarding] = {}
            for watchdog, its_own in zip(watchdogs, own, strict=True):
                name = watchdog.name
                guards = {
                    home.name: part.story.guard(home.name)
                    for part, home in zip(self._parts, homes, strict=True)
                    if part.watchdog == watchdog
                }
                (self._directory / name).mkdir()
                # Where there is no audit log to read, what is passed on is what is known of its writes.
                intercepted = watchdog.intercepted or isinstance(self._plane, ExternalCluster)
                prometheus = await asyncio.to_thread(self._scraped, watchdog.scrape)
                guardings[name] = await Guarding.prepare(
                    name,
                    its_own,
                    guards,
                    prometheus.url,
                    webhook,
                    interception,
                    self._directory / name,
                    intercepted=intercepted,
                )
                stack.callback(guardings[name].daemon.clean_up)
            await self._tell_all(homes, guardings)
        return self.season

    async def _make(self, api: httpx.AsyncClient) -> Namespace:
        return await Namespace.make(self._plane, api)

    async def _tell_all(self, homes: Sequence[Namespace], guardings: dict[str, Guarding]) -> None:
        stages = [
            RealStage(home, guardings[part.watchdog.name], part.patience)
            for part, home in zip(self._parts, homes, strict=True)
        ]
        parts = list(zip(self._parts, homes, stages, strict=True))
        await asyncio.gather(*(stage.furnish(part.story.scene) for part, _, stage in parts))
        await self._served(homes)
        await asyncio.gather(*(guarding.daemon.start() for guarding in guardings.values()))
        await asyncio.gather(*(stage.is_known(part.story.scene) for part, _, stage in parts))
        told = await asyncio.gather(
            *(part.tell(stage, home, guardings[part.watchdog.name]) for part, home, stage in parts),
            return_exceptions=True,
        )
        for name, guarding in guardings.items():
            mine = tuple(home.name for part, home, _ in parts if part.watchdog.name == name)
            self.season.watchdogs[name] = await self._ended(guarding, mine)
        for (part, home, _), failure in zip(parts, told, strict=True):
            guarding = guardings[part.watchdog.name]
            acts = await guarding.acts(home.name)
            self.season.stories[part.story.name] = Told(home.name, guarding, failure, acts)

    async def _served(self, homes: Sequence[Namespace]) -> None:
        """Wait until what is stable has served enough to be compared with."""
        names = {home.name for home in homes}

        async def enough() -> bool:
            found = await self._scraped("1s").query("sum by (namespace) (http_requests_total)")
            counts = {one["metric"]["namespace"]: float(one["value"][1]) for one in found}
            return all(counts.get(name, 0) >= ENOUGH_REQUESTS for name in names)

        await homes[0].until(enough, "the requests before the releases", within=PATIENCE)

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


async def _removed(namespaces: Sequence[Namespace]) -> None:
    await asyncio.gather(*(namespace.remove() for namespace in namespaces))
