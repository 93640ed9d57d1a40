"""Long rows of numbers that a watch keeps for all its life, as arrays: each number of a tuple is an object of its own.

Both are equal to any row of equal items, and never change.
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class Row(Sequence[T]):
    """A row whose items are made of numbers when they are asked for."""

    __slots__ = ("_numbers",)

    _numbers: "array[float]"

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return tuple(self)[index]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._at(index % len(self))

    def _at(self, index: int) -> T:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row | tuple | list):
            return NotImplemented
        return tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class Pairs(Row[tuple[float, float]]):
    """Pairs of numbers."""

    __slots__ = ()

    def __init__(self, pairs: Iterable[tuple[float, float]]) -> None:
        self._numbers = array("d", [number for pair in pairs for number in pair])

    def __len__(self) -> int:
        return len(self._numbers) // 2

    def _at(self, index: int) -> tuple[float, float]:
        return self._numbers[2 * index], self._numbers[2 * index + 1]


class Course(Row[float | None]):
    """Finite numbers, None where there was none."""

    __slots__ = ()

    def __init__(self, values: Iterable[float | None]) -> None:
        self._numbers = array("d", [math.nan if value is None else value for value in values])

    def __len__(self) -> int:
        return len(self._numbers)

    def _at(self, index: int) -> float | None:
        value = self._numbers[index]
        return None if math.isnan(value) else value
