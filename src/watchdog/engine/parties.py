"""A room for so many at once: who comes while it is full goes in with the next party, all of that together."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Parties:
    """For work that is done best together and takes much room for each: the next begin when all of the last are done.

    A semaphore would let in one for each that leaves, and what each asks would go out alone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def inside(self) -> AsyncIterator[None]:
        """In the order in which they came."""
        if self._inside < self._most and not self._waiting:
            self._inside += 1
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # let in and cancelled in the same moment
                    self._left()
                raise
        try:
            yield
        finally:
            self._left()

    def _left(self) -> None:
        self._inside -= 1
        while not self._inside and self._waiting:
            for _ in range(min(self._most, len(self._waiting))):
                turn = self._waiting.popleft()
                if not turn.done():  # whoever was cancelled meanwhile
                    turn.set_result(None)
                    self._inside += 1
