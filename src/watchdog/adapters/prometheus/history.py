"""Long stretches of the past, through prometheus-api-client in threads of its own; for backtests, never the daemon."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import requests.auth
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from watchdog.adapters.prometheus.answers import cut, read_answer, read_result
from watchdog.adapters.prometheus.cache import AnswerCache, Key
from watchdog.adapters.prometheus.dialects import extra_of
from watchdog.adapters.prometheus.shown import Asked, Shown
from watchdog.adapters.secrets import SecretMissing
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series

MOST_POINTS = 10_000
"""Of one series in one answer; Prometheus itself refuses more than 11,000."""

SETTLED = timedelta(minutes=15)
"""What is younger may still change: remote writes and rules come late. It is not cached."""

_TAIL = 4096  # bytes in which an answer's warnings are looked for: Prometheus writes them last
_HEAD = 256  # and those in which VictoriaMetrics says first that it is partial


@dataclass(slots=True)
class Spending:
    """What was asked of Prometheus so far."""

    queries: int = 0
    from_cache: int = 0
    samples: int = 0  # those from the cache left out


class HistoryPrometheus:
    """The `MetricSource` port for the past, polite: few threads, a limit on samples, each answer asked for once.

    `until` is Prometheus's own now. Beyond `max_samples` (None: no limit) every question is refused. An answer with
    warnings is no answer: part of the data is missing. Nothing is retried.
    """

    def __init__(
        self,
        url: str,
        *,
        until: datetime | None = None,
        shown: Shown | None = None,
        ca_file: Path | None = None,
        certificate: tuple[Path, Path] | None = None,
        concurrency: int = 4,
        max_samples: int | None = None,
        spent: Spending | None = None,
        cache: AnswerCache | None = None,
        on_query: Callable[[], None] = lambda: None,
    ) -> None:
        self.url = url.rstrip("/")
        self.until = until
        self.spent = Spending() if spent is None else spent
        self._refused = False
        self._shown = shown
        self._extra = extra_of(urlsplit(url).hostname or "")
        self._ca_file = ca_file
        self._certificate = certificate
        self._max_samples = max_samples
        self._cache = cache
        self._on_query = on_query
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="history")
        self._mine = threading.local()
        self._room = asyncio.Semaphore(concurrency)
        self._asking: dict[Key, asyncio.Future[Answer | QueryFailed]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._cache is not None:
            self._cache.close()

    def exhausted(self) -> bool:
        """Whether a question was refused because `max_samples` were had."""
        return self._refused

    async def now(self, *, deadline: float = 10.0) -> datetime | QueryFailed:
        """What time Prometheus thinks it is. Never raises."""
        answer = await self._sent(Key("query", "vector(time())", None, None, None), deadline)
        if isinstance(answer, QueryFailed):
            return answer
        try:
            return datetime.fromtimestamp(answer.series[0].samples[0][1], UTC)
        except (IndexError, OverflowError, ValueError):
            return QueryFailed(FailureReason.GARBLED, "it does not say what time it is", "vector(time())")

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        """An instant query at `at`; a range selector gives its raw samples. Never raises."""
        return await self._ask(Key("query", promql, None, at.timestamp(), None), deadline)

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        """The query at `start`, `start + step` ... up to `end`, in pieces that Prometheus accepts. Never raises."""
        answers: list[Answer] = []
        piece = timedelta(seconds=step * (MOST_POINTS - 1))
        begin = start
        while True:
            last = min(end, begin + piece)
            key = Key("query_range", promql, begin.timestamp(), last.timestamp(), step)
            answer = await self._ask(key, deadline)
            if isinstance(answer, QueryFailed):
                return answer
            answers.append(answer)
            begin += piece + timedelta(seconds=step)
            if begin > end:
                return answers[0] if len(answers) == 1 else Answer(promql, _joined(answers))

    async def _ask(self, key: Key, deadline: float) -> Answer | QueryFailed:
        """From the cache, from a question that is under way, or from Prometheus."""
        settled = self.until is not None and key.end is not None and key.end <= (self.until - SETTLED).timestamp()
        if settled and self._cache is not None:
            known = self._cache.get(key)
            if known is not None:
                self.spent.from_cache += 1
                self._on_query()
                return known
        under_way = self._asking.get(key)
        if under_way is not None:
            return await asyncio.shield(under_way)
        future = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._counted(key, deadline)
            if settled and self._cache is not None and isinstance(answer, Answer):
                self._cache.put(key, answer)
            future.set_result(answer)
            return answer
        finally:
            del self._asking[key]
            if not future.done():
                future.cancel()
            self._on_query()

    async def _counted(self, key: Key, deadline: float) -> Answer | QueryFailed:
        if self._max_samples is not None and self.spent.samples >= self._max_samples:
            self._refused = True
            return QueryFailed(FailureReason.REFUSED, f"the limit of {self._max_samples} samples is spent", key.query)
        answer = await self._sent(key, deadline)
        self.spent.queries += 1
        if isinstance(answer, Answer):
            self.spent.samples += sum(len(series.samples) for series in answer.series)
        return answer

    async def _sent(self, key: Key, deadline: float) -> Answer | QueryFailed:
        try:
            async with self._room, asyncio.timeout(deadline + 1.0):
                if self._shown is not None:
                    await self._shown.renew()
                # A thread cannot be called back: requests gives up after `deadline` by itself.
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, self._blocking, key, deadline)
        except SecretMissing as error:
            return QueryFailed(FailureReason.UNREACHABLE, str(error), key.query)
        except TimeoutError:
            return QueryFailed(FailureReason.TIMEOUT, f"no whole answer within {deadline:g} s", key.query)

    # -- in a thread ---------------------------------------------------------------------------------------------

    def _blocking(self, key: Key, deadline: float) -> Answer | QueryFailed:
        client = self._client()
        client.headers = {"User-Agent": "rollback-watchdog"}
        seen: list[requests.Response] = self._mine.seen
        seen.clear()
        query, timeout = key.query, deadline
        try:
            result = self._asked(client, key, timeout)
        except requests.Timeout:
            return QueryFailed(FailureReason.TIMEOUT, f"no whole answer within {deadline:g} s", query)
        except SecretMissing as error:
            return QueryFailed(FailureReason.UNREACHABLE, str(error), query)
        except requests.TooManyRedirects:
            return QueryFailed(FailureReason.GARBLED, f"{_where(seen)} redirects elsewhere: a login page?", query)
        except (PrometheusApiClientException, KeyError, ValueError, TypeError) as error:
            return _failure(seen, query, error)
        except (requests.RequestException, OSError) as error:
            return QueryFailed(FailureReason.UNREACHABLE, _named(error), query)
        # The client drops warnings: a partial answer would look whole.
        if seen and (b'"warnings":[' in seen[-1].content[-_TAIL:] or b'"isPartial":true' in seen[-1].content[:_HEAD]):
            return read_answer(seen[-1].status_code, seen[-1].content, query)
        return read_result(result, query)

    def _asked(self, client: PrometheusConnect, key: Key, timeout: float) -> Any:
        if key.step is None:
            params = {**self._extra, **({} if key.end is None else {"time": f"{key.end:.3f}"})}
            return client.custom_query(key.query, params=params, timeout=timeout)
        assert key.start is not None
        assert key.end is not None
        # By parameters: the client would round both to whole seconds.
        params = {**self._extra, "start": f"{key.start:.3f}", "end": f"{key.end:.3f}"}
        moments = datetime.fromtimestamp(key.start, UTC), datetime.fromtimestamp(key.end, UTC)
        return client.custom_query_range(key.query, *moments, f"{key.step:.3f}", params=params, timeout=timeout)

    def _client(self) -> PrometheusConnect:
        client: PrometheusConnect | None = getattr(self._mine, "client", None)
        if client is None:
            session = requests.Session()
            session.trust_env = False
            session.max_redirects = 0
            if self._ca_file is not None:
                session.verify = str(self._ca_file)
            if self._certificate is not None:
                session.cert = (str(self._certificate[0]), str(self._certificate[1]))
            if self._shown is not None:
                session.auth = _Shows(self._shown)
            seen: list[requests.Response] = []
            session.hooks["response"].append(lambda response, **_: seen.append(response))
            client = PrometheusConnect(self.url, session=session, retry=Retry(0))
            self._mine.client, self._mine.seen = client, seen
        return client


class _Shows(requests.auth.AuthBase):
    """requests' hook: shows it with each request."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        asked = Asked(
            request.method or "",
            request.url or "",
            {name: str(value) for name, value in request.headers.items()},
            body if isinstance(body, bytes) else str(body).encode(),
        )
        request.headers.update(self._shown.headers(asked))
        return request


def _failure(seen: Sequence[requests.Response], query: str, error: Exception) -> QueryFailed:
    if not seen:
        return QueryFailed(FailureReason.UNREACHABLE, _named(error), query)
    last = seen[-1]
    if last.content.lstrip()[:1] == b"<":
        detail = (
            f"{_where(seen)} answers HTML (HTTP {last.status_code}), not the Prometheus API: a proxy or a login page?"
        )
        return QueryFailed(FailureReason.GARBLED, cut(detail), query)
    answer = read_answer(last.status_code, last.content, query)
    if isinstance(answer, QueryFailed):
        return answer
    return QueryFailed(FailureReason.GARBLED, "no answer of the Prometheus API", query)


def _where(seen: Sequence[requests.Response]) -> str:
    """The address that answered, without query and credentials."""
    if not seen or not seen[-1].url:
        return "the server"
    scheme, _, rest = seen[-1].url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def _named(error: Exception) -> str:
    """What happened, without the question, which the library's own text quotes in full."""
    cause = error.args[0] if error.args else error
    reason = str(getattr(cause, "reason", None) or cause)
    return cut(reason.rpartition("object at 0x")[2].partition(": ")[2] or reason)


def _joined(answers: Sequence[Answer]) -> tuple[Series, ...]:
    """One series of its pieces, which do not overlap."""
    found: dict[tuple[tuple[str, str], ...], list[Series]] = {}
    for answer in answers:
        for series in answer.series:
            found.setdefault(tuple(sorted(series.labels.items())), []).append(series)
    return tuple(
        Series(parts[0].labels, tuple(sample for part in parts for sample in part.samples)) for parts in found.values()
    )
