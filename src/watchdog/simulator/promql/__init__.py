"""A subset of PromQL over a `Tsdb`, held to the answers of a real Prometheus over the same samples.

`query_instant` and `query_range` raise `BadQuery` for what cannot be understood and `ExecutionFailed`, naming it,
for what the subset lacks. Times are milliseconds since the epoch.
"""

from dataclasses import dataclass

from watchdog.simulator.promql.errors import BadQuery, ExecutionFailed
from watchdog.simulator.promql.evaluation import Evaluation, Semantics
from watchdog.simulator.promql.nodes import Text, kind
from watchdog.simulator.promql.parse import parse
from watchdog.simulator.tsdb import Labels, Tsdb

MAXIMUM_POINTS = 11_000
Point = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number at a time."""

    point: Point


@dataclass(frozen=True, slots=True)
class String:
    """One text at a time."""

    at: int
    value: str


@dataclass(frozen=True, slots=True)
class InstantVector:
    """One point for each series, all at the time of the question."""

    samples: list[tuple[Labels, Point]]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Points of each series in the order of time."""

    series: list[tuple[Labels, list[Point]]]


Answer = Scalar | String | InstantVector | Matrix


def query_instant(tsdb: Tsdb, query: str, at: int, semantics: Semantics = Semantics()) -> Answer:  # noqa: B008 - frozen
    """The value of `query` at one time."""
    node = parse(query)
    evaluation = Evaluation(tsdb, at, at, semantics)
    match kind(node):
        case "scalar":
            return Scalar((at, evaluation.scalar(node, at)))
        case "string":
            assert isinstance(node, Text)
            return String(at, node.value)
        case "vector":
            return InstantVector([(labels, (at, value)) for labels, value in evaluation.vector(node, at)])
        case "matrix":
            windows = evaluation.windows(node, at)
            return Matrix(
                [(labels, list(zip(w.times, w.values, strict=True))) for labels, w in sorted(windows, key=_labels)]
            )


def query_range(
    tsdb: Tsdb,
    query: str,
    start: int,
    end: int,
    step: int,
    semantics: Semantics = Semantics(),  # noqa: B008 - frozen
) -> Matrix:
    """The value of `query` at `start`, `start + step` ... up to `end`."""
    _check_range(start, end, step)
    node = parse(query)
    result_kind = kind(node)
    if result_kind in {"matrix", "string"}:
        written = "range vector" if result_kind == "matrix" else result_kind
        raise BadQuery(f'invalid expression type "{written}" for range query, must be Scalar or instant Vector')
    evaluation = Evaluation(tsdb, start, end, semantics)
    series: dict[Labels, list[Point]] = {}
    for at in range(start, end + 1, step):
        if result_kind == "scalar":
            series.setdefault((), []).append((at, evaluation.scalar(node, at)))
        else:
            for labels, value in evaluation.vector(node, at):
                series.setdefault(labels, []).append((at, value))
    return Matrix(sorted(series.items(), key=_labels))


def _labels(series: tuple[Labels, object]) -> Labels:
    return series[0]


def _check_range(start: int, end: int, step: int) -> None:
    if end < start:
        raise BadQuery('invalid parameter "end": end timestamp must not be before start time')
    if step <= 0:
        raise BadQuery(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    if (end - start) // step > MAXIMUM_POINTS:
        raise BadQuery(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )


__all__ = [
    "Answer",
    "BadQuery",
    "ExecutionFailed",
    "InstantVector",
    "Matrix",
    "Scalar",
    "Semantics",
    "String",
    "query_instant",
    "query_range",
]
