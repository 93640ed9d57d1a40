"""Numbers on an axis: the unit is chosen once for all ticks, and the steps are round in that unit."""

import math
from collections.abc import Sequence

from watchdog.domain.conditions import Dimension

_BINARY = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_ODDS_IN_WORDS = 6  # powers of ten up to which odds are written out


def unit_of(most: float, dimension: Dimension) -> tuple[float, str]:
    """Base units in one unit of the axis, and that unit's sign, for an axis that reaches `most`."""
    most = abs(most)
    match dimension:
        case Dimension.RATIO:
            return 0.01, "%"
        case Dimension.SECONDS:
            return (1e-6, "µs") if most < 1e-3 else (1e-3, "ms") if most < 2.0 else (1.0, "s")
        case Dimension.BYTES:
            return next((each for each in _BINARY if most >= each[0]), _BINARY[-1])
        case Dimension.CORES:
            return (1e-3, "m") if most < 2.0 else (1.0, "cores")
        case Dimension.PLAIN:
            return (1e6, "M") if most >= 1e7 else (1e3, "k") if most >= 1e4 else (1.0, "")


def nice_step(span: float, count: int) -> float:
    """The largest step of 1, 2, 2.5 or 5 times a power of ten that cuts `span` into about `count` pieces."""
    raw = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((power * step for step in (1.0, 2.0, 2.5, 5.0) if power * step >= raw * (1.0 - 1e-9)), power * 10.0)


def round_ticks(low: float, high: float, dimension: Dimension, count: int) -> list[tuple[float, str]]:
    """Round values from `low` to `high`, each with its label: `0`, `2 %`, `4 %`."""
    scale, sign = unit_of(max(abs(low), abs(high)), dimension)
    step = nice_step((high - low) / scale, count)
    if scale >= 2.0**10 and dimension is Dimension.BYTES:
        # 256 MiB, 512 MiB: what limits are written in.
        step = 2.0 ** round(math.log2((high - low) / scale / max(count, 1)))
    first, last = math.ceil(low / scale / step - 1e-9), math.floor(high / scale / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != round(step, 9):
        decimals += 1  # steps of 2.5
    return [(k * step * scale, _label(k * step, decimals, sign)) for k in range(first, last + 1)]


def _label(value: float, decimals: int, sign: str) -> str:
    text = f"{value:,.{decimals}f}".replace("-", "−")
    if value == 0:
        return "0"
    if sign in ("k", "M"):
        return text + sign
    return f"{text} {sign}".rstrip()


def log_ticks(low: float, high: float, dimension: Dimension) -> list[tuple[float, str]]:
    """1, 2 and 5 times the powers of ten between two positive numbers; the powers alone where there are many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps: Sequence[float] = (1.0, 2.0, 5.0) if last - first <= 3 else (1.0,)
    values = [10.0**power * step for power in range(first, last + 1) for step in steps]
    ticks = []
    for value in values:
        if low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
            scale, sign = unit_of(value, dimension)
            shown = value / scale
            ticks.append((value, _label(shown, max(0, -math.floor(math.log10(shown) + 1e-9)), sign)))
    return ticks


def odds_label(power: int) -> str:
    """Odds of ten to a power, as the judge's sentences say them: `even`, `1,000 to 1`, `10^9 to 1`, `1 to 10`."""
    if power == 0:
        return "even"
    if power < 0:
        return f"1 to {10**-power:,}" if power >= -_ODDS_IN_WORDS else f"1 to 10^{-power}"
    return f"{10**power:,} to 1" if power <= _ODDS_IN_WORDS else f"10^{power} to 1"
