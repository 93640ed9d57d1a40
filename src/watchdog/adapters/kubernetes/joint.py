"""One read for all who want the same at a time: of a hundred that act at once each looks at the brakes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.ports import OutOfReach

T = TypeVar("T")


class Joint(Generic[T]):
    """Whoever asks gets what a read brought that began after the asking, so it is as new as one of its own.

    A read that is under way is somebody else's and older: who asks meanwhile waits for the next one, with all others.
    Where it fails, it fails for each of them; where who reads is cancelled, the next of them reads.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._reading = asyncio.Lock()
        self._next: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """What it reads. Raises `ApiError` or `OutOfReach`."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        mine = self._next
        async with self._reading:
            if not mine.done():
                if self._next is mine:
                    self._next = None  # it begins: who asks from here on is one of the next
                try:
                    mine.set_result(await self._read())
                except (ApiError, OutOfReach) as error:
                    mine.set_exception(error)
        return await mine
