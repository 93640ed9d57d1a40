"""A loop that ends without leaving behind a connection which one of its servers has only just taken."""

import asyncio
import socket
from typing import Any


class TidyLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop leaves such a connection to the garbage collector, which names whoever runs by then.

    Two moments are meant. A server that is closed between taking a connection and making its transport fails on an
    assertion (`Server._attach`), with the socket open. And what it took just before the loop ends belongs to nobody.
    """

    async def _accept_connection2(
        self, protocol_factory: Any, conn: socket.socket, extra: Any, sslcontext: Any, server: Any, *more: Any
    ) -> None:
        if server is not None and not server.sockets:
            conn.close()
            return
        await super()._accept_connection2(protocol_factory, conn, extra, sslcontext, server, *more)  # type: ignore[misc]

    def close(self) -> None:
        """Close the loop, and what its servers have taken."""
        if not self.is_closed() and not self.is_running() and (taken := self._taken_by_servers()):
            for transport in taken:
                transport.abort()
            self.run_until_complete(asyncio.sleep(0))  # noqa: TID251 - a turn for them to close
        super().close()

    def _taken_by_servers(self) -> list[asyncio.Transport]:
        return [found for found in self._transports.values() if found._server is not None]  # type: ignore[attr-defined]
