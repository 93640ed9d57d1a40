"""Long rows of numbers as arrays: in a tuple each is an object of its own, and a pair of them another one."""

import math
from array import array
from collections.abc import Iterable, Iterator

from watchdog.domain.rows import Row


class Pairs(Row[tuple[float, float]]):
    """Pairs of numbers."""

    __slots__ = ("_numbers",)

    def __init__(self, pairs: Iterable[tuple[float, float]]) -> None:
        self._numbers = array("d", [number for pair in pairs for number in pair])

    def __len__(self) -> int:
        return len(self._numbers) // 2

    def __iter__(self) -> Iterator[tuple[float, float]]:
        numbers = iter(self._numbers)
        return zip(numbers, numbers, strict=True)

    def _at(self, index: int) -> tuple[float, float]:
        return self._numbers[2 * index], self._numbers[2 * index + 1]

    def _between(self, begin: int, end: int) -> "Pairs":
        part = Pairs(())
        part._numbers = self._numbers[2 * begin : 2 * end]
        return part


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
