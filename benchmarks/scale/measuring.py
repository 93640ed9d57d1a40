"""One number of watches, from an empty cluster to a killed watchdog: everything that the bench states of it."""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.prometheus import Running, free_port, prometheus
from benchmarks.scale.lines import Program
from benchmarks.scale.plan import METRICS, name_of, namespace_of, rules
from benchmarks.scale.processes import CONFIGURATION, Watchdog, certificate, metrics, told, usage, watchdog
from benchmarks.scale.profiling import profiled, profiled_to
from benchmarks.scale.querylog import Acted, acted, queries

Result = dict[str, Any]

_PER_SECOND = 10  # releases, while they begin: the simulated API server must not be what is measured
_SINGLES = 20
_AT_ONCE = 100
_DECIDED_WITHIN = 240.0


@dataclass(frozen=True)
class Wish:
    """What is measured: so many watches, blocks and scrapes of `interval` seconds, `steady` intervals of calm."""

    targets: int
    interval: float = 15.0
    steady: int = 6
    peers: int = 3  # intervals in which the same is asked as peers ask it
    singles: int = _SINGLES
    at_once: int = _AT_ONCE
    warm: int = 2  # intervals before the peers ask, thrice
    takeover: bool = True
    profile: Path | None = None  # where what the calm's CPU goes to is drawn; then nothing else is measured

    @property
    def tipping(self) -> tuple[list[str], list[str]]:
        """Who tips alone, and who with others."""
        alone = min(self.singles, (self.targets + 1) // 2)
        together = min(self.at_once, (self.targets - alone) // 2)
        names = [name_of(number) for number in range(self.targets)]
        return names[:alone], names[alone : alone + together] if together > 1 else []


@dataclass
class Bench:
    """All that runs."""

    wish: Wish
    directory: Path
    source: Running
    exporter: Program
    world: Program
    standins: Program
    environment: Mapping[str, str]

    def sleep(self, intervals: float) -> None:
        """Let so many intervals pass."""
        time.sleep(intervals * self.wish.interval)

    def prometheus_cpu(self) -> float:
        """Seconds of CPU that Prometheus has used, in its own words."""
        return metrics(self.source.url)["process_cpu_seconds_total"]

    def show_pods(self) -> None:
        """Tell the exporter which pods there are."""
        self.exporter.ask("pods", pods=self.world.ask("pods"))


def measured(wish: Wish, say: Callable[[str], None] = lambda _: None) -> Result:
    """Run it all."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watchdog-bench-")))
        bench = started(wish, directory, stack)
        result: Result = {
            "targets": wish.targets,
            "interval": wish.interval,
            "load before": round(os.getloadavg()[0], 2),
            "python": sys.version.split()[0],
        }
        environment = {**bench.environment}
        if wish.profile is not None:
            with watchdog(directory, bench.source.url, environment, profiled_to(directory)) as dog:
                return result | _steady(bench, dog, say)
        say(f"{wish.targets}: scraping alone, then as peers ask")
        result |= _peers(bench)
        with watchdog(directory, bench.source.url, environment) as first:
            result |= _steady(bench, first, say)
            say(json.dumps(result))
            result |= _acts(bench, first, say)
            result["peak MiB"] = round(usage(first.pid).peak, 1)
            open_now = int(first.metrics()["watchdog_watches_open"])
            first.process.kill()
            first.process.wait()
        if not wish.takeover:
            return result
        killed = time.monotonic()
        say(f"{wish.targets}: taking over {open_now} watches after a kill")
        with watchdog(directory, bench.source.url, environment) as second:
            second.until_open(open_now, within=300)
            result["seconds to take over"] = round(time.monotonic() - killed, 1)
            result["taken over"] = open_now
            result["CPU seconds to take over"] = round(usage(second.pid).cpu, 2)
        result["load after"] = round(os.getloadavg()[0], 2)
        result["notices"] = bench.standins.ask("told")
        return result


def started(wish: Wish, directory: Path, stack: ExitStack) -> Bench:
    """Everything but the watchdog, until the stack is unwound."""
    ports = [free_port() for _ in range(2)]
    cert, key = certificate(directory)
    exporter = stack.enter_context(Program("exporter", str(ports[0]), directory=directory))
    standins = stack.enter_context(Program("standins", str(ports[1]), str(cert), str(key), directory=directory))
    world_of = (str(wish.targets), str(ports[0]), str(directory / "kubeconfig"))
    world = stack.enter_context(Program("world", *world_of, directory=directory))
    exporter.ask("pods", pods=world.ask("pods"))
    (directory / "rules.toml").write_text(rules(wish.targets, wish.interval))
    configuration = CONFIGURATION.format(scrape=wish.interval, port=ports[0])
    source = stack.enter_context(prometheus(directory, configuration))
    return Bench(wish, directory, source, exporter, world, standins, told(directory, ports[1]))


def _peers(bench: Bench) -> Result:
    """Prometheus with nobody who asks, and asked as peers ask."""
    wish = bench.wish
    bench.sleep(wish.warm)
    bench.show_pods()
    bench.sleep(wish.warm)  # a rate over a minute wants one
    before = bench.prometheus_cpu()
    bench.sleep(wish.warm)
    scraping = (bench.prometheus_cpu() - before) / wish.warm
    targets = [(namespace_of(number, wish.targets), name_of(number)) for number in range(wish.targets)]
    before = bench.prometheus_cpu()
    with Program("asker", bench.source.url, directory=bench.directory) as asker:
        asked = asker.ask("ask", targets=targets, intervals=wish.peers, interval=wish.interval)
    cpu = bench.prometheus_cpu() - before
    done = asked["queries"] / (METRICS * wish.targets)  # intervals' worth
    return {
        "Prometheus CPU s per interval, scraping alone": round(scraping, 3),
        "peers: queries per interval": METRICS * wish.targets,
        "peers: bytes per interval": round(asked["bytes"] / done),
        "peers: seconds for an interval's questions": round(asked["seconds"] / done, 1),
        "peers: Prometheus CPU s per interval": round((cpu - scraping * asked["seconds"] / wish.interval) / done, 3),
    }


def _steady(bench: Bench, dog: Watchdog, say: Callable[[str], None]) -> Result:
    """N watches open, and nothing happens."""
    wish = bench.wish
    dog.until_open(0, within=60)
    bench.sleep(1)
    idle = usage(dog.pid)
    opening = opened(bench, dog, say)
    say(f"{wish.targets}: all watches open, {wish.steady} quiet intervals")
    used, asked, cpu, began = usage(dog.pid), dog.metrics(), bench.prometheus_cpu(), time.monotonic()
    moment = time.time()
    with profiled(wish.profile, bench.directory, dog, wish.targets) if wish.profile else nullcontext():
        bench.sleep(wish.steady)
    intervals = (time.monotonic() - began) / wish.interval
    cpu = (bench.prometheus_cpu() - cpu) / intervals
    now, counted = usage(dog.pid), _less(dog.metrics(), asked)
    logged = [one for one in queries(bench.directory / "queries.jsonl") if one.answered >= moment]
    return {
        "idle MiB": round(idle.resident, 1),
        "CPU s to open": round(opening, 2),
        "queries per interval": round(counted["watchdog_query_seconds_count"] / intervals, 1),
        "bytes per interval": round(counted["watchdog_query_bytes_total"] / intervals),
        "query failures": sum(value for name, value in counted.items() if name.startswith("watchdog_query_failures")),
        "query seconds per interval": round(counted["watchdog_query_seconds_sum"] / intervals, 3),
        "Prometheus query seconds per interval": round(sum(one.took for one in logged) / intervals, 3),
        "Prometheus CPU s per interval, all": round(cpu, 3),
        "CPU % of a core": round(100 * (now.cpu - used.cpu) / (intervals * wish.interval), 2),
        "MiB": round(now.resident, 1),
        "loop lag p99 ms": _quantile(counted, "watchdog_loop_lag_seconds", 0.99),
        "loop lag p50 ms": _quantile(counted, "watchdog_loop_lag_seconds", 0.5),
    }


def opened(bench: Bench, dog: Watchdog, say: Callable[[str], None]) -> float:
    """Switch all targets and wait until they are watched; returns the watchdog's seconds of CPU."""
    wish = bench.wish
    say(f"{wish.targets}: releasing")
    before = usage(dog.pid).cpu
    bench.world.ask("release", within=max(wish.interval, wish.targets / _PER_SECOND))
    while bench.world.ask("released") is None:
        bench.show_pods()
        time.sleep(2)
    bench.show_pods()
    dog.until_open(wish.targets, within=300)
    bench.sleep(3)
    return usage(dog.pid).cpu - before


def _acts(bench: Bench, dog: Watchdog, say: Callable[[str], None]) -> Result:
    """Targets that tip, one at a time and then many at once: from scrape and from answer to the patch."""
    alone, together = bench.wish.tipping
    result: Result = {}
    lag = dog.metrics()
    for how, names in (("alone", alone), ("at once", together)):
        if not names:
            continue
        say(f"{bench.wish.targets}: {len(names)} tip {how}")
        for chunk in [[name] for name in names] if how == "alone" else [names]:
            bench.exporter.ask("tip", apps=chunk)
            time.sleep(3.0 if how == "alone" else 0.0)
        patches = _patched(bench, names)
        asked = list(queries(bench.directory / "queries.jsonl"))
        scrapes = bench.exporter.ask("scrapes")
        found = [one for name in names if name in patches if (one := acted(name, patches[name], asked, scrapes))]
        result |= {f"{how}: acts": f"{len(found)} of {len(names)}", **_times(how, found)}
    result["loop lag p99 ms, while acting"] = _quantile(_less(dog.metrics(), lag), "watchdog_loop_lag_seconds", 0.99)
    wrong = set(bench.world.ask("patches")) - {*alone, *together}
    writes = bench.world.ask("writes")
    result |= {"wrongly put back": len(wrong), "API writes": writes["kinds"]}
    result["record writes a watch, most"] = max(writes["records"], default=0)
    return result


def _patched(bench: Bench, names: Sequence[str]) -> dict[str, float]:
    until = time.monotonic() + _DECIDED_WITHIN
    while True:
        patches: dict[str, float] = bench.world.ask("patches")
        if all(name in patches for name in names) or time.monotonic() > until:
            return patches
        time.sleep(1.0)


def _times(how: str, found: Sequence[Acted]) -> Result:
    if not found:
        return {}
    result: Result = {}
    for what, values in (
        ("answer to patch", [one.from_answer for one in found]),
        ("scrape to patch", [one.from_scrape for one in found]),
    ):
        ordered = sorted(values)
        p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
        result[f"{how}: {what} s, p50"] = round(statistics.median(ordered), 3)
        result[f"{how}: {what} s, p99"] = round(p99, 3)
    return result


def _less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def _quantile(counted: Mapping[str, float], name: str, share: float) -> float:
    """Milliseconds: the smallest bucket's bound that so many of the observations do not exceed."""
    wanted = share * counted[f"{name}_count"]
    bounds = {key: value for key, value in counted.items() if key.startswith(f"{name}_bucket")}
    reached = [float(key.partition("le=")[2].rstrip("}")) for key, value in bounds.items() if value >= wanted]
    return 1000.0 * min(reached)
