"""Live queries to Prometheus over httpx. Nothing is retried: the next block asks again."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx

from watchdog.adapters.garbage import uncollected
from watchdog.adapters.prometheus.answers import cut, read_alert_names, read_answer, read_names
from watchdog.adapters.prometheus.certificates import Certificates
from watchdog.adapters.prometheus.dialects import extra_of
from watchdog.adapters.prometheus.shown import Showing, Shown
from watchdog.adapters.secrets import SecretMissing
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed

T = TypeVar("T")
OnQuery = Callable[[float, FailureReason | None], None]
Read = Callable[[int, bytearray, str], T | QueryFailed]  # an HTTP answer's status and body, and the query it is of
Form = Mapping[str, str | Sequence[str]]

# A neighbour without TLS would spend a fifth of its CPU for us on packing what a cluster's network carries with ease.
_ENCODINGS = {"https": "gzip, deflate"}
_SHORTEST_SECRET = 6  # a shorter text would be found, and hidden, inside ordinary words


class LivePrometheus:
    """The ports `MetricSource` and `MetricCatalog` over HTTP.

    `shown` says who asks; `cert_file` and `key_file` are our own certificate; `ca_file` replaces the certificates that
    are trusted. All files are read again whenever they change. `on_query` is told how long each question took and why
    it failed, if it did; `on_bytes` of each answer's size. Answers larger than `max_bytes` are refused, more than
    `concurrency` questions wait for each other, each for as long as its deadline is, which begins when it is sent.
    Proxies and credentials of the environment are not used. Raises OSError where a certificate or CA cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        shown: Shown | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        on_query: OnQuery = lambda _seconds, _reason: None,
        on_bytes: Callable[[int], None] = lambda _size: None,
        concurrency: int = 8,
        max_bytes: int = 32 * 2**20,
    ) -> None:
        self._url = httpx.URL(url.rstrip("/"))
        self._extra = extra_of(self._url.host)
        self._certificates = Certificates(ca_file, cert_file, key_file)
        self._shown = shown
        self._on_query = on_query
        self._on_bytes = on_bytes
        self._room = asyncio.Semaphore(concurrency)
        self._max_bytes = max_bytes
        self._client = httpx.AsyncClient(
            headers={
                "User-Agent": "rollback-watchdog",
                "Accept-Encoding": _ENCODINGS.get(self._url.scheme, "identity"),
            },
            verify=self._certificates.context,
            auth=None if shown is None else Showing(shown),
            trust_env=False,
            follow_redirects=False,
            # How many at once is bounded above. A bound of the pool's own is not safe: a request that is cancelled
            # while many wait may keep its place in it, until nobody gets one and Prometheus looks away for ever.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=concurrency),
            timeout=None,  # noqa: S113 - each question has a deadline of its own
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ready(self, *, deadline: float = 2.0) -> Answer | QueryFailed:
        """A question that costs Prometheus nothing: an `Answer` means that it can be asked."""
        return await self._ask("/api/v1/query", {"query": "vector(1)"}, deadline, read_answer, "vector(1)")

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        """An instant query at `at`; a range selector gives its raw samples. Never raises."""
        return await self._ask("/api/v1/query", {"query": promql, "time": _unix(at)}, deadline, read_answer, promql)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        """The query at `start`, `start + step` ... up to `end`. Never raises."""
        form = {"query": promql, "start": _unix(start), "end": _unix(end), "step": f"{step:.3f}"}
        return await self._ask("/api/v1/query_range", form, deadline, read_answer, promql)

    async def label_names(
        self, selectors: Sequence[str], start: datetime, end: datetime, *, deadline: float
    ) -> tuple[str, ...] | QueryFailed:
        """The labels of the series that any of the selectors finds between `start` and `end`. Never raises."""
        return await self._ask("/api/v1/labels", _listed(selectors, start, end), deadline, read_names, "labels", "GET")

    async def label_values(
        self, label: str, selectors: Sequence[str], start: datetime, end: datetime, *, deadline: float
    ) -> tuple[str, ...] | QueryFailed:
        """The values of one label among those series. Never raises."""
        path = f"/api/v1/label/{quote(label, safe='')}/values"
        return await self._ask(path, _listed(selectors, start, end), deadline, read_names, f"values of {label}", "GET")

    async def alert_names(self, *, deadline: float) -> tuple[str, ...] | QueryFailed:
        """The names of all alerting rules. Never raises."""
        return await self._ask("/api/v1/rules", {"type": "alert"}, deadline, read_alert_names, "rules", "GET")

    async def _ask(
        self, path: str, form: Form, deadline: float, read: Read[T], query: str, method: str = "POST"
    ) -> T | QueryFailed:
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome: T | QueryFailed
        try:
            if await self._has_room(deadline):
                try:
                    async with asyncio.timeout(deadline):
                        outcome = await self._sent(method, path, form, deadline, read, query)
                finally:
                    self._room.release()
            else:
                # A crowd of our own says nothing of Prometheus, and opens no circuit.
                detail = f"not asked: after {deadline:g} s there were still too many questions before it"
                outcome = QueryFailed(FailureReason.CROWDED, detail, query)
        except (TimeoutError, httpx.TimeoutException):
            outcome = QueryFailed(FailureReason.TIMEOUT, f"no whole answer within {deadline:g} s", query)
        except httpx.DecodingError as error:
            outcome = QueryFailed(FailureReason.GARBLED, _named(error), query)
        except SecretMissing as error:
            outcome = QueryFailed(FailureReason.UNREACHABLE, str(error), query)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            outcome = QueryFailed(FailureReason.UNREACHABLE, _named(error), query)
        if isinstance(outcome, QueryFailed):
            outcome = replace(outcome, detail=self._without_secrets(outcome.detail))
        self._on_query(loop.time() - began, outcome.reason if isinstance(outcome, QueryFailed) else None)
        return outcome

    async def _has_room(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._room.acquire()
        except TimeoutError:
            return False

    async def _sent(
        self, method: str, path: str, form: Form, deadline: float, read: Read[T], query: str
    ) -> T | QueryFailed:
        self._certificates.refresh()
        url = self._url.copy_with(path=self._url.path.rstrip("/") + path)
        # Names are only listed by GET.
        data, params = ({**form, **self._extra}, None) if method == "POST" else (None, form)
        async with self._client.stream(method, url, data=data, params=params, timeout=deadline) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._max_bytes:
                    detail = f"an answer larger than {self._max_bytes / 2**20:g} MiB"
                    return QueryFailed(FailureReason.GARBLED, detail, query)
        self._on_bytes(len(body))
        with uncollected():
            outcome = read(response.status_code, body, query)
        if response.status_code in (401, 403) and isinstance(outcome, QueryFailed):
            if self._shown is not None:
                self._shown.refused()
            return replace(outcome, detail=f"{outcome.detail}; {self._credential()} was not accepted")
        return outcome

    def _credential(self) -> str:
        shown = "" if self._shown is None else self._shown.what
        if shown:
            return shown
        return "the user and password in Prometheus's URL" if self._url.userinfo else "a request without credentials"

    def _without_secrets(self, text: str) -> str:
        shown = () if self._shown is None else self._shown.secrets()
        for secret in (self._url.password, *shown):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "[secret]")
        return text


def _listed(selectors: Sequence[str], start: datetime, end: datetime) -> Form:
    return {"match[]": list(selectors), "start": _unix(start), "end": _unix(end)}


def _unix(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


def _named(error: Exception) -> str:
    """What happened, without what was sent: the texts of protocol errors may quote a header."""
    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL):
        return type(error).__name__
    return cut(f"{type(error).__name__}: {error}".rstrip(": "))
