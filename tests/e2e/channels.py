"""Where the watchdog tells people: a webhook on loopback that keeps what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass
class Webhook:
    """Each path is a channel: `json://127.0.0.1:PORT/releases`."""

    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{channel}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def url(self, channel: str) -> str:
        """As an Apprise URL."""
        return f"json://127.0.0.1:{self._runner.addresses[0][1]}/{channel}"

    def titles(self, channel: str) -> list[str]:
        """What the channel was told, in order."""
        return [str(body["title"]) for body in self.told.get(channel, [])]

    async def _take(self, request: web.Request) -> web.Response:
        self.told.setdefault(request.match_info["channel"], []).append(await request.json())
        return web.Response(text="ok")
