"""What docs/performance.md promises of a thousand watches, each beside what was measured: written, and judged, from scale.json."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.scale.page import GROWING, OWN_CPU, cpu_less, queries_fewer
from benchmarks.scale.tables import NONE, Run, number

_WATCHES, _MORE, _PLANE = "1000", "3000", "300"
_BEGIN, _END = "<!-- measured: written by `make bench-scale` -->", "<!-- measured: end -->"
_MIB_IN_MB = 2**20 / 1e6


@dataclass(frozen=True)
class Promise:
    """A figure of a run and its bound, if one is promised. `form`: how it is written; `least`: it is to be at least that much."""

    what: str
    bound: float | None
    value: Callable[[Run], float]
    form: str = "{:.0f}"
    unit: str = ""
    least: bool = False

    def said(self, run: Run) -> str:
        """The figure, or a dash where the run does not know it."""
        value = self._of(run)
        return NONE if value is None else self._written(value)

    def kept(self, run: Run) -> str:
        """Whether the run keeps it."""
        value = self._of(run)
        if self.bound is None:
            return ""
        if value is None:
            return "not measured"
        kept = value >= self.bound if self.least else value <= self.bound
        return "yes" if kept else "**no**"

    @property
    def promised(self) -> str:
        """The bound in words."""
        return "" if self.bound is None else f"{'at least' if self.least else 'at most'} {self.bound:g}{self.unit}"

    def _written(self, value: float) -> str:
        return self.form.format(value) + self.unit

    def _of(self, run: Run) -> float | None:
        try:
            return float(self.value(run))
        except (KeyError, TypeError):
            return None


def _beside_asking(run: Run) -> float:
    """The watchdog's CPU over that of a program which does nothing but ask as peers ask."""
    return float(run["CPU % of a core"]) / float(run["peers: CPU % of a core, to ask"])


_RUN: Sequence[Promise] = (
    Promise("queries an interval", 60, number("queries per interval")),
    Promise("times fewer queries than as peers ask", 50, queries_fewer, least=True),
    Promise("Prometheus's CPU, times less than as peers ask", 10, cpu_less, "{:.1f}", least=True),
    Promise("the watchdog's CPU while nothing happens", 25, number("CPU % of a core"), "{:.1f}", " % of a core"),
    Promise("the same over the CPU of a program that only asks, as peers ask", None, _beside_asking, "{:.2f}"),
    Promise("memory with Slack and PagerDuty", 160, lambda run: run["MiB"] * _MIB_IN_MB, unit=" MB"),
    Promise("loop lag p99: nothing happens", 50, number("loop lag p99 ms, steady"), "{:g}", " ms"),
    Promise("loop lag p99: they are opened", 50, number("loop lag p99 ms, opening"), "{:g}", " ms"),
    Promise("loop lag p99: 100 are put back", 50, number("loop lag p99 ms, acting"), "{:g}", " ms"),
    Promise("answer to patch p99, one alone", 1, number("alone: answer to patch s, p99"), "{:.2f}", " s"),
    Promise("answer to patch p99, 100 at once", 1.5, number("at once: answer to patch s, p99"), "{:.2f}", " s"),
    Promise(
        "scrape to patch p99, one alone",
        31,  # an interval, a scrape and the second that the act has
        number("alone: scrape to patch s, p99"),
        "{:.1f}",
        " s",
    ),
    Promise("scrape to patch p99, 100 at once", 31.5, number("at once: scrape to patch s, p99"), "{:.1f}", " s"),
    Promise("record writes a watch, most", 12, number("record writes a watch, most")),
    Promise("API writes a watch, mean", 24, number("API writes a watch, mean"), "{:.1f}"),
    Promise("queries that failed", 0, number("query failures")),
    Promise("put back though nothing was wrong", 0, number("wrongly put back")),
)

_COLD: Sequence[Promise] = (
    Promise("`watchdog --help`", 0.3, lambda cold: cold["--help"]["seconds"], "{:.2f}", " s"),
    Promise("`watchdog check`", 0.5, lambda cold: cold["check"]["seconds"], "{:.2f}", " s"),
    Promise("`watchdog run` until it leads", 2, lambda cold: cold["run"]["CPU seconds"], "{:.2f}", " s of CPU"),
    Promise("idle, without channels", 90, lambda cold: cold["run"]["idle MiB"] * _MIB_IN_MB, unit=" MB"),
)

_LINEAR_AT_MOST = (
    "queries an interval",
    "bytes an interval",
    "Prometheus's CPU for our queries",
    "the watchdog's CPU",
    "memory above idle",
)
"""From 1,000 to 3,000 watches none of these may grow more than threefold; a tenth is what two runs differ by.

A watch holds more the older it is, so the thousand are to be as old as the three thousand were: `--aged`.
"""

_LINEAR = 3.3


def promises(kept: Mapping[str, Any]) -> list[str]:
    """The table, as lines of markdown."""
    runs, plane, cold = kept.get("runs", {}), kept.get("plane", {}), kept.get("cold", {})
    here, more, real = runs.get(_WATCHES, {}), runs.get(_MORE, {}), plane.get(_PLANE, {})
    alike = kept.get("aged", {}).get(_WATCHES, here)
    lines = [
        "| | promised | 1,000 watches | kept? | 3,000 watches | 300 on a real control plane |",
        "|---|---|---|---|---|---|",
    ]
    for one in _RUN:
        figures = (one.said(here), one.kept(here), one.said(more), one.said(real))
        lines.append(f"| {one.what} | {one.promised} | {' | '.join(figures)} |")
    lines += [f"| {one.what} | {one.promised} | {one.said(cold)} | {one.kept(cold)} | | |" for one in _COLD]
    return [*lines, *_growth(alike, more)]


def _growth(here: Run, more: Run) -> list[str]:
    if OWN_CPU not in here or OWN_CPU not in more:
        return []
    lines = []
    for name in _LINEAR_AT_MOST:
        times = GROWING[name](more) / GROWING[name](here)
        kept = "yes" if times <= _LINEAR else "**no**"
        lines.append(f"| {name}: 3,000 over 1,000 | at most 3 times, a tenth aside | | {kept} | {times:.1f} times | |")
    return lines


def written_into(text: str, kept: Mapping[str, Any]) -> str:
    """The page with the table between its two marks; raises ValueError where it has not both."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    if not rest or _END not in rest:
        raise ValueError(f"there is no table between {_BEGIN} and {_END}")
    return "\n".join([f"{before}{_BEGIN}", *promises(kept), f"{_END}{after}"])
