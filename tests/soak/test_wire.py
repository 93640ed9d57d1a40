"""The wire does what it says, on simulated time: what is late is late, what is broken off is broken off."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from aiohttp import web

from soak.wire import Cut, Fault, HalfOpen, Reorder, Repeat, Reset, Slow, Swallow, Wire
from town import START
from watchdog.simulator.clock import SimulatedClock, run_simulated

BODY = "x" * 2000
EVENTS = [{"type": "ADDED", "object": {"metadata": {"uid": uid}}} for uid in ("a", "b", "c")]


class Server:
    """Answers with `BODY`, or with a chunk of three events; counts the requests."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if "watch" not in request.query:
            return web.Response(text=BODY)
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await asyncio.sleep(1)  # noqa: TID251 - of the simulated loop
        lines = [json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in EVENTS]
        await response.write(b"".join(lines))
        await asyncio.sleep(1)  # noqa: TID251
        return response


Story = Callable[[Wire, Server, httpx.AsyncClient, SimulatedClock], Awaitable[None]]


def wired(story: Story) -> None:
    async def main() -> None:
        server, clock = Server(), SimulatedClock(START)
        app = web.Application()
        app.router.add_get("/", server.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            client = httpx.AsyncClient(trust_env=False, timeout=None)
            async with Wire(clock, "api", f"http://{host}:{port}") as wire, client as session:
                await story(wire, server, session, clock)
        finally:
            await runner.cleanup()

    run_simulated(main())


async def read(session: httpx.AsyncClient, wire: Wire, query: str = "", seconds: float = 30.0) -> str:
    """The whole answer; no second try, as aiohttp would make one."""
    async with asyncio.timeout(seconds):
        return (await session.get(wire.url + "/" + query)).text


def test_without_a_fault_everything_passes_unchanged() -> None:
    async def story(wire: Wire, server: Server, session: httpx.AsyncClient, _clock: SimulatedClock) -> None:
        assert await read(session, wire) == BODY
        assert [json.loads(line) for line in (await read(session, wire, "?watch=true")).splitlines()] == EVENTS
        assert server.asked == 2
        assert not wire.struck

    wired(story)


@pytest.mark.parametrize(
    ("fault", "error", "asked"),
    [
        (Reset(300), httpx.TransportError, 1),
        (Cut(300), httpx.TransportError, 1),
        (HalfOpen(300), TimeoutError, 1),
        (Swallow(), httpx.TransportError, 0),
    ],
    ids=["reset", "cut", "half-open", "swallowed"],
)
def test_a_spoiled_answer_never_arrives_whole_and_the_next_one_does(
    fault: Fault, error: type[Exception], asked: int
) -> None:
    async def story(wire: Wire, server: Server, session: httpx.AsyncClient, _clock: SimulatedClock) -> None:
        wire.next(fault)
        with pytest.raises(error):
            await read(session, wire)
        assert server.asked == asked
        assert await read(session, wire) == BODY
        assert sum(wire.struck.values()) == 1

    wired(story)


def test_a_slow_answer_takes_its_simulated_seconds() -> None:
    async def story(wire: Wire, _server: Server, session: httpx.AsyncClient, clock: SimulatedClock) -> None:
        wire.next(Slow(4.0))
        began = clock.monotonic()
        assert await read(session, wire) == BODY
        assert clock.monotonic() - began >= 4.0

    wired(story)


@pytest.mark.parametrize(
    ("fault", "uids"), [(Reorder(), ["b", "a", "c"]), (Repeat(), ["a", "b", "a", "c"])], ids=["reordered", "repeated"]
)
def test_events_of_a_watch_come_in_another_order_or_twice(fault: Fault, uids: list[str]) -> None:
    async def story(wire: Wire, _server: Server, session: httpx.AsyncClient, _clock: SimulatedClock) -> None:
        wire.next(fault)
        assert await read(session, wire) == BODY  # no watch: the fault waits for one
        told = [json.loads(line) for line in (await read(session, wire, "?watch=true")).splitlines()]
        assert [event["object"]["metadata"]["uid"] for event in told] == uids

    wired(story)


def test_whoever_connects_is_refused_for_a_while_and_a_partition_says_nothing() -> None:
    async def story(wire: Wire, server: Server, session: httpx.AsyncClient, clock: SimulatedClock) -> None:
        wire.refuse(5.0)
        with pytest.raises(httpx.TransportError):
            await read(session, wire)
        await clock.sleep(6)
        assert await read(session, wire) == BODY
        wire.part(20.0)
        with pytest.raises(TimeoutError):
            await read(session, wire, seconds=10.0)
        await clock.sleep(11)
        assert await read(session, wire) == BODY
        assert server.asked == 2

    wired(story)


def test_no_connection_outlives_its_client() -> None:
    async def story(wire: Wire, _server: Server, session: httpx.AsyncClient, clock: SimulatedClock) -> None:
        for fault in (HalfOpen(300), Reset(0), Cut(0)):
            wire.next(fault)
            with pytest.raises((httpx.TransportError, TimeoutError)):
                await read(session, wire)
        await session.aclose()
        await clock.sleep(1)
        assert wire.open == 0

    wired(story)
