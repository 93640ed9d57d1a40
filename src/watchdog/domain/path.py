"""A rule's path through its watch, as a row of numbers: a probe rule has a point each five seconds, for an hour.

Nobody looks at the older ones but a page or a record now and then, so they lie packed: what is the same from point to
point, as nearly all is of a rule that has nothing to say, takes next to nothing.
"""

import math
import zlib
from array import array
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from watchdog.domain.judge import Evidence, Finding, Verdict
from watchdog.domain.rows import Row
from watchdog.domain.state import PATH_KEPT, Point

_NUMBERS = 6  # of a point
_AT, _VALUE, _FINDING = 0, 1, 3  # where these are among them
_BYTES = 8  # of a number
_TOGETHER = 16  # points in a packet
_FINDINGS = tuple(Finding)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Path(Row[Point]):
    """Points in order of time; never changes, `and_then` makes the next one, which shares its packets."""

    __slots__ = ("_numbers", "_packets")

    def __init__(self, numbers: "array[float]", packets: tuple[bytes, ...] = ()) -> None:
        self._packets = packets
        self._numbers = numbers  # of the newest points

    def __len__(self) -> int:
        return _TOGETHER * len(self._packets) + len(self._numbers) // _NUMBERS

    def __iter__(self) -> Iterator[Point]:
        for packet in (*map(_unpacked, self._packets), self._numbers):
            for place in range(0, len(packet), _NUMBERS):
                yield _point(packet[place : place + _NUMBERS])

    def _at(self, index: int) -> Point:
        packet, place = divmod(index, _TOGETHER)
        if packet < len(self._packets):
            numbers = _unpacked(self._packets[packet])
        else:
            numbers, place = self._numbers, index - _TOGETHER * len(self._packets)
        return _point(numbers[_NUMBERS * place : _NUMBERS * (place + 1)])

    @property
    def newest(self) -> Sequence[float]:
        """The numbers of the newest point, which is never packed."""
        return self._numbers[-_NUMBERS:]

    def and_then(self, point: tuple[float, ...]) -> "Path":
        """With the numbers of one point more."""
        if len(self._numbers) < _NUMBERS * _TOGETHER:
            return Path(self._numbers + array("d", point), self._packets)
        return Path(array("d", point), (*self._packets, _packed(self._numbers)))


def extended(path: Sequence[Point], point: Point) -> Path:
    """The path with one point more; of one that is as long as it may be, every second point is dropped before."""
    return _extended(path, _numbers_of(point, point))


def with_verdict(path: Sequence[Point], verdict: Verdict) -> Sequence[Point]:
    """The path with a verdict that is newer than its newest point.

    One without a value is only worth a point where the finding changes. Numbers are compared with numbers: most
    verdicts come from probes, and say what the one before said.
    """
    now = _numbers_of(verdict, verdict.evidence)
    if len(path) > 0:
        newest = path.newest if isinstance(path, Path) else _numbers_of(path[-1], path[-1])
        if newest[_AT] >= now[_AT]:
            return path
        if math.isnan(newest[_VALUE]) and math.isnan(now[_VALUE]) and newest[_FINDING] == now[_FINDING]:
            return path
    return _extended(path, now)


def _extended(path: Sequence[Point], numbers: tuple[float, ...]) -> Path:
    kept = path if len(path) < PATH_KEPT else path[::2]
    if isinstance(kept, Path):
        return kept.and_then(numbers)
    row = Path(array("d"))
    for point in kept:
        row = row.and_then(_numbers_of(point, point))
    return row.and_then(numbers)


def _point(numbers: Sequence[float]) -> Point:
    at, value, limit, finding, log_evidence, needed = numbers
    moment = _EPOCH + timedelta(microseconds=at)  # a whole number of them, which a float holds exactly
    return Point(moment, _known(value), _known(limit), _FINDINGS[int(finding)], _known(log_evidence), _known(needed))


def _packed(numbers: "array[float]") -> bytes:
    """Number by number instead of point by point, and of each the bytes in turn: alike ones come together."""
    text = array("d", [number for first in range(_NUMBERS) for number in numbers[first::_NUMBERS]]).tobytes()
    return zlib.compress(b"".join([text[byte::_BYTES] for byte in range(_BYTES)]), 1)


@lru_cache(maxsize=8)
def _unpacked(packet: bytes) -> "array[float]":
    text = zlib.decompress(packet)
    each = len(text) // _BYTES
    turned = array("d", bytes([text[byte * each + place] for place in range(each) for byte in range(_BYTES)]))
    return array("d", [number for place in range(_TOGETHER) for number in turned[place::_TOGETHER]])


def _numbers_of(said: Point | Verdict, measured: Point | Evidence) -> tuple[float, ...]:
    value, limit, log_evidence, needed = measured.value, measured.limit, measured.log_evidence, measured.needed
    return (
        float((said.at - _EPOCH) // _MICROSECOND),
        math.nan if value is None else value,
        math.nan if limit is None else limit,
        float(_FINDINGS.index(said.finding)),
        math.nan if log_evidence is None else log_evidence,
        math.nan if needed is None else needed,
    )


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number
