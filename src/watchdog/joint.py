"""One read for all who want the same at a time: of a hundred that act at once each looks at the brakes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from watchdog.ports import OutOfReach

T = TypeVar("T")


async def _at_once() -> None:
    """Without a rest."""


class Joint(Generic[T]):
    """Whoever asks gets what a read brought that began after the asking, so it is as new as one of its own.

    A read that is under way is somebody else's and older: who asks meanwhile waits for the next one, with all others.
    Where it fails (`failures`), it fails for each of them; where who reads is cancelled, the next of them reads. `rest`
    is waited for before each read; it is for those as well who ask in that time.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        *failures: type[Exception],
        rest: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self._read = read
        self._failures: tuple[type[Exception], ...] = (OutOfReach, *failures)
        self._rest = rest
        self._reading = asyncio.Lock()
        self._next: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """What it reads. Raises `OutOfReach` or one of the `failures`."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        mine = self._next
        async with self._reading:
            if not mine.done():
                await self._rest()
                if self._next is mine:
                    self._next = None  # it begins: who asks from here on is one of the next
                try:
                    mine.set_result(await self._read())
                except self._failures as error:
                    mine.set_exception(error)
        return await mine
