"""The loop whose time jumps, and what it leaves behind: nothing."""

import asyncio
import gc
import socket
import sys

import pytest

from watchdog.simulator.clock import SimulatedLoop, run_simulated
from watchdog.simulator.loop import TidyLoop


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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("loop", [TidyLoop, SimulatedLoop])
def test_a_connection_on_its_way_into_a_server_that_is_closed_is_closed_too(
    turns: int, loop: type[asyncio.SelectorEventLoop]
) -> None:
    async def serve_and_leave(client: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        client.connect(server.sockets[0].getsockname())
        for _ in range(turns):
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop
        server.close()

    unclosed: list[str] = []
    with socket.socket() as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", lambda told: unclosed.append(str(told.exc_value)))
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(serve_and_leave(client))
        gc.collect()
    assert unclosed == []
