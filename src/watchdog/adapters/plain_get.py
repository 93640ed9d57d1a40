"""A GET on a connection of its own, of which only the status matters: a tenth of what an HTTP client costs."""

import asyncio
import re
import ssl
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import TypeVar

_LONGEST_HEAD = 64 * 1024
AT_ONCE = 8192  # bytes to read in one go
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_LAST_CHUNK = re.compile(rb"(?:^|\r\n)0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*\r\n")
_BODILESS = frozenset({204, 304})

Wanted = Callable[[int], int]  # how many bytes of the body, by the status

T = TypeVar("T")
Reading = Generator[None, bytes, T]  # is sent what comes, and nothing at the end


class NotConnected(Exception):
    """Nobody took the connection; the cause is the OSError."""


class NotHttp(Exception):
    """What came back is no HTTP."""


class Closed(Exception):
    """The connection ended before the answer did."""


FAILURES = (NotConnected, NotHttp, Closed, OSError, ValueError)  # ValueError: it cannot be sent, or read, at all


def request_of(target: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a GET; raises ValueError where a header, or the target, cannot be sent."""
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a line break in a request's line")
    return ("\r\n".join([*lines, "", ""])).encode()


async def over_tls(address: str, port: int, request: bytes, tls: ssl.SSLContext, wanted: Wanted) -> int:
    """The status of the answer, once as much of its body as is `wanted` is there.

    Raises `NotConnected`, `NotHttp`, `Closed`, OSError (ssl.SSLError among them). Bound it outside.
    """
    try:
        reader, writer = await asyncio.open_connection(address, port, ssl=tls)
    except ssl.SSLError:
        raise
    except OSError as error:
        raise NotConnected from error
    try:
        writer.write(request)
        answer = Answer(wanted)
        while (status := answer.take(await reader.read(AT_ONCE))) is None:
            pass
        return status
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


class Answer:
    """What has come of an answer so far, whoever reads it."""

    __slots__ = ("_reading",)

    def __init__(self, wanted: Wanted) -> None:
        self._reading = _answer(wanted)
        next(self._reading)

    def take(self, more: bytes) -> int | None:
        """The status, once as many bytes of its body as are `wanted` of that status are there, or all; None until then.

        No bytes are the connection's end. Raises `NotHttp`, `Closed`.
        """
        try:
            self._reading.send(more)
        except StopIteration as done:
            status: int = done.value
            return status
        return None


def _answer(wanted: Wanted) -> Reading[int]:
    said = b""
    while True:
        said, head = yield from _head(said)
        status = _STATUS.match(head)
        if status is None:
            raise NotHttp
        code = int(status[1])
        if code >= 200 or code == 101:  # another 1xx is followed by the answer proper
            break
    left = 0 if code in _BODILESS else wanted(code)
    if left:
        yield from _body(said, head, left)
    return code


def _head(said: bytes) -> Reading[tuple[bytes, bytes]]:
    """What follows the next head, and that head."""
    while (end := _HEAD_ENDS.search(said)) is None:
        if said and not (b"HTTP/1." if len(said) > 7 else b"HTTP/1."[: len(said)]) == said[:7]:
            raise NotHttp
        if len(said) > _LONGEST_HEAD:
            raise NotHttp
        more = yield
        if not more:
            raise Closed
        said += more
    return said[end.end() :], said[: end.end()]


def _body(said: bytes, head: bytes, left: int) -> Reading[None]:
    chunked = _CHUNKED.search(head) is not None
    length = None if chunked else _LENGTH.search(head)
    if length is not None:
        if not length[1].strip().isdigit():
            raise NotHttp
        left = min(left, int(length[1]))
    while len(said) < left and not (chunked and _LAST_CHUNK.search(said)):
        more = yield
        if not more:
            if chunked or length is not None:
                raise Closed
            return
        said += more
