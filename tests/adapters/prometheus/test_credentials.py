"""TLS with a private CA, client certificates, tokens and passwords, against a local server; each may be replaced."""

import base64
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from certificates import Authority, Pair
from serving import listening
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.adapters.prometheus.shown import Mounted
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed
from watchdog.simulator.clock import run_simulated

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}
PASSWORD = "correct-hörse"


class Server:
    """A Prometheus behind TLS; `seen` has of each request who asked (the certificate's name) and its credential."""

    def __init__(self, pair: Pair, clients: Authority | None = None) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.cert, pair.key)
        if clients is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(cafile=str(clients.file))
        self.seen: list[tuple[str, str]] = []
        self.status = 200

    async def _answer(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        shown = request.transport.get_extra_info("peercert") or {}
        serial = str(shown.get("serialNumber", ""))
        credential = request.headers.get("Authorization", "")
        self.seen.append((serial, credential))
        if self.status != 200:
            said = f"I was shown {credential}, which is {base64.b64decode(credential.partition(' ')[2] or '')!r}"
            return web.json_response({"status": "error", "errorType": "x", "error": said}, status=self.status)
        return web.json_response(EMPTY, headers={"Connection": "close"})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        async with listening(application, self.context) as port:
            yield f"https://127.0.0.1:{port}"


Ask = Callable[[], Awaitable[Answer | QueryFailed]]


def told(server: Server, story: Callable[[Ask], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with server.serving() as url:
            prometheus = LivePrometheus(url, **options)
            try:
                await story(lambda: prometheus.query("up", AT, deadline=5))
            finally:
                await prometheus.close()

    run_simulated(main())


def of(outcome: Answer | QueryFailed) -> str:
    return "answered" if isinstance(outcome, Answer) else f"{outcome.reason}: {outcome.detail}"


def test_a_private_ca_is_trusted_and_another_is_not(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")

    async def trusted(ask: Ask) -> None:
        assert of(await ask()) == "answered"

    async def not_trusted(ask: Ask) -> None:
        outcome = await ask()
        assert isinstance(outcome, QueryFailed)
        assert outcome.reason is FailureReason.UNREACHABLE
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.detail

    server = Server(authority.signs("prometheus"))
    told(server, trusted, ca_file=authority.file)
    told(server, not_trusted, ca_file=other.file)
    told(server, not_trusted)


def test_our_certificate_is_shown_and_taken_up_when_it_is_replaced(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = Server(authority.signs("prometheus"), clients=authority)
    first, second = authority.signs("watchdog"), authority.signs("watchdog")
    now = Pair(tmp_path / "tls.crt", tmp_path / "tls.key")
    shutil.copy(first.cert, now.cert)
    shutil.copy(first.key, now.key)

    async def story(ask: Ask) -> None:
        assert of(await ask()) == "answered"
        shutil.copy(second.cert, now.cert)
        assert of(await ask()) == "answered"  # half replaced: the old pair goes on
        shutil.copy(second.key, now.key)
        assert of(await ask()) == "answered"
        serials = [serial for serial, _ in server.seen]
        assert serials[0] == serials[1] != serials[2]

    async def without(ask: Ask) -> None:
        assert of(await ask()).startswith("unreachable: ")

    told(server, story, ca_file=authority.file, cert_file=now.cert, key_file=now.key)
    told(server, without, ca_file=authority.file)


def test_a_ca_that_is_replaced_is_trusted_without_a_restart(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    trusted = tmp_path / "ca.crt"
    shutil.copy(old.file, trusted)
    server = Server(new.signs("prometheus"))

    async def story(ask: Ask) -> None:
        assert of(await ask()).startswith("unreachable: ")
        trusted.write_text(old.file.read_text() + new.file.read_text())
        assert of(await ask()) == "answered"

    told(server, story, ca_file=trusted)


def test_the_password_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = Server(authority.signs("prometheus"))
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n", encoding="utf-8")

    async def story(ask: Ask) -> None:
        assert of(await ask()) == "answered"
        new = tmp_path / "new"
        new.write_text("another one")
        os.replace(new, password)
        assert of(await ask()) == "answered"
        shown = [base64.b64decode(credential.removeprefix("Basic ")).decode() for _, credential in server.seen]
        assert shown == [f"reader:{PASSWORD}", "reader:another one"]

    told(server, story, ca_file=authority.file, shown=Mounted(None, "reader", password))


@pytest.mark.parametrize("status", [401, 403])
def test_a_password_that_is_refused_is_named_and_never_shown_in_any_form(status: int, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = Server(authority.signs("prometheus"))
    server.status = status
    password = tmp_path / "password"
    password.write_text("swordfish-77", encoding="utf-8")

    async def story(ask: Ask) -> None:
        said = of(await ask())
        assert said.startswith(f"refused: HTTP {status}: I was shown Basic [secret], which is b'reader:[secret]'")
        assert said.endswith(f"; the password of reader in {password} was not accepted")

    told(server, story, ca_file=authority.file, shown=Mounted(None, "reader", password))


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"", "is empty"), (b"a\nb", "several lines")])
def test_without_a_readable_password_nothing_is_sent(content: bytes | None, why: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = Server(authority.signs("prometheus"))
    password = tmp_path / "password"
    if content is not None:
        password.write_bytes(content)

    async def story(ask: Ask) -> None:
        said = of(await ask())
        assert said.startswith(f"unreachable: the password of reader in {password} ")
        assert why in said
        assert server.seen == []

    told(server, story, ca_file=authority.file, shown=Mounted(None, "reader", password))


def test_a_certificate_without_its_key_is_a_mistake_at_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.signs("one"), authority.signs("other")
    for cert, key in ((one.cert, other.key), (one.key, one.key), (tmp_path / "absent", one.key)):
        with pytest.raises(OSError):
            LivePrometheus("https://127.0.0.1:1", cert_file=cert, key_file=key)
