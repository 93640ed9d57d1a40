"""One number of watches, from an empty cluster to a killed watchdog: everything that the bench states of it."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any

from benchmarks.scale.acting import acts
from benchmarks.scale.bench import Bench, Wish, started, workplace
from benchmarks.scale.lag import lag, less
from benchmarks.scale.lines import Program
from benchmarks.scale.plan import METRICS, WATCHDOG, name_of, namespace_of
from benchmarks.scale.processes import Watchdog, usage, watchdog
from benchmarks.scale.profiling import profiled, profiled_to
from benchmarks.scale.querylog import queries

Result = dict[str, Any]


def measured(wish: Wish, say: Callable[[str], None] = lambda _: None, result: Result | None = None) -> Result:
    """Run it all. What is known so far is in `result`, where one is given, even if the run fails."""
    result = {} if result is None else result
    with ExitStack() as stack:
        directory = stack.enter_context(workplace())
        result |= {
            "targets": wish.targets,
            "interval": wish.interval,
            "settle": wish.settle,
            "load before": round(os.getloadavg()[0], 2),
            "python": sys.version.split()[0],
        }
        bench = started(wish, directory, stack)
        if wish.profile is not None:
            with watchdog(directory, bench.source.url, bench.environment, profiled_to(directory)) as dog:
                result |= _steady(bench, dog, say)
            return result
        say(f"{wish.targets}: scraping alone, then as peers ask")
        result |= _peers(bench)
        environment = {**bench.environment}
        with watchdog(directory, bench.source.url, environment) as first:
            result |= _steady(bench, first, say)
            result |= acts(bench, first, say)
            result["peak MiB"] = round(usage(first.pid).peak, 1)
            open_now = int(first.metrics()["watchdog_watches_open"])
            first.process.kill()
            first.process.wait()
        if wish.takeover:
            result |= _taken_over(bench, open_now, say)
        result["load after"] = round(os.getloadavg()[0], 2)
        result["notices"] = bench.standins.ask("told")
        return result


def _taken_over(bench: Bench, count: int, say: Callable[[str], None]) -> Result:
    """A new process, started when the one before was killed; no seconds where it did not get them all."""
    killed = time.monotonic()
    say(f"{bench.wish.targets}: taking over {count} watches after a kill")
    with watchdog(bench.directory, bench.source.url, bench.environment) as second:
        try:
            second.until_open(count, within=300)
        except TimeoutError as error:
            say(f"{bench.wish.targets}: {error}")
            return {"seconds to take over": None, "taken over": count}
        return {
            "seconds to take over": round(time.monotonic() - killed, 1),
            "taken over": count,
            "CPU seconds to take over": round(usage(second.pid).cpu, 2),
        }


def _peers(bench: Bench) -> Result:
    """Prometheus with nobody who asks, and asked as peers ask."""
    wish = bench.wish
    bench.sleep(wish.warm)
    bench.show_pods()
    bench.sleep(wish.warm)  # a rate over a minute wants one
    before = bench.prometheus_cpu()
    bench.sleep(wish.warm)
    scraping = (bench.prometheus_cpu() - before) / max(1, wish.warm)
    alone = {"Prometheus CPU s per interval, scraping alone": round(scraping, 3)}
    if not wish.peers:
        return alone
    targets = [(namespace_of(number, wish.targets), name_of(number)) for number in range(wish.targets)]
    before = bench.prometheus_cpu()
    with Program("asker", bench.source.url, directory=bench.directory) as asker:
        used = usage(asker.pid).cpu
        asked = asker.ask("ask", targets=targets, intervals=wish.peers, interval=wish.interval)
        used = usage(asker.pid).cpu - used
    cpu = bench.prometheus_cpu() - before
    done = asked["queries"] / (METRICS * wish.targets)  # intervals' worth
    return {
        **alone,
        "peers: queries per interval": METRICS * wish.targets,
        "peers: bytes per interval": round(asked["bytes"] / done),
        "peers: seconds for an interval's questions": round(asked["seconds"] / done, 1),
        "peers: CPU % of a core, to ask": round(100 * used / (done * wish.interval), 2),
        "peers: Prometheus CPU s per interval": round((cpu - scraping * asked["seconds"] / wish.interval) / done, 3),
    }


def _steady(bench: Bench, dog: Watchdog, say: Callable[[str], None]) -> Result:
    """N watches open, and nothing happens."""
    wish = bench.wish
    dog.until_open(0, within=60)
    bench.sleep(1)
    idle = usage(dog.pid)
    result = opened(bench, dog, say)
    say(f"{wish.targets}: all watches open, {wish.steady} quiet intervals")
    requests = _requests(bench)
    used, asked, cpu, began = usage(dog.pid), dog.metrics(), bench.prometheus_cpu(), time.monotonic()
    moment = time.time()
    with profiled(wish.profile, bench.directory, dog, wish.targets) if wish.profile else nullcontext():
        bench.sleep(wish.steady)
    intervals = (time.monotonic() - began) / wish.interval
    cpu = (bench.prometheus_cpu() - cpu) / intervals
    now, counted = usage(dog.pid), less(dog.metrics(), asked)
    logged = [one for one in queries(bench.directory / "queries.jsonl") if one.answered >= moment]
    return {
        **result,
        "idle MiB": round(idle.resident, 1),
        **({"API requests per interval": round((_requests(bench) - requests) / intervals, 1)} if wish.plane else {}),
        "mean age s": round(result["seconds to open"] / 2 + (wish.settle + intervals) * wish.interval),
        "queries per interval": round(counted["watchdog_query_seconds_count"] / intervals, 1),
        "bytes per interval": round(counted["watchdog_query_bytes_total"] / intervals),
        "query failures": sum(value for name, value in counted.items() if name.startswith("watchdog_query_failures")),
        "query seconds per interval": round(counted["watchdog_query_seconds_sum"] / intervals, 3),
        "Prometheus query seconds per interval": round(sum(one.took for one in logged) / intervals, 3),
        "Prometheus CPU s per interval, all": round(cpu, 3),
        "CPU % of a core": round(100 * (now.cpu - used.cpu) / (intervals * wish.interval), 2),
        "MiB": round(now.resident, 1),
        **lag(counted, "steady"),
    }


def opened(bench: Bench, dog: Watchdog, say: Callable[[str], None]) -> Result:
    """Switch all targets and wait until they are watched."""
    wish = bench.wish
    say(f"{wish.targets}: releasing")
    cpu, before = usage(dog.pid).cpu, dog.metrics()
    bench.world.ask("release", within=max(wish.interval, wish.targets / wish.per_second))
    while (seconds := bench.world.ask("released")) is None:
        bench.show_pods()
        bench.sleep(1 / 3)
    bench.show_pods()
    dog.until_open(wish.targets, within=300 + wish.targets / wish.per_second)
    late = less(dog.metrics(), before)
    bench.sleep(wish.settle)
    return {
        "seconds to open": round(seconds, 1),
        "CPU s to open": round(usage(dog.pid).cpu - cpu, 2),
        **lag(late, "opening"),
    }


def _requests(bench: Bench) -> int:
    """What the API server has answered the watchdog; the simulated one is not asked."""
    return sum(bench.world.ask("requests").get(WATCHDOG, {}).values()) if bench.wish.plane else 0
