"""HttpProber against real local servers, on simulated time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.simulated import simulated
from watchdog.adapters.probes import HttpProber, place_of
from watchdog.domain.live import Pod
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.rules import Probe

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROBE = Probe("/health", "http")
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def a_pod(port: int = 8000, **changes: Any) -> Pod:
    fields = {"name": "research-5d4f-x", "uid": "u", "created": AT, "address": "127.0.0.1", "ports": {"http": port}}
    return Pod(**fields | changes)  # type: ignore[arg-type]


@asynccontextmanager
async def an_app(handler: Any, **options: Any) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.01, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, options.pop("host", "127.0.0.1"), 0, **options).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_socket(talk: Talk) -> AsyncIterator[int]:
    writers: list[asyncio.StreamWriter] = []

    async def remembering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await talk(reader, writer)

    server = await asyncio.start_server(remembering, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # noqa: TID251 - a turn for the transports to close


async def one(pod: Pod, probe: Probe = PROBE) -> ProbeResult:
    prober = HttpProber()
    try:
        (result,) = await prober.probe([pod], probe)
    finally:
        await prober.close()
    return result


def saying(status: int, **headers: str) -> Any:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, text="x" * 100_000, headers=headers)

    return handler


@pytest.mark.parametrize(
    ("status", "outcome", "detail"),
    [
        (200, ProbeOutcome.EXPECTED, "200 OK"),
        (503, ProbeOutcome.WRONG_STATUS, "503 Service Unavailable"),
        (404, ProbeOutcome.WRONG_STATUS, "404 Not Found"),
        (799, ProbeOutcome.WRONG_STATUS, "799"),
    ],
)
@simulated
async def test_a_status_is_judged_as_expected_or_wrong(status: int, outcome: ProbeOutcome, detail: str) -> None:
    async with an_app(saying(status)) as port:
        assert await one(a_pod(port)) == ProbeResult("research-5d4f-x", outcome, detail)


@simulated
async def test_a_redirect_is_not_followed_and_judged_by_its_own_status() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with an_app(handler) as port:
        assert (await one(a_pod(port))).outcome is ProbeOutcome.EXPECTED  # 302 lies in 200-399
        strict = Probe("/health", "http", expect=((200, 299),))
        assert (await one(a_pod(port), strict)).outcome is ProbeOutcome.WRONG_STATUS
    assert asked == ["/health", "/health"]


@simulated
async def test_path_query_and_headers_are_sent_as_written() -> None:
    seen: list[tuple[str, str, str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(
            (request.raw_path, request.headers["X-Probe"], request.headers["Host"], request.headers["User-Agent"])
        )
        return web.Response()

    async with an_app(handler) as port:
        probe = Probe("/health?full=1&x=a%20b", "http", headers={"X-Probe": "yes", "Host": "research"})
        await one(a_pod(port), probe)
    ((path, header, host, agent),) = seen
    assert (path, header, host) == ("/health?full=1&x=a%20b", "yes", "research")
    assert agent.startswith("rollback-watchdog/")


@simulated
async def test_a_connection_nobody_takes_is_refused() -> None:
    async with an_app(saying(200)) as port:
        pass
    result = await one(a_pod(port))
    assert (result.outcome, result.detail) == (ProbeOutcome.REFUSED, "could not connect: Connection refused")


@simulated
async def test_a_server_that_says_nothing_costs_the_probe_s_timeout() -> None:
    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with a_socket(silent) as port:
        began = asyncio.get_running_loop().time()
        result = await one(a_pod(port), Probe("/health", "http", timeout=timedelta(seconds=2)))
        assert asyncio.get_running_loop().time() - began == pytest.approx(2.0, abs=0.05)
    assert result == ProbeResult("research-5d4f-x", ProbeOutcome.TIMED_OUT, "no answer within 2 s")


@simulated
async def test_a_server_that_hangs_after_its_status_is_timed_out_but_a_wrong_status_is_wrong_at_once() -> None:
    status = b"200 OK"

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: 10\r\n\r\nab" % status)
        await asyncio.Event().wait()

    async with a_socket(half) as port:
        assert (await one(a_pod(port))).outcome is ProbeOutcome.TIMED_OUT
        status = b"500 Oh No"
        assert (await one(a_pod(port))).outcome is ProbeOutcome.WRONG_STATUS


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (b"", "closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "answered something that is not HTTP"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "answered something that is not HTTP"),
    ],
)
@simulated
async def test_what_is_not_http_is_a_blind_spot_and_no_fault(said: bytes, detail: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    async with a_socket(talk) as port:
        assert await one(a_pod(port)) == ProbeResult("research-5d4f-x", ProbeOutcome.REFUSED, detail)


@simulated
async def test_a_reset_is_refused() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with a_socket(talk) as port:
        assert (await one(a_pod(port))).outcome is ProbeOutcome.REFUSED


@simulated
async def test_a_header_that_cannot_be_sent_never_raises() -> None:
    async with an_app(saying(200)) as port:
        result = await one(a_pod(port), Probe("/health", "http", headers={"X": "a\r\nHost: b"}))
    assert (result.outcome, result.detail) == (ProbeOutcome.REFUSED, "could not be asked: ValueError")


@simulated
async def test_a_certificate_is_not_verified_and_plain_http_behind_https_is_a_blind_spot(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parent / "self-signed.pem")
    https = Probe("/health", "http", scheme="https")
    async with an_app(saying(200), ssl_context=context) as port:
        assert (await one(a_pod(port), https)).outcome is ProbeOutcome.EXPECTED
    async with an_app(saying(200)) as port:
        result = await one(a_pod(port), https)
    assert (result.outcome, result.detail) == (ProbeOutcome.REFUSED, "the TLS handshake failed")


@simulated
async def test_an_ipv6_pod_is_reached() -> None:
    async with an_app(saying(200), host="::1") as port:
        assert (await one(a_pod(port, address="::1"))).outcome is ProbeOutcome.EXPECTED


def test_an_address_goes_into_brackets_where_it_must_and_a_path_never_becomes_a_host() -> None:
    assert str(place_of(a_pod(address="fd00::1"), PROBE)) == "http://[fd00::1]:8000/health"
    assert str(place_of(a_pod(), Probe("@evil/x", "http"))) == "http://127.0.0.1:8000/@evil/x"
    assert str(place_of(a_pod(), Probe("//evil/x", "http"))) == "http://127.0.0.1:8000//evil/x"


@pytest.mark.parametrize(
    "pod",
    [
        a_pod(address=None),
        a_pod(address="not an address"),
        a_pod(address="10.0.0.1@evil"),
        a_pod(ports={"metrics": 9090}),
        a_pod(host_network=True),
        a_pod(gone=True),
    ],
    ids=["no address", "no IP", "no IP at all", "port not declared", "host network", "gone"],
)
@simulated
async def test_a_pod_that_cannot_be_probed_is_left_out(pod: Pod) -> None:
    prober = HttpProber()
    assert await prober.probe([pod], PROBE) == []
    await prober.close()


@simulated
async def test_a_port_is_found_by_its_declared_number_too() -> None:
    async with an_app(saying(200)) as port:
        assert (await one(a_pod(ports={str(port): port}), Probe("/", str(port)))).outcome is ProbeOutcome.EXPECTED


@simulated
async def test_no_more_than_the_bound_are_asked_at_once_and_results_keep_the_pods_order() -> None:
    now, most = 0, 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(1.5)  # noqa: TID251 - the server's own slowness, on simulated time
        now -= 1
        return web.Response()

    async with an_app(handler) as port:
        prober = HttpProber(concurrency=4)
        pods = [a_pod(port, name=f"pod-{n}") for n in range(10)]
        results = await prober.probe(pods, PROBE)
        await prober.close()
    assert most == 4
    assert [result.pod for result in results] == [pod.name for pod in pods]
    assert {result.outcome for result in results} == {ProbeOutcome.EXPECTED}  # waiting is no time of the probe
