"""The pages over real sockets: addresses, headers, live news; and that nothing can be changed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from adapters.simulated import simulated
from adapters.web.pages.markup_reading import read
from adapters.web.pages.records import a_record, an_ended
from builders import at
from watchdog.adapters.web import News, Site, WebServer
from watchdog.adapters.web.pages import Health, Overview, Setting
from watchdog.ports import OutOfReach


class FakeView:
    """A view that says what a test wants, and counts how often it is asked."""

    def __init__(self) -> None:
        self.shown = Overview([a_record(watch="w1")], [an_ended("w2", "held")], Health(), at(60))
        self.away = False

    async def overview(self) -> Overview:
        if self.away:
            raise OutOfReach("the API server <does> not answer")
        return self.shown

    async def record(self, watch_id: str) -> Mapping[str, Any] | None:
        await self.overview()
        return next((one for one in (*self.shown.open, *self.shown.ended) if one["watch"] == watch_id), None)

    async def setting(self) -> Setting:
        return Setting(at(60), Health())


async def nothing(*_: Any) -> Any:
    return None


@asynccontextmanager
async def serving(view: FakeView | None = None) -> AsyncIterator[tuple[aiohttp.ClientSession, News]]:
    news = News()
    server = WebServer(
        "127.0.0.1", 0, ready=lambda: (True, []), metrics=lambda: (), watches=nothing, watch=nothing,
        site=Site(view or FakeView(), news),
    )  # fmt: skip
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as session:
            yield session, news
    finally:
        await server.stop()


@simulated
async def test_a_page_with_its_stylesheet_and_script_comes_from_here_alone() -> None:
    async with serving() as (session, _):
        async with session.get("/") as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
            policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
            shown = read(await answer.text())
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        links = [one.attributes["href"] for one in shown.tags("link")]
        paths = [*links, *(one.attributes["src"] for one in shown.tags("script"))]
        assert len(paths) == 3
        for path in paths:
            async with session.get(path) as answer:
                assert answer.status == 200
                assert "immutable" in answer.headers["Cache-Control"]
                assert await answer.text()


@simulated
async def test_every_link_of_the_page_leads_somewhere() -> None:
    async with serving() as (session, _):
        async with session.get("/") as answer:
            links = {one.attributes["href"] for one in read(await answer.text()).tags("a")}
        assert {"/watches/w1", "/watches/w2"} < links
        for link in links - {"#main"}:
            async with session.get(link) as answer:
                assert answer.status == 200, link
                read(await answer.text())


@simulated
async def test_filters_are_query_parameters() -> None:
    async with serving() as (session, _):
        async with session.get("/", params={"outcome": "held", "namespace": "production"}) as answer:
            text = await answer.text()
        assert "/watches/w2" in text
        assert "/watches/w1" not in text


@simulated
async def test_a_watch_that_is_not_there_and_a_cluster_that_is_away_are_said_in_a_page() -> None:
    view = FakeView()
    async with serving(view) as (session, _):
        for path in ("/watches/none", "/watches/%2e%2e%2fetc", "/watches/" + "x" * 300):
            async with session.get(path) as answer:
                assert answer.status == 404, path
                assert "There is no such watch" in read(await answer.text()).by_id("main").words
        view.away = True
        for path in ("/", "/watches/w1"):
            async with session.get(path) as answer:
                assert answer.status == 503
                assert "the API server <does> not answer" in read(await answer.text()).by_id("main").words


@simulated
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_can_be_changed(method: str) -> None:
    async with serving() as (session, _):
        for path in ("/", "/watches/w1", "/events"):
            async with session.request(method, path, data=b"x") as answer:
                assert answer.status == 405, (method, path)


@simulated
async def test_a_viewer_is_told_of_news_and_gets_a_sign_of_life_where_there_is_none() -> None:
    async with serving() as (session, news), session.get("/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readuntil(b"\n\n") == b"retry: 5000\n\n"
        for _ in range(50):
            news.tell()
        assert await stream.content.readuntil(b"\n\n") == b"event: news\ndata: 50\n\n"
        news.tell()
        assert await stream.content.readuntil(b"\n\n") == b"event: news\ndata: 51\n\n"
        assert await stream.content.readuntil(b"\n\n") == b"event: quiet\ndata: 51\n\n"


@simulated
async def test_viewers_do_not_keep_the_server_from_ending() -> None:
    loop = asyncio.get_running_loop()
    async with serving() as (session, _):
        stream = await session.get("/events")
        await stream.content.readuntil(b"\n\n")
        began = loop.time()
    assert loop.time() - began < 1.0
    stream.close()


@simulated
async def test_viewers_beyond_the_most_see_the_page_without_it_being_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchdog.adapters.web.news.MOST", 1)
    async with serving() as (session, _):
        first = await session.get("/events")
        async with session.get("/events") as second:
            assert second.status == 503
        first.close()
        async with session.get("/") as answer:
            assert answer.status == 200


@simulated
async def test_a_viewer_who_leaves_makes_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchdog.adapters.web.news.MOST", 1)
    async with serving() as (session, news):
        first = await session.get("/events")
        await first.content.readuntil(b"\n\n")
        first.close()
        await asyncio.sleep(0.5)  # noqa: TID251 - simulated time
        assert news.viewers == 0
        async with session.get("/events") as second:
            assert second.status == 200
