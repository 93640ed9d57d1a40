"""One switch of the past as somebody has it on a list, or as the watchdog's own record tells of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.reconfigured import ConfigChange
from watchdog.domain.rollout import Revision, Target, WeightStep
from watchdog.replay.courses import Mark
from watchdog.replay.report import Label

_SAYS = {"records": "rolled back by the watchdog", "list": "label file"}


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
    superseded: datetime | None = None  # when its watch ended so
    said: str = ""  # who says what its label is, where that is not told by its source
    at_is_bound: bool = False
    part: float | None = None  # of a route's traffic, that the candidate got at first, from 0 to 1
    steps: tuple[WeightStep, ...] = ()  # of a route, after the first one
    configs: tuple[ConfigChange, ...] = ()  # what configures the target otherwise, where that is the switch
    completed: datetime | None = None  # a rollout's end, where that was seen
    patience: timedelta | None = None  # that its rollout is waited for, where that is known

    @property
    def label_source(self) -> str:
        """Who says so."""
        return self.said or _SAYS.get(self.source, self.source)


def marks_of(entries: Sequence[Entry]) -> tuple[Mark, ...]:
    """What the entries say of their switches."""
    return tuple(
        Mark(entry.target, entry.at, entry.label, entry.label_source) for entry in entries if entry.label is not None
    )
