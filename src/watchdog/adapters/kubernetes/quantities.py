"""Resource quantities as Kubernetes writes them: "500m", "1Gi", "1e9", "129M"."""

import re
from decimal import Decimal
from typing import Final

# The grammar of apimachinery's resource.Quantity. "E" alone is exa, "E" before digits an exponent.
_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,4})|(?P<suffix>[KMGTPE]i|[numkMGTPE])?)",
    re.ASCII,
)
_SCALES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


def quantity(written: object) -> float | None:
    """A quantity in its base unit (cores, bytes); None for what is none. JSON numbers are taken as written."""
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return None
    match = _QUANTITY.fullmatch(str(written))
    if match is None:
        return None
    number = Decimal(match["number"])
    if match["exponent"] is not None:
        return float(number.scaleb(int(match["exponent"])))
    return float(number * _SCALES[match["suffix"]]) if match["suffix"] else float(number)


def limit(written: object) -> float | None:
    """A limit; None where there is none, which zero says too."""
    value = quantity(written)
    return value if value is not None and 0.0 < value < float("inf") else None
