"""The events of one watch on their way to it: a queue for one reader, of which a thousand may wait."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Items in the order in which they were put, for one reader.

    `asyncio.Queue` does the same for many writers that wait for room and many readers, and holds four deques of 0.7 KiB
    each for that, were it empty for ever.
    """

    __slots__ = ("_items", "_news")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._news: asyncio.Future[None] | None = None

    def put(self, item: T) -> None:
        """Add one, and wake the reader."""
        self._items.append(item)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def get(self) -> T:
        """The oldest one, once there is one. Cancelled while it waits, it takes none."""
        while not self._items:
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None
        return self._items.pop(0)

    def empty(self) -> bool:
        """Whether there is none at this moment."""
        return not self._items
