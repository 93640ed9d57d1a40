"""How far the series of a counter have been counted: all that is remembered of each, for as long as a watch lasts."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Key = tuple[tuple[str, str], ...]
"""A series' labels, in order."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a series has been counted: its first time, its last time and its value then."""

    first: float
    last: float
    value: float


class Marks:
    """How far each series of a selection was counted; never changes, `moved` makes the next ones.

    A thousand watches keep a hundred series each for all their lives: so their numbers lie in one array, in the order
    of a second one, which has of each key its hash alone. Of 64 bits, two of a watch's are the same once in 10^15
    watches, and then one of those two series begins where the other one stands.
    """

    __slots__ = ("_hashes", "_numbers")

    def __init__(self, hashes: "array[int] | None" = None, numbers: "array[float] | None" = None) -> None:
        self._hashes = array("q") if hashes is None else hashes
        self._numbers = array("d") if numbers is None else numbers

    def __len__(self) -> int:
        return len(self._hashes)

    def get(self, key: Key) -> Mark | None:
        """The mark of a series, if it has one."""
        hashed = hash(key)
        place = bisect_left(self._hashes, hashed)
        if place == len(self._hashes) or self._hashes[place] != hashed:
            return None
        return Mark(*self._numbers[_NUMBERS * place : _NUMBERS * (place + 1)])

    def moved(self, further: Mapping[Key, Mark]) -> "Marks":
        """With these marks; series that are not among them stay where they were."""
        if not further:
            return self
        hashed = {hash(key): mark for key, mark in further.items()}
        hashes, numbers = self._with_room(hashed)
        for each, mark in hashed.items():
            place = _NUMBERS * bisect_left(hashes, each)
            numbers[place], numbers[place + 1], numbers[place + 2] = mark.first, mark.last, mark.value
        return Marks(hashes, numbers)

    def _with_room(self, hashed: Iterable[int]) -> "tuple[array[int], array[float]]":
        """The hashes with these among them, and a copy of the numbers with room for theirs."""
        new = set(hashed).difference(self._hashes)
        if not new:
            return self._hashes, self._numbers[:]
        hashes, numbers = array("q", sorted(new.union(self._hashes))), array("d")
        places = {each: _NUMBERS * place for place, each in enumerate(self._hashes)}
        for each in hashes:
            place = places.get(each)
            numbers.extend(_NOTHING if place is None else self._numbers[place : place + _NUMBERS])
        return hashes, numbers


_NUMBERS = 3  # of a mark
_NOTHING = array("d", [0.0] * _NUMBERS)
