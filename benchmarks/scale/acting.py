"""Targets that tip, one at a time and then many at once: how long it takes until they are put back."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.scale.bench import Bench
from benchmarks.scale.lag import lag, less
from benchmarks.scale.processes import Watchdog
from benchmarks.scale.querylog import Acted, acted, queries

_DECIDED_WITHIN = 240.0


def acts(bench: Bench, dog: Watchdog, say: Callable[[str], None]) -> dict[str, Any]:
    """Targets that tip, one at a time and then many at once: from scrape and from answer to the patch."""
    alone, together = bench.wish.tipping
    result: dict[str, Any] = {}
    before = dog.metrics()
    for how, names in (("alone", alone), ("at once", together)):
        if not names:
            continue
        say(f"{bench.wish.targets}: {len(names)} tip {how}")
        began = time.time()
        for chunk in [[name] for name in names] if how == "alone" else [names]:
            bench.exporter.ask("tip", apps=chunk)
            time.sleep(3.0 if how == "alone" else 0.0)
        patches = _patched(bench, names)
        asked = [one for one in queries(bench.directory / "queries.jsonl") if one.answered >= began]
        scrapes = bench.exporter.ask("scrapes")
        done = [name for name in names if name in patches]
        found = [one for name in done if (one := acted(name, patches[name], asked, scrapes))]
        result |= {f"{how}: acts": f"{len(done)} of {len(names)}", **_times(how, found)}
        if len(found) < len(done):
            result[f"{how}: without a time"] = len(done) - len(found)
    result |= lag(less(dog.metrics(), before), "acting")
    wrong = set(bench.world.ask("patches")) - {*alone, *together}
    writes = bench.world.ask("writes")
    result |= {"wrongly put back": len(wrong), "API writes": writes["kinds"]}
    result["record writes a watch, most"] = max(writes["records"], default=0)
    mine = sum(count for kind, count in writes["kinds"].items() if kind != "leases")
    result["API writes a watch, mean"] = round(mine / bench.wish.targets, 1)
    return result


def _patched(bench: Bench, names: Sequence[str]) -> dict[str, float]:
    until = time.monotonic() + _DECIDED_WITHIN
    while True:
        patches: dict[str, float] = bench.world.ask("patches")
        if all(name in patches for name in names) or time.monotonic() > until:
            return patches
        time.sleep(1.0)


def _times(how: str, found: Sequence[Acted]) -> dict[str, Any]:
    if not found:
        return {}
    result: dict[str, Any] = {}
    for what, values in (
        ("answer to patch", [one.from_answer for one in found]),
        ("scrape to patch", [one.from_scrape for one in found]),
    ):
        ordered = sorted(values)
        p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
        result[f"{how}: {what} s, p50"] = round(statistics.median(ordered), 3)
        result[f"{how}: {what} s, p99"] = round(p99, 3)
    return result
