"""Long rows of which the newest items are looked at all the time and the older ones hardly ever: those lie packed.

A watch keeps each block that it measured until it ends, since a window may reach back that far and a late baseline has
all of them judged again. As objects they are most of what a thousand watches hold; packed they are a tenth of that.
"""

import io
import pickle
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar, overload

from watchdog.domain.rows import Row

T = TypeVar("T")

TOGETHER = 8
"""Items in one packet: what few have in common is packed many times, and of many all are unpacked for one."""

PAIR = 2
"""Items that are packed at once, until there are enough for a packet: unpacked they take four times the room."""


class Packed(Row[T]):
    """`appended` makes the next one, which shares its packets.

    A slice without a step is another look at the same packets, and costs nothing.
    """

    __slots__ = ("_begin", "_end", "_fresh", "_packets", "_pairs", "_unpacked_from")

    def __init__(
        self,
        packets: tuple[bytes, ...] = (),
        pairs: tuple[bytes, ...] = (),
        fresh: tuple[T, ...] = (),
        begin: int = 0,
        end: int = 0,
    ) -> None:
        self._packets = packets
        self._pairs = pairs
        self._fresh = fresh
        self._begin = begin  # of all items, those before it are no part of the row
        self._end = end
        # Where the items begin that lie in no packet and in no pair.
        self._unpacked_from = TOGETHER * len(packets) + PAIR * len(pairs)

    @property
    def packets(self) -> int:
        """How many packets there are."""
        return len(self._packets)

    def __len__(self) -> int:
        return self._end - self._begin

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, int):  # mostly one of the newest, for which nothing is to be unpacked
            place = index + (self._end if index < 0 else self._begin)
            if self._unpacked_from <= place < self._end and place >= self._begin:
                return self._fresh[place - self._unpacked_from]
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[T]:
        if self._begin >= self._unpacked_from:
            return iter(self._fresh[self._begin - self._unpacked_from : self._end - self._unpacked_from])
        return super().__iter__()

    def _at(self, index: int) -> T:
        item: T
        index += self._begin
        packet, place = divmod(index, TOGETHER)
        if packet < len(self._packets):
            item = _unpacked(self._packets[packet])[place]
            return item
        index -= TOGETHER * len(self._packets)
        pair, place = divmod(index, PAIR)
        if pair < len(self._pairs):
            item = _unpacked(self._pairs[pair])[place]
            return item
        return self._fresh[index - PAIR * len(self._pairs)]

    def _between(self, begin: int, end: int) -> "Packed[T]":
        return Packed(self._packets, self._pairs, self._fresh, self._begin + begin, self._begin + end)

    def _next(self, item: T, keep: int, fresh: int) -> "Packed[T]":
        packets, pairs, newest = self._packets, self._pairs, (*self._fresh, item)
        if len(newest) >= fresh + PAIR:
            pairs, newest = (*pairs, _packed(newest[:PAIR])), newest[PAIR:]
        if len(pairs) * PAIR == TOGETHER:
            packets, pairs = (*packets, _joined(pairs)), ()
        end = self._end + 1
        begin = max(self._begin, end - keep)
        gone = min(begin // TOGETHER, len(packets))
        return Packed(packets[gone:], pairs, newest, begin - gone * TOGETHER, end - gone * TOGETHER)

    @property
    def whole(self) -> bool:
        """Whether it ends with the newest item that it has, and is no slice of an earlier part."""
        return self._end == self._unpacked_from + len(self._fresh)


def appended(items: Sequence[T], item: T, *, keep: int, fresh: int) -> Packed[T]:
    """The row with one item more, and without those before the newest `keep`; at least `fresh` stay unpacked."""
    if isinstance(items, Packed) and items.whole:
        return items._next(item, keep, fresh)
    row: Packed[T] = Packed()
    for one in (*islice(items, max(0, len(items) + 1 - keep), None), item):
        row = row._next(one, keep, fresh)
    return row


def _packed(items: tuple[Any, ...]) -> bytes:
    return zlib.compress(pickle.dumps(items, pickle.HIGHEST_PROTOCOL), 1)


def _joined(packets: tuple[bytes, ...]) -> bytes:
    """One packet of several, one after the other in it: what they have in common goes when that is compressed."""
    return zlib.compress(b"".join(map(zlib.decompress, packets)), 1)


@lru_cache(maxsize=8)
def _unpacked(packet: bytes) -> tuple[Any, ...]:
    text = io.BytesIO(zlib.decompress(packet))
    items: list[Any] = []
    while text.tell() < len(text.getbuffer()):
        # What is unpacked was packed by this very process, and was nowhere else in between.
        items += pickle.load(text)  # noqa: S301
    return tuple(items)
