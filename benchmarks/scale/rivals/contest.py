"""One guard at work on so many targets at once, each with the same pods and the same metric: what that costs."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.prometheus import Running, free_port, prometheus
from benchmarks.scale.bench import workplace
from benchmarks.scale.lines import Program
from benchmarks.scale.plan import OWN, WATCHDOG, rules
from benchmarks.scale.processes import CONFIGURATION, metrics, usage, watchdog
from benchmarks.scale.querylog import queries
from e2e.controlplane.controllers import ARGO, FLAGGER, SOURCES

ONE_RULE, SIX_RULES = "watchdog, one rule", "watchdog, six rules"
GUARDS = (FLAGGER, ARGO, ONE_RULE, SIX_RULES)
_AGENTS = {FLAGGER: "flagger", ARGO: "rollouts-controller", ONE_RULE: WATCHDOG, SIX_RULES: WATCHDOG}
_PER_SECOND = 3.0  # releases, while they begin
_AT_WORK_WITHIN = 900.0


@dataclass(frozen=True)
class Entry:
    """A guard and what it is measured with."""

    guard: str
    targets: int
    interval: float = 15.0
    steady: int = 6


@dataclass(frozen=True)
class _Arena:
    entry: Entry
    directory: Path
    source: Running
    exporter: Program
    world: Program

    def show_pods(self) -> None:
        self.exporter.ask("pods", pods=self.world.ask("pods"))

    def sleep(self, intervals: float) -> None:
        time.sleep(intervals * self.entry.interval)


def contest(entry: Entry, say: Callable[[str], None]) -> dict[str, Any]:
    """Run one guard, from an empty cluster to its end."""
    with ExitStack() as stack:
        directory = stack.enter_context(workplace())
        load = round(os.getloadavg()[0], 2)
        arena = _arena(entry, directory, stack)
        with _guarding(arena) as pid:
            say(f"{entry.guard}: making {entry.targets} targets")
            arena.world.until("initialised", entry.targets)
            arena.show_pods()
            arena.sleep(2)
            idle = usage(pid)
            say(f"{entry.guard}: releasing them")
            _release(arena)
            say(f"{entry.guard}: {entry.steady} intervals of all at work")
            result = _observed(arena, pid)
        say(f"{entry.guard}: the same without it")
        arena.sleep(1)
        alone = _machinery(arena)
        arena.sleep(3)
        result |= {
            f"{name}, without it": round((after - alone[name]) / 3, 3) for name, after in _machinery(arena).items()
        }
        return {
            "targets": entry.targets,
            "interval": entry.interval,
            **result,
            "idle MiB": round(idle.resident, 1),
            "load before": load,
            "load after": round(os.getloadavg()[0], 2),
        }


def _arena(entry: Entry, directory: Path, stack: ExitStack) -> _Arena:
    port = free_port()
    exporter = stack.enter_context(Program("exporter", str(port), directory=directory))
    kind = entry.guard if entry.guard in SOURCES else "watchdog"
    arguments = (str(entry.targets), str(port), str(directory / "kubeconfig"), kind)
    world = stack.enter_context(Program("plane_world", *arguments, directory=directory))
    world.ask("pods")  # an answer, once it runs
    configuration = CONFIGURATION.format(scrape=entry.interval, port=port)
    source = stack.enter_context(prometheus(directory, configuration))
    world.ask("install", prometheus=source.url, interval=entry.interval)
    return _Arena(entry, directory, source, exporter, world)


def _release(arena: _Arena) -> None:
    arena.world.ask("release", within=arena.entry.targets / _PER_SECOND)
    while arena.world.ask("released") is None:
        arena.show_pods()
        time.sleep(2)
    arena.show_pods()
    arena.sleep(3)


def _observed(arena: _Arena, pid: int) -> dict[str, Any]:
    """Of some intervals in which all are at work; the CPU of the others has in it what they do without the guard."""
    interval = arena.entry.interval
    before, requests, used = _machinery(arena), _requests(arena), usage(pid)
    moment, began = time.time(), time.monotonic()
    arena.sleep(arena.entry.steady)
    intervals = (time.monotonic() - began) / interval
    after, now = _machinery(arena), usage(pid)
    asked = [one for one in queries(arena.directory / "queries.jsonl") if one.answered >= moment]
    return {
        "at work": arena.world.ask("analysing"),
        "queries per interval": round(len(asked) / intervals, 1),
        "API requests per interval": round((_requests(arena) - requests) / intervals, 1),
        "CPU % of a core": round(100 * (now.cpu - used.cpu) / (intervals * interval), 2),
        "MiB": round(now.resident, 1),
        "peak MiB": round(now.peak, 1),
        **{name: round((value - before[name]) / intervals, 3) for name, value in after.items()},
    }


def _machinery(arena: _Arena) -> Mapping[str, float]:
    """Seconds of CPU so far of what every guard asks."""
    pids = arena.world.ask("pids")
    return {
        "Prometheus CPU s per interval": metrics(arena.source.url)["process_cpu_seconds_total"],
        "API server CPU s per interval": usage(pids["kube-apiserver"]).cpu + usage(pids["etcd"]).cpu,
    }


def _requests(arena: _Arena) -> int:
    return sum(arena.world.ask("requests").get(_AGENTS[arena.entry.guard], {}).values())


@contextmanager
def _guarding(arena: _Arena) -> Iterator[int]:
    """The guard as a process, killed at the end; gives its pid."""
    entry, directory = arena.entry, arena.directory
    if entry.guard in SOURCES:
        program = [str(SOURCES[entry.guard].program), *_OPTIONS[entry.guard](directory, arena.source.url)]
        yield from _running(program, directory)
        return
    names = {"names": ("error-rate",)} if entry.guard == ONE_RULE else {}
    (directory / "rules.toml").write_text(rules(entry.targets, entry.interval, channels=False, **names))
    arena.world.until("initialised", entry.targets)
    with watchdog(directory, arena.source.url, {}) as dog:
        dog.until_open(0, within=60)
        yield dog.pid


def _running(program: Sequence[str], directory: Path) -> Iterator[int]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "POD_NAMESPACE": OWN}
    with (directory / "guard.log").open("wb") as log:
        process = subprocess.Popen(program, stdout=log, stderr=log, env=environment, cwd=directory)
    try:
        yield process.pid
        if process.poll() is not None:
            raise RuntimeError(f"{program[0]} ended: {(directory / 'guard.log').read_text()[-500:]}")
    finally:
        process.kill()
        process.wait()


def _flagger(directory: Path, source: str) -> list[str]:
    # Its limits of requests are raised, so that they do not decide what is measured.
    limits = ["-kubeconfig-qps=500", "-kubeconfig-burst=1000"]
    mine = ["-mesh-provider=kubernetes", f"-metrics-server={source}", f"-port={free_port()}", "-log-level=info"]
    return [f"-kubeconfig={directory / 'kubeconfig'}", *mine, *limits]


def _argo(directory: Path, _source: str) -> list[str]:
    ports = [f"--metricsPort={free_port()}", f"--healthzPort={free_port()}"]
    limits = ["--qps=500", "--burst=1000"]
    return [f"--kubeconfig={directory / 'kubeconfig'}", "--leader-elect=false", *ports, *limits]


_OPTIONS: Mapping[str, Callable[[Path, str], list[str]]] = {FLAGGER: _flagger, ARGO: _argo}
