"""Several processes that share many targets of which few switch: what each takes, and how one that is killed is followed."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.prometheus import Running, free_port, prometheus
from benchmarks.scale.bench import workplace
from benchmarks.scale.lag import lag, less
from benchmarks.scale.lines import Program
from benchmarks.scale.plan import UNTOUCHED, name_of, namespaces, rules
from benchmarks.scale.processes import CONFIGURATION, Usage, Watchdog, usage, watchdog

_LED_WITHIN = 1200.0


@dataclass(frozen=True)
class Sharding:
    """So many processes and targets; `share` of the targets switch."""

    processes: int = 4
    targets: int = 10_000
    share: float = 0.02
    interval: float = 15.0
    steady: int = 6

    @property
    def switching(self) -> int:
        """How many targets switch."""
        return round(self.share * self.targets)


@dataclass(frozen=True)
class _Shards:
    wish: Sharding
    world: Program
    exporter: Program
    source: Running
    dogs: Sequence[Watchdog]

    def show_pods(self) -> None:
        """Of the targets that switch, and of some peers: nobody asks for the others'."""
        shown = {name_of(number) for number in range(self.wish.switching + UNTOUCHED)}
        self.exporter.ask("pods", pods=self.world.ask("pods", apps=sorted(shown)))


def sharded(wish: Sharding, say: Callable[[str], None]) -> dict[str, Any]:
    """Run it all."""
    load = round(os.getloadavg()[0], 2)
    with ExitStack() as stack:
        directory = stack.enter_context(workplace())
        say(f"shards: {wish.targets} targets in the simulated API server")
        began = time.monotonic()
        shards = _started(wish, directory, stack, say)
        started = time.monotonic() - began
        time.sleep(2 * wish.interval)
        idle = [usage(dog.pid) for dog in shards.dogs]
        late = [lag(dog.metrics(), "starting") for dog in shards.dogs]
        say(f"shards: {wish.switching} targets switch")
        _release(shards)
        say(f"shards: {wish.steady} quiet intervals")
        result = _steady(shards)
        reads = shards.world.ask("reads")  # not before: they lead while they still list
        say("shards: one is killed")
        result |= _followed(shards)
        return {
            "targets": wish.targets,
            "switching": wish.switching,
            "interval": wish.interval,
            "seconds until all lead": round(started, 1),
            "lists a namespace and kind": _each(reads["lists"], wish),
            "watches a namespace and kind": _each(reads["watches"], wish),
            **{name: [each.get(name) for each in late] for name in late[0]},
            "CPU s until all lead": [round(each.cpu, 1) for each in idle],
            "idle MiB": [round(each.resident, 1) for each in idle],
            **result,
            "leads lost": _lost(directory),
            "API server CPU s": round(usage(shards.world.pid).cpu, 1),
            "load before": load,
            "load after": round(os.getloadavg()[0], 2),
        }


def _started(wish: Sharding, directory: Path, stack: ExitStack, say: Callable[[str], None]) -> _Shards:
    port = free_port()
    exporter = stack.enter_context(Program("exporter", str(port), directory=directory))
    world_of = (str(wish.targets), str(port), str(directory / "kubeconfig"))
    world = stack.enter_context(Program("world", *world_of, directory=directory))
    (directory / "rules.toml").write_text(rules(wish.targets, wish.interval, channels=False))
    world.ask("patches")  # an answer, once it runs
    configuration = CONFIGURATION.format(scrape=wish.interval, port=port)
    source = stack.enter_context(prometheus(directory, configuration))
    shared = {"WATCHDOG_SHARDS": str(wish.processes)}
    say(f"shards: {wish.processes} processes")
    dogs = [stack.enter_context(watchdog(directory, source.url, shared)) for _ in range(wish.processes)]
    shards = _Shards(wish, world, exporter, source, dogs)
    shards.show_pods()
    _until(dogs, lambda pages: all(_led(page) == 1 for page in pages), "each process to lead one shard")
    return shards


def _each(count: int, wish: Sharding) -> float:
    """Of a process; 1 is once."""
    return round(count / wish.processes / namespaces(wish.targets), 2)


def _lost(directory: Path) -> int:
    """How often a process has lost a lease that it held, by their common log; giving one to another is none."""
    lines = (directory / "watchdog.log").read_text().splitlines()
    return sum("leads no more" in line and "given to another replica" not in line for line in lines)


def _led(page: Mapping[str, float]) -> float:
    return sum(value for name, value in page.items() if name.startswith("watchdog_leader"))


def _open(pages: Sequence[Mapping[str, float]]) -> float:
    return sum(page.get("watchdog_watches_open", 0.0) for page in pages)


def _until(dogs: Sequence[Watchdog], holds: Callable[[Sequence[Mapping[str, float]]], bool], what: str) -> float:
    """Returns the seconds that it took."""
    began = time.monotonic()
    while True:
        try:
            if holds([dog.metrics() for dog in dogs]):
                return time.monotonic() - began
        except OSError:
            pass  # not listening yet, or busy with all its objects
        if any(dog.process.poll() is not None for dog in dogs):
            raise RuntimeError("a watchdog has ended")
        if time.monotonic() - began > _LED_WITHIN:
            raise TimeoutError(f"after {_LED_WITHIN:.0f} s still waiting for {what}")
        time.sleep(0.2)


def _release(shards: _Shards) -> None:
    wish = shards.wish
    shards.world.ask("release", within=max(2 * wish.interval, wish.switching / 5), count=wish.switching)
    while shards.world.ask("released") is None:
        shards.show_pods()
        time.sleep(2)
    shards.show_pods()
    _until(shards.dogs, lambda pages: _open(pages) == wish.switching, "all watches to be open")
    time.sleep(2 * wish.interval)


def _steady(shards: _Shards) -> dict[str, Any]:
    dogs, interval = shards.dogs, shards.wish.interval
    used, pages, began = [usage(dog.pid) for dog in dogs], [dog.metrics() for dog in dogs], time.monotonic()
    time.sleep(shards.wish.steady * interval)
    seconds = time.monotonic() - began
    now, counted = [usage(dog.pid) for dog in dogs], [dog.metrics() for dog in dogs]
    return {
        "watches": [int(page.get("watchdog_watches_open", 0)) for page in counted],
        "queries per interval": [
            round(less(after, before)["watchdog_query_seconds_count"] * interval / seconds, 1)
            for after, before in zip(counted, pages, strict=True)
        ],
        "query failures": sum(
            value
            for page in counted
            for name, value in page.items()
            if name.startswith("watchdog_query_failures_total")
        ),
        "CPU % of a core": _shares(used, now, seconds),
        "MiB": [round(each.resident, 1) for each in now],
        "peak MiB": [round(each.peak, 1) for each in now],
    }


def _shares(before: Sequence[Usage], after: Sequence[Usage], seconds: float) -> list[float]:
    return [round(100 * (b.cpu - a.cpu) / seconds, 2) for a, b in zip(before, after, strict=True)]


def _followed(shards: _Shards) -> dict[str, Any]:
    """The process with the most watches is killed; until the others have them all."""
    victim = max(shards.dogs, key=lambda dog: dog.metrics().get("watchdog_watches_open", 0.0))
    lost = int(victim.metrics()["watchdog_watches_open"])
    rest = [dog for dog in shards.dogs if dog is not victim]
    victim.process.kill()
    victim.process.wait()
    switching, processes = shards.wish.switching, shards.wish.processes
    seconds = _until(rest, lambda pages: sum(map(_led, pages)) == processes, "the shard to be led again")
    seconds_all = seconds + _until(rest, lambda pages: _open(pages) == switching, "its watches to be open again")
    return {
        "watches of the one that was killed": lost,
        "seconds until its shard is led": round(seconds, 1),
        "seconds until its watches are open": round(seconds_all, 1),
    }
