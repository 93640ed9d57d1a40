"""Reminders of a held release that nobody has touched since: after half an hour, then hourly, three in all."""

from dataclasses import replace
from datetime import datetime, timedelta

from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice
from watchdog.domain.judge.verdict import span
from watchdog.domain.state import Phase, Watch
from watchdog.domain.telling import headline, name_of, notice

FIRST = timedelta(minutes=30)
NEXT = timedelta(hours=1)
MOST = 3
_MARK = "/reminder-"


def held_since(watch: Watch) -> datetime | None:
    """When people were first told of what it is held for now; None where they were not, or it is not held."""
    if watch.phase not in (Phase.HOLDING, Phase.HELD) or watch.refusal is None or not watch.refusal.told:
        return None
    told_of = f"{watch.id}/{Topic.HELD}/{watch.refusal.reason}"
    return next((telling.notice.at for telling in watch.tellings if telling.notice.id == told_of), None)


def reminders(watch: Watch) -> int:
    """The number of its last reminder; 0 where it had none."""
    ids = [telling.notice.id.partition(_MARK)[2] for telling in watch.tellings]
    return max((int(number) for number in ids if number.isdecimal()), default=0)


def is_reminder(notice_: Notice) -> bool:
    """Whether it says again what was told before."""
    return _MARK in notice_.id


def next_reminder(watch: Watch) -> datetime | None:
    """When the next one is due, should nobody touch it; None where none is."""
    since, told = held_since(watch), reminders(watch)
    return None if since is None or told >= MOST else since + FIRST + told * NEXT


def reminder(watch: Watch, now: datetime) -> Notice | None:
    """The reminder that is due, with an id of its own; None where none is. That nobody touched it is for others to say.

    One that is late, as after an outage of the watchdog, is told once and not for each that was missed.
    """
    due, since = next_reminder(watch), held_since(watch)
    if due is None or since is None or now < due or watch.refusal is None:
        return None
    number = min(MOST, 1 + (now - since - FIRST) // NEXT)
    plain = notice(watch, Topic.HELD, now)
    last = "; this is the last one" if number == MOST else ""
    candidate, age = name_of(watch.switch.candidate), span(now - since)
    return replace(
        plain,
        id=f"{watch.id}/{Topic.HELD}{_MARK}{number}",
        title=headline(f"{watch.switch.target} still serves {candidate}, held {age} ago: {watch.refusal.sentence}"),
        lines=(*plain.lines, f"Reminder {number} of {MOST}{last}: nobody has touched it since"),
    )
