"""What holds every act, whichever release it is about: a pause, and brakes on how often is rolled back.

Many rollbacks at once mean that the cause is elsewhere: a database, a node, the watchdog's own rules. A brake lets the
first of them through, holds the rest and pages once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.rollout import Target


@dataclass(frozen=True, slots=True)
class Brake:
    """At most so many acts in a window."""

    most: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Brakes:
    """The brake over all targets, and the one on each."""

    every: Brake = Brake(3, timedelta(minutes=10))
    target: Brake = Brake(2, timedelta(hours=1))

    @property
    def longest(self) -> timedelta:
        """How long an act must be remembered."""
        return max(self.every.window, self.target.window)


BRAKES = Brakes()
"""Those of a rules.toml that names none."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act that was begun: an attempt counts, for whether it was done is known only afterwards."""

    watch: str
    target: Target
    at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """Nobody acts until then. `until` None: until it is lifted by hand."""

    reason: str
    by: str
    since: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.until is None or now < self.until

    @property
    def sentence(self) -> str:
        """For people."""
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "until it is lifted"
        return f"all acts are paused {until} by {self.by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Around:
    """What is around an act, at the moment of a look.

    `unreadable` says why it could not be read; then nothing may act. `pages`: this watch is the one that tells people
    that the brake over all is on.
    """

    brakes: Brakes = BRAKES
    acts: tuple[Act, ...] = ()
    pause: Pause | None = None
    unreadable: str = ""
    pages: bool = True


def frozen(around: Around, now: datetime) -> str:
    """Why nobody may act at all; "" where nothing forbids it."""
    if around.unreadable:
        return f"whether acts are paused cannot be read: {around.unreadable}"
    if around.pause is not None and around.pause.holds(now):
        return around.pause.sentence
    return ""


def over_every(watch: str, acts: Iterable[Act], brake: Brake, now: datetime) -> int:
    """How many other watches filled the brake over all targets; 0 where it has room. A watch's own acts are one."""
    others = {act.watch for act in acts if act.watch != watch and now - act.at < brake.window}
    return len(others) if len(others) >= brake.most else 0


def over_target(watch: str, target: Target, acts: Iterable[Act], brake: Brake, now: datetime) -> int:
    """How many other watches filled the brake on this target; 0 where it has room."""
    return over_every(watch, (act for act in acts if act.target == target), brake, now)
