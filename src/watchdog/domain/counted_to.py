"""How far the series of a counter have been counted: all that is remembered of each, for as long as a watch lasts."""

from array import array
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

Key = tuple[tuple[str, str], ...]
"""A series' labels, in order."""


Source = tuple[str, tuple[str, str], tuple[str, ...]]
"""Where a series comes from: its pod, its endpoint, who scraped that; see `counting.source_of`."""


class Mark(NamedTuple):
    """How far a series has been counted: its first time, its last time and its value then."""

    first: float
    last: float
    value: float


class Marks(Mapping[Key, Mark]):
    """How far each series of a selection was counted; never changes, `moved` makes the next ones.

    The numbers lie in one array, and the places in it are shared from block to block: a watch keeps a hundred series
    for all its life, and few are new. Where each comes from is noted beside them once somebody has found it out.
    """

    __slots__ = ("_numbers", "_places", "_sources")

    def __init__(
        self,
        places: Mapping[Key, int] = MappingProxyType({}),
        numbers: "array[float] | None" = None,
        sources: "list[Source | None] | None" = None,
    ) -> None:
        self._places = places
        self._numbers = array("d") if numbers is None else numbers
        self._sources: list[Source | None] = [] if sources is None else sources

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
        places, numbers, sources = self._places, self._numbers[:], self._sources
        new = [key for key in further if key not in places]
        if new:
            places = {**places, **{_sparing(key): len(places) + n for n, key in enumerate(new)}}
            numbers.extend([0.0] * (_NUMBERS * len(new)))
            sources = [*sources, *(None for _ in new)]
        for key, mark in further.items():
            place = _NUMBERS * places[key]
            numbers[place], numbers[place + 1], numbers[place + 2] = mark
        return Marks(places, numbers, sources)

    def place_of(self, labels: Mapping[str, str]) -> int | None:
        """Where the numbers of a series lie, if it has a mark."""
        as_answered = tuple(labels.items())  # most answers have them in order
        place = self._places.get(as_answered)
        return self._places.get(tuple(sorted(as_answered))) if place is None else place

    def read_on(self) -> "tuple[array[float], list[Source | None], Marks]":
        """For whoever reads on from every mark: a copy of the numbers (first, last, value of each place) to write into,
        what is known of where the series come from, to be added to, and the marks that these two are."""
        numbers = self._numbers[:]
        return numbers, self._sources, Marks(self._places, numbers, self._sources)


_NUMBERS = len(Mark._fields)


def _sparing(key: Key) -> Key:
    """The key with its pairs shared: but for the pod's they are the same in the series of all watches."""
    return tuple(map(_pair, key))


@lru_cache(maxsize=4096)
def _pair(pair: tuple[str, str]) -> tuple[str, str]:
    return pair
