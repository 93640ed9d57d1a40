"""The live client against a server that answers as Prometheus does, and in every way in which it does not."""

import asyncio
import json
import os
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import inf, isnan
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from serving import listening
from watchdog.adapters.prometheus.dialects import AS_OF_NOW, extra_of
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.adapters.prometheus.shown import Asked, Mounted, Resolved
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series
from watchdog.simulator.clock import run_simulated

AT = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
TOKEN = "very-secret-token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler):
    """A server on loopback that answers every request with `handler`."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with listening(application) as port:
        yield f"http://127.0.0.1:{port}"


def asked(
    handler: Handler,
    *,
    deadline: float = 5.0,
    query: str = "up",
    path: str = "",
    range_step: float | None = None,
    **options: Any,
) -> Answer | QueryFailed:
    """The outcome of one question to a server that does as `handler` says, in simulated time."""

    async def main() -> Answer | QueryFailed:
        async with serving(handler) as url:
            prometheus = LivePrometheus(url + path, **options)
            try:
                if range_step is not None:
                    return await prometheus.query_range(query, AT, AT, range_step, deadline=deadline)
                return await prometheus.query(query, AT, deadline=deadline)
            finally:
                await prometheus.close()

    return run_simulated(main())


def replying(body: str | bytes | dict[str, Any], status: int = 200, content_type: str = "application/json") -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        raw = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
        return web.Response(body=raw, status=status, content_type=content_type)

    return handler


def success(kind: str, result: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def failed(outcome: Answer | QueryFailed, reason: FailureReason) -> str:
    assert isinstance(outcome, QueryFailed), outcome
    assert outcome.reason is reason
    assert outcome.query
    return outcome.detail


# -- answers


def test_a_vector_is_series_of_one_sample() -> None:
    outcome = asked(replying(success("vector", [{"metric": {"pod": "a"}, "value": [1.5, "2"]}])))
    assert outcome == Answer("up", (Series({"pod": "a"}, ((1.5, 2.0),)),))


def test_a_matrix_is_raw_samples() -> None:
    outcome = asked(replying(success("matrix", [{"metric": {}, "values": [[1, "2"], [2.5, "+Inf"]]}])))
    assert outcome == Answer("up", (Series({}, ((1.0, 2.0), (2.5, inf))),))


def test_a_scalar_is_one_series_without_labels() -> None:
    assert asked(replying(success("scalar", [7, "1"]))) == Answer("up", (Series({}, ((7.0, 1.0),)),))


def test_an_empty_answer_is_an_answer() -> None:
    assert asked(replying(success("vector", []))) == Answer("up", ())


def test_not_a_number_is_handed_on() -> None:
    outcome = asked(replying(success("vector", [{"metric": {}, "value": [1, "NaN"]}])))
    assert isinstance(outcome, Answer)
    assert isnan(outcome.series[0].samples[0][1])


def test_infos_are_no_warnings() -> None:
    assert isinstance(asked(replying(success("vector", [], infos=["metric might not be a counter"]))), Answer)


def test_the_question_is_a_form_with_its_time() -> None:
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, dict(request.query), dict(await request.post()), request.headers))
        return web.json_response(success("matrix", []))

    asked(handler, query='a{b="c"}', path="/prometheus/", shown=Resolved({"X-Scope-OrgID": "tenant-1"}, str))
    asked(handler, range_step=15.0)
    method, path, parameters, form, headers = seen[0]
    assert (method, path, parameters) == ("POST", "/prometheus/api/v1/query", {})
    assert form == {"query": 'a{b="c"}', "time": f"{AT.timestamp():.3f}", **AS_OF_NOW}
    assert headers["X-Scope-OrgID"] == "tenant-1"
    assert "Authorization" not in headers
    assert seen[1][1] == "/api/v1/query_range"
    moment = f"{AT.timestamp():.3f}"
    assert seen[1][3] == {"query": "up", "start": moment, "end": moment, "step": "15.000", **AS_OF_NOW}


# -- what is no answer


def test_warnings_are_a_partial_answer() -> None:
    detail = failed(asked(replying(success("vector", [], warnings=["store a is away"]))), FailureReason.PARTIAL)
    assert detail == "warning: store a is away"


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("bad_data", 400, FailureReason.REFUSED),
        ("execution", 422, FailureReason.REFUSED),
        ("execution", 200, FailureReason.REFUSED),
        ("timeout", 503, FailureReason.UNAVAILABLE),
        ("timeout", 422, FailureReason.UNAVAILABLE),
        ("internal", 500, FailureReason.UNAVAILABLE),
        ("throttled", 429, FailureReason.UNAVAILABLE),
        ("not_found", 404, FailureReason.REFUSED),
    ],
)
def test_errors_keep_prometheus_own_words(kind: str, status: int, reason: FailureReason) -> None:
    body = {"status": "error", "errorType": kind, "error": "it\nsays " + "so " * 200}
    detail = failed(asked(replying(body, status)), reason)
    assert detail.startswith(f"HTTP {status}: it says so so")
    assert len(detail) == 300


@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_without_a_word_is_one(status: int) -> None:
    assert failed(asked(replying("", status)), FailureReason.REFUSED) == f"HTTP {status}"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_gateways_page_says_that_prometheus_is_unavailable(status: int) -> None:
    page = "<html>no upstream</html>"
    assert failed(asked(replying(page, status, "text/html")), FailureReason.UNAVAILABLE) == f"HTTP {status}"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_named_never_shown(status: int, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    body = {"status": "error", "errorType": "unauthorized", "error": f"no right with {TOKEN}"}
    detail = failed(asked(replying(body, status), shown=Mounted(token, None, None)), FailureReason.REFUSED)
    assert detail == f"HTTP {status}: no right with [secret]; the bearer token in {token} was not accepted"
    assert "without credentials" in failed(asked(replying("", status)), FailureReason.REFUSED)


def test_the_password_of_the_url_is_sent_and_named_never_shown() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response(status=401, text="password1 is wrong")

    async def main() -> QueryFailed | Answer:
        async with serving(handler) as url:
            prometheus = LivePrometheus(url.replace("http://", "http://reader:password1@"))
            outcome = await prometheus.query("up", AT, deadline=5)
            await prometheus.close()
            return outcome

    detail = failed(run_simulated(main()), FailureReason.REFUSED)
    assert "the user and password" in detail
    assert "password1" not in detail
    assert seen[0].startswith("Basic ")


@pytest.mark.parametrize(
    "handler",
    [
        replying("<html>sign in</html>", content_type="text/html"),
        replying("<html>sign in</html>", 302, "text/html"),
        replying("<html>not found</html>", 404, "text/html"),
        replying("[]"),
        replying("[" * 100_000),
        replying('{"status": "success"'),
        replying(b"\xff\xfe"),
        replying({"status": "success"}),
        replying({"status": "error", "errorType": [], "error": {}}),
        replying({"status": "success", "data": {"resultType": "vector"}}),
        replying(success("string", [1, "x"])),
        replying(success("vector", None)),
        replying(success("vector", [None])),
        replying(success("vector", [{"value": [1, "2"]}])),
        replying(success("vector", [{"metric": {"a": 1}, "value": [1, "2"]}])),
        replying(success("vector", [{"metric": {}, "value": [1, 2]}])),
        replying(success("vector", [{"metric": {}, "value": [1, "many"]}])),
        replying(success("vector", [{"metric": {}, "value": [1]}])),
        replying(success("vector", [{"metric": {}, "histogram": [1, {}]}])),
        replying(success("matrix", [{"metric": {}, "values": [["1", "2"]]}])),
        replying(success("vector", [{"metric": {}, "value": [10**400, "2"]}])),
        replying(success("vector", {"a": 1})),
    ],
)
def test_what_is_no_answer_of_the_api_is_garbled_and_named_in_plain_words(handler: Handler) -> None:
    detail = failed(asked(handler), FailureReason.GARBLED)
    assert "no answer of the Prometheus API" in detail
    assert not re.search(r"NoneType|object is not|indices|convert|unpack|too large|'(metric|value|result)'", detail)


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (200, " <!doctype html><title>Sign in</title>", "HTTP 200 with HTML, and no answer of the Prometheus API"),
        (302, "", "HTTP 302 with a redirect, and no answer of the Prometheus API"),
        (404, "<html>", "HTTP 404 with HTML, and no answer of the Prometheus API"),
    ],
)
def test_a_proxy_or_a_login_page_is_asked_about(status: int, body: str, named: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="text/html", headers={"Location": "/login"})

    assert failed(asked(handler), FailureReason.GARBLED) == f"{named}: is it a proxy or a login page?"


def test_a_hung_server_is_left_at_the_deadline() -> None:
    async def handler(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    assert failed(asked(handler, deadline=3.0), FailureReason.TIMEOUT) == "no whole answer within 3 s"


def test_a_body_that_trickles_is_left_at_the_deadline() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.5)  # noqa: TID251 - simulated time

    failed(asked(handler, deadline=3.0), FailureReason.TIMEOUT)


def test_a_huge_body_is_cut_off() -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b" " * 65_536)
            sent += 65_536
        return response

    detail = failed(asked(handler, max_bytes=2**20, deadline=60.0), FailureReason.GARBLED)
    assert detail == "an answer larger than 1 MiB"
    assert sent < 100 * 2**20


def test_a_neighbour_without_tls_is_not_asked_to_pack_its_answers() -> None:
    """Packing costs Prometheus a fifth of what our questions cost it; a way through TLS is longer than a cluster's."""
    wished: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        wished.append(request.headers.get("Accept-Encoding"))
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    asked(handler)
    assert wished == ["identity"]
    assert LivePrometheus("https://prometheus.example")._client.headers["Accept-Encoding"] == "gzip, deflate"


def test_a_body_that_is_not_what_its_encoding_says_is_garbled() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=b"plain", headers={"Content-Encoding": "gzip"})

    failed(asked(handler), FailureReason.GARBLED)


def test_a_reset_connection_is_unreachable() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    failed(asked(handler), FailureReason.UNREACHABLE)


def test_a_body_that_ends_too_soon_is_unreachable() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"status"')
        assert request.transport is not None
        request.transport.close()
        return response

    failed(asked(handler), FailureReason.UNREACHABLE)


def test_nobody_listening_is_unreachable() -> None:
    async def main() -> Answer | QueryFailed:
        async with serving(replying("")) as url:
            pass
        prometheus = LivePrometheus(url)
        outcome = await prometheus.query("up", AT, deadline=5)
        await prometheus.close()
        return outcome

    assert "ConnectError" in failed(run_simulated(main()), FailureReason.UNREACHABLE)


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert isinstance(asked(replying(success("vector", []))), Answer)


# -- credentials


def test_the_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    token = tmp_path / "token"
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.json_response(success("vector", []))

    async def main() -> None:
        async with serving(handler) as url:
            prometheus = LivePrometheus(url, shown=Mounted(token, None, None))
            for number, text in enumerate(("first-token", "other-token", "other-token")):
                token.write_text(text + "\n")
                os.utime(token, (1000 + number, 1000 + number))
                assert isinstance(await prometheus.query("up", AT, deadline=5), Answer)
            await prometheus.close()

    run_simulated(main())
    assert seen == ["Bearer first-token", "Bearer other-token", "Bearer other-token"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"", "empty"),
        (b"two\nlines-of-it", "several lines"),
        (b"\xff", "ASCII"),
    ],
)
def test_a_token_that_is_none_is_never_sent_nor_shown(content: bytes | None, said: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)

    async def handler(_request: web.Request) -> web.Response:
        raise AssertionError("nothing must be sent")

    detail = failed(asked(handler, shown=Mounted(token, None, None)), FailureReason.UNREACHABLE)
    assert said in detail
    assert "lines-of-it" not in detail


def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    class Careless(Resolved):
        def headers(self, asked: Asked) -> Mapping[str, str]:
            return self._texts

    shown = Careless({"X-Key": "secret\nvalue"}, str)
    detail = failed(asked(replying(""), shown=shown), FailureReason.UNREACHABLE)
    assert "secret" not in detail


def test_a_certificate_file_that_is_none_is_a_mistake_at_start(tmp_path: Path) -> None:
    broken = tmp_path / "ca.crt"
    broken.write_text("none")
    with pytest.raises(ssl.SSLError):
        LivePrometheus("https://prometheus", ca_file=broken)
    with pytest.raises(OSError, match="No such file"):
        LivePrometheus("https://prometheus", ca_file=tmp_path / "absent")


# -- many questions


def test_no_more_questions_at_once_than_there_is_room_for_and_each_is_counted() -> None:
    now, most = 0, 0
    counted: list[tuple[float, FailureReason | None]] = []

    async def handler(request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(1.0)  # noqa: TID251 - simulated time
        now -= 1
        return web.json_response(success("vector", []))

    async def main() -> list[Answer | QueryFailed]:
        async with serving(handler) as url:
            prometheus = LivePrometheus(url, concurrency=2, on_query=lambda *seen: counted.append(seen))
            outcomes = await asyncio.gather(*(prometheus.query("up", AT, deadline=2.5) for _ in range(8)))
            await prometheus.close()
            return list(outcomes)

    outcomes = run_simulated(main())
    assert most == 2
    assert [isinstance(outcome, Answer) for outcome in outcomes] == [True] * 6 + [False] * 2
    assert sorted(round(seconds, 1) for seconds, _ in counted) == [1.0, 1.0, 2.0, 2.0, 2.5, 2.5, 3.0, 3.0]
    assert [reason for _, reason in counted].count(FailureReason.CROWDED) == 2


def test_readiness_is_one_cheap_question() -> None:
    async def main(handler: Handler) -> Answer | QueryFailed:
        async with serving(handler) as url:
            prometheus = LivePrometheus(url)
            outcome = await prometheus.ready()
            await prometheus.close()
            return outcome

    assert isinstance(run_simulated(main(replying(success("vector", [{"metric": {}, "value": [1, "1"]}])))), Answer)
    failed(run_simulated(main(replying("", 503))), FailureReason.UNAVAILABLE)


@pytest.mark.parametrize("mark", [{"isPartial": True}, {"warnings": ["PromQL info: x", "store a is away"]}])
def test_each_servers_mark_of_a_partial_answer_is_understood(mark: dict[str, Any]) -> None:
    failed(asked(replying({**success("vector", []), **mark})), FailureReason.PARTIAL)


@pytest.mark.parametrize(
    "mark", [{"isPartial": False}, {"warnings": ['PromQL info: metric might not be a counter "a"']}]
)
def test_remarks_on_the_query_alone_leave_an_answer_whole(mark: dict[str, Any]) -> None:
    assert isinstance(asked(replying({**success("vector", []), **mark})), Answer)


def test_a_server_that_refuses_unknown_parameters_is_sent_none() -> None:
    assert extra_of("monitoring.googleapis.com") == {}
    assert extra_of("googleapis.com.example.org") == AS_OF_NOW
