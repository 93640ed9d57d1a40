"""Long rows of numbers, packed: in a tuple each is an object of its own, and a pair of them another one.

A baseline's are read when it comes, and later only for a page, a record, or a rule that is over its limit: of a
thousand watches hardly one at a time.
"""

import math
import zlib
from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache

from watchdog.domain.rows import Row

_WHOLE = (("B", 2**8), ("H", 2**16), ("I", 2**32))  # array codes, and what is too large for them
_REAL = "d"


class Pairs(Row[tuple[float, float]]):
    """Pairs of numbers."""

    __slots__ = ("_length", "_packet")

    def __init__(self, pairs: Iterable[tuple[float, float]]) -> None:
        numbers = array(_REAL, [number for pair in pairs for number in pair])
        self._length = len(numbers) // 2
        self._packet = _packed(numbers[::2] + numbers[1::2])

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[tuple[float, float]]:
        numbers = _unpacked(self._packet)
        return zip(numbers[: self._length], numbers[self._length :], strict=True)

    def _at(self, index: int) -> tuple[float, float]:
        numbers = _unpacked(self._packet)
        return numbers[index], numbers[self._length + index]

    def _between(self, begin: int, end: int) -> "Pairs":
        return Pairs(list(self)[begin:end])


class Course(Row[float | None]):
    """Finite numbers, None where there was none."""

    __slots__ = ("_length", "_packet")

    def __init__(self, values: Iterable[float | None]) -> None:
        numbers = array(_REAL, [math.nan if value is None else value for value in values])
        self._length = len(numbers)
        self._packet = _packed(numbers)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[float | None]:
        return iter([None if math.isnan(value) else value for value in _unpacked(self._packet)])

    def _at(self, index: int) -> float | None:
        value = _unpacked(self._packet)[index]
        return None if math.isnan(value) else value


def _packed(numbers: "array[float]") -> bytes:
    """The numbers as whole ones where they are, of each the bytes in turn: alike ones come together."""
    code = _code_of(numbers)
    text = numbers.tobytes() if code == _REAL else array(code, map(int, numbers)).tobytes()
    size = array(code).itemsize
    return code.encode() + zlib.compress(b"".join([text[byte::size] for byte in range(size)]), 1)


def _code_of(numbers: "array[float]") -> str:
    """The smallest array that holds them exactly; a minus before zero is a number of its own."""
    if not all(number.is_integer() and math.copysign(1.0, number) > 0.0 for number in numbers):
        return _REAL
    most = max(numbers, default=0.0)
    return next((code for code, bound in _WHOLE if most < bound), _REAL)


@lru_cache(maxsize=16)
def _unpacked(packet: bytes) -> "array[float]":
    code = packet[:1].decode()
    text, size = zlib.decompress(packet[1:]), array(code).itemsize
    each = len(text) // size
    turned = bytearray(len(text))
    for byte in range(size):
        turned[byte::size] = text[byte * each : (byte + 1) * each]
    numbers = array(code, bytes(turned))
    return array(_REAL, numbers)
