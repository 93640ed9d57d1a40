"""Moments as people write them in options; one that cannot be meant ends with exit code 2 and one line."""

from datetime import UTC, datetime

from watchdog.cli.common import fail

_EARLIEST, _LATEST = 1970, 9000  # years: what is reckoned from a moment between them is still a time


def moment_of(option: str, text: str | None) -> datetime | None:
    """The moment, in UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        fail(f"{option} {text!r} is no time; write it like 2026-03-02T14:05:00+00:00", 2)
    if moment.tzinfo is None:
        fail(f"{option} {text!r} has no UTC offset; write {text.strip()}+00:00, or with the offset that you mean", 2)
    if not _EARLIEST <= moment.year <= _LATEST:
        fail(f"{option} {text!r}: the year cannot be meant; write a time from {_EARLIEST} on", 2)
    return moment.astimezone(UTC)


def past_moment_of(option: str, text: str | None, now: datetime) -> datetime | None:
    """The same, where it must not be still to come."""
    moment = moment_of(option, text)
    if moment is not None and moment > now:
        fail(f"{option} {text!r} is still to come; write a time up to now, {now:%Y-%m-%dT%H:%M:%S}+00:00", 2)
    return moment
