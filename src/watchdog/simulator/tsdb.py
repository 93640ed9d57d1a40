"""The samples of the simulated Prometheus, in memory.

Times are integers of milliseconds since the epoch, as in Prometheus itself, so that no boundary of a window
depends on the rounding of a float.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

Labels = tuple[tuple[str, str], ...]
"""A series' labels, its name among them as `__name__`, sorted by name."""

METRIC_NAME: Final = "__name__"

# Prometheus marks the end of a series with one particular bit pattern of NaN. Here it is one particular object:
# compare with `is`, since a NaN equals nothing, itself included.
STALE: Final = float("nan")

MatchOperator = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; a label that is absent counts as empty, regular expressions match whole values."""

    name: str
    op: MatchOperator
    value: str


@dataclass(slots=True, eq=False)
class Series:
    """One series: its samples in the order of time. A value that `is STALE` ends the series until the next one."""

    labels: Labels
    label: dict[str, str]
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def append(self, at_ms: int, value: float) -> None:
        """Add a sample. One that is not newer than the last is dropped, as Prometheus drops it."""
        if self.times and at_ms <= self.times[-1]:
            return
        self.times.append(at_ms)
        self.values.append(value)


def labels_of(labels: Mapping[str, str]) -> Labels:
    """The canonical form of a label set: sorted, without empty values."""
    return tuple(sorted((name, value) for name, value in labels.items() if value))


def milliseconds(at: datetime) -> int:
    """Milliseconds since the epoch."""
    return round(at.timestamp() * 1000)


@lru_cache(maxsize=4096)
def _whole(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.DOTALL).fullmatch


def _accepts(matcher: Matcher) -> Callable[[str], bool]:
    wanted = matcher.value
    match matcher.op:
        case "=":
            return lambda value: value == wanted
        case "!=":
            return lambda value: value != wanted
        case "=~":
            matches = _whole(wanted)
            return lambda value: matches(value) is not None
        case "!~":
            refuses = _whole(wanted)
            return lambda value: refuses(value) is None


class Tsdb:
    """Series by name; forgets samples older than `retention` when told the time by `forget`."""

    def __init__(self, retention: timedelta = timedelta(hours=24)) -> None:
        self._retention_ms = round(retention.total_seconds() * 1000)
        self._series: dict[Labels, Series] = {}
        self._by_name: dict[str, list[Series]] = {}

    def series(self, labels: Mapping[str, str]) -> Series:
        """The series with exactly these labels, made if it is new."""
        key = labels_of(labels)
        found = self._series.get(key)
        if found is None:
            found = Series(key, dict(key))
            self._series[key] = found
            self._by_name.setdefault(found.label.get(METRIC_NAME, ""), []).append(found)
        return found

    def add(self, name: str, labels: Mapping[str, str], at: datetime, value: float) -> None:
        """Add one sample of the series `name{labels}`."""
        self.series({METRIC_NAME: name, **labels}).append(milliseconds(at), value)

    def replace(self, other: "Tsdb") -> None:
        """Hold the samples of `other` instead of one's own."""
        self._series, self._by_name = other._series, other._by_name

    def all(self) -> Iterable[Series]:
        """Every series that has a sample."""
        return self._series.values()

    def select(self, matchers: Iterable[Matcher]) -> list[Series]:
        """The series that all matchers accept, whenever they had samples, in the order of their labels."""
        candidates: Iterable[Series] = self._series.values()
        rest = []
        for matcher in matchers:
            if matcher.name == METRIC_NAME and matcher.op == "=":
                candidates = self._by_name.get(matcher.value, ())
            rest.append((matcher.name, _accepts(matcher)))
        found = [s for s in candidates if all(accepts(s.label.get(name, "")) for name, accepts in rest)]
        found.sort(key=lambda series: series.labels)
        return found

    def forget(self, now: datetime) -> None:
        """Drop what is older than the retention, and series that have nothing left."""
        oldest = milliseconds(now) - self._retention_ms
        for series in list(self._series.values()):
            if not series.times or series.times[0] >= oldest:
                continue
            kept = bisect_left(series.times, oldest)
            del series.times[:kept]
            del series.values[:kept]
            if not series.times:
                del self._series[series.labels]
                self._by_name[series.label.get(METRIC_NAME, "")].remove(series)
