"""Runs the demo: the world, the watchdog in it, the releases, until each has its outcome."""

import asyncio
import importlib.resources
import shlex
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from watchdog.adapters.clock import SystemClock
from watchdog.adapters.logs import hushed
from watchdog.adapters.notifiers import ConsoleNotifier
from watchdog.app import Watchdog
from watchdog.demo.screen import Screen
from watchdog.demo.world import EXPECTED, World, plasma_engine
from watchdog.domain.rules import Rulebook
from watchdog.domain.state import Watch
from watchdog.ports import Clock, Notifier
from watchdog.settings import Listen, Settings, load
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.clock import SimulatedClock, run_simulated

OCTET = 14
"""Where the pods live, unless another demo is there; the names of the pods follow from it."""

_LONGEST = 120.0


def run_demo(console: Console, *, keep: bool = False, fast: bool = False) -> bool:
    """Show the whole job; whether each release ended as expected. `keep` goes on until interrupted."""
    ended: list[bool] = []
    with hushed():  # the screen tells it better
        if fast:
            return run_simulated(_simulated(console))
        try:
            return asyncio.run(_demo(console, SystemClock(), keep=keep, ended=ended))
        except KeyboardInterrupt:
            return all(ended) and bool(ended)  # cut short before its table, it has shown nothing


async def _simulated(console: Console) -> bool:
    return await _demo(console, SimulatedClock(SystemClock().now()), keep=False, ended=[])


async def _demo(console: Console, clock: Clock, *, keep: bool, ended: list[bool]) -> bool:
    text = importlib.resources.files("watchdog.demo").joinpath("rules.toml").read_text(encoding="utf-8")
    scratch = tempfile.TemporaryDirectory(prefix="watchdog-demo-")
    with scratch as name, free_octet(OCTET) as octet, Screen(console) as screen:
        screen.rules(text)
        folder = Path(name)
        (folder / "rules.toml").write_text(text, encoding="utf-8")
        async with plasma_engine(clock, octet=octet) as world:
            settings = load(
                rules=folder / "rules.toml",
                kubeconfig=world.cluster.kubeconfig(folder / "kubeconfig"),
                prometheus_url=world.prometheus.url,
                namespace="watchdog",
                listen=Listen("127.0.0.1", 0),
            )
            return await _with_watchdog(screen, clock, world, settings, keep=keep, ended=ended)


async def _with_watchdog(
    screen: Screen, clock: Clock, world: World, settings: Settings, *, keep: bool, ended: list[bool]
) -> bool:
    def build(rulebook: Rulebook) -> Mapping[str, Notifier]:
        return {
            channel.name: ConsoleNotifier(channel.name, screen.notice, on=channel.on) for channel in rulebook.channels
        }

    stop, done = asyncio.Event(), asyncio.Event()
    watchdog = Watchdog(settings, clock=clock, build=build)

    def stepped(watch: Watch) -> None:
        screen.stepped(watch, clock.now())
        ended = [one for one in screen.watches.values() if one.phase.terminal]
        if len(ended) == len(EXPECTED):
            done.set()

    watchdog.observer.on_step = stepped
    async with asyncio.TaskGroup() as scope:
        scope.create_task(watchdog.run(stop), name="watchdog")
        refreshing = scope.create_task(_refresh(screen, clock), name="refresh")
        await watchdog.ready(clock)
        screen.say(clock.now(), f"the watchdog is ready; its page is at {watchdog.url}/")
        await clock.sleep(1.0)
        world.release()
        screen.say(clock.now(), "released side by side: brand 1.8.0, research 2.4.0, gateway flipped to green (5.0.0)")
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST):
                await done.wait()
        await clock.sleep(0.5)  # the last notice
        right = screen.outcomes(EXPECTED)
        ended.append(right)
        if keep:
            screen.say(
                clock.now(), f"kept running: the page is at {watchdog.url}/ and links to all else; Ctrl-C ends it"
            )
            screen.paste(
                "in another terminal, for status, history, explain, dry-run and the other verbs:", exports(settings)
            )
            screen.paste(KUBECTL, ())
            await stop.wait()
        refreshing.cancel()
        stop.set()
    return right


KUBECTL = (
    "(for the watchdog's verbs alone: the demo's cluster speaks plain HTTP, over which kubectl sends no token and is "
    "refused)"
)


def exports(settings: Settings) -> list[str]:
    """What a shell is told so that the other verbs meet the demo's cluster."""
    where = {
        "WATCHDOG_KUBECONFIG": settings.kubeconfig,
        "WATCHDOG_PROMETHEUS_URL": settings.prometheus_url,
        "WATCHDOG_NAMESPACE": settings.namespace,
        "WATCHDOG_RULES": settings.rules,
    }
    return [f"export {name}={shlex.quote(str(value))}" for name, value in where.items()]


async def _refresh(screen: Screen, clock: Clock) -> None:
    while True:
        await clock.sleep(0.5)
        screen.refresh(clock.now())
