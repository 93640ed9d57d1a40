"""Numbers as Prometheus writes them."""

import math


def written_value(value: float) -> str:
    """A sample's value in an answer: the shortest digits that read back the same, no exponent between 1e-6 and 1e21."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value)) if value or math.copysign(1, value) > 0 else "-0"
    digits = repr(value)
    if "e" not in digits:
        return digits
    mantissa, exponent = digits.split("e")
    power = int(exponent)
    if 1e-6 <= abs(value) < 1e21:
        return f"{value:.{max(0, len(mantissa.lstrip('-').replace('.', '')) - 1 - power)}f}"
    return f"{mantissa.removesuffix('.0')}e{'-' if power < 0 else '+'}{abs(power):02d}"


def written_time(at_ms: int) -> float | int:
    """A time in an answer: seconds since the epoch."""
    return at_ms // 1000 if at_ms % 1000 == 0 else at_ms / 1000
