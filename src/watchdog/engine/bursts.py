"""What comes while the one before is dealt with, taken up together; and what has to be asked once for all of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 50
"""In one burst: what is written after it must not wait for a thousand."""


async def bursts(source: AsyncIterator[T]) -> AsyncGenerator[list[T]]:
    """All that has come by now, in order, as soon as there is anything; what the source raises is raised.

    The source is read on while a burst is dealt with.
    """
    waiting: asyncio.Queue[T] = asyncio.Queue()

    async def read() -> None:
        async for one in source:
            waiting.put_nowait(one)

    reading = asyncio.create_task(read(), name="read what comes")
    try:
        while True:
            first = asyncio.create_task(waiting.get(), name="wait for what comes")
            try:
                await asyncio.wait({first, reading}, return_when=asyncio.FIRST_COMPLETED)
                if not first.done():
                    reading.result()
                    return
            finally:
                first.cancel()
            burst = [first.result()]
            while len(burst) < MOST and not waiting.empty():
                burst.append(waiting.get_nowait())
            yield burst
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


class Once(Generic[T]):
    """Asks when it is called first, and gives the same answer from then on. Not for several callers at a time."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._answer: list[T] = []

    async def __call__(self) -> T:
        if not self._answer:
            self._answer.append(await self._ask())
        return self._answer[0]
