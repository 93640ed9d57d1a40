"""What was measured as a page: a row for each number of watches, how each cost grows, and a section for each comparison."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.scale.sections import failures, on_the_plane, rivals, shards, when_and_where
from benchmarks.scale.tables import Column, Run, exponent, number, plain, row_table, within

PEERS_CPU = "peers: Prometheus CPU s per interval"
OWN_CPU = "Prometheus CPU s per interval, all"
SCRAPING = "Prometheus CPU s per interval, scraping alone"


def own_cpu(run: Run) -> float:
    """Seconds of Prometheus's CPU per interval for what the watchdog asks: all, less what scraping took alone."""
    return max(0.01, float(run[OWN_CPU]) - float(run[SCRAPING]))


def queries_fewer(run: Run) -> float:
    """How many times as many queries the peers ask."""
    return float(run["peers: queries per interval"]) / float(run["queries per interval"])


def cpu_less(run: Run) -> float:
    """How many times as much of Prometheus's CPU the peers' queries took, in the same run."""
    return float(run[PEERS_CPU]) / own_cpu(run)


_COST: Sequence[Column] = (
    ("queries an interval", plain("queries per interval", ".0f")),
    ("as peers ask", plain("peers: queries per interval")),
    ("times fewer", lambda run: f"{queries_fewer(run):.0f}"),
    ("KiB an interval", lambda run: f"{run['bytes per interval'] / 1024:,.0f}"),
    ("Prometheus's CPU, s", lambda run: f"{own_cpu(run):.2f}"),
    ("as peers ask, s", plain(PEERS_CPU, ".2f")),
    ("times less", lambda run: f"{cpu_less(run):.1f}"),
    ("query time, s", plain("Prometheus query seconds per interval", ".2f")),
    ("queries failed", plain("query failures", "g")),
)
_ITSELF: Sequence[Column] = (
    ("mean age, s", plain("mean age s")),
    ("CPU, % of a core", plain("CPU % of a core", ".1f")),
    ("asking as peers ask alone, %", plain("peers: CPU % of a core, to ask", ".1f")),
    ("CPU to open, s", plain("CPU s to open", ".1f")),
    ("idle, MiB", plain("idle MiB", ".0f")),
    ("watching, MiB", plain("MiB", ".0f")),
    ("peak, MiB", plain("peak MiB", ".0f")),
    ("taken over after a kill, s", plain("seconds to take over", ".1f")),
    ("record writes a watch, most", plain("record writes a watch, most")),
    ("API writes a watch, mean", plain("API writes a watch, mean")),
)
_LAG: Sequence[Column] = tuple(
    (f"{phase}: {called}", within(called, phase))
    for phase in ("steady", "opening", "acting")
    for called in ("p50", "p99", "max")
)
_KINDS = ("alone", "at once")
_TIMES = ("answer to patch s, p50", "answer to patch s, p99", "scrape to patch s, p50", "scrape to patch s, p99")
GROWING: Mapping[str, Callable[[Run], float]] = {
    "queries an interval": number("queries per interval"),
    "bytes an interval": number("bytes per interval"),
    "Prometheus's CPU for our queries": own_cpu,
    "Prometheus's CPU for the peers' queries": number(PEERS_CPU),
    "the watchdog's CPU": number("CPU % of a core"),
    "the watchdog's CPU to open them": number("CPU s to open"),
    "memory above idle": lambda run: max(0.1, float(run["MiB"]) - float(run["idle MiB"])),
}


def by_number(section: Mapping[str, Run]) -> list[Run]:
    """Its results, the smallest number first."""
    return [run for _, run in sorted(section.items(), key=lambda item: int(item[0]))]


def page(kept: Mapping[str, Any]) -> str:
    """All of it, as markdown."""
    runs = by_number(kept.get("runs", {}))
    parts = [_opening(runs)]
    if runs:
        parts += [_cost(runs), _itself(runs), _acts(runs), _growth(runs)]
    parts += [on_the_plane(by_number(kept.get("plane", {})), _ITSELF, _times_of)]
    parts += [rivals(kept.get("rivals", {})), shards(by_number(kept.get("shards", {})))]
    if "cold" in kept:
        parts.append(_cold(kept["cold"]))
    parts += [when_and_where(kept), failures(kept.get("failed", {}))]
    return "\n".join(line for part in parts if part for line in (*part, ""))


def _opening(runs: Sequence[Run]) -> list[str]:
    intervals = " and ".join(sorted({f"{run['interval']:g} s" for run in runs})) or "15 s"
    return [
        "# What many open watches cost",
        "",
        "`make bench-scale`. All of it ran on the same cores: the watchdog, a real Prometheus, the simulated API server, the pods'",
        "metrics and their health checks. When, on what, and at what load: [at the end](#when-and-where).",
        f"Six rules a watch, two pods a target, fifty targets a namespace, interval and scrapes of {intervals}, Slack and PagerDuty in use.",
    ]


def _cost(runs: Sequence[Run]) -> list[str]:
    return [
        "## What Prometheus is asked",
        "",
        "Beside the same asked as peers ask it: one query per metric and target, in the same run. Prometheus's CPU is its own",
        "`process_cpu_seconds_total` per interval, less what scraping took alone.",
        "",
        *_table(runs, _COST),
    ]


def _itself(runs: Sequence[Run]) -> list[str]:
    return [
        "## The watchdog itself",
        "",
        "CPU and memory while nothing happens, after all are open; beside it the CPU of a program in the same language that does nothing but ask the peers' queries, in the",
        "same run. Writes are those of the whole run, Leases left out. Bytecode is compiled, as in the image.",
        "",
        *_table(runs, _ITSELF),
        "",
        "How late its event loop was, in milliseconds: by its own sampler (`watchdog_loop_lag_seconds`, a timer that is due twice a second), so as",
        "the bound of a bucket. While nothing happens, while the watches are opened, and while targets are put back.",
        "",
        *_table(runs, _LAG),
    ]


def _growth(runs: Sequence[Run]) -> list[str]:
    rows = [
        f"| {name} | {_rounded(exponent(_points(runs, value)))} | {_rounded(exponent(_points(runs, value, least=100)))} |"
        for name, value in GROWING.items()
    ]
    return [
        "## How it grows",
        "",
        "The exponent of a line through the logarithms: 0 is constant, 1 linear.",
        "",
        "| | over all | from 100 on |",
        "|---|---|---|",
        *rows,
    ]


def _cold(cold: Mapping[str, Any]) -> list[str]:
    run = cold["run"]
    return [
        "## Before it does anything",
        "",
        f"`make bench-scale ARGS=--cold`, with bytecode compiled; the best of five, at a load of {cold['load']}.",
        "",
        "| | seconds | seconds of CPU | MiB |",
        "|---|---|---|---|",
        *(
            f"| `watchdog {verb}` | {cold[verb]['seconds']} | {cold[verb]['CPU seconds']} | |"
            for verb in ("--help", "check")
        ),
        f"| `watchdog run`, until it leads; idle, without channels | {run['seconds']} | {run['CPU seconds']} | {run['idle MiB']:.0f} |",
    ]


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _points(runs: Sequence[Run], value: Callable[[Run], float], least: int = 1) -> list[tuple[float, float]]:
    return [(float(run["targets"]), value(run)) for run in runs if run["targets"] >= least]


def _table(runs: Sequence[Run], columns: Sequence[Column]) -> list[str]:
    return row_table([(f"{run['targets']:,}", run) for run in runs], "watches", columns)


def _acts(runs: Sequence[Run]) -> list[str]:
    return [
        "## How long an act takes",
        "",
        "Seconds. From the moment that Prometheus's own log has for the deciding answer, and from the last scrape that this answer can",
        "have known, to the patch at the API server; while all other watches go on.",
        "",
        *_times_of(runs),
    ]


def _times_of(runs: Sequence[Run]) -> list[str]:
    lines = [
        "| watches | tipping | put back | " + " | ".join(name.replace(" s,", ",") for name in _TIMES) + " |",
        "|---" * 7 + "|",
    ]
    for run in runs:
        for kind in _KINDS:
            if f"{kind}: acts" in run:
                times = " | ".join(str(run.get(f"{kind}: {name}", "")) for name in _TIMES)
                lines.append(f"| {run['targets']:,} | {kind} | {run[f'{kind}: acts']} | {times} |")
    return lines
