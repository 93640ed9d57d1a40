"""Server-sent events: they say that there is news, never what; the page is then asked for again."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from watchdog.adapters.web.connections import Connection

MOST = 200
"""Viewers at a time; further ones see the page without it being live."""

_SETTLE = 1.5  # seconds from a change to its news: more may follow at once, and what is shown is a second old at most
_EACH = 0.02  # seconds more for each viewer: a hundred of them ask for the page every few seconds, not at every change
_QUIET = 15.0  # seconds after which a sign of life is sent: proxies keep the connection, and the page knows it is live
_PATIENCE = 5.0  # seconds that a viewer has to take what is sent
_UNREAD = 4096  # bytes that the kernel keeps for one who does not read, before his patience begins to run


class News:
    """Tells viewers that something changed. Telling costs nothing where nobody looks, and waits for nobody."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._number = 0
        self._closing = asyncio.Event()
        self._viewers = 0

    @property
    def viewers(self) -> int:
        """How many look on."""
        return self._viewers

    def tell(self) -> None:
        """Something changed."""
        self._number += 1
        self._wake()

    def close(self) -> None:
        """Let every viewer go, so that the server can end."""
        self._closing.set()
        self._wake()

    def _wake(self) -> None:
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The stream of one viewer; ends when he leaves, does not take what is sent, or the server ends."""
        if self._viewers >= MOST or self._closing.is_set():
            return web.Response(status=503, text="too many viewers; reload the page instead\n")
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        self._viewers += 1
        try:
            await answer.prepare(request)
            _keep_little(request)
            async with _while_connected(request):
                with suppress(ConnectionError):
                    await self._stream(answer)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # a proper end would wait for him as well
        finally:
            self._viewers -= 1
        return answer

    async def _stream(self, answer: web.StreamResponse) -> None:
        await _send(answer, "retry: 5000\n\n")
        seen = self._number
        while await self._go_on(seen):
            news = seen != self._number
            if news:
                await self._settle()
            seen = self._number
            await _send(answer, f"event: {'news' if news else 'quiet'}\ndata: {seen}\n\n")

    async def _go_on(self, seen: int) -> bool:
        """Wait for news, for a while; False where the server ends."""
        if seen == self._number and not self._closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_QUIET):
                    await self._changed.wait()
        return not self._closing.is_set()

    async def _settle(self) -> None:
        """Let what changes together come together, unless the server ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE + _EACH * self._viewers):
                await self._closing.wait()


@asynccontextmanager
async def _while_connected(request: web.Request) -> AsyncIterator[None]:
    """Raises TimeoutError within as soon as the viewer has left: his place is another's, before there is news."""
    async with asyncio.timeout(None) as stay:
        connection = request.protocol
        if isinstance(connection, Connection):
            connection.when_lost = lambda: stay.reschedule(0.0)
        try:
            yield
        finally:
            if isinstance(connection, Connection):
                connection.when_lost = None


def _keep_little(request: web.Request) -> None:
    """What a viewer does not read is not piled up for him."""
    if request.transport is None:
        return
    request.transport.set_write_buffer_limits(0)
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD)


async def _send(answer: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        await answer.write(text.encode())
