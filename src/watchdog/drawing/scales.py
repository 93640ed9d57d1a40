"""Scales: where a value lies along an axis, and which ticks people read it by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.sentences import odds
from watchdog.domain.judge.verdict import number
from watchdog.drawing.quantities import log_ticks, nice_step, odds_label, round_ticks

_LN10 = math.log(10.0)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY,
          2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY)  # fmt: skip


class Scale(Protocol):
    """One axis without its place on the page."""

    @property
    def low(self) -> float:
        """The value at the axis's beginning."""
        ...

    @property
    def high(self) -> float:
        """The value at its end."""
        ...

    def place(self, value: float) -> float:
        """Where a value lies: 0 at the beginning, 1 at the end; kept within."""
        ...

    def ticks(self, count: int) -> Sequence[tuple[float, str]]:
        """About `count` values with their labels, in order; the labels carry the unit."""
        ...

    def tell(self, value: float) -> str:
        """One value in words, for tooltips and text alternatives."""
        ...


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class _Even:
    """Equal distances for equal differences."""

    low: float
    high: float

    def place(self, value: float) -> float:
        return _within((value - self.low) / (self.high - self.low))


@dataclass(frozen=True, slots=True)
class Linear(_Even):
    """Equal steps, in the unit of a dimension."""

    dimension: Dimension = Dimension.PLAIN

    def ticks(self, count: int) -> Sequence[tuple[float, str]]:
        return round_ticks(self.low, self.high, self.dimension, count)

    def tell(self, value: float) -> str:
        return number(value, self.dimension)


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """Equal factors; both ends above 0."""

    low: float
    high: float
    dimension: Dimension = Dimension.PLAIN

    def place(self, value: float) -> float:
        if value <= 0:
            return 0.0
        return _within(math.log(value / self.low) / math.log(self.high / self.low))

    def ticks(self, count: int) -> Sequence[tuple[float, str]]:
        ticks = log_ticks(self.low, self.high, self.dimension)
        every = math.ceil(len(ticks) / max(2 * count, 1))
        return ticks[::every]

    def tell(self, value: float) -> str:
        return number(value, self.dimension)


@dataclass(frozen=True, slots=True)
class Odds(_Even):
    """Evidence: natural logarithms of odds, labelled as odds. A step of one tick is a factor."""

    def ticks(self, count: int) -> Sequence[tuple[float, str]]:
        first, last = math.ceil(self.low / _LN10 - 1e-9), math.floor(self.high / _LN10 + 1e-9)
        # Every third power from a thousand on: 1,000, 10^6, 10^9 are the odds that people speak of.
        step = next((step for step in (1, 2, 3, 6, 12, 30, 60) if (last - first) / step <= count), 120)
        first = math.ceil(first / step) * step
        return [(power * _LN10, odds_label(power)) for power in range(first, last + 1, step)]

    def tell(self, value: float) -> str:
        return odds(value, far=True)


@dataclass(frozen=True, slots=True)
class Elapsed(_Even):
    """Seconds from a moment, labelled `−1:00`, `0:00`, `+2:30`; `+1 h 30` where the axis is long."""

    def ticks(self, count: int) -> Sequence[tuple[float, str]]:
        step = _time_step(self.high - self.low, count)
        hours = step >= _HOUR
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(k * step, elapsed(k * step, hours=hours)) for k in range(first, last + 1)]

    def tell(self, value: float) -> str:
        return elapsed(value)


@dataclass(frozen=True, slots=True)
class Clock(_Even):
    """Moments, as seconds since 1970, labelled as the time of day in UTC; the day where it begins."""

    def ticks(self, count: int) -> Sequence[tuple[float, str]]:
        step = _time_step(self.high - self.low, count)
        values = [k * step for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        ticks, day = [], ""
        for value in values:
            at = datetime.fromtimestamp(value, UTC)
            today = f"{at.day} {at:%b}"
            time = f"{at:%H:%M:%S}" if step < _MINUTE else f"{at:%H:%M}"
            ticks.append((value, today if step >= _DAY else f"{today} {time}" if today != day else time))
            day = today
        return ticks

    def tell(self, value: float) -> str:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"


def elapsed(seconds: float, *, hours: bool = False) -> str:
    """`+2:30`: minutes and seconds from a moment; from two hours on (or where `hours`) hours and minutes."""
    sign = "−" if seconds < 0 else "+" if seconds > 0 else ""
    whole = round(abs(seconds))
    if whole and (hours or whole >= 2 * _HOUR):
        full, minutes = divmod(whole // _MINUTE, 60)
        return f"{sign}{full} h {minutes:02}" if minutes else f"{sign}{full} h"
    return f"{sign}{whole // _MINUTE}:{whole % _MINUTE:02}"


def _time_step(span: float, count: int) -> float:
    wanted = span / max(count, 1)
    return next((float(step) for step in _STEPS if step >= 0.75 * wanted), nice_step(span / _DAY, count) * _DAY)


def ceiling(values: Sequence[float | None], *, least: float = 0.0) -> float:
    """A high end with some air above the largest of the values, and above `least`; never 0."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    most = max([*found, least])
    return most * 1.08 if most > 0 else 1.0
