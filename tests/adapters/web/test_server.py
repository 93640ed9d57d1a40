"""WebServer over real sockets, on simulated time."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from adapters.simulated import simulated
from watchdog.adapters.web import CannotListen, Metrics, WebServer
from watchdog.adapters.web.connections import HEADERS
from watchdog.ports import OutOfReach

WATCH = {"id": "w1", "outcome": "passed"}


async def two_watches() -> Sequence[Mapping[str, Any]]:
    return [WATCH, {"id": "w2", "value": float("nan"), "by": "<script>\u2028"}]


async def by_id(watch_id: str) -> Mapping[str, Any] | None:
    if watch_id == "broken":
        raise RuntimeError("CANARY")
    if watch_id == "away":
        raise OutOfReach("the API server does not answer")
    return WATCH if watch_id == "w1" else None


def a_server(**changes: Any) -> WebServer:
    options: dict[str, Any] = {
        "ready": lambda: (True, ["leader"]),
        "metrics": lambda: [b"up 1\n"],
        "watches": two_watches,
        "watch": by_id,
    }
    return WebServer("127.0.0.1", 0, **options | changes)


@asynccontextmanager
async def serving(**changes: Any) -> AsyncIterator[tuple[WebServer, aiohttp.ClientSession]]:
    server = a_server(**changes)
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as session:
            yield server, session
    finally:
        await server.stop()


async def said(server: WebServer, raw: bytes) -> bytes:
    """What the server answers to these bytes, until it closes."""
    port = int(server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    try:
        return await asyncio.wait_for(reader.read(), 100)
    finally:
        writer.close()
        await writer.wait_closed()


@simulated
async def test_healthz_answers_while_the_loop_ticks() -> None:
    async with serving() as (_, session), session.get("/healthz") as answer:
        assert (answer.status, await answer.text()) == (200, "ok\n")


@pytest.mark.parametrize(
    ("state", "status", "text"),
    [
        ((True, ["leader"]), 200, "ready\nleader\n"),
        ((False, ["deployments not listed yet", "no rules"]), 503, "not ready\ndeployments not listed yet\nno rules\n"),
    ],
)
@simulated
async def test_readyz_says_why(state: tuple[bool, list[str]], status: int, text: str) -> None:
    async with serving(ready=lambda: state) as (_, session), session.get("/readyz") as answer:
        assert (answer.status, await answer.text()) == (status, text)


@simulated
async def test_metrics_are_in_prometheus_s_text_format() -> None:
    async with serving(metrics=Metrics().text) as (_, session), session.get("/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "watchdog_watches_open 0.0\n" in await answer.text()


ASKED_BY_PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (ASKED_BY_PROMETHEUS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (
            "Application/OpenMetrics-Text; version=nonsense",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        ("text/html,*/*", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
@simulated
async def test_metrics_are_openmetrics_for_whoever_asks_for_it(accept: str, kind: str) -> None:
    metrics = Metrics()
    metrics.rollback("rollout", "done", "gateway-20260301t120000-0a1b2c3d")
    async with (
        serving(metrics=metrics.text, openmetrics=metrics.openmetrics) as (_, session),
        session.get("/metrics", headers={"Accept": accept}) as answer,
    ):
        assert answer.headers["Content-Type"] == kind
        text = await answer.text()
    exact = "openmetrics" in kind
    assert text.endswith("# EOF\n") is exact
    assert ('# {watch="gateway-20260301t120000-0a1b2c3d"} 1.0' in text) is exact


@simulated
async def test_watches_are_listed_as_json_that_any_parser_takes() -> None:
    async with serving() as (_, session), session.get("/api/watches") as answer:
        assert answer.content_type == "application/json"
        text = await answer.text()
    assert json.loads(text, parse_constant=pytest.fail) == [
        WATCH,
        {"id": "w2", "value": "NaN", "by": "<script>\u2028"},
    ]


@pytest.mark.parametrize(
    ("path", "status", "document"),
    [
        ("/api/watches/w1", 200, WATCH),
        ("/api/watches/nothing", 404, {"error": "there is no such watch"}),
        ("/api/watches/..%2f..%2fetc", 404, {"error": "there is no such watch"}),
        ("/api/watches/away", 503, {"error": "the API server does not answer"}),
    ],
)
@simulated
async def test_one_watch_is_found_missing_or_out_of_reach(path: str, status: int, document: Any) -> None:
    async with serving() as (_, session), session.get(path) as answer:
        assert (answer.status, await answer.json()) == (status, document)


@simulated
async def test_a_list_out_of_reach_is_said_so() -> None:
    async def away() -> Sequence[Mapping[str, Any]]:
        raise OutOfReach("the API server does not answer")

    async with serving(watches=away) as (_, session), session.get("/api/watches") as answer:
        assert (answer.status, await answer.json()) == (503, {"error": "the API server does not answer"})


@pytest.mark.parametrize("path", ["/nothing", "/favicon.ico", "/api", "/metrics/", "/../../etc/passwd"])
@simulated
async def test_what_is_not_there_names_what_is(path: str) -> None:
    async with serving() as (_, session), session.get(path) as answer:
        assert (answer.status, await answer.text()) == (
            404,
            "nothing here; there are /, /watches/ID, /healthz, /readyz, /metrics, /api/watches, /api/watches/ID\n",
        )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@simulated
async def test_only_get_and_head_are_allowed(method: str) -> None:
    async with serving() as (_, session), session.request(method, "/api/watches", data=b"x" * 10_000) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@simulated
async def test_head_answers_without_a_body() -> None:
    async with serving() as (_, session), session.head("/healthz") as answer:
        assert (answer.status, await answer.text()) == (200, "")


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/api/watches", "/nothing", "/api/watches/broken"])
@simulated
async def test_every_answer_is_closed_to_browsers_and_names_no_software(path: str) -> None:
    async with serving() as (_, session), session.get(path) as answer:
        assert "Server" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


@simulated
async def test_what_goes_wrong_inside_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as (_, session), session.get("/api/watches/broken") as answer:
        assert (answer.status, await answer.text()) == (500, "failed; the log says why\n")
    assert "CANARY" in caplog.text


@simulated
async def test_a_get_with_a_body_is_refused_and_its_connection_closed() -> None:
    async with serving() as (server, _):
        answer = await said(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: <script>\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["long line", "long header", "just too long", "many headers", "no length", "TLS"],
)
@simulated
async def test_what_is_too_large_or_no_http_is_400_names_no_software_and_fills_no_log(
    raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as (server, _):
        answer = await said(server, raw)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert "Server" not in headers
    assert HEADERS.items() <= headers.items()
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert body == b"this is no request, or has a line or header of more than 8190 bytes\n"
    assert not caplog.records


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"405"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nConnection: close\r\n\r\n", b"417"),
    ],
    ids=["CONNECT to a path", "CONNECT to a host", "POST to nowhere", "an expectation"],
)
@simulated
async def test_what_no_handler_is_for_is_refused_as_everything_else(raw: bytes, status: bytes) -> None:
    async with serving() as (server, _):
        answer = await said(server, raw)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nServer:" not in answer
    assert b"\r\nX-Frame-Options: DENY" in answer


@simulated
async def test_a_port_in_use_is_one_clear_error() -> None:
    async with serving() as (server, _):
        port = int(server.url.rpartition(":")[2])
        second = WebServer(
            "127.0.0.1", port, ready=lambda: (True, []), metrics=lambda: (), watches=two_watches, watch=by_id
        )
        with pytest.raises(CannotListen, match=f"^cannot listen on 127.0.0.1:{port}: another process listens there$"):
            await second.start()
        await second.stop()


@pytest.mark.parametrize(
    ("host", "said"),
    [("192.0.2.1", "cannot listen on 192.0.2.1:0: "), ("no.such.invalid", "cannot listen on no.such.")],
)
@simulated
async def test_an_address_that_is_not_ours_is_one_clear_error(host: str, said: str) -> None:
    server = WebServer(host, 0, ready=lambda: (True, []), metrics=lambda: (), watches=two_watches, watch=by_id)
    with pytest.raises(CannotListen, match=said):
        await server.start()


@simulated
async def test_its_url_is_one_that_can_be_asked() -> None:
    for host in ("0.0.0.0", "::1", "::"):
        server = WebServer(host, 0, ready=lambda: (True, []), metrics=lambda: (), watches=two_watches, watch=by_id)
        with pytest.raises(RuntimeError):
            _ = server.url
        await server.start()
        async with aiohttp.ClientSession() as session, session.get(f"{server.url}/healthz") as answer:
            assert answer.status == 200
        await server.stop()


@simulated
async def test_stopping_does_not_wait_for_a_request_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    async def never(_: str) -> Mapping[str, Any] | None:
        await asyncio.Event().wait()
        return None

    server = a_server(watch=never)
    await server.start()
    async with aiohttp.ClientSession() as session:
        asking = asyncio.create_task(session.get(f"{server.url}/api/watches/w1"))
        await asyncio.sleep(0.1)  # noqa: TID251 - simulated time, until the request is under way
        began = asyncio.get_running_loop().time()
        await server.stop()
        assert asyncio.get_running_loop().time() - began < 3
        with pytest.raises(aiohttp.ClientError):
            await asking


@simulated
async def test_the_watches_of_one_target_are_told_with_those_that_have_ended() -> None:
    async def of_target(target: str) -> Sequence[Mapping[str, Any]]:
        if target == "away":
            raise OutOfReach("the API server does not answer")
        return [{"id": "w0", "target": target}]

    async with serving(of_target=of_target) as (_, session):
        async with session.get("/api/watches", params={"target": "production/deployment/research"}) as answer:
            assert await answer.json() == [{"id": "w0", "target": "production/deployment/research"}]
        async with session.get("/api/watches", params={"target": "away"}) as answer:
            assert (answer.status, await answer.json()) == (503, {"error": "the API server does not answer"})
        async with session.get("/api/watches") as answer:
            assert [one["id"] for one in await answer.json()] == ["w1", "w2"]
