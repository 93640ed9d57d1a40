"""One after the other: what many watches have to do at the same moment, with timers and sockets served in between."""

import asyncio
from collections import deque


class Turns:
    """Turns on one event loop, in the order in which they were asked for.

    An answer about a hundred targets wakes a hundred watches at once, and the loop runs whoever is awake before it
    looks at a timer or a socket again: all of them together would hold up a lease, a probe's deadline, an act. A turn
    lasts until its holder waits for something else; one is given in each round of the loop. None is given back.
    """

    def __init__(self) -> None:
        self._first: deque[asyncio.Future[None]] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False  # in this round of the loop

    async def mine(self, *, first: bool = False) -> None:
        """Return when it is the caller's turn: at once, if nobody has had one in this round.

        `first`: before all who are not, for whoever is about to act.
        """
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next)
            return
        turn: asyncio.Future[None] = loop.create_future()
        (self._first if first else self._waiting).append(turn)
        await turn

    def _next(self) -> None:
        while self._first or self._waiting:
            turn = (self._first or self._waiting).popleft()
            if not turn.done():  # whoever was cancelled meanwhile wants none
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._taken = False
