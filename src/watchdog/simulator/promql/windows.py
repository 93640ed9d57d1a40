"""Functions of a range of samples: `rate` and its kin, and the `*_over_time` family.

They compute what Prometheus computes, its extrapolation to the window's ends included: that is what makes a
young counter's `rate` differ from the ratio of its samples, and what the watchdog must not be fooled by.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from watchdog.simulator.promql import arithmetic
from watchdog.simulator.promql.arithmetic import divide


@dataclass(frozen=True, slots=True)
class Window:
    """The samples of one series within `[start, end]`, times in milliseconds; never empty."""

    times: list[int]
    values: list[float]
    start: int
    end: int


Over = Callable[[Window], float | None]
"""A value of one window; None where it has too few samples for one."""


def _extrapolated(window: Window, *, counter: bool, per_second: bool) -> float | None:
    times, values = window.times, window.values
    if len(values) < 2:
        return None
    result = values[-1] - values[0]
    if counter:
        result += sum(before for before, after in pairwise(values) if after < before)
    to_start = (times[0] - window.start) / 1000
    to_end = (window.end - times[-1]) / 1000
    sampled = (times[-1] - times[0]) / 1000
    between = sampled / (len(values) - 1)
    if counter and result > 0 and values[0] >= 0:
        # A counter cannot have been below zero: do not extrapolate further back than its own zero.
        to_start = min(to_start, sampled * (values[0] / result))
    threshold = between * 1.1
    covered = sampled
    covered += to_start if to_start < threshold else between / 2
    covered += to_end if to_end < threshold else between / 2
    factor = covered / sampled
    if per_second:
        factor /= (window.end - window.start) / 1000
    return result * factor


def _instantaneous(window: Window, *, per_second: bool) -> float | None:
    if len(window.values) < 2:
        return None
    before, last = window.values[-2:]
    elapsed = window.times[-1] - window.times[-2]
    # A reset between the two: the counter began again at zero. Only a rate is of a counter.
    change = last if per_second and last < before else last - before
    return change / (elapsed / 1000) if per_second else change


def _changes(window: Window) -> float:
    pairs = pairwise(window.values)
    return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairs))


def _resets(window: Window) -> float:
    return float(sum(b < a for a, b in pairwise(window.values)))


def fitted(window: Window, origin: int) -> tuple[float, float]:
    """Slope per second and value at `origin` of the least-squares line."""
    seconds = [(time - origin) / 1000 for time in window.times]
    count = len(seconds)
    sum_x, sum_y = math.fsum(seconds), math.fsum(window.values)
    sum_xy = math.fsum(x * y for x, y in zip(seconds, window.values, strict=True))
    sum_xx = math.fsum(x * x for x in seconds)
    covariance = sum_xy - sum_x * sum_y / count
    slope = divide(covariance, sum_xx - sum_x * sum_x / count)
    return slope, sum_y / count - slope * sum_x / count


def _derivative(window: Window) -> float | None:
    if len(window.values) < 2:
        return None
    if all(value == window.values[0] for value in window.values):
        return 0.0
    return fitted(window, window.times[0])[0]


OVER: Final[dict[str, Over]] = {
    "rate": lambda w: _extrapolated(w, counter=True, per_second=True),
    "increase": lambda w: _extrapolated(w, counter=True, per_second=False),
    "delta": lambda w: _extrapolated(w, counter=False, per_second=False),
    "irate": lambda w: _instantaneous(w, per_second=True),
    "idelta": lambda w: _instantaneous(w, per_second=False),
    "changes": _changes,
    "resets": _resets,
    "deriv": _derivative,
    "avg_over_time": lambda w: arithmetic.average(w.values),
    "count_over_time": lambda w: float(len(w.values)),
    "last_over_time": lambda w: w.values[-1],
    "max_over_time": lambda w: arithmetic.largest(w.values),
    "min_over_time": lambda w: arithmetic.smallest(w.values),
    "present_over_time": lambda _: 1.0,
    "stddev_over_time": lambda w: math.sqrt(arithmetic.deviations(w.values)),
    "stdvar_over_time": lambda w: arithmetic.deviations(w.values),
    "sum_over_time": lambda w: arithmetic.add_up(w.values),
}
