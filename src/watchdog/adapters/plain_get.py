"""One GET on a connection of its own, of which only the status matters: a tenth of what an HTTP client costs."""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

_LONGEST_HEAD = 64 * 1024
_AT_ONCE = 8192
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_LAST_CHUNK = re.compile(rb"(?:^|\r\n)0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*\r\n")
_BODILESS = frozenset({204, 304})

Receive = Callable[[int], Awaitable[bytes]]


class NotConnected(Exception):
    """Nobody took the connection; the cause is the OSError."""


class NotHttp(Exception):
    """What came back is no HTTP."""


class Closed(Exception):
    """The connection ended before the answer did."""


def request_of(target: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a GET; raises ValueError where a header, or the target, cannot be sent."""
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a line break in a request's line")
    return ("\r\n".join([*lines, "", ""])).encode()


async def status_of(
    address: str, port: int, request: bytes, tls: ssl.SSLContext | None, wanted: Callable[[int], int]
) -> int:
    """The status of the answer, once as many bytes of its body as are `wanted` of that status are there, or all.

    Raises `NotConnected`, `NotHttp`, `Closed`, OSError (ssl.SSLError among them). Bound it outside.
    """
    if tls is None:
        return await _plain(address, port, request, wanted)
    try:
        reader, writer = await asyncio.open_connection(address, port, ssl=tls)
    except ssl.SSLError:
        raise
    except OSError as error:
        raise NotConnected from error
    try:
        writer.write(request)
        return await _answer(reader.read, wanted)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def _plain(address: str, port: int, request: bytes, wanted: Callable[[int], int]) -> int:
    """On a bare socket: a transport would cost more than all the rest."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            await loop.sock_connect(connection, (address, port))
        except OSError as error:
            raise NotConnected from error
        await loop.sock_sendall(connection, request)
        return await _answer(lambda size: loop.sock_recv(connection, size), wanted)


async def _answer(receive: Receive, wanted: Callable[[int], int]) -> int:
    said = b""
    while True:
        said, head = await _head(receive, said)
        status = _STATUS.match(head)
        if status is None:
            raise NotHttp
        code = int(status[1])
        if code >= 200 or code == 101:  # another 1xx is followed by the answer proper
            break
    left = 0 if code in _BODILESS else wanted(code)
    if left:
        await _body(receive, said, head, left)
    return code


async def _head(receive: Receive, said: bytes) -> tuple[bytes, bytes]:
    """What follows the next head, and that head."""
    while (end := _HEAD_ENDS.search(said)) is None:
        if said and not (b"HTTP/1." if len(said) > 7 else b"HTTP/1."[: len(said)]) == said[:7]:
            raise NotHttp
        if len(said) > _LONGEST_HEAD:
            raise NotHttp
        more = await receive(_AT_ONCE)
        if not more:
            raise Closed
        said += more
    return said[end.end() :], said[: end.end()]


async def _body(receive: Receive, said: bytes, head: bytes, left: int) -> None:
    chunked = _CHUNKED.search(head) is not None
    length = None if chunked else _LENGTH.search(head)
    if length is not None:
        if not length[1].strip().isdigit():
            raise NotHttp
        left = min(left, int(length[1]))
    while len(said) < left and not (chunked and _LAST_CHUNK.search(said)):
        more = await receive(_AT_ONCE)
        if not more:
            if chunked or length is not None:
                raise Closed
            return
        said += more
