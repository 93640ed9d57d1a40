"""Small statistics, without a library: how sure one may be of a share, and quantiles of a few numbers."""

import math
from collections.abc import Callable, Sequence

from watchdog.replay.report import Interval

_STEPS = 60  # of bisection: far below any digit that is shown


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a share of which `hits` of `trials` were seen; from 0 to 1 where nothing was."""
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials}")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else _solved(lambda share: 1.0 - _at_most(hits - 1, trials, share), tail, rising=True)
    high = 1.0 if hits == trials else _solved(lambda share: _at_most(hits, trials, share), tail, rising=False)
    return Interval(low, high)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The quantile of a few numbers, between neighbours; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _at_most(hits: int, trials: int, share: float) -> float:
    """The chance of at most so many hits."""
    if share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 1.0 if hits >= trials else 0.0
    log_yes, log_no = math.log(share), math.log1p(-share)
    ways = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log_yes + (trials - k) * log_no
        for k in range(hits + 1)
    ]
    return min(1.0, math.fsum(map(math.exp, ways)))


def _solved(chance: Callable[[float], float], wanted: float, *, rising: bool) -> float:
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if (chance(middle) < wanted) is rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0
