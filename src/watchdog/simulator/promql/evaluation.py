"""The value of an expression at one time."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from watchdog.simulator.promql import aggregates, binary, functions
from watchdog.simulator.promql.errors import ExecutionFailed
from watchdog.simulator.promql.labels import Vector, without_name
from watchdog.simulator.promql.nodes import (
    Aggregate,
    At,
    Binary,
    Call,
    Negate,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
    kind,
)
from watchdog.simulator.promql.windows import OVER, Window
from watchdog.simulator.tsdb import STALE, Labels, Series, Tsdb


@dataclass(frozen=True, slots=True)
class Semantics:
    """How time is read. Durations in milliseconds.

    `left_open`: windows leave out a sample exactly at their beginning, as Prometheus 3 does; 2.x includes it.
    `visible_until`: samples newer than this (milliseconds since the epoch) have not arrived yet.
    """

    lookback: int = 300_000
    left_open: bool = False
    default_step: int = 60_000
    visible_until: int | None = None


class Evaluation:
    """One query over `[start, end]` (milliseconds; equal for an instant query). Finds each selector's series once."""

    def __init__(self, tsdb: Tsdb, start: int, end: int, semantics: Semantics) -> None:
        self._tsdb = tsdb
        self._start = start
        self._end = end
        self._semantics = semantics
        self._selected: dict[int, list[Series]] = {}

    def scalar(self, node: Node, at: int) -> float:
        """The value of a scalar expression."""
        match node:
            case Number(value):
                return value
            case Negate(operand):
                return -self.scalar(operand, at)
            case Binary():
                return binary.scalars(node.op, self.scalar(node.left, at), self.scalar(node.right, at))
            case Call("time", _):
                return at / 1000
            case Call("pi", _):
                return math.pi
            case Call("scalar", (operand,)):
                samples = self.vector(operand, at)
                return samples[0][1] if len(samples) == 1 else math.nan
            case Call():
                raise _unsupported(node)
        raise ExecutionFailed(f"expected a scalar, got {kind(node)}")

    def vector(self, node: Node, at: int) -> Vector:
        """The value of an expression as an instant vector."""
        match node:
            case Selector():
                return [(series.labels, series.values[i]) for series, i in self._instant(node, at)]
            case Negate(operand):
                return _distinct([(without_name(labels), -value) for labels, value in self.vector(operand, at)])
            case Aggregate():
                return self._aggregate(node, at)
            case Binary():
                return _distinct(self._binary(node, at))
            case Call():
                return self._call(node, at)
            case Number() | Text() | RangeSelector() | Subquery():
                raise ExecutionFailed(f"expected an instant vector, got {kind(node)}")
        assert_never(node)

    def windows(self, node: Node, at: int) -> Iterator[tuple[Labels, Window]]:
        """The samples of a range vector, stale markers left out, series without samples too."""
        match node:
            case RangeSelector(selector, length):
                end = self._reference(selector.at, selector.offset, at)
                for series in self._series(selector):
                    window = self._window(series, end - length, end)
                    if window is not None:
                        yield series.labels, window
            case Subquery():
                yield from self._subquery(node, at)
            case _:
                raise ExecutionFailed(f"expected a range vector, got {kind(node)}")

    def _series(self, selector: Selector) -> list[Series]:
        found = self._selected.get(id(selector))
        if found is None:
            found = self._selected[id(selector)] = self._tsdb.select(selector.matchers)
        return found

    def _reference(self, fixed: At, offset: int, at: int) -> int:
        match fixed:
            case None:
                return at - offset
            case "start":
                return self._start - offset
            case "end":
                return self._end - offset
            case int():
                return fixed - offset
        assert_never(fixed)

    def _newest(self, end: int) -> int:
        until = self._semantics.visible_until
        return end if until is None else min(end, until)

    def _instant(self, selector: Selector, at: int) -> Iterator[tuple[Series, int]]:
        reference = self._reference(selector.at, selector.offset, at)
        newest = self._newest(reference)
        oldest = reference - self._semantics.lookback + self._semantics.left_open
        for series in self._series(selector):
            i = bisect_right(series.times, newest) - 1
            if i >= 0 and series.times[i] >= oldest and series.values[i] is not STALE:
                yield series, i

    def _window(self, series: Series, start: int, end: int) -> Window | None:
        first = bisect_left(series.times, start + self._semantics.left_open)
        last = bisect_right(series.times, self._newest(end))
        if first >= last:
            return None
        times, values = series.times[first:last], series.values[first:last]
        if any(value is STALE for value in values):
            kept = [i for i, value in enumerate(values) if value is not STALE]
            if not kept:
                return None
            times, values = [times[i] for i in kept], [values[i] for i in kept]
        return Window(times, values, start, end)

    def _subquery(self, node: Subquery, at: int) -> Iterator[tuple[Labels, Window]]:
        step = node.step or self._semantics.default_step
        end = self._reference(node.at, node.offset, at)
        start = end - node.range
        # Steps lie on multiples of the step since the epoch, whatever the window is.
        first = -(-(start + self._semantics.left_open) // step) * step
        times: dict[Labels, list[int]] = {}
        values: dict[Labels, list[float]] = {}
        for step_at in range(first, end + 1, step):
            for labels, value in self._samples(node.operand, step_at):
                times.setdefault(labels, []).append(step_at)
                values.setdefault(labels, []).append(value)
        for labels, at_times in times.items():
            yield labels, Window(at_times, values[labels], start, end)

    def _samples(self, node: Node, at: int) -> Vector:
        return [((), self.scalar(node, at))] if kind(node) == "scalar" else self.vector(node, at)

    def _aggregate(self, node: Aggregate, at: int) -> Vector:
        param: float | str | None = None
        if isinstance(node.param, Text):
            param = node.param.value
        elif node.param is not None:
            param = self.scalar(node.param, at)
        return aggregates.aggregate(
            node.op, self.vector(node.operand, at), param=param, without=node.without, names=node.labels
        )

    def _binary(self, node: Binary, at: int) -> Vector:
        op, left, right = node.op, node.left, node.right
        if kind(left) == "scalar":
            samples, number = self.vector(right, at), self.scalar(left, at)
            return binary.vector_and_scalar(op, samples, number, swapped=True, returns_bool=node.returns_bool)
        if kind(right) == "scalar":
            samples, number = self.vector(left, at), self.scalar(right, at)
            return binary.vector_and_scalar(op, samples, number, swapped=False, returns_bool=node.returns_bool)
        lhs, rhs = self.vector(left, at), self.vector(right, at)
        if op in binary.SETS:
            return binary.sets(op, lhs, rhs, node.matching)
        return binary.vectors(op, lhs, rhs, node.matching, returns_bool=node.returns_bool)

    def _call(self, node: Call, at: int) -> Vector:
        name, args = node.name, node.args
        if name in OVER:
            over = OVER[name]
            result = []
            for labels, window in self.windows(args[0], at):
                value = over(window)
                if value is not None:
                    # `last_over_time` is only a look back: its samples are still the metric's own.
                    result.append((labels if name == "last_over_time" else without_name(labels), value))
            return _distinct(result)
        match name, args:
            case "quantile_over_time", (q, samples):
                return _distinct(functions.quantile_over_time(self.scalar(q, at), self.windows(samples, at)))
            case "predict_linear", (samples, ahead):
                seconds = self.scalar(ahead, at)
                return _distinct(functions.predict_linear(self.windows(samples, at), at, seconds))
            case "absent_over_time", (operand,):
                return [] if any(True for _ in self.windows(operand, at)) else functions.absent(operand)
            case "absent", (operand,):
                return [] if self.vector(operand, at) else functions.absent(operand)
            case "timestamp", (Selector() as selector,):
                found = self._instant(selector, at)
                return _distinct([(without_name(s.labels), s.times[i] / 1000) for s, i in found])
            case "timestamp", (operand,):
                return _distinct([(without_name(labels), at / 1000) for labels, _ in self.vector(operand, at)])
            case "vector", (operand,):
                return [((), self.scalar(operand, at))]
        return _distinct(self._of_vector(node, at))

    def _of_vector(self, node: Call, at: int) -> Vector:
        """Functions of one instant vector with numbers and texts beside it."""
        samples: Vector = []
        numbers: list[float] = []
        texts: list[str] = []
        for arg in node.args:
            match kind(arg):
                case "vector":
                    samples = self.vector(arg, at)
                case "scalar":
                    numbers.append(self.scalar(arg, at))
                case "string" if isinstance(arg, Text):
                    texts.append(arg.value)
                case _:
                    raise _unsupported(node)
        result = functions.of_vector(node.name, samples, numbers, texts)
        if result is None:
            raise _unsupported(node)
        return result


def _unsupported(node: Call) -> ExecutionFailed:
    return ExecutionFailed(f"the simulator does not support the function {node.name}()")


def _distinct(samples: Vector) -> Vector:
    if len(samples) > 1 and len({labels for labels, _ in samples}) != len(samples):
        raise ExecutionFailed("vector cannot contain metrics with the same labelset")
    return samples
