"""Who does not read delays nobody, is let go after a bound, and costs no more than a few kilobytes until then."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import aiohttp

from adapters.simulated import simulated
from adapters.web.pages.records import a_record
from adapters.web.test_server import serving
from adapters.web.test_site import FakeView
from adapters.web.test_site import serving as serving_pages
from builders import at
from watchdog.adapters.web.pages import Filter, Health, Overview, status_page

LARGE = b"x" * 20_000_000  # more than any kernel keeps


async def deaf(url: str, path: str) -> socket.socket:
    """A connection that asks and never reads."""
    host, _, port = url.removeprefix("http://").partition(":")
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one.setblocking(False)
    await asyncio.get_running_loop().sock_connect(one, (host, int(port)))
    await asyncio.get_running_loop().sock_sendall(one, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return one


async def until_its_end(one: socket.socket) -> int:
    """How many bytes still come until the other side has ended the connection."""
    count = 0
    with suppress(ConnectionResetError):
        while chunk := await asyncio.get_running_loop().sock_recv(one, 1 << 20):
            count += len(chunk)
    return count


@simulated
async def test_an_answer_that_nobody_takes_is_cut_and_delays_nobody() -> None:
    async with serving(metrics=lambda: [LARGE]) as (server, session), AsyncExitStack() as stack:
        one = stack.enter_context(await deaf(server.url, "/metrics"))
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        assert loop.time() - began < 1.0
        await asyncio.sleep(40)  # noqa: TID251 - simulated time
        assert await until_its_end(one) < len(LARGE)


@simulated
async def test_an_answer_that_is_taken_slowly_but_in_time_comes_whole() -> None:
    async with serving(metrics=lambda: [LARGE]) as (server, _), AsyncExitStack() as stack:
        one = stack.enter_context(await deaf(server.url, "/metrics"))
        await asyncio.sleep(20)  # noqa: TID251 - simulated time
        count = 0
        while count < len(LARGE):
            count += len(await asyncio.get_running_loop().sock_recv(one, 1 << 20))


async def numbers(session: aiohttp.ClientSession, seen: list[int]) -> None:
    async with session.get("/events", timeout=aiohttp.ClientTimeout(total=None)) as stream:
        while line := await stream.content.readline():
            if line.startswith(b"data: "):
                seen.append(int(line.removeprefix(b"data: ")))


@simulated
async def test_a_viewer_who_does_not_read_is_dropped_and_the_others_get_their_news() -> None:
    async with serving_pages() as (session, news), AsyncExitStack() as stack:
        one = stack.enter_context(await deaf(str(session._base_url).rstrip("/"), "/events"))
        seen: list[int] = []
        reading = asyncio.create_task(numbers(session, seen))
        await asyncio.sleep(1)  # noqa: TID251 - simulated time
        assert news.viewers == 2
        told = 0
        while news.viewers == 2:
            assert told < 5000, "he is kept for ever"
            news.tell()
            told += 1
            await asyncio.sleep(2)  # noqa: TID251 - simulated time
        assert news.viewers == 1
        assert seen == list(range(1, told + 1))
        await until_its_end(one)
        reading.cancel()


@simulated
async def test_the_more_look_the_longer_changes_are_gathered() -> None:
    async def waited(viewers: int) -> float:
        async with serving_pages() as (session, news):
            streams = [await session.get("/events") for _ in range(viewers)]
            for stream in streams:
                await stream.content.readuntil(b"\n\n")
            began = asyncio.get_running_loop().time()
            news.tell()
            await asyncio.gather(*(stream.content.readuntil(b"\n\n") for stream in streams))
            for stream in streams:
                stream.close()
            return asyncio.get_running_loop().time() - began

    assert await waited(1) < 2.0
    assert 2.0 < await waited(80) < 5.0


def page_of(count: int) -> tuple[str, Sequence[str]]:
    records = [a_record(watch=f"w{index}", target=f"n{index}/deployment/service") for index in range(count)]
    ended = [{**one, "outcome": "held", "ended_at": at(60).isoformat()} for one in records[:200]]
    return status_page(Overview(records, ended, Health(), at(60)), Filter()), [str(one["watch"]) for one in records]


def test_a_thousand_open_watches_make_no_page_that_cannot_be_loaded() -> None:
    text, _ = page_of(1000)
    assert len(text.encode()) < 300_000
    assert "788 more are open" in text
    text, watches = page_of(100)
    assert len(text.encode()) < 150_000
    assert all(f'href="/watches/{watch}"' in text for watch in watches)


@simulated
async def test_a_page_is_packed_for_whoever_can_unpack_it() -> None:
    view = FakeView()
    async with serving_pages(view) as (session, _):
        async with session.get("/", headers={"Accept-Encoding": "identity"}) as plain:
            assert "Content-Encoding" not in plain.headers
            text = await plain.text()
        async with session.get("/", headers={"Accept-Encoding": "gzip"}) as packed:
            assert packed.headers["Content-Encoding"] == "gzip"
            assert packed.headers["Vary"] == "Accept-Encoding"
            assert int(packed.headers["Content-Length"]) < len(text) / 2
            assert await packed.text() == text
