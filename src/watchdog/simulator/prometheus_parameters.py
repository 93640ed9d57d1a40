"""Parameters of the HTTP API, read as Prometheus reads them. Times and durations in milliseconds."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import promql_parser

from watchdog.simulator.promql import BadQuery

# What Go's time.Time can hold and Prometheus accepts is far wider than what a test needs.
_FURTHEST_SECONDS = 1e13


def timestamp(form: Mapping[str, str], name: str) -> int:
    """A time since the epoch, from unix seconds or RFC 3339."""
    text = form.get(name, "")
    refusal = BadQuery(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp')
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise refusal from None
        if at.tzinfo is None:
            raise refusal from None
        return _rounded(at.timestamp())
    if not math.isfinite(seconds) or abs(seconds) > _FURTHEST_SECONDS:
        raise refusal
    return _rounded(seconds)


def duration(form: Mapping[str, str], name: str) -> int:
    """A duration, from seconds or PromQL's notation."""
    text = form.get(name, "")
    refusal = f'invalid parameter "{name}": cannot parse "{text}" to a valid duration'
    try:
        seconds = float(text)
    except ValueError:
        try:
            return promql_parser.parse_duration(text) // timedelta(milliseconds=1)
        except ValueError:
            raise BadQuery(refusal) from None
    if not math.isfinite(seconds) or abs(seconds) > _FURTHEST_SECONDS:
        raise BadQuery(f"{refusal}. It overflows int64")
    return _rounded(seconds)


def _rounded(seconds: float) -> int:
    """Halves away from zero, as Go rounds (Python rounds them to even)."""
    return math.floor(seconds * 1000 + 0.5)
