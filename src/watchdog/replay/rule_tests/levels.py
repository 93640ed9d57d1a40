"""How a good and a bad release would fare under a condition: the numbers of a first test of it."""

from dataclasses import dataclass

from watchdog.domain.conditions import AboveBaseline, Absolute, ShareOfLimit, Threshold, TimesBaseline

MEMORY_LIMIT, CPU_LIMIT = 2.0**30, 1.0
_FAR = 4.0  # how far from its limit a good release stays, and a baseline from its floor


@dataclass(frozen=True, slots=True)
class Levels:
    """What stable and a good release measure, where the limit is then, and what a bad release measures."""

    good: float
    limit: float
    bad: float


def levels_of(threshold: Threshold, container_limit: float = 1.0) -> Levels:
    """Numbers in base units that keep the condition well, and break it clearly."""
    up = threshold.op.upward
    match threshold.limit:
        case Absolute(limit):
            return _absolute(limit, up=up)
        case TimesBaseline(factor):
            good = _FAR * (threshold.metric.floor or 1.0)
            return Levels(good, factor * good, factor * good * (2.0 if up else 0.5))
        case AboveBaseline(delta):
            good = max(_FAR * abs(delta), _FAR * (threshold.metric.floor or 0.0))
            return Levels(good, good + delta, good + 3.0 * delta)
        case ShareOfLimit(share):
            limit = share * container_limit
            low, high = limit / 2.0, (limit + container_limit) / 2.0
            return Levels(low, limit, high) if up else Levels(high, limit, low)


def _absolute(limit: float, *, up: bool) -> Levels:
    if limit == 0.0:
        return Levels(-1.0, 0.0, 1.0) if up else Levels(1.0, 0.0, -1.0)
    less, more = (limit / _FAR, 2.0 * limit) if limit > 0 else (2.0 * limit, limit / _FAR)
    return Levels(less, limit, more) if up else Levels(more, limit, less)


def shares_of(threshold: Threshold) -> Levels:
    """The same for a ratio: shares between 0 and 1, a bad release three times over the limit where there is room."""
    levels = levels_of(threshold)
    if not threshold.op.upward:
        return Levels(min(1.0, levels.good), levels.limit, max(0.0, levels.bad))
    if isinstance(threshold.limit, TimesBaseline):
        good = min(levels.good, 0.2 / threshold.limit.factor)
        return Levels(good, good * threshold.limit.factor, min(1.0, 3.0 * good * threshold.limit.factor))
    if isinstance(threshold.limit, AboveBaseline):
        return Levels(0.01, 0.01 + threshold.limit.delta, min(1.0, 0.01 + 3.0 * threshold.limit.delta))
    return Levels(levels.good, levels.limit, min(1.0, 3.0 * levels.limit))
