"""JSON as text that any parser takes, whatever Python values come in."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any


def to_json(value: Any, *, indent: int | None = None) -> str:
    """One JSON text in ASCII: no newline (without `indent`), no control character, no bare NaN."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False, ensure_ascii=True)


def _plain(value: Any) -> Any:
    match value:
        case str():
            return str(value)  # a StrEnum too
        case None | bool() | int():
            return value
        case float():
            # JSON has no infinity; Prometheus writes them as strings, and so do we.
            return value if math.isfinite(value) else "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case bytes() | bytearray():
            return repr(bytes(value))
        case Iterable():
            return [_plain(item) for item in value]
        case _:
            return str(value)
