"""Who may look at what the watchdog shows: the token and TLS."""

import asyncio
import base64
import logging
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.simulated import simulated
from adapters.web.test_server import a_server
from certificates import Authority, Pair
from watchdog.adapters.web import ServerCertificate, WebServer

TOKEN = "t0ken-of-the-page"
OPEN = ("/healthz", "/readyz", "/metrics")
CLOSED = (
    "/", "/api/watches", "/api/watches/w1", "/api", "/watches/w1", "/nothing", "//healthz", "/healthz/", "/METRICS",
)  # fmt: skip


@asynccontextmanager
async def serving(**changes: Any) -> AsyncIterator[tuple[WebServer, aiohttp.ClientSession]]:
    server = a_server(**changes)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield server, session
    finally:
        await server.stop()


def a_token(folder: Path, text: str = TOKEN + "\n") -> Path:
    path = folder / "token"
    path.write_text(text)
    return path


async def status(server: WebServer, session: aiohttp.ClientSession, path: str, shown: str | None = None) -> int:
    headers = {} if shown is None else {"Authorization": shown}
    async with session.get(server.url + path, headers=headers) as answer:
        assert TOKEN not in str(answer.headers) + await answer.text()
        if answer.status == 401:
            asked = [challenge.split(" ")[0] for challenge in answer.headers.getall("WWW-Authenticate")]
            assert asked == ["Bearer", "Basic"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return answer.status


def basic(password: str, user: str = "anybody") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@simulated
async def test_probes_and_metrics_are_open_and_everything_else_asks_for_the_token(tmp_path: Path) -> None:
    async with serving(token_file=a_token(tmp_path)) as (server, session):
        assert {path: await status(server, session, path) for path in OPEN} == dict.fromkeys(OPEN, 200)
        assert {path: await status(server, session, path) for path in CLOSED} == dict.fromkeys(CLOSED, 401)
        for shown in (f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic(TOKEN)):
            assert await status(server, session, "/api/watches", shown) == 200
            assert await status(server, session, "/nothing", shown) == 404


@pytest.mark.parametrize(
    "shown",
    ["", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Digest {TOKEN}", "Basic", "Basic !",
     f"Basic {TOKEN}", basic(""), basic(TOKEN + "x"), basic("x", TOKEN), "Basic /////w==", "Bearer ü"],
)  # fmt: skip
@simulated
async def test_what_is_not_the_token_is_refused_on_every_method(shown: str, tmp_path: Path) -> None:
    async with serving(token_file=a_token(tmp_path)) as (server, session):
        assert await status(server, session, "/api/watches", shown) == 401
        headers = {"Authorization": shown}
        async with session.post(f"{server.url}/api/watches", headers=headers, data=b"x" * 100_000) as answer:
            assert answer.status == 401


@simulated
async def test_a_token_that_is_replaced_counts_at_once(tmp_path: Path) -> None:
    token = a_token(tmp_path)
    async with serving(token_file=token) as (server, session):
        new = tmp_path / "new"
        new.write_text("another-token")
        os.replace(new, token)
        assert await status(server, session, "/api/watches", f"Bearer {TOKEN}") == 401
        assert await status(server, session, "/api/watches", "Bearer another-token") == 200


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", None], ids=["empty", "blank", "two lines", "gone"])
@simulated
async def test_a_token_that_cannot_be_read_lets_nobody_in(
    text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = a_token(tmp_path, text or "")
    if text is None:
        token.unlink()
    async with serving(token_file=token) as (server, session):
        for shown in (None, "Bearer ", "Bearer two", basic("")):
            assert await status(server, session, "/api/watches", shown) == 503
        assert await status(server, session, "/healthz") == 200
    assert str(token) in str([record.__dict__.get("facts") for record in caplog.records])


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


@simulated
async def test_with_a_certificate_it_speaks_https_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = Authority(tmp_path)
    pair = authority.signs("watchdog")
    certificate = ServerCertificate(pair.cert, pair.key)
    assert certificate.context.minimum_version is ssl.TLSVersion.TLSv1_2
    async with serving(certificate=certificate) as (server, session):
        assert server.url.startswith("https://127.0.0.1:")
        async with session.get(f"{server.url}/healthz", ssl=trusting(authority)) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"{server.url}/healthz", ssl=trusting(Authority(tmp_path, "other")))
        with pytest.raises(aiohttp.ClientError):
            await session.get(server.url.replace("https", "http") + "/healthz")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def served_with(server: WebServer, authority: Authority) -> str:
    """The serial number of the certificate that a new connection is shown, which names no host."""
    context = trusting(authority)
    context.check_hostname = False
    port = int(server.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="")
    certificate: Mapping[str, Any] = writer.get_extra_info("ssl_object").getpeercert()
    writer.close()
    await writer.wait_closed()
    return str(certificate["serialNumber"])


@simulated
async def test_a_certificate_that_is_renewed_is_shown_to_the_next_client(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, second = authority.signs("watchdog"), authority.signs("watchdog")
    now = Pair(tmp_path / "tls.crt", tmp_path / "tls.key")
    shutil.copy(first.cert, now.cert)
    shutil.copy(first.key, now.key)
    async with serving(certificate=ServerCertificate(now.cert, now.key)) as (server, _):
        before = await served_with(server, authority)
        shutil.copy(second.cert, now.cert)
        # The new certificate with the old key: in the middle of a replacement the old pair goes on.
        assert await served_with(server, authority) == before
        shutil.copy(second.key, now.key)
        assert await served_with(server, authority) != before


def test_a_key_that_is_not_the_certificates_or_asks_for_a_passphrase_is_a_mistake_at_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.signs("one"), authority.signs("other")
    locked = tmp_path / "locked.key"
    locked.write_text(LOCKED)
    for cert, key in ((one.cert, other.key), (one.key, one.key), (one.cert, tmp_path / "absent"), (one.cert, locked)):
        with pytest.raises(OSError):
            ServerCertificate(cert, key)


LOCKED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjLEm8wC3O3hgICCAAw
-----END ENCRYPTED PRIVATE KEY-----
"""
