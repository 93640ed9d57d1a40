"""Durations as rules.toml writes them: "10m", "1h30m", "500ms"."""

import re
from datetime import timedelta

from watchdog.rulebook.mistakes import Fault, shown
from watchdog.rulebook.shapes import Text

DURATION_PATTERN = r"^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
_DURATION = re.compile(r"([0-9]+)(ms|d|h|m|s)")
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def parse_duration(text: str) -> timedelta:
    """Read "1h30m", "24h", "500ms"; raises Fault."""
    remedy = 'write a number and d, h, m, s or ms, as in "10m" or "1h30m"'
    total = timedelta(0)
    order = list(_UNITS)
    at = 0
    while at < len(text) or not text:
        match = _DURATION.match(text, at)
        if match is None:
            raise Fault(at, f"{shown(text)} is no duration", remedy)
        if match[2] not in order:
            raise Fault(
                at,
                f"{shown(text)} is no duration: a unit stands out of order or twice",
                'write the largest unit first, as in "1h30m"',
            )
        del order[: order.index(match[2]) + 1]
        if len(match[1]) > 6:
            raise Fault(at, f"{shown(text)} is too long a duration", "write less than a million of a unit")
        total += int(match[1]) * _UNITS[match[2]]
        at = match.end()
    return total


def duration_text(duration: timedelta) -> str:
    """A duration as rules.toml writes it: the way back from `parse_duration`."""
    left = duration
    parts = []
    for unit, length in _UNITS.items():
        count, left = divmod(left, length)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"


DURATION = Text("duration", '"10m"', parse_duration, DURATION_PATTERN)
