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
        self._sources: dict[str, Last] = {}
        self._eased: dict[str, str] = {}

    @property
    def prometheus(self) -> Last | None:
        """The one that the settings name."""
        return self._sources.get("")

    @property
    def sources(self) -> Mapping[str, Last]:
        """Those that rules.toml names and that were asked."""
        return {name: last for name, last in self._sources.items() if name}

    @property
    def eased(self) -> str:
        """How a Prometheus is asked otherwise than one would, because it could not bear that; "" for none."""
        return "; ".join(f"{name}: {how}" if name else how for name, how in sorted(self._eased.items()))

    @property
    def channels(self) -> Mapping[str, Last]:
        return self._last

    def queried(self, wrong: str, source: str = "") -> None:
        """Prometheus answered; `wrong` says why the answer was of no use."""
        self._sources[source] = self._next(self._sources.get(source), wrong)

    def source_gone(self, source: str) -> None:
        """It is asked no more."""
        self._sources.pop(source, None)
        self._eased.pop(source, None)

    def easing(self, how: str, source: str = "") -> None:
        """A Prometheus is asked otherwise from now on; "" for as ever."""
        self._eased.pop(source, None)
        if how:
            self._eased[source] = how

    def delivery(self, channel: str, result: str) -> None:
        """A notice was `sent`, `failed` once, or was given up (`gave-up`)."""
        wrong = {"sent": "", "failed": "the last notice did not arrive, it is tried again"}
        self._last[channel] = self._next(self._last.get(channel), wrong.get(result, "the last notice was given up"))

    def _next(self, before: Last | None, wrong: str) -> Last:
        now = self._clock.now()
        return Last(now, wrong, (before.well if before else None) if wrong else now)
