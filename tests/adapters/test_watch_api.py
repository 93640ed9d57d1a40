"""The daemon's API as `watchdog wait --api` asks it, and what else may answer at such an address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from adapters.simulated import simulated
from watchdog.adapters.watch_api import WatchApi
from watchdog.ports import OutOfReach


@asynccontextmanager
async def asking(answer: web.Response) -> AsyncIterator[tuple[WatchApi, list[str]]]:
    """An API at an address where everything is answered so; and what was asked."""
    asked: list[str] = []

    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path_qs)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    runner = web.ServerRunner(web.Server(respond))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api = WatchApi(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    try:
        yield api, asked
    finally:
        await api.close()
        await runner.cleanup()


def said(value: Any, status: int = 200) -> web.Response:
    return web.json_response(value, status=status)


@simulated
async def test_a_targets_watches_are_asked_for_by_its_name() -> None:
    async with asking(said([{"watch": "w1"}, "no record"])) as (api, asked):
        assert await api.watches("production/deployment/a") == [{"watch": "w1"}]
        assert asked == ["/api/watches?target=production%2Fdeployment%2Fa"]


@simulated
async def test_a_watch_that_is_not_there_is_none() -> None:
    async with asking(said({"error": "there is no such watch"}, 404)) as (api, _):
        assert await api.watch("w1") is None


@pytest.mark.parametrize(
    "answer",
    [
        said({"error": "the API server does not answer"}, 503),
        web.Response(text="<html>log in</html>", content_type="text/html"),
        web.Response(text="default backend - 404", status=404),
        web.Response(status=302, headers={"Location": "https://login.example"}),
        said({"watches": []}),
    ],
    ids=["503", "a login page", "an ingress without a backend", "a redirect", "another API"],
)
@simulated
async def test_whatever_else_answers_there_is_out_of_reach(answer: web.Response) -> None:
    async with asking(answer) as (api, _):
        with pytest.raises(OutOfReach, match="answers") as caught:
            await api.watches("production/deployment/a")
        assert not caught.value.final  # a daemon that is being replaced looks like that too


@simulated
async def test_nobody_there_is_out_of_reach() -> None:
    api = WatchApi("http://127.0.0.1:9")
    with pytest.raises(OutOfReach, match="does not answer"):
        await api.watch("w1")
    await api.close()
