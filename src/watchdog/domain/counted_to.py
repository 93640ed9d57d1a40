"""How far the series of a counter have been counted: all that is remembered of each, for as long as a watch lasts."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

Key = tuple[tuple[str, str], ...]
"""A series' labels, in order."""

Scraped = tuple[str, str]
"""Pod and instance: one endpoint."""

Scraper = tuple[str, ...]
"""The values of the scrape labels: who scraped an endpoint."""

Source = tuple[str, Scraped, Scraper]
"""Where a series comes from: its pod, its endpoint, who scraped that; see `selections.source_of`."""


class Mark(NamedTuple):
    """How far a series has been counted: its first time, its last time and its value then."""

    first: float
    last: float
    value: float


class Marks:
    """How far each series of a selection was counted; never changes, `moved` makes the next ones.

    A thousand watches keep a hundred series each for all their lives: so their numbers lie in one array, in the order
    of a second one, which has of each series' labels the hash alone. Of 64 bits, two of a watch's are the same once in
    10^15 watches, and then one of those two series begins where the other one stands. Where each comes from is noted
    beside them once somebody has found it out.
    """

    __slots__ = ("_hashes", "_numbers", "_sources")

    def __init__(
        self,
        hashes: "array[int] | None" = None,
        numbers: "array[float] | None" = None,
        sources: "list[Source | None] | None" = None,
    ) -> None:
        self._hashes = array("q") if hashes is None else hashes
        self._numbers = array("d") if numbers is None else numbers
        self._sources: list[Source | None] = [] if sources is None else sources

    def __len__(self) -> int:
        return len(self._hashes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Marks):
            return NotImplemented
        return (self._hashes, self._numbers) == (other._hashes, other._numbers)

    def __hash__(self) -> int:
        return hash((self._hashes.tobytes(), self._numbers.tobytes()))

    def get(self, key: Key) -> Mark | None:
        """The mark of a series, if it has one."""
        place = self._place(_hashed(key))
        return None if place is None else Mark(*self._numbers[_NUMBERS * place : _NUMBERS * (place + 1)])

    def moved(self, further: Mapping[Key, Mark]) -> "Marks":
        """With these marks; series that are not among them stay where they were."""
        if not further:
            return self
        hashed = {_hashed(key): mark for key, mark in further.items()}
        after = self._with_room(hashed)
        for each, mark in hashed.items():
            place = _NUMBERS * bisect_left(after._hashes, each)
            after._numbers[place], after._numbers[place + 1], after._numbers[place + 2] = mark
        return after

    def places_of(self, each: Iterable[Mapping[str, str]]) -> list[int | None]:
        """Where the numbers of the series with each of these labels lie, if it has a mark."""
        # In one go, and without a call for each: every series of every block is looked for.
        hashes = self._hashes
        last, places = len(hashes), list[int | None]()
        for labels in each:
            hashed = hash(frozenset(labels.items()))  # as `_hashed`
            place = bisect_left(hashes, hashed)
            places.append(place if place < last and hashes[place] == hashed else None)
        return places

    def read_on(self) -> "tuple[array[float], list[Source | None], Marks]":
        """For whoever reads on from every mark: a copy of the numbers (first, last, value of each place) to write into,
        what is known of where the series come from, to be added to, and the marks that these two are."""
        numbers = self._numbers[:]
        return numbers, self._sources, Marks(self._hashes, numbers, self._sources)

    def _place(self, hashed: int) -> int | None:
        place = bisect_left(self._hashes, hashed)
        return place if place < len(self._hashes) and self._hashes[place] == hashed else None

    def _with_room(self, hashed: Collection[int]) -> "Marks":
        """The same marks in a copy, with room for those of these hashes."""
        new = set(hashed).difference(self._hashes)
        if not new:
            return Marks(self._hashes, self._numbers[:], self._sources)
        after = Marks(array("q", sorted(new.union(self._hashes))))
        for each in after._hashes:
            place = self._place(each)
            begin = None if place is None else _NUMBERS * place
            after._numbers.extend(_NOTHING if begin is None else self._numbers[begin : begin + _NUMBERS])
            after._sources.append(None if place is None else self._sources[place])
        return after


NO_MARKS = Marks()
"""Of whatever was not counted yet, one for all: half of all selections have no companion."""

_NUMBERS = len(Mark._fields)
_NOTHING = array("d", [0.0] * _NUMBERS)


def _hashed(pairs: Iterable[tuple[str, str]]) -> int:
    """Of labels in whatever order: answers give them as they come."""
    return hash(frozenset(pairs))


@lru_cache(maxsize=256)
def shared(source: Source) -> Source:
    """One copy for all that is counted there: a watch's metrics come from the same few endpoints, in turn."""
    return source


@lru_cache(maxsize=64)
def once(scraper: Scraper) -> Scraper:
    """One copy for all endpoints that it scrapes: there are few scrapers, and all watches remember theirs."""
    return scraper
