"""A proxy on the wire between the watchdog and one server: bytes that come late, broken off, twice, or never.

    async with Wire(clock, "api", upstream=cluster.url) as wire:
        kubeconfig(wire.url)
        wire.next(Reset(after=300))     # the next connection that speaks is reset in the middle of the answer
        wire.refuse(5.0)                # nobody is let in for five seconds

What a server answers (a status, HTML, NaN, a 410) is spoiled by the simulators themselves; see `weather`.
"""

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from watchdog.ports import Clock

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Slow:
    """Every piece of the answer comes this many seconds later."""

    seconds: float


@dataclass(frozen=True)
class Reset:
    """The connection is reset after so many bytes of the answer; 0: as soon as the request was sent on."""

    after: int = 0


@dataclass(frozen=True)
class Cut:
    """The connection ends, as if all were said, after so many bytes of the answer."""

    after: int


@dataclass(frozen=True)
class HalfOpen:
    """Nothing comes back any more after so many bytes, and nobody says that the connection is gone."""

    after: int = 0


@dataclass(frozen=True)
class Swallow:
    """The request is lost on its way and the connection is reset: the server never hears of it."""


@dataclass(frozen=True)
class Reorder:
    """Two neighbouring events of a watch, of different objects, come in the wrong order; so many times."""

    times: int = 1


@dataclass(frozen=True)
class Repeat:
    """Events of a watch come twice, the second time after the next one; so many times."""

    times: int = 1


Fault = Slow | Reset | Cut | HalfOpen | Swallow | Reorder | Repeat


class Wire:
    """Listens on loopback and passes everything on to `upstream`, but for what its faults spoil.

    `struck` counts the connections that each kind of fault met.
    """

    def __init__(self, clock: Clock, name: str, upstream: str) -> None:
        self.name = name
        self.url = ""
        self.struck: Counter[str] = Counter()
        self._clock = clock
        self._host, self._port = _address(upstream)
        self._planned: list[Fault] = []
        self._refused_until = 0.0
        self._silent_until = 0.0
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for link in tuple(self._links):
            link.cancel()
        if self._links:
            await asyncio.wait(self._links)

    def next(self, fault: Fault) -> None:
        """Spoil the next answer that this kind of fault can spoil (events: of a watch)."""
        self._planned.append(fault)

    def refuse(self, seconds: float) -> None:
        """Reset whoever connects, and all that are connected, for so many seconds."""
        self._refused_until = self._clock.monotonic() + seconds
        self.drop()

    def part(self, seconds: float) -> None:
        """A partition: for so many seconds bytes go nowhere in either direction, and nothing says so."""
        self._silent_until = self._clock.monotonic() + seconds

    def drop(self) -> None:
        """Cut every connection, as a load balancer does that restarts."""
        for link in tuple(self._links):
            link.cancel()

    def clear(self) -> None:
        """No more faults from here on; what has begun goes on."""
        self._planned.clear()
        self._refused_until = self._silent_until = 0.0

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    # -- one connection ------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            if self._clock.monotonic() < self._refused_until:
                self.struck["refused"] += 1
                _reset(writer)
                return
            await self._link(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._links.discard(task)
            writer.close()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(self._host, self._port)
        state = _Answering()
        up = asyncio.create_task(self._ask(reader, up_writer, state), name=f"{self.name} asks")
        down = asyncio.create_task(self._answer(up_reader, writer, state), name=f"{self.name} answers")
        try:
            # Whichever ends first ends the connection: after the client has gone, what still comes is for nobody.
            ended, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            up_writer.close()  # before anything is waited for: the wait may be cancelled too
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _ask(self, reader: asyncio.StreamReader, up: asyncio.StreamWriter, state: "_Answering") -> None:
        while data := await reader.read(_CHUNK):
            if data[:4] in (b"GET ", b"POST", b"PUT ", b"PATC", b"DELE"):
                state.asked(data, self._plan(data))
                if state.fault is not None and not isinstance(state.fault, Reorder | Repeat):
                    self.struck[_name(state.fault)] += 1
            if isinstance(state.fault, Swallow):
                raise ConnectionResetError
            if await self._parted():
                return
            up.write(data)
            await up.drain()

    async def _answer(self, up: asyncio.StreamReader, writer: asyncio.StreamWriter, state: "_Answering") -> None:
        while data := await up.read(_CHUNK):
            if await self._parted():
                return
            if isinstance(state.fault, Slow):
                await self._clock.sleep(state.fault.seconds)
            for piece in self._spoiled(data, state):
                writer.write(piece)
            if state.broken is not None:
                await writer.drain()
                await self._break(state.broken)
                return
            await writer.drain()

    def _spoiled(self, data: bytes, state: "_Answering") -> Iterable[bytes]:
        fault = state.fault
        match fault:
            case Reset(after) | Cut(after) | HalfOpen(after):
                left = max(0, after - state.sent)
                state.sent += len(data)
                if left < len(data):
                    state.broken = fault
                    return [data[:left]]
            case Reorder() | Repeat():
                mixed = _mixed(data, fault, state)
                if mixed is not data:
                    self.struck[_name(fault)] += 1
                return [mixed]
        return [data]

    async def _break(self, fault: Fault) -> None:
        if isinstance(fault, Reset):
            raise ConnectionResetError
        if isinstance(fault, HalfOpen):
            await asyncio.Event().wait()

    def _plan(self, request: bytes) -> Fault | None:
        """The first planned fault that suits the request."""
        watched = b"watch=true" in request.split(b"\r\n", 1)[0]
        for fault in self._planned:
            if isinstance(fault, Reorder | Repeat) and not watched:
                continue
            self._planned.remove(fault)
            return fault
        return None

    async def _parted(self) -> bool:
        """During a partition: be silent until it is over; what was on its way by then is lost with its connection."""
        left = self._silent_until - self._clock.monotonic()
        if left <= 0:
            return False
        self.struck["partition"] += 1
        await self._clock.sleep(left)
        return True


@dataclass
class _Answering:
    """What a connection is busy with."""

    fault: Fault | None = None
    sent: int = 0
    broken: Fault | None = None
    mixed: int = 0

    def asked(self, request: bytes, fault: Fault | None) -> None:
        """Another request begins on the connection; a fault of it lasts until the next one."""
        del request
        self.fault, self.sent = fault, 0


def _mixed(data: bytes, fault: Reorder | Repeat, state: _Answering) -> bytes:
    """The same bytes with two events of a watch in the other order, or one of them told again."""
    lines = _events(data)
    if lines is None or len(lines) < 2 or state.mixed >= fault.times:
        return data
    # Of one object the order is kept by any server: its versions would run backwards.
    pairs = [at for at in range(len(lines) - 1) if _object(lines[at]) != _object(lines[at + 1])]
    at = 0 if isinstance(fault, Repeat) else next(iter(pairs), -1)
    if at < 0:
        return data
    state.mixed += 1
    first, second = lines[at], lines[at + 1]
    told = [second, first] if isinstance(fault, Reorder) else [first, second, first]
    body = b"".join([*lines[:at], *told, *lines[at + 2 :]])
    return f"{len(body):x}".encode() + b"\r\n" + body + b"\r\n"


def _events(data: bytes) -> list[bytes] | None:
    """The lines of one whole chunk of a watch; None for anything else."""
    size, _, rest = data.partition(b"\r\n")
    with suppress(ValueError):
        if rest.endswith(b"\n\r\n") and int(size, 16) == len(rest) - 2 and rest.startswith(b'{"type":'):
            return rest[:-2].splitlines(keepends=True)
    return None


def _object(line: bytes) -> str:
    return str(json.loads(line)["object"]["metadata"].get("uid", ""))


def _name(fault: Fault) -> str:
    return {"HalfOpen": "half-open"}.get(type(fault).__name__, type(fault).__name__.lower())


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def wires(clock: Clock, **upstream: str) -> AsyncIterator[dict[str, Wire]]:
    """A wire to each of the servers, by name."""
    made = {name: Wire(clock, name, url) for name, url in upstream.items()}
    try:
        for wire in made.values():
            await wire.__aenter__()
        yield made
    finally:
        for wire in made.values():
            if wire.url:
                await wire.__aexit__(None, None, None)
