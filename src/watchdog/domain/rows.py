"""Rows that lie otherwise in memory than as one object an item, and read like the tuples of the same items."""

from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class Row(Sequence[T]):
    """A row that never changes, whose items are made when they are asked for: equal to any row of equal items."""

    __slots__ = ()

    def _at(self, index: int) -> T:
        """The item of an index from 0 on that is within the row."""
        raise NotImplementedError

    def _between(self, begin: int, end: int) -> Sequence[T]:
        """The items from `begin` on and before `end`, which are within the row and in order."""
        return tuple(self._at(index) for index in range(begin, end))

    def __iter__(self) -> Iterator[T]:
        return map(self._at, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            begin, end, step = index.indices(len(self))
            return self._between(begin, max(begin, end)) if step == 1 else tuple(self)[index]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._at(index % len(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row | tuple | list):
            return NotImplemented
        return len(self) == len(other) and all(one == another for one, another in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))
