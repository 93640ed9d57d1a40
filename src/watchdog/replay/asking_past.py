"""Questions about long stretches, for the search; what cannot be asked becomes one clear exception."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series
from watchdog.ports import MetricSource

DEADLINE = 60.0
"""Seconds for one question: long ranges take Prometheus their time."""

_STEPS_AT_ONCE = 24

_UNREACHABLE = frozenset({FailureReason.UNREACHABLE, FailureReason.TIMEOUT, FailureReason.UNAVAILABLE})


class NotAnswered(Exception):
    """Prometheus did not answer the search; `unreachable`: it, or what stands before it, answers nothing at all."""

    def __init__(self, failed: QueryFailed) -> None:
        super().__init__(f"{failed.reason}: {failed.detail}")
        self.failed = failed


def unreachable(failed: QueryFailed) -> bool:
    """Whether another question would fare no better."""
    return failed.reason in _UNREACHABLE or failed.reason is FailureReason.GARBLED


async def over_time(
    source: MetricSource, promql: str, start: datetime, end: datetime, step: float
) -> tuple[Series, ...]:
    """The query along steps that lie on a grid of their own, in pieces that do too: asked again, most are known.

    The last step lies at `end` or after it. A piece's series come by themselves. Raises `NotAnswered`.
    """
    piece = _STEPS_AT_ONCE * step
    at, last = math.floor(start.timestamp() / step) * step, math.ceil(end.timestamp() / step) * step
    spans = []
    while at <= last:
        upto = min((math.floor(at / piece) + 1) * piece - step, last)
        spans.append((moment(at), moment(upto)))
        at = upto + step
    found = await asyncio.gather(*(source.query_range(promql, *span, step, deadline=DEADLINE) for span in spans))
    return tuple(series for answer in found for series in _series(answer))


async def samples(source: MetricSource, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
    """All raw samples of a selector. Raises `NotAnswered`."""
    window = round((end - start).total_seconds() * 1000) + 1
    return _series(await source.query(f"{selector}[{window}ms]", end, deadline=DEADLINE))


def _series(answer: Answer | QueryFailed) -> tuple[Series, ...]:
    if isinstance(answer, QueryFailed):
        raise NotAnswered(answer)
    return answer.series


def moment(at: float) -> datetime:
    """Unix seconds as a moment."""
    return datetime.fromtimestamp(at, UTC)


def by_name(series: Iterable[Series]) -> Mapping[str, list[Series]]:
    """The series by the names of their metrics."""
    found: dict[str, list[Series]] = {}
    for one in series:
        found.setdefault(one.labels.get("__name__", ""), []).append(one)
    return found


def one_of(names: Iterable[str]) -> str:
    """A regular expression, quoted for PromQL, of exactly these names."""
    return '"' + "|".join(sorted(name.replace(".", "[.]") for name in set(names))) + '"'
