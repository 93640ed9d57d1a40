"""What a person says of how a watch ended: a false alarm, or a bad release that was missed.

A mark is about an outcome, so an open watch has none. It is kept beside the record, not in it: the record is the
watchdog's to write, the mark is a person's.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchdog.domain.reading import Record, broken, is_open, mapping, moment
from watchdog.domain.state import Phase

MARK = "mark"
"""The name under which a record that is handed out carries its mark."""

LONGEST = 2000
"""Characters of a reason."""

_ALARMS = frozenset({Phase.ROLLED_BACK, Phase.HELD, Phase.NOTIFIED, Phase.WOULD_ROLL_BACK, Phase.FAILED})


class Marking(StrEnum):
    """What may be said."""

    FALSE_ALARM = "false-alarm"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Mark:
    """One person's judgement of one outcome."""

    what: Marking
    by: str
    reason: str
    at: datetime

    @property
    def told(self) -> str:
        """`a false alarm`, `as missed`."""
        return "a false alarm" if self.what is Marking.FALSE_ALARM else "as missed: it was bad"

    @property
    def sentence(self) -> str:
        """The mark in one line."""
        return f"marked {self.told}, by {self.by or 'somebody'} at {self.at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"


def document_of(mark: Mark) -> dict[str, str]:
    """The mark as JSON."""
    return {"what": mark.what.value, "by": mark.by, "reason": mark.reason, "at": mark.at.isoformat()}


def mark_of(record: Record) -> Mark | None:
    """The mark that a record was handed out with; None where there is none, or none that can be read."""
    found = mapping(record.get(MARK))
    at = moment(found.get("at"))
    try:
        what = Marking(str(found.get("what")))
    except ValueError:
        return None
    if at is None:
        return None
    return Mark(what, str(found.get("by") or ""), str(found.get("reason") or "")[:LONGEST], at)


def is_false_alarm(record: Record) -> bool:
    """Whether a person says that nothing was wrong with the release."""
    mark = mark_of(record)
    return mark is not None and mark.what is Marking.FALSE_ALARM


def is_missed(record: Record) -> bool:
    """Whether a person says that a release that was let through was bad."""
    mark = mark_of(record)
    return mark is not None and mark.what is Marking.MISSED


def alarmed(record: Record) -> bool:
    """Whether the watch said that something was wrong: it ended so, or a rule was breached."""
    return bool(broken(record)) or record.get("outcome") in _ALARMS


def why_not(record: Record, what: Marking) -> str:
    """Why this cannot be said of the watch; "" where it can."""
    watch = record.get("watch")
    if is_open(record):
        return f"watch {watch} is still open ({record.get('phase')}); mark it when it has ended"
    if record.get("by_hand"):
        return f"watch {watch} is a person's own rollback; nothing was judged that could be marked"
    if what is Marking.FALSE_ALARM and not alarmed(record):
        ended = f"watch {watch} ended {record.get('outcome')}, without an alarm"
        return f"{ended}; a bad release that was let through is `missed`"
    if what is Marking.MISSED and alarmed(record):
        ended = f"watch {watch} ended {record.get('outcome')}: it was not missed"
        return f"{ended}; an alarm without a cause is `false-alarm`"
    return ""
