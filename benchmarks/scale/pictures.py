"""The pictures of the page: what is asked and what it costs over the number of watches, and beside the rivals."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.scale.page import PEERS_CPU, by_number, own_cpu
from benchmarks.scale.tables import Run, number
from watchdog.drawing.figure import Figure, Panel
from watchdog.drawing.layers import Dot, Dots
from watchdog.drawing.scales import Logarithmic
from watchdog.drawing.tones import SERIES, Tone

Value = Callable[[Run], float]


def pictures(kept: Mapping[str, Any]) -> dict[str, str]:
    """SVG by the name of its file."""
    found = {}
    if runs := by_number(kept.get("runs", {})):
        found["scale.svg"] = _asked(runs)
        found["scale-itself.svg"] = _itself(runs)
    if section := kept.get("rivals", {}):
        found["scale-rivals.svg"] = _rivals(section)
    return found


def _asked(runs: Sequence[Run]) -> str:
    """Queries and CPU over the number of watches, beside the peers'."""
    told = "; ".join(
        f"at {run['targets']:,} watches {run['queries per interval']:.0f} queries, peers {run['peers: queries per interval']:,}"
        for run in runs
    )
    panels = [
        _beside("queries per interval", runs, number("queries per interval"), number("peers: queries per interval")),
        _beside("Prometheus's CPU, seconds per interval", runs, own_cpu, number(PEERS_CPU)),
    ]
    return Figure("What Prometheus is asked", told, "open watches", _numbers(runs), panels).svg()


def _itself(runs: Sequence[Run]) -> str:
    told = "; ".join(
        f"at {run['targets']:,} watches {run['CPU % of a core']:.1f} % of a core and {run['MiB']:.0f} MiB"
        for run in runs
    )
    panels = [
        _panel("CPU, % of a core", [_joined("the watchdog", runs, number("CPU % of a core"))]),
        _panel(
            "memory, MiB",
            [_joined("watching", runs, number("MiB")), _joined("idle", runs, number("idle MiB"), Tone.BASELINE)],
        ),
    ]
    return Figure("The watchdog itself", told, "open watches", _numbers(runs), panels).svg()


def _rivals(section: Mapping[str, Mapping[str, Run]]) -> str:
    guards = list(dict.fromkeys(guard for found in section.values() for guard in found))
    runs = {
        guard: by_number({number: found[guard] for number, found in section.items() if guard in found})
        for guard in guards
    }
    shown: Mapping[str, Value] = {
        "queries per interval": number("queries per interval"),
        "API requests per interval": number("API requests per interval"),
        "CPU, % of a core": number("CPU % of a core"),
        "memory, MiB": number("MiB"),
    }
    panels = []
    for caption, value in shown.items():
        series = zip(guards, SERIES, strict=False)
        panels.append(_panel(caption, [_joined(guard, runs[guard], value, *look) for guard, look in series]))
    every = [run for found in runs.values() for run in found]
    told = "; ".join(
        f"{guard} on {run['targets']:,} targets: {run['queries per interval']:.0f} queries and "
        f"{run['API requests per interval']:.0f} API requests an interval, {run['CPU % of a core']:.1f} % of a core, {run['MiB']:.0f} MiB"
        for guard in guards
        for run in runs[guard]
    )
    return Figure("The same analyses by each guard", told, "targets", _numbers(every), panels).svg()


def _numbers(runs: Sequence[Run]) -> Logarithmic:
    return _decades([float(run["targets"]) for run in runs])


def _decades(values: Sequence[float]) -> Logarithmic:
    """Whole ones around all values, however few and near each other they are."""
    low = math.floor(math.log10(min(values)))
    high = max(low + 1, math.ceil(math.log10(max(values))))
    return Logarithmic(10.0**low, 10.0**high)


def _joined(name: str, runs: Sequence[Run], value: Value, tone: Tone = Tone.VALUE, *look: Any) -> Dots:
    dots = [Dot(float(run["targets"]), max(0.01, value(run))) for run in runs]  # what is 0 has no logarithm
    shape, dash = look or (("circle", "") if tone is Tone.VALUE else ("square", "5 4"))
    return Dots(name, dots, tone, shape, joined=True, dash=dash)


def _beside(caption: str, runs: Sequence[Run], mine: Value, theirs: Value) -> Panel:
    return _panel(caption, [_joined("the watchdog", runs, mine), _joined("as peers ask", runs, theirs, Tone.BASELINE)])


def _panel(caption: str, layers: Sequence[Dots]) -> Panel:
    every = [dot.y for layer in layers for dot in layer.dots]
    return Panel(caption, _decades(every), layers)
