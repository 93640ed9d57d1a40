"""One switch of the past as somebody has it on a list, or as the watchdog's own record tells of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.reconfigured import ConfigChange
from watchdog.domain.rollout import Revision, Stable, Target, WeightStep
from watchdog.domain.rules import Guard
from watchdog.replay.courses import Mark, SeenPod
from watchdog.replay.report import Label, Note

BY_WATCHDOG, BY_PERSON = "rolled back by the watchdog", "marked by a person"
"""Who says what a label is, where the watchdog's own record does."""

_SAYS = {"records": BY_WATCHDOG, "list": "label file"}


class ListInvalid(Exception):
    """A list cannot be read: where, and what would be right."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    target: Target
    at: datetime
    candidate: Revision | None = None
    previous: Revision | None = None
    label: Label | None = None
    by: str = ""
    source: str = ""
    back_to: Revision | None = None  # what has its traffic again, and from when on, where that is known
    back_at: datetime | None = None
    rolled_back: bool = False  # by the watchdog: then it is that which gave the traffic back
    superseded: datetime | None = None  # when its watch ended so
    said: str = ""  # who says what its label is, where that is not told by its source
    at_is_bound: bool = False
    part: float | None = None  # of a route's traffic, that the candidate got at first, from 0 to 1
    steps: tuple[WeightStep, ...] = ()  # of a route, after the first one
    configs: tuple[ConfigChange, ...] = ()  # what configures the target otherwise, where that is the switch
    completed: datetime | None = None  # a rollout's end, where that was seen
    patience: timedelta | None = None  # that its rollout is waited for, where that is known
    pods: tuple[SeenPod, ...] = ()  # the candidate's, as the watch saw them
    guard: Guard | None = None  # that watched it
    by_hand: bool = False  # a person's rollback, which is no switch of its own
    stable: Stable | None = None  # what its watch would have gone back to
    passed: datetime | None = None  # when its watch did

    @property
    def label_source(self) -> str:
        """Who says so."""
        return self.said or _SAYS.get(self.source, self.source)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list holds, or the records do, and what is to be said of those that could not be read."""

    entries: tuple[Entry, ...] = ()
    notes: tuple[Note, ...] = ()

    def beside(self, records: "Listed") -> "Listed":
        """Both as one; what the records tell is not to be written by hand as well: raises `ListInvalid`."""
        known = {(one.target, one.at): one for one in records.entries}
        for one in self.entries:
            if one.source == "list" and (one.target, one.at) in known:
                what = f"the switch of {one.target} at {one.at.isoformat()} is in the records too"
                raise ListInvalid(f"{what}: leave it out of --switches; whether it was bad is said by --label")
        own = tuple(one for one in self.entries if (one.target, one.at) not in known)
        return Listed((*own, *records.entries), (*self.notes, *records.notes))


def marks_of(entries: Sequence[Entry]) -> tuple[Mark, ...]:
    """What the entries say of their switches."""
    return tuple(
        Mark(entry.target, entry.at, entry.label, entry.label_source, entry.rolled_back)
        for entry in entries
        if entry.label is not None
    )
