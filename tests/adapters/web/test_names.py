"""Under which names it shows what it has: a stranger's name that leads here (DNS rebinding) is shown nothing."""

import logging

import pytest

from adapters.simulated import simulated
from adapters.web.test_server import said, serving

PUBLIC = "https://Watchdog.example.com:8443/below"


async def status(host: str, path: str = "/api/watches", **more: str) -> int:
    async with serving(**more) as (server, _):
        answer = await said(server, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "host",
    ["watchdog.example.com", "WATCHDOG.example.com:8443", "watchdog.example.com.", "10.1.2.3:8080", "[::1]:8080",
     "localhost", "rollback-watchdog", "rollback-watchdog.watchdog.svc",
     "rollback-watchdog.watchdog.svc.cluster.local:80"],
)  # fmt: skip
@simulated
async def test_its_own_names_are_answered(host: str) -> None:
    assert await status(host, public_url=PUBLIC) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example.com", "watchdog.example.com.evil.org", "evil.org:8443", "a.svc.evil.org", "10.1.2.3.evil.org"],
)
@simulated
async def test_another_name_is_shown_nothing_but_what_is_open_to_all(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert await status(host, public_url=PUBLIC) == 421
    assert await status(host, "/watches/w1", public_url=PUBLIC) == 421
    assert await status(host, "/healthz", public_url=PUBLIC) == 200
    assert "asked by a name that is not its own" in caplog.text


@pytest.mark.parametrize("host", ["", "["])
@simulated
async def test_no_name_at_all_is_shown_nothing(host: str) -> None:
    assert await status(host, public_url=PUBLIC) in (400, 421)


@simulated
async def test_where_nobody_said_what_its_name_is_any_name_is_answered() -> None:
    assert await status("watchdog.of-an-ingress.example.com") == 200
