"""Numbers as Prometheus writes them."""

import math
from decimal import Decimal


def plain(value: float) -> str:
    """The shortest digits that read back the same, never with an exponent (scalars are written so)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    digits = format(Decimal(repr(value)), "f")
    return digits.removesuffix(".0")


def written_value(value: float) -> str:
    """A sample's value: as `plain`, with an exponent below 1e-6 and from 1e21 on."""
    if value == 0 or 1e-6 <= abs(value) < 1e21 or not math.isfinite(value):
        return plain(value)
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return plain(value)
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+03d}"


def written_time(at_ms: int) -> float | int:
    """A time in an answer: seconds since the epoch."""
    return at_ms // 1000 if at_ms % 1000 == 0 else at_ms / 1000
