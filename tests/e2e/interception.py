"""A hand between the watchdog and the API server: passes everything on as it is, and can act around one write.

So "a person deploys in the same second" and "killed before its write was answered" happen each time, not by luck.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from e2e.controlplane.access import Access

Act = Callable[[], Awaitable[None]]

_PUT_BACK = re.compile(r"/namespaces/(?P<namespace>[^/]+)/(deployments|services)/[^/]+$")
_WRITTEN = re.compile(r"/namespaces/(?P<namespace>[^/]+)/(?P<plural>[^/]+)(/(?P<name>[^/]+))?(/(?P<part>[^/]+))?$")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host", "content-length"}


@dataclass(frozen=True)
class PassedOn:
    """A write as it was passed on, in the words of the audit log."""

    token: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    body: bytes = b""


class Interception:
    """An HTTP server on loopback before the API server of `access`; users keep their own credentials."""

    def __init__(self, access: Access) -> None:
        self._server = access.server
        self._tls = ssl.create_default_context(cafile=access.authority)
        if access.insecure:
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._before: dict[str, Act] = {}
        self._after: dict[str, Act] = {}
        self._passed_on: list[PassedOn] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._client.close()

    def kubeconfig(self, token: str | None, path: Path) -> Path:
        """A way in for the bearer of the token."""
        return Access(self.url, None, token).write_kubeconfig(path)

    def before_the_put_back(self, namespace: str, act: Act) -> None:
        """Do `act` once, before a write to a Deployment or Service of the namespace is passed on."""
        self._before[namespace] = act

    def after_the_put_back(self, namespace: str, act: Act) -> None:
        """Do `act` once, after such a write was carried out and before its answer is passed back."""
        self._after[namespace] = act

    def passed_on(self, token: str | None) -> list[PassedOn]:
        """The writes of the token's bearer that the API server answered, dry runs apart."""
        return [write for write in self._passed_on if write.token == token]

    def _note(self, request: web.Request, body: bytes, code: int) -> None:
        verb, place = _VERBS.get(request.method), _WRITTEN.search(request.path)
        if verb is None or place is None or "dryRun" in request.query:
            return
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        resource = "/".join(filter(None, (place["plural"], place["part"])))
        name = place["name"] or json.loads(body)["metadata"].get("name", "")  # what is made is named in its body
        self._passed_on.append(PassedOn(token, verb, resource, place["namespace"], name, code, body))

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        place = _PUT_BACK.search(request.path) if request.method == "PATCH" and "dryRun" not in request.query else None
        if place is not None and (act := self._before.pop(place["namespace"], None)) is not None:
            await act()
            await asyncio.sleep(0.1)  # for the news that whoever asked was killed
        if request.transport is None or request.transport.is_closing():
            return web.Response(status=502)  # who asked is gone, and so is the question
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_ONE_HOP}
        body = await request.read()
        async with self._client.request(
            request.method, self._server + request.raw_path, headers=headers, data=body or None
        ) as answer:
            self._note(request, body, answer.status)
            if place is not None and (act := self._after.pop(place["namespace"], None)) is not None:
                await act()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_ONE_HOP}
            passed_back = web.StreamResponse(status=answer.status, headers=kept)
            with suppress(ConnectionError):
                await passed_back.prepare(request)
                async for chunk in answer.content.iter_any():
                    await passed_back.write(chunk)
                await passed_back.write_eof()
            return passed_back
