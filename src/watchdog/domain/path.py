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

from watchdog.domain.judge import Finding
from watchdog.domain.rows import Row
from watchdog.domain.state import PATH_KEPT, Point

_NUMBERS = 6  # of a point
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

    def and_then(self, point: Point) -> "Path":
        """With one point more."""
        numbers = self._numbers + array("d", _numbers_of(point))
        if len(numbers) < _NUMBERS * _TOGETHER:
            return Path(numbers, self._packets)
        return Path(array("d"), (*self._packets, _packed(numbers)))


def extended(path: Sequence[Point], point: Point) -> Path:
    """The path with one point more; of one that is as long as it may be, every second point is dropped before."""
    kept = path if len(path) < PATH_KEPT else path[::2]
    if isinstance(kept, Path):
        return kept.and_then(point)
    row = Path(array("d"))
    for one in (*kept, point):
        row = row.and_then(one)
    return row


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


def _numbers_of(point: Point) -> tuple[float, ...]:
    at = (point.at - _EPOCH) // _MICROSECOND
    finding = _FINDINGS.index(point.finding)
    measured = (point.value, point.limit, float(finding), point.log_evidence, point.needed)
    return float(at), *(math.nan if number is None else number for number in measured)


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number
