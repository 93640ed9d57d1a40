"""How many requests a target gets, and how often it is scraped."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from watchdog.domain.measurement import Answer, Series
from watchdog.ports import MetricSource
from watchdog.survey.metric_names import answered

_DEADLINE = 10.0


async def requests_per_second(
    source: MetricSource, counter: str, at: datetime, *, over: timedelta = timedelta(minutes=30)
) -> float | None:
    """How fast a counter's series grow together; `counter` is a bare selector.

    None where it finds no series with two samples. Raises `PrometheusAway`.
    """
    query = f"sum(rate({counter}[{_seconds(over)}s]))"
    answer = answered(await source.query(query, at, deadline=_DEADLINE))
    values = [value for series in answer.series for _, value in series.samples if math.isfinite(value)]
    return values[-1] if values else None


async def scrape_interval(
    source: MetricSource, selector: str, at: datetime, *, over: timedelta = timedelta(minutes=5)
) -> float | None:
    """Seconds between two samples, measured from the samples' own spacing; `selector` is a bare selector.

    None where no series has two samples. Raises `PrometheusAway`.
    """
    answer = answered(await source.query(f"{selector}[{_seconds(over)}s]", at, deadline=_DEADLINE))
    return spacing(answer.series)


def spacing(series: Sequence[Series]) -> float | None:
    """The median distance between the samples of the series, in seconds: a scrape that failed does not count."""
    distances = [later - earlier for one in series for (earlier, _), (later, _) in pairwise(one.samples)]
    return round(median(distances), 1) if distances else None


def now_of(answer: Answer) -> float | None:
    """The time (Unix seconds) that an instant answer bears: with no time asked for, Prometheus's own now."""
    return next((at for series in answer.series for at, _ in series.samples), None)


def _seconds(span: timedelta) -> int:
    return max(1, round(span.total_seconds()))
