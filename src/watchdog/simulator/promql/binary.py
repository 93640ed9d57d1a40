"""Operations between two scalars, a vector and a scalar, or two vectors."""

import math
import operator
from collections.abc import Callable
from typing import Final

from watchdog.simulator.promql import arithmetic
from watchdog.simulator.promql.errors import ExecutionFailed
from watchdog.simulator.promql.labels import Vector, dropping, keeping, with_labels, without_name, written
from watchdog.simulator.promql.nodes import Matching
from watchdog.simulator.tsdb import Labels

_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": arithmetic.divide,
    "%": arithmetic.modulo,
    "^": arithmetic.power,
    "atan2": math.atan2,
}
_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
# Prometheus leaves the name on the result of atan2, as it does for comparisons.
_NAMELESS: Final = frozenset(_ARITHMETIC) - {"atan2"}
SETS: Final = frozenset({"and", "or", "unless"})


def scalars(op: str, left: float, right: float) -> float:
    """Two numbers; a comparison gives 1 or 0."""
    if op in _ARITHMETIC:
        return _ARITHMETIC[op](left, right)
    return float(_COMPARISONS[op](left, right))


def vector_and_scalar(op: str, samples: Vector, scalar: float, *, swapped: bool, returns_bool: bool) -> Vector:
    """Each sample with the number; `swapped` where the number stands on the left."""
    if op in _ARITHMETIC:
        compute = _ARITHMETIC[op]
        computed = [(compute(scalar, value) if swapped else compute(value, scalar)) for _, value in samples]
        return [
            (without_name(labels) if op in _NAMELESS else labels, value)
            for (labels, _), value in zip(samples, computed, strict=True)
        ]
    compare = _COMPARISONS[op]
    held = [(compare(scalar, value) if swapped else compare(value, scalar)) for _, value in samples]
    if returns_bool:
        return [(without_name(labels), float(true)) for (labels, _), true in zip(samples, held, strict=True)]
    return [sample for sample, true in zip(samples, held, strict=True) if true]


def _signature(matching: Matching) -> Callable[[Labels], Labels]:
    names = matching.labels
    if matching.on:
        return lambda labels: keeping(labels, names)
    return lambda labels: dropping(labels, names)


def sets(op: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """`and`, `or`, `unless`: samples of the left (and, for `or`, those of the right that it lacks)."""
    signature = _signature(matching)
    if op == "or":
        on_left = {signature(labels) for labels, _ in left}
        return left + [sample for sample in right if signature(sample[0]) not in on_left]
    on_right = {signature(labels) for labels, _ in right}
    return [sample for sample in left if (signature(sample[0]) in on_right) == (op == "and")]


def vectors(op: str, left: Vector, right: Vector, matching: Matching, *, returns_bool: bool) -> Vector:
    """Pairs of samples whose matching labels agree; refuses where a pair is not determined."""
    if not left or not right:
        return []
    swapped = matching.cardinality == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    signature = _signature(matching)
    partners = _unique(one, signature, "left" if swapped else "right")
    compute, comparing = _ARITHMETIC.get(op), _COMPARISONS.get(op)
    seen: set[tuple[Labels, Labels]] = set()
    result: Vector = []
    for labels, value in many:
        key = signature(labels)
        if key not in partners:
            continue
        other_labels, other = partners[key]
        lhs, rhs = (other, value) if swapped else (value, other)
        if compute is not None:
            outcome = compute(lhs, rhs)
        else:
            assert comparing is not None
            true = comparing(lhs, rhs)
            if not true and not returns_bool:
                continue
            outcome = float(true) if returns_bool else lhs
        metric = _result_labels(labels, other_labels, matching, nameless=op in _NAMELESS or returns_bool)
        _refuse_ambiguity(seen, key, metric, matching)
        result.append((metric, outcome))
    return result


def _unique(samples: Vector, signature: Callable[[Labels], Labels], side: str) -> dict[Labels, tuple[Labels, float]]:
    partners: dict[Labels, tuple[Labels, float]] = {}
    for sample in samples:
        key = signature(sample[0])
        if key in partners:
            raise ExecutionFailed(
                f"found duplicate series for the match group {written(key)} on the {side} hand-side of the "
                f"operation: [{written(sample[0])}, {written(partners[key][0])}];many-to-many matching not allowed: "
                "matching labels must be unique on one side"
            )
        partners[key] = sample
    return partners


def _result_labels(many: Labels, one: Labels, matching: Matching, *, nameless: bool) -> Labels:
    labels = without_name(many) if nameless else many
    if matching.cardinality == "one-to-one":
        if matching.on:
            return keeping(labels, matching.labels)
        if matching.labels:
            return tuple(pair for pair in labels if pair[0] not in matching.labels)
    if matching.include:
        have = dict(one)
        return with_labels(labels, {name: have.get(name, "") for name in matching.include})
    return labels


def _refuse_ambiguity(seen: set[tuple[Labels, Labels]], key: Labels, metric: Labels, matching: Matching) -> None:
    if matching.cardinality == "one-to-one":
        mark: tuple[Labels, Labels] = (key, ())
        message = "many-to-one matching must be explicit (group_left/group_right)"
    else:
        mark = (key, metric)
        message = "grouping labels must ensure unique matches"
    if mark in seen:
        raise ExecutionFailed(f"multiple matches for labels: {message}")
    seen.add(mark)
