"""How far the series of a counter have been counted: all that is remembered of each, for as long as a watch lasts."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

Key = tuple[tuple[str, str], ...]
"""A series' labels, in order."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a series has been counted: its first time, its last time and its value then."""

    first: float
    last: float
    value: float


class Marks(Mapping[Key, Mark]):
    """How far each series of a selection was counted; never changes, `moved` makes the next ones.

    The numbers lie in one array, and the places in it are shared from block to block: a watch keeps a hundred series
    for all its life, and few are new.
    """

    __slots__ = ("_numbers", "_places")

    def __init__(self, places: Mapping[Key, int] = MappingProxyType({}), numbers: "array[float] | None" = None) -> None:
        self._places = places
        self._numbers = array("d") if numbers is None else numbers

    def __getitem__(self, key: Key) -> Mark:
        place = _NUMBERS * self._places[key]
        return Mark(*self._numbers[place : place + _NUMBERS])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: Key, default: Any = None) -> Any:  # most series that are asked for are known
        """The mark of a series, if it has one."""
        return self[key] if key in self._places else default

    def moved(self, further: Mapping[Key, Mark]) -> "Marks":
        """With these marks; series that are not among them stay where they were."""
        places, numbers = self._places, self._numbers[:]
        new = [key for key in further if key not in places]
        if new:
            places = {**places, **{_sparing(key): len(places) + n for n, key in enumerate(new)}}
            numbers.extend([0.0] * (_NUMBERS * len(new)))
        for key, mark in further.items():
            place = _NUMBERS * places[key]
            numbers[place], numbers[place + 1], numbers[place + 2] = mark.first, mark.last, mark.value
        return Marks(places, numbers)


_NUMBERS = 3  # of a mark


def _sparing(key: Key) -> Key:
    """The key with its pairs shared: but for the pod's they are the same in the series of all watches."""
    return tuple(map(_pair, key))


@lru_cache(maxsize=4096)
def _pair(pair: tuple[str, str]) -> tuple[str, str]:
    return pair
