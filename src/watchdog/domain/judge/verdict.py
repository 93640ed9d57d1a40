"""What the judge says, with its evidence and one sentence for people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watchdog.domain.conditions import Dimension


class Finding(StrEnum):
    """What a rule says now. Only `BREACH` can lead to an act."""

    PASS = "pass"  # noqa: S105 - no password
    BREACH = "breach"
    UNDECIDED = "undecided"
    NO_DATA = "no-data"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers behind a verdict, in base units; None where a kind of rule has no such number."""

    value: float | None = None
    limit: float | None = None
    baseline: float | None = None
    baseline_at_floor: bool = False
    bad: float | None = None
    total: float | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    since: datetime | None = None  # since when the rule has held
    pods: int = 0  # pods that were seen
    pods_over: int = 0  # pods that break the rule by themselves
    log_evidence: float | None = None  # natural logarithm of the odds against a harmless release
    needed: float | None = None  # what it must reach, in the same measure
    capped: bool = False  # habits of the service reached further than that, and are not followed there
    harmless: float | None = None  # the share of requests that it is held against
    dimension: Dimension = Dimension.PLAIN
    query: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one rule at one moment.

    `literal` is whether the rule as written holds at this moment, whatever `for` still asks.
    """

    rule: str
    finding: Finding
    at: datetime
    sentence: str
    literal: bool = False
    outage: bool = False  # a total outage, which needs no further evidence
    evidence: Evidence = Evidence()


def number(value: float | None, dimension: Dimension) -> str:
    """A number as people read it: `8.1 %`, `340 ms`, `1.2 GiB`, `850 m`."""
    if value is None:
        return "-"
    match dimension:
        case Dimension.RATIO:
            return f"{_short(value * 100)} %"
        case Dimension.SECONDS:
            return f"{_short(value * 1000)} ms" if abs(value) < 1 else f"{_short(value)} s"
        case Dimension.BYTES:
            return _bytes(value)
        case Dimension.CORES:
            return f"{_short(value * 1000)} m" if abs(value) < 1 else f"{_short(value)} cores"
        case Dimension.PLAIN:
            return _short(value)


def _short(value: float) -> str:
    size = abs(value)
    if 0 < size < 0.01:
        return f"{value:.1g}"
    text = f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bytes(value: float) -> str:
    for unit, scale in (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10)):
        if abs(value) >= scale:
            return f"{_short(value / scale)} {unit}"
    return f"{_short(value)} B"


def span(duration: timedelta) -> str:
    """A duration as people read it: `45 s`, `3 min`, `1 h 20 min`."""
    seconds = round(duration.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    if hours >= 48 and not minutes and not hours % 24:
        return f"{hours // 24} d"
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def no_pods(why: str) -> str:
    """What people are told where a Deployment's controller can make no pods for it."""
    return f"no pods can be made: {why}"
