"""The HTTP server: health, metrics, the API, and the pages. It answers GET and HEAD, and changes nothing."""

import asyncio
import errno
import logging
import os
import re
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from types import coroutine
from typing import Any

from aiohttp import web

from watchdog.adapters.jsontext import to_json
from watchdog.adapters.web.access import ServerCertificate, token_asked
from watchdog.adapters.web.connections import HEADER_BYTES, Runner, with_headers
from watchdog.adapters.web.names import asked_by_name
from watchdog.adapters.web.site import Site
from watchdog.ports import OutOfReach

log = logging.getLogger(__name__)

Document = Mapping[str, Any]
Ready = Callable[[], tuple[bool, Sequence[str]]]
Watches = Callable[[], Awaitable[Sequence[Document]]]
Watch = Callable[[str], Awaitable[Document | None]]
OfTarget = Callable[[str], Awaitable[Sequence[Document]]]

_ENDPOINTS = "/, /watches/ID, /healthz, /readyz, /metrics, /api/watches, /api/watches/ID"
_WATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS = "application/openmetrics-text"
_METHODS = ("GET", "HEAD")
_PATIENCE = 30.0  # seconds that an answer has to be taken; then the connection is cut

# It would log a traceback for every port scan. Whatever fails behind the parser, `_refuse` logs.
_malformed = logging.getLogger(f"{__name__}.malformed")
_malformed.setLevel(logging.CRITICAL)


class CannotListen(Exception):
    """The address cannot be bound; says which, and why."""


class WebServer:
    """Serves what it is given callables for. `watches` and `watch` may raise `OutOfReach`, which answers 503.

    With `token_file` all but `access.OPEN` asks for the token in it; with `certificate` it speaks HTTPS alone; with
    `public_url` it shows nothing under a stranger's name.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        ready: Ready,
        metrics: Callable[[], Iterable[bytes]],
        openmetrics: Callable[[], Iterable[bytes]] | None = None,
        watches: Watches,
        watch: Watch,
        of_target: OfTarget | None = None,
        site: Site | None = None,
        token_file: Path | None = None,
        certificate: ServerCertificate | None = None,
        public_url: str | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._ready = ready
        self._metrics = metrics
        self._openmetrics = openmetrics
        self._watches = watches
        self._watch = watch
        self._of_target = of_target
        self._site = site
        self._token_file = token_file
        self._certificate = certificate
        self._public_url = public_url
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to listen; raises `CannotListen`."""
        asking = [asked_by_name(self._public_url)] if self._public_url is not None else []
        asking += [token_asked(self._token_file)] if self._token_file is not None else []
        app = web.Application(middlewares=[*asking, _send, _refuse], client_max_size=1)
        app.on_response_prepare.append(_finish)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._show_metrics)
        app.router.add_get("/api/watches", self._list)
        app.router.add_get("/api/watches/{id}", self._one)
        if self._site is not None:
            app.router.add_routes(self._site.routes())
        runner = Runner(
            app,
            access_log=None,
            logger=_malformed,
            shutdown_timeout=1.0,  # the whole process has five seconds to end
            keepalive_timeout=75.0,
            lingering_time=0.0,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
        )
        await runner.setup()
        try:
            context = self._certificate.context if self._certificate is not None else None
            await web.TCPSite(runner, self._host, self._port, ssl_context=context).start()
        except OSError as error:
            await runner.cleanup()
            raise CannotListen(f"cannot listen on {_written(self._host, self._port)}: {_why(error)}") from None
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening; requests under way have a second."""
        if self._runner is not None:
            if self._site is not None:
                self._site.close()
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """Where it listens, with the port that port 0 became."""
        if self._runner is None:
            raise RuntimeError("the web server has not been started")
        port = self._runner.addresses[0][1]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        return f"http{'s' if self._certificate is not None else ''}://{_written(host, port)}"

    async def _healthz(self, _: web.Request) -> web.Response:
        # That this runs is the answer: the event loop ticks.
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        ready, reasons = self._ready()
        lines = ["ready" if ready else "not ready", *reasons]
        return web.Response(status=200 if ready else 503, text="\n".join(lines) + "\n")

    async def _show_metrics(self, request: web.Request) -> web.Response:
        """In OpenMetrics for whoever asks for it, as Prometheus does; else in the older text format."""
        asked = [one.partition(";")[0].strip().lower() for one in request.headers.get("Accept", "").split(",")]
        if self._openmetrics is not None and _OPENMETRICS in asked:
            kind = f"{_OPENMETRICS}; version=1.0.0; charset=utf-8"
            return await _in_pieces(self._openmetrics(), kind)
        return await _in_pieces(self._metrics(), _PROMETHEUS_TEXT)

    async def _list(self, request: web.Request) -> web.Response:
        """The open watches; with `?target=NAMESPACE/KIND/NAME` those of the target, ended ones too."""
        target = request.query.get("target")
        try:
            if target is not None and self._of_target is not None:
                return _json(list(await self._of_target(target)))
            return _json(list(await self._watches()))
        except OutOfReach as error:
            return _json({"error": str(error)}, status=503)

    async def _one(self, request: web.Request) -> web.Response:
        watch_id = request.match_info["id"]
        try:
            document = await self._watch(watch_id) if _WATCH_ID.fullmatch(watch_id) else None
        except OutOfReach as error:
            return _json({"error": str(error)}, status=503)
        if document is None:
            return _json({"error": "there is no such watch"}, status=404)
        return _json(document)


@web.middleware
async def _send(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Sends the answer here, where there is an end to it: aiohttp would wait for ever for one who does not read."""
    answer = await handler(request)
    transport = request.transport
    if transport is None or not isinstance(answer, web.Response):
        return answer
    transport.set_write_buffer_limits(0)
    try:
        async with asyncio.timeout(_PATIENCE):
            await answer.prepare(request)
            await answer.write_eof()
    except TimeoutError:
        transport.abort()
    except ConnectionError:
        pass  # he has left
    return answer


@web.middleware
async def _refuse(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answers everything that is not served with a short text, and never with what went wrong inside."""
    if request.method not in _METHODS:
        return _closing(web.Response(status=405, text="only GET and HEAD\n", headers={"Allow": ", ".join(_METHODS)}))
    if request.body_exists:
        return _closing(web.Response(status=413, text="a request here has no body\n"))
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return _closing(web.Response(status=405, text="only GET and HEAD\n", headers=allowed))
    except web.HTTPNotFound:
        return web.Response(status=404, text=f"nothing here; there are {_ENDPOINTS}\n")
    except web.HTTPException:
        raise
    except Exception:
        log.exception("web request failed", extra={"facts": {"path": request.path}})
        return web.Response(status=500, text="failed; the log says why\n")


def _closing(answer: web.Response) -> web.Response:
    # Its body was not read, so the connection cannot carry another request.
    answer.force_close()
    return answer


async def _finish(_: web.Request, answer: web.StreamResponse) -> None:
    with_headers(answer)


async def _in_pieces(parts: Iterable[bytes], kind: str) -> web.Response:
    """A large page, made piece by piece while the others go on: many open watches have tens of thousands of lines."""
    written = []
    for part in parts:
        written.append(part)
        await _others_first()
    return web.Response(body=b"".join(written), headers={"Content-Type": kind})


@coroutine
def _others_first() -> Generator[None, None, None]:
    """Let everyone have a turn who is ready for it."""
    yield


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, text=to_json(value) + "\n", content_type="application/json")


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another process listens there"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "no such address"
