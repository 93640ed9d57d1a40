"""Functions of vectors, but for the simple ones over a range (`windows.py`)."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Final

from watchdog.simulator.promql import arithmetic
from watchdog.simulator.promql.errors import ExecutionFailed
from watchdog.simulator.promql.histograms import histogram_quantile
from watchdog.simulator.promql.labels import Vector, with_labels, without_name
from watchdog.simulator.promql.nodes import Node, RangeSelector, Selector
from watchdog.simulator.promql.windows import Window, fitted
from watchdog.simulator.tsdb import METRIC_NAME, Labels

_ELEMENTWISE: Final = arithmetic.elementwise()
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_GROUP: Final = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


def quantile_over_time(q: float, windows: Iterable[tuple[Labels, Window]]) -> Vector:
    """The `q`-quantile of each series' samples."""
    return [(without_name(labels), arithmetic.quantile(q, window.values)) for labels, window in windows]


def predict_linear(windows: Iterable[tuple[Labels, Window]], at: int, seconds: float) -> Vector:
    """Each series' fitted line, `seconds` after `at` (milliseconds)."""
    result = []
    for labels, window in windows:
        if len(window.values) >= 2:
            slope, intercept = fitted(window, at)
            result.append((without_name(labels), slope * seconds + intercept))
    return result


def absent(operand: Node) -> Vector:
    """What stands for a vector that is empty: one sample, with the labels that the selector fixes."""
    selector = operand.selector if isinstance(operand, RangeSelector) else operand
    fixed: dict[str, str] = {}
    if isinstance(selector, Selector):
        named: set[str] = set()
        for matcher in selector.matchers:
            if matcher.name == METRIC_NAME:
                continue
            if matcher.op == "=" and matcher.name not in named:
                fixed[matcher.name] = matcher.value
                named.add(matcher.name)
            else:
                fixed.pop(matcher.name, None)
    return [(with_labels((), fixed), 1.0)]


def of_vector(name: str, samples: Vector, numbers: list[float], texts: list[str]) -> Vector | None:
    """The function `name` of `samples`; None where it is not known."""
    match name, numbers, texts:
        case ("histogram_quantile", [q], []):
            return histogram_quantile(q, samples)
        case ("label_replace", [], [destination, replacement, source, pattern]):
            return _label_replace(samples, destination, replacement, source, pattern)
        case ("label_join", [], [destination, separator, *sources]):
            return _label_join(samples, destination, separator, sources)
        case ("sort" | "sort_desc", [], []):
            sign = 1 if name == "sort" else -1
            return sorted(samples, key=lambda s: (math.isnan(s[1]), 0 if math.isnan(s[1]) else sign * s[1]))
        case ("clamp", [low, high], []) if high < low:
            return []
    function = _number_function(name, numbers)
    if function is None or texts:
        return None
    return [(without_name(labels), function(value)) for labels, value in samples]


def _number_function(name: str, numbers: list[float]) -> Callable[[float], float] | None:
    match name, numbers:
        case ("clamp", [low, high]):
            return lambda value: arithmetic.higher(low, arithmetic.lower(high, value))
        case ("clamp_min", [low]):
            return lambda value: arithmetic.higher(low, value)
        case ("clamp_max", [high]):
            return lambda value: arithmetic.lower(high, value)
        case ("round", []):
            return lambda value: arithmetic.floor(value + 0.5)
        case ("round", [nearest]):
            # The inverse first, as Prometheus does it: 1/0.1 is exact, 0.1 is not.
            inverse = arithmetic.divide(1.0, nearest)
            return lambda value: arithmetic.divide(arithmetic.floor(value * inverse + 0.5), inverse)
        case (_, []):
            return _ELEMENTWISE.get(name)
    return None


def _label_replace(samples: Vector, destination: str, replacement: str, source: str, pattern: str) -> Vector:
    try:
        expression = re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise ExecutionFailed(f"invalid regular expression in label_replace(): {pattern}") from error
    if not _LABEL_NAME.fullmatch(destination):
        raise ExecutionFailed(f"invalid destination label name in label_replace(): {destination}")
    result: Vector = []
    for labels, value in samples:
        found = expression.fullmatch(dict(labels).get(source, ""))
        if found is None:
            result.append((labels, value))
        else:
            result.append((with_labels(labels, {destination: _expanded(replacement, found)}), value))
    return result


def _expanded(template: str, found: re.Match[str]) -> str:
    """`$1`, `${1}` and `$name` as Go expands them: what does not exist is empty."""

    def group(reference: re.Match[str]) -> str:
        dollar, braced, bare = reference.groups()
        if dollar:
            return "$"
        name = braced or bare
        try:
            return found.group(int(name) if name.isdigit() else name) or ""
        except IndexError:
            return ""

    return _GROUP.sub(group, template)


def _label_join(samples: Vector, destination: str, separator: str, sources: list[str]) -> Vector:
    for name in (destination, *sources):
        if not _LABEL_NAME.fullmatch(name):
            raise ExecutionFailed(f"invalid label name in label_join(): {name}")
    result: Vector = []
    for labels, value in samples:
        have = dict(labels)
        joined = separator.join(have.get(name, "") for name in sources)
        result.append((with_labels(labels, {destination: joined}), value))
    return result
