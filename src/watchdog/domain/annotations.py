"""The annotations by which a person takes an object out of the watchdog's hands for a while.

`rollback-watchdog.dev/guard: "off; until=2026-12-01T00:00:00Z; reason=migration"`: not watched at all.
`rollback-watchdog.dev/hold: "until=2026-12-01T00:00:00Z; schema migration 42"`: judged and told, never acted on.
Both need a reason and an end, at most 30 days ahead; one that lacks them is not honoured, and that is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PREFIX = "rollback-watchdog.dev/"
GUARD = PREFIX + "guard"
HOLD = PREFIX + "hold"
SWITCHED_BY = PREFIX + "switched-by"
KNOWN_GOOD = PREFIX + "known-good"
LAST_WATCH = PREFIX + "last-watch"
LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Exemption:
    """A person's wish to be left alone, in force until `until`."""

    annotation: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """An annotation that is not honoured, with what would be right."""

    annotation: str
    problem: str


def exemption(annotation: str, annotations: Mapping[str, str], now: datetime) -> Exemption | Invalid | None:
    """What `annotation` (`GUARD` or `HOLD`) asks for now; None where it is absent or its time is over."""
    text = annotations.get(annotation)
    if text is None:
        return None
    words = [part.strip() for part in text.split(";") if part.strip()]
    if annotation == GUARD:
        if not words or words[0] != "off":
            return Invalid(annotation, f'{text!r} is not understood; write "off; until=TIME; reason=WHY"')
        words = words[1:]
    untils = [word.removeprefix("until=") for word in words if word.startswith("until=")]
    reasons = [word.removeprefix("reason=").strip() for word in words if not word.startswith("until=")]
    reason = "; ".join(filter(None, reasons))
    if len(untils) != 1 or not reason:
        return Invalid(annotation, "it needs one end and a reason: until=2026-12-01T00:00:00Z; WHY")
    return _checked(annotation, untils[0], reason, now)


def _checked(annotation: str, text: str, reason: str, now: datetime) -> Exemption | Invalid | None:
    try:
        written = datetime.fromisoformat(text)
        until = written.astimezone(UTC) if written.tzinfo is not None else None
    except (ValueError, OverflowError):  # the calendar's first and last day overflow in other zones
        return Invalid(annotation, f"until={text} is no time; write it as 2026-12-01T00:00:00Z")
    if until is None:
        return Invalid(annotation, f"until={text} has no UTC offset; write it as 2026-12-01T00:00:00Z")
    if until <= now:
        return None
    if until - now > LONGEST:
        return Invalid(annotation, f"until={text} is more than {LONGEST.days} days ahead")
    return Exemption(annotation, until, reason)
