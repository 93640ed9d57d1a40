"""A rule's path through its watch, as a row of numbers: a probe rule has a point each five seconds, for an hour."""

import math
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from watchdog.domain.judge import Finding
from watchdog.domain.rows import Row
from watchdog.domain.state import PATH_KEPT, Point

_NUMBERS = 6  # of a point
_FINDINGS = tuple(Finding)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Path(Row[Point]):
    """Points in order of time; never changes, `and_then` makes the next one."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: "array[float]") -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers) // _NUMBERS

    def _at(self, index: int) -> Point:
        at, value, limit, finding, log_evidence, needed = self._numbers[_NUMBERS * index : _NUMBERS * (index + 1)]
        moment = _EPOCH + timedelta(microseconds=at)  # a whole number of them, which a float holds exactly
        return Point(
            moment, _known(value), _known(limit), _FINDINGS[int(finding)], _known(log_evidence), _known(needed)
        )

    def and_then(self, point: Point) -> "Path":
        """With one point more."""
        return Path(self._numbers + array("d", _numbers_of(point)))


def extended(path: Sequence[Point], point: Point) -> Path:
    """The path with one point more; of one that is as long as it may be, every second point is dropped before."""
    kept = path if len(path) < PATH_KEPT else path[::2]
    if not isinstance(kept, Path):
        kept = Path(array("d", [number for one in kept for number in _numbers_of(one)]))
    return kept.and_then(point)


def _numbers_of(point: Point) -> tuple[float, ...]:
    at = (point.at - _EPOCH) // _MICROSECOND
    finding = _FINDINGS.index(point.finding)
    measured = (point.value, point.limit, float(finding), point.log_evidence, point.needed)
    return float(at), *(math.nan if number is None else number for number in measured)


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number
