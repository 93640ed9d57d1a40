"""Long rows of numbers that a watch keeps for all its life, as arrays: in a tuple each is an object of its own."""

import math
from array import array
from collections.abc import Iterable

from watchdog.domain.rows import Row


class Pairs(Row[tuple[float, float]]):
    """Pairs of numbers."""

    __slots__ = ("_numbers",)

    def __init__(self, pairs: Iterable[tuple[float, float]]) -> None:
        self._numbers = array("d", [number for pair in pairs for number in pair])

    def __len__(self) -> int:
        return len(self._numbers) // 2

    def _at(self, index: int) -> tuple[float, float]:
        return self._numbers[2 * index], self._numbers[2 * index + 1]


class Course(Row[float | None]):
    """Finite numbers, None where there was none."""

    __slots__ = ("_numbers",)

    def __init__(self, values: Iterable[float | None]) -> None:
        self._numbers = array("d", [math.nan if value is None else value for value in values])

    def __len__(self) -> int:
        return len(self._numbers)

    def _at(self, index: int) -> float | None:
        value = self._numbers[index]
        return None if math.isnan(value) else value
