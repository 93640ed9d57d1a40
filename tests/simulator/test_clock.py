"""The loop whose time jumps, and what it leaves behind: nothing."""

import asyncio
import gc
import socket

import pytest

from watchdog.simulator.clock import run_simulated


@pytest.mark.filterwarnings("error")
def test_a_connection_that_nobody_closed_before_the_loop_ended_is_closed_with_it() -> None:
    accepted: list[asyncio.BaseTransport] = []
    taken = asyncio.Event()

    class Forgetful(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)
            taken.set()

    async def serve_and_leave(client: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(Forgetful, "127.0.0.1", 0)
        client.connect(server.sockets[0].getsockname())
        await taken.wait()
        server.close()

    with socket.socket() as client:
        run_simulated(serve_and_leave(client))
        gc.collect()
        assert accepted[0].get_extra_info("socket").fileno() == -1
        client.settimeout(5)
        assert client.recv(1) == b""
