"""Connections whose every answer is ours: aiohttp's own to what is no HTTP name it, and show Python's objects."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from aiohttp import web

HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)
"""What every answer says, unless it has an own word for it."""

HEADER_BYTES = 8190

_FAILED = 500


def with_headers(answer: web.StreamResponse) -> None:
    """Close the answer to browsers, and leave out who gives it."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.popall("Server", None)


class Connection(web.RequestHandler):
    """One viewer's connection."""

    when_lost: Callable[[], None] | None = None
    """Called once when it is gone, whoever ended it."""

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.when_lost is not None:
            self.when_lost()

    def handle_error(
        self, request: web.BaseRequest, status: int = _FAILED, exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:  # fmt: skip
        """The answer to what never became a request; nothing is logged of it, or every port scan would fill the log."""
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another answer was sent already")
        limit = f"this is no request, or has a line or header of more than {HEADER_BYTES} bytes\n"
        answer = _Bare(status=status, text=limit if status < _FAILED else "failed\n")
        answer.force_close()
        return answer


class _Bare(web.Response):
    """An answer that no application prepares."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        with_headers(self)


class _Server(web.Server):
    def __init__(self, made: web.Server, options: dict[str, Any]) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory)
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=self._loop, **self._options)


class Runner(web.AppRunner):
    """Runs an application on such connections; `options` are those of aiohttp's `RequestHandler`."""

    def __init__(self, app: web.Application, *, shutdown_timeout: float, **options: Any) -> None:
        super().__init__(app, handle_signals=False, shutdown_timeout=shutdown_timeout)
        self._options = options

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._options)
