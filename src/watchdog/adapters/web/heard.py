"""What was last heard of Prometheus and of each channel, for people who ask whether they can be reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from watchdog.ports import Clock


@dataclass(frozen=True, slots=True)
class Last:
    """The last answer: when, and what was wrong with it, "" for nothing. `well`: when it last was well."""

    at: datetime
    wrong: str
    well: datetime | None


class Heard:
    """Keeps the last answer of each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, Last] = {}
        self._prometheus: Last | None = None
        self.eased = ""  # how Prometheus is asked otherwise than one would, because it could not bear that

    @property
    def prometheus(self) -> Last | None:
        return self._prometheus

    @property
    def channels(self) -> Mapping[str, Last]:
        return self._last

    def queried(self, wrong: str) -> None:
        """Prometheus answered; `wrong` says why the answer was of no use."""
        self._prometheus = self._next(self._prometheus, wrong)

    def delivery(self, channel: str, result: str) -> None:
        """A notice was `sent`, `failed` once, or was given up (`gave-up`)."""
        wrong = {"sent": "", "failed": "the last notice did not arrive, it is tried again"}
        self._last[channel] = self._next(self._last.get(channel), wrong.get(result, "the last notice was given up"))

    def _next(self, before: Last | None, wrong: str) -> Last:
        now = self._clock.now()
        return Last(now, wrong, (before.well if before else None) if wrong else now)
