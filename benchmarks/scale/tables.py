"""Tables of results: a column is how it is called and what it says of a run, and a dash where the run does not know it."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Run = Mapping[str, Any]
Column = tuple[str, Callable[[Run], Any]]
NONE = "–"


def row_table(rows: Sequence[tuple[str, Run]], head: str, columns: Sequence[Column]) -> list[str]:
    """A markdown table with a row for each run."""
    return [
        f"| {head} | " + " | ".join(name for name, _ in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
        *(f"| {name} | " + " | ".join(said(value, run) for _, value in columns) + " |" for name, run in rows),
    ]


def said(value: Callable[[Run], Any], run: Run) -> str:
    """What the column says of the run: of an older or an interrupted one it may know nothing."""
    try:
        return str(value(run))
    except (KeyError, TypeError):
        return NONE


def plain(key: str, form: str = ",") -> Callable[[Run], str]:
    """The value of a key in that format."""
    return lambda run: format(run[key], form)


def number(key: str) -> Callable[[Run], float]:
    """The value of a key as a number."""
    return lambda run: float(run[key])


def each(key: str, form: str = ",") -> Callable[[Run], str]:
    """The values of a key that has one for each process."""
    return lambda run: ", ".join(format(value, form) for value in run[key])


def within(called: str, phase: str) -> Callable[[Run], str]:
    """A bound of the loop's lag in that phase, in milliseconds."""

    def bound(run: Run) -> str:
        found = run[f"loop lag {called} ms, {phase}"]
        return "> 2,500" if found is None else f"≤ {found:g}"

    return bound


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The slope of the line through the logarithms: 1 grows with the number, 2 with its square."""
    if len(points) < 2:
        return None
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return float(sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread)
