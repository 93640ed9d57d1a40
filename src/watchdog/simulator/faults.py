"""What can go wrong between a client and the API server, on a test's word."""

import asyncio
import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from watchdog.simulator.objects import Clock

# Faults of a request, and faults of a watch that has begun.
ANSWER, HANG, RESET, DELAY, TRUNCATE, LOSE_ANSWER = "answer", "hang", "reset", "delay", "truncate", "lose-answer"
CLOSE, SILENCE, HTML, DUPLICATE, GONE = "close", "silence", "html", "duplicate", "gone"


@dataclass
class Fault:
    """One fault that was set up; `hits` counts the requests it met. It ends by its count or by `remove()`."""

    kind: str
    method: str = ""
    path: str | re.Pattern[str] = ""
    user: str = ""
    count: int | None = 1
    status: int = 503
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    after: int = 0
    hits: int = 0
    removed: bool = False
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, method: str, path: str, user: str) -> bool:
        """Whether it meets this request, now."""
        if self.removed or (self.count is not None and self.hits >= self.count):
            return False
        if self.method and method != self.method:
            return False
        if self.user and user != self.user:
            return False
        if isinstance(self.path, re.Pattern):
            return self.path.search(path) is not None
        return path.startswith(self.path)

    def release(self) -> None:
        """Let go what hangs; the requests are then answered as if nothing had been."""
        self._released.set()

    def remove(self) -> None:
        """End the fault and let go what hangs."""
        self.removed = True
        self.release()

    async def hang(self) -> None:
        """Wait until released."""
        await self._released.wait()


class Faults:
    """The faults that are set up. A path given as text is a prefix, a pattern is searched for (query included).

    Each call returns the `Fault`. `count=None` means until it is removed.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def _add(self, kind: str, **given: Any) -> Fault:
        fault = Fault(kind, **given)
        self._faults.append(fault)
        return fault

    def answer(
        self, status: int = 503, body: Any = None, headers: Mapping[str, str] | None = None, **where: Any
    ) -> Fault:
        """Answer with this status, without doing anything; a dict goes out as JSON, text as HTML."""
        return self._add(ANSWER, status=status, body=body, headers=dict(headers or {}), **where)

    def hang(self, **where: Any) -> Fault:
        """Never answer, until `release()`."""
        return self._add(HANG, **where)

    def reset(self, **where: Any) -> Fault:
        """Reset the connection before anything was done."""
        return self._add(RESET, **where)

    def lose_answer(self, **where: Any) -> Fault:
        """Do what was asked, then reset the connection: the client cannot know."""
        return self._add(LOSE_ANSWER, **where)

    def delay(self, seconds: float, **where: Any) -> Fault:
        """Answer only after so many seconds of the cluster's clock."""
        return self._add(DELAY, seconds=seconds, **where)

    def truncate(self, **where: Any) -> Fault:
        """Break off in the middle of the body."""
        return self._add(TRUNCATE, **where)

    def watch(self, kind: str, after: int = 0, **where: Any) -> Fault:
        """Spoil a watch after so many events: close, silence, html, duplicate, gone (an ERROR event with 410)."""
        if kind not in (CLOSE, SILENCE, HTML, DUPLICATE, GONE):
            raise ValueError(f"a watch cannot fail by {kind!r}")
        return self._add(kind, after=after, **where)

    def clear(self) -> None:
        """End all faults."""
        for fault in self._faults:
            fault.remove()
        self._faults.clear()

    def of_request(self, method: str, path: str, user: str) -> Fault | None:
        """The first fault that meets the request; it counts as a hit."""
        return self._first((ANSWER, HANG, RESET, DELAY, TRUNCATE, LOSE_ANSWER), method, path, user)

    def of_watch(self, path: str, user: str) -> Fault | None:
        """The first fault that meets the watch; it counts as a hit."""
        return self._first((CLOSE, SILENCE, HTML, DUPLICATE, GONE), "GET", path, user)

    def _first(self, kinds: tuple[str, ...], method: str, path: str, user: str) -> Fault | None:
        for fault in self._faults:
            if fault.kind in kinds and fault.matches(method, path, user):
                fault.hits += 1
                return fault
        return None


async def before_answer(fault: Fault, request: web.Request, clock: Clock) -> web.StreamResponse | None:
    """Do what the fault does before the request is served; an answer of its own ends the matter."""
    match fault.kind:
        case "hang":
            await fault.hang()
        case "delay":
            await clock.sleep(fault.seconds)
        case "reset":
            return reset(request)
        case "answer":
            return _own_answer(fault)
    return None


def _own_answer(fault: Fault) -> web.Response:
    headers = dict(fault.headers)
    if isinstance(fault.body, dict | list):
        return web.json_response(fault.body, status=fault.status, headers=headers)
    headers.setdefault("Content-Type", "text/html")
    text = fault.body if isinstance(fault.body, str) else f"<html><body>{fault.status}</body></html>\n"
    return web.Response(text=text, status=fault.status, headers=headers)


def reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection: what the client sees is no answer but an error of its socket."""
    if request.transport is not None:
        sock = request.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)


async def truncate(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Send the head and half of the body, then break off."""
    body = response.body if isinstance(response.body, bytes) else b"{}"
    cut = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut
