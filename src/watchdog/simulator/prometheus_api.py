"""The HTTP API of the simulated Prometheus, on loopback."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, assert_never

from aiohttp import web
from multidict import MultiDict

from watchdog.ports import Clock
from watchdog.simulator import promql
from watchdog.simulator.dialects import METADATA
from watchdog.simulator.prometheus_answers import Reply, cut, failure, not_a_number, result, success
from watchdog.simulator.prometheus_faults import (
    Delay,
    Empty,
    Fault,
    Faults,
    Hang,
    Late,
    NotANumber,
    Reset,
    Status,
    Warned,
)
from watchdog.simulator.prometheus_parameters import duration, timestamp
from watchdog.simulator.promql import Answer, BadQuery, ExecutionFailed, InstantVector, Matrix, Semantics
from watchdog.simulator.promql.parse import parse_selector
from watchdog.simulator.tsdb import Series, Tsdb, milliseconds

Form = MultiDict[str]
Endpoint = Callable[["Question"], Reply]

_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: `query` is empty where the path takes none, `time` is that parameter's text."""

    path: str
    query: str
    time: str | None
    at: datetime
    form: dict[str, str]
    tenant: str = ""  # X-Scope-OrgID


@dataclass(frozen=True, slots=True)
class Question:
    """What an endpoint is asked, and under which fault it answers."""

    form: Form
    fault: Fault | None
    label: str = ""


@dataclass(slots=True)
class PrometheusApi:
    """Answers from a `Tsdb`; does wrong what `faults` says; remembers `requests`."""

    tsdb: Tsdb
    clock: Clock
    faults: Faults
    semantics: Semantics
    version: str
    requests: list[Request] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _address: tuple[str, int] = ("127.0.0.1", 0)

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[str]:
        """Listen (port 0: any free one) and yield the base URL."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.0)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, host, port).start()
            host, port = runner.addresses[0][:2]
            self._address = (host, port)
            yield f"http://{host}:{port}"
        finally:
            self.faults.clear()
            await runner.cleanup()

    async def go_down(self) -> None:
        """Listen no more, and drop all connections."""
        assert self._runner is not None
        assert self._runner.server is not None
        for site in list(self._runner.sites):
            await site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def come_back(self) -> None:
        """Listen on the same port again."""
        assert self._runner is not None
        await web.TCPSite(self._runner, *self._address).start()

    def _application(self) -> web.Application:
        both = {
            "/api/v1/query": self._query,
            "/api/v1/query_range": self._query_range,
            "/api/v1/series": self._series,
            "/api/v1/labels": self._labels,
        }
        only_get = {
            "/api/v1/label/{name}/values": self._label_values,
            "/api/v1/metadata": self._metadata,
            "/api/v1/status/buildinfo": self._buildinfo,
            "/-/ready": lambda _: _page("Prometheus Server is Ready.\n"),
            "/-/healthy": lambda _: _page("Prometheus Server is Healthy.\n"),
        }
        application = web.Application()
        for path, endpoint in {**both, **only_get}.items():
            application.router.add_get(path, self._handler(endpoint), allow_head=False)
        for path, endpoint in both.items():
            application.router.add_post(path, self._handler(endpoint))
        return application

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            form: Form = MultiDict(request.query)
            form.extend((name, str(value)) for name, value in (await request.post()).items())
            query = form.get("query", "")
            tenant = request.headers.get("X-Scope-OrgID", "")
            asked = Request(request.path, query, form.get("time"), self.clock.now(), dict(form.items()), tenant)
            self.requests.append(asked)
            fault = self.faults.take(query)
            match fault:
                case Status(code, body, content_type):
                    return web.Response(status=code, text=body, content_type=content_type)
                case Reset():
                    if request.transport is not None:
                        request.transport.abort()
                    return web.Response()
                case Hang():
                    await self.faults.released()
                case Delay(seconds):
                    await self.clock.sleep(seconds)
                case Late() | NotANumber() | Empty() | Warned() | None:
                    pass
                case _:
                    assert_never(fault)
            reply = _guarded(endpoint, Question(form, fault, request.match_info.get("name", "")))
            # Not as `text`, which would add a charset that the real one does not write.
            headers = {"Content-Type": reply.content_type}
            return web.Response(status=reply.status, body=reply.body.encode(), headers=headers)

        return handle

    def _query(self, question: Question) -> Reply:
        form = question.form
        try:
            at = timestamp(form, "time") if form.get("time") else self._now()
        except BadQuery as error:
            why = str(error).removeprefix('invalid parameter "time": ')
            raise BadQuery(f"invalid parameter \"time\": Invalid time value for 'time': {why}") from error
        _check_timeout(form)
        try:
            answer = promql.query_instant(self.tsdb, form.get("query", ""), at, self._seen(question.fault))
        except BadQuery as error:
            raise BadQuery(f'invalid parameter "query": {error}') from error
        return _replied(answer, question.fault)

    def _query_range(self, question: Question) -> Reply:
        form = question.form
        start, end = timestamp(form, "start"), timestamp(form, "end")
        if end < start:
            raise BadQuery('invalid parameter "end": end timestamp must not be before start time')
        step = duration(form, "step")
        _check_timeout(form)
        semantics = self._seen(question.fault)
        answer = promql.query_range(self.tsdb, form.get("query", ""), start, end, step, semantics)
        return _replied(answer, question.fault)

    def _series(self, question: Question) -> Reply:
        if not question.form.getall("match[]", []):
            raise BadQuery("no match[] parameter provided")
        return success([series.label for series in self._matching(question)])

    def _labels(self, question: Question) -> Reply:
        return success(sorted({name for series in self._matching(question) for name in series.label}))

    def _label_values(self, question: Question) -> Reply:
        name = question.label
        if not _LABEL_NAME.fullmatch(name):
            raise BadQuery(f'invalid label name: "{name}"')
        found = {series.label[name] for series in self._matching(question) if name in series.label}
        return success(sorted(found))

    def _metadata(self, question: Question) -> Reply:
        wanted = question.form.get("metric", "")
        exist = {series.label.get("__name__", "") for series in self.tsdb.all()}
        return success(
            {
                family: [{"type": kind, "help": text, "unit": ""}]
                for family, (kind, text) in METADATA.items()
                if wanted in {"", family} and exist & {family, f"{family}_count"}
            }
        )

    def _buildinfo(self, _question: Question) -> Reply:
        facts = dict.fromkeys(("revision", "branch", "buildUser", "buildDate", "goVersion"), "simulator")
        return success({"version": self.version, **facts})

    def _matching(self, question: Question) -> Iterable[Series]:
        """Series with a sample between `start` and `end` that any `match[]` selects (all, where none is given)."""
        form = question.form
        start = timestamp(form, "start") if form.get("start") else 0
        end = timestamp(form, "end") if form.get("end") else self._now()
        found: dict[int, Series] = {}
        selectors = form.getall("match[]", [])
        for text in selectors:
            try:
                matchers = parse_selector(text).matchers
            except BadQuery as error:
                raise BadQuery(f'invalid parameter "match[]": {error}') from error
            found.update((id(series), series) for series in self.tsdb.select(matchers))
        candidates = found.values() if selectors else self.tsdb.all()
        return [s for s in candidates if s.times and s.times[0] <= end and s.times[-1] >= start]

    def _now(self) -> int:
        return milliseconds(self.clock.now())

    def _seen(self, fault: Fault | None) -> Semantics:
        if isinstance(fault, Late):
            return replace(self.semantics, visible_until=self._now() - round(fault.seconds * 1000))
        return self.semantics


def _guarded(endpoint: Endpoint, question: Question) -> Reply:
    try:
        return endpoint(question)
    except BadQuery as error:
        return failure(400, "bad_data", str(error))
    except ExecutionFailed as error:
        return failure(422, "execution", str(error))


def _page(text: str) -> Reply:
    return Reply(200, text, "text/plain; charset=utf-8")


def _check_timeout(form: Form) -> None:
    if form.get("timeout"):
        duration(form, "timeout")


def _replied(answer: Answer, fault: Fault | None) -> Reply:
    match fault:
        case NotANumber():
            return success(result(not_a_number(answer)))
        case Empty():
            empty = Matrix([]) if isinstance(answer, Matrix) else InstantVector([])
            return success(result(empty))
        case Warned(warnings, kept):
            return success(result(cut(answer, kept)), warnings)
        case _:
            return success(result(answer))
