"""What was measured as a page and a picture: a row for each number of watches, and how each cost grows."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from watchdog.drawing.figure import Figure, Panel
from watchdog.drawing.layers import Dot, Dots
from watchdog.drawing.scales import Logarithmic
from watchdog.drawing.tones import Tone

Run = Mapping[str, Any]
Column = tuple[str, Callable[[Run], Any]]

PEERS_CPU = "peers: Prometheus CPU s per interval"
OWN_CPU = "Prometheus CPU s per interval, all"
SCRAPING = "Prometheus CPU s per interval, scraping alone"


def own_cpu(run: Run) -> float:
    """Seconds of Prometheus's CPU per interval for what the watchdog asks: all, less what scraping took alone."""
    return max(0.01, float(run[OWN_CPU]) - float(run[SCRAPING]))


def queries_fewer(run: Run) -> float:
    """How many times as many queries peers ask."""
    return float(run["peers: queries per interval"]) / max(1.0, float(run["queries per interval"]))


def cpu_less(run: Run) -> float:
    """How many times as much of Prometheus's CPU the peers' queries took, in the same run."""
    return float(run[PEERS_CPU]) / own_cpu(run)


_COST: Sequence[Column] = (
    ("queries an interval", lambda run: f"{run['queries per interval']:.0f}"),
    ("as peers ask", lambda run: f"{run['peers: queries per interval']:,}"),
    ("times fewer", lambda run: f"{queries_fewer(run):.0f}"),
    ("KiB an interval", lambda run: f"{run['bytes per interval'] / 1024:,.0f}"),
    ("Prometheus's CPU, s", lambda run: f"{own_cpu(run):.2f}"),
    ("as peers ask, s", lambda run: f"{run[PEERS_CPU]:.2f}"),
    ("times less", lambda run: f"{cpu_less(run):.1f}"),
    ("query time, s", lambda run: f"{run['Prometheus query seconds per interval']:.2f}"),
)
_ITSELF: Sequence[Column] = (
    ("CPU, % of a core", lambda run: f"{run['CPU % of a core']:.1f}"),
    ("CPU to open, s", lambda run: f"{run['CPU s to open']:.1f}"),
    ("idle, MiB", lambda run: f"{run['idle MiB']:.0f}"),
    ("watching, MiB", lambda run: f"{run['MiB']:.0f}"),
    ("peak, MiB", lambda run: f"{run['peak MiB']:.0f}"),
    ("loop lag p99, ms", lambda run: f"≤ {run['loop lag p99 ms']:g}"),
    ("while acting, ms", lambda run: f"≤ {run['loop lag p99 ms, while acting']:g}"),
    ("taken over after a kill, s", lambda run: f"{run['seconds to take over']:.1f}"),
    ("record writes a watch, most", lambda run: f"{run['record writes a watch, most']}"),
    ("load before, after", lambda run: f"{run['load before']}, {run['load after']}"),
)
_KINDS = ("alone", "at once")
_TIMES = ("answer to patch s, p50", "answer to patch s, p99", "scrape to patch s, p50", "scrape to patch s, p99")
_GROWING: Mapping[str, Callable[[Run], float]] = {
    "queries an interval": lambda run: float(run["queries per interval"]),
    "bytes an interval": lambda run: float(run["bytes per interval"]),
    "Prometheus's CPU for our queries": own_cpu,
    "Prometheus's CPU for the peers' queries": lambda run: float(run[PEERS_CPU]),
    "the watchdog's CPU": lambda run: float(run["CPU % of a core"]),
    "the watchdog's CPU to open them": lambda run: float(run["CPU s to open"]),
    "memory above idle": lambda run: max(0.1, float(run["MiB"]) - float(run["idle MiB"])),
}


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The slope of the line through the logarithms: 1 grows with the number, 2 with its square."""
    if len(points) < 2:
        return None
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return float(sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread)


def page(runs: Sequence[Run], machine: str, cold: Mapping[str, Any] | None = None) -> str:
    """The results, as markdown."""
    growth = [
        (name, exponent(_points(runs, value)), exponent(_points(runs, value, least=100)))
        for name, value in _GROWING.items()
    ]
    rows = [f"| {name} | {_rounded(over_all)} | {_rounded(high)} |" for name, over_all, high in growth]
    intervals = " and ".join(sorted({f"{run['interval']:g} s" for run in runs}))
    return "\n".join(
        [
            "# What many open watches cost",
            "",
            f"`make bench-scale`, {machine}. All of it ran on the same cores: the watchdog, a real",
            "Prometheus, the simulated API server, the pods' metrics and their health checks.",
            f"Six rules a watch, two pods a target, fifty targets a namespace, interval and scrapes of {intervals}, Slack and PagerDuty in use.",
            "",
            "## What Prometheus is asked",
            "",
            "Beside the same asked as peers ask it: one query per metric and target, in the same run. Prometheus's CPU is its own",
            "`process_cpu_seconds_total` per interval, less what scraping took alone.",
            "",
            *_table(runs, _COST),
            "",
            "## The watchdog itself",
            "",
            *_table(runs, _ITSELF),
            "",
            "## How long an act takes",
            "",
            "Seconds. From the moment that Prometheus's own log has for the deciding answer, and from the last scrape that this answer can",
            "have known, to the patch at the API server; while all other watches go on.",
            "",
            *_acts(runs),
            "",
            "## How it grows",
            "",
            "The exponent of a line through the logarithms: 0 is constant, 1 linear.",
            "",
            "| | over all | from 100 on |",
            "|---|---|---|",
            *rows,
            "",
            *([] if cold is None else _cold(cold)),
        ]
    )


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
        "",
    ]


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _points(runs: Sequence[Run], value: Callable[[Run], float], least: int = 1) -> list[tuple[float, float]]:
    return [(float(run["targets"]), value(run)) for run in runs if run["targets"] >= least]


def _table(runs: Sequence[Run], columns: Sequence[Column]) -> list[str]:
    return [
        "| watches | " + " | ".join(name for name, _ in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
        *(f"| {run['targets']:,} | " + " | ".join(value(run) for _, value in columns) + " |" for run in runs),
    ]


def _acts(runs: Sequence[Run]) -> list[str]:
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


def picture(runs: Sequence[Run]) -> str:
    """Queries and CPU over the number of watches, beside the peers'."""
    numbers = [float(run["targets"]) for run in runs]
    x = Logarithmic(min(numbers) * 0.8, max(numbers) * 1.25)
    ours: Sequence[tuple[str, Callable[[Run], float], Callable[[Run], float]]] = (
        (
            "queries per interval",
            lambda run: float(run["queries per interval"]),
            lambda run: float(run["peers: queries per interval"]),
        ),
        ("Prometheus's CPU, seconds per interval", own_cpu, lambda run: max(0.01, float(run[PEERS_CPU]))),
    )
    panels = [_panel(runs, caption, mine, theirs) for caption, mine, theirs in ours]
    told = "; ".join(
        f"at {run['targets']:,} watches {run['queries per interval']:.0f} queries, peers {run['peers: queries per interval']:,}"
        for run in runs
    )
    return Figure("What Prometheus is asked", told, "open watches", x, panels).svg()


def _panel(runs: Sequence[Run], caption: str, mine: Callable[[Run], float], theirs: Callable[[Run], float]) -> Panel:
    every = [value(run) for run in runs for value in (mine, theirs)]
    layers = [
        Dots("the watchdog", [Dot(float(run["targets"]), mine(run)) for run in runs], joined=True),
        Dots(
            "as peers ask",
            [Dot(float(run["targets"]), theirs(run)) for run in runs],
            Tone.BASELINE,
            "square",
            joined=True,
            dash="5 4",
        ),
    ]
    return Panel(caption, Logarithmic(max(1e-3, min(every) * 0.8), max(every) * 1.25), layers)
