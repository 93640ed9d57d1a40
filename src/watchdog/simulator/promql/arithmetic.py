"""Floats as Go computes them: nothing raises, everything has a value."""

import math
from collections.abc import Callable
from typing import Final

NAN: Final = math.nan


def divide(dividend: float, divisor: float) -> float:
    """IEEE division."""
    if divisor != 0:
        return dividend / divisor
    if dividend == 0 or math.isnan(dividend):
        return NAN
    return math.copysign(math.inf, dividend) * math.copysign(1, divisor)


def modulo(dividend: float, divisor: float) -> float:
    """The remainder with the dividend's sign."""
    if divisor == 0 or math.isinf(dividend):
        return NAN
    return math.fmod(dividend, divisor)


def power(base: float, exponent: float) -> float:
    """`base` to the `exponent`; NaN where there is no real result."""
    try:
        result = base**exponent
    except ZeroDivisionError:
        return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    return NAN if isinstance(result, complex) else float(result)


def total_or(undefined: float, function: Callable[[float], float]) -> Callable[[float], float]:
    """`function`, with `undefined` at 0 and NaN below it (logarithms and roots)."""

    def total(value: float) -> float:
        if value < 0:
            return NAN
        return undefined if value == 0 else function(value)

    return total


def lower(left: float, right: float) -> float:
    """The smaller; NaN if either is."""
    return NAN if math.isnan(left) or math.isnan(right) else min(left, right)


def higher(left: float, right: float) -> float:
    """The larger; NaN if either is."""
    return NAN if math.isnan(left) or math.isnan(right) else max(left, right)


def floor(value: float) -> float:
    """The integer below, infinities and NaN as they are."""
    return float(math.floor(value)) if math.isfinite(value) else value


def ceil(value: float) -> float:
    """The integer above, infinities and NaN as they are."""
    return float(math.ceil(value)) if math.isfinite(value) else value


def quantile(q: float, values: list[float]) -> float:
    """The `q`-quantile by linear interpolation; NaN counts as smaller than everything."""
    if not values or math.isnan(q):
        return NAN
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    ordered = sorted(values, key=lambda value: (False, 0.0) if math.isnan(value) else (True, value))
    rank = q * (len(ordered) - 1)
    below = max(0, math.floor(rank))
    above = min(len(ordered) - 1, below + 1)
    weight = rank - math.floor(rank)
    return ordered[below] * (1 - weight) + ordered[above] * weight


def deviations(values: list[float]) -> float:
    """The population variance."""
    mean = total = 0.0
    for count, value in enumerate(values, start=1):
        step = value - mean
        mean += step / count
        total += step * (value - mean)
    return total / len(values)


def average(values: list[float]) -> float:
    """The mean; an infinity among the values stays one."""
    mean = 0.0
    for count, value in enumerate(values, start=1):
        if math.isinf(mean) and (not math.isfinite(value)) and not math.isnan(value):
            if (mean > 0) == (value > 0):
                continue
        elif math.isinf(mean) and math.isfinite(value):
            continue
        mean += value / count - mean / count
    return mean


def smallest(values: list[float]) -> float:
    """The smallest; NaN only where there is nothing else."""
    return min((value for value in values if not math.isnan(value)), default=NAN)


def largest(values: list[float]) -> float:
    """The largest; NaN only where there is nothing else."""
    return max((value for value in values if not math.isnan(value)), default=NAN)


def add_up(values: list[float]) -> float:
    """The exact sum; infinities of both signs make NaN, as in Go."""
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


def elementwise() -> dict[str, Callable[[float], float]]:
    """The functions of one number that PromQL applies to each sample."""

    def exponential(value: float) -> float:
        try:
            return math.exp(value)
        except OverflowError:
            return math.inf

    def sign(value: float) -> float:
        return value if value == 0 or math.isnan(value) else math.copysign(1.0, value)

    return {
        "abs": abs,
        "ceil": ceil,
        "exp": exponential,
        "floor": floor,
        "ln": total_or(-math.inf, math.log),
        "log10": total_or(-math.inf, math.log10),
        "log2": total_or(-math.inf, math.log2),
        "sgn": sign,
        "sqrt": total_or(0.0, math.sqrt),
    }
