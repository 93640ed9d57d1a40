"""A server that stands in for Slack, PagerDuty or a webhook, and notices to send to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from serving import listening
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, Severity

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class StandIn:
    """Keeps each JSON body it gets, and answers as told."""

    answer: Answer
    port: int = 0
    paths: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.bodies.append(await request.json())
        return await self.answer(request)


@asynccontextmanager
async def a_server(answer: Answer) -> AsyncIterator[StandIn]:
    """A stand-in on a free port of loopback."""
    standin = StandIn(answer)
    app = web.Application()
    app.router.add_post("/{path:.*}", standin.handle)
    async with listening(app) as standin.port:
        yield standin


def says(status: int, body: str = "ok", **headers: str) -> Answer:
    """Answers with this."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


async def hangs(_: web.Request) -> web.StreamResponse:
    """Takes the message and says nothing."""
    await asyncio.Event().wait()
    raise AssertionError


async def resets(request: web.Request) -> web.StreamResponse:
    """Takes the message and drops the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def a_notice(**changes: Any) -> Notice:
    """A rolled back release."""
    notice = Notice(
        id="w1-rolled-back",
        topic=Topic.ROLLED_BACK,
        severity=Severity.CRITICAL,
        watch="w1",
        target="production/deployment/research",
        title="research rolled back: error-rate 8.1 % > 5 %",
        lines=("http_error_rate 8.1 % > 5 % since 12:00:15, 162 of 2,000 requests", "back on research-5d4f"),
        at=AT,
        link="https://watchdog.example.com/api/watches/w1",
        facts={"rule": "error-rate", "value": "8.1 %"},
    )
    return replace(notice, **changes)
