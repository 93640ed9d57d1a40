"""What an instrumented application exports: the counters it keeps, and their names in each dialect."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from watchdog.simulator.behaviour import Behaviour

FASTAPI_BOUNDS: Final = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
    *(2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 7.5, 10.0, 30.0, 60.0),
)
FASTAPI_COARSE: Final = (0.1, 0.5, 1.0)
EXPRESS_BOUNDS: Final = (0.003, 0.03, 0.1, 0.3, 1.5, 10.0)


@dataclass(slots=True)
class Requests:
    """Requests of one outcome: how many fell between two bounds of the dialect (the last is open), and seconds."""

    cells: list[float]
    seconds: float = 0.0
    count: float = 0.0


@dataclass(slots=True)
class Counters:
    """What one container has counted since it started. Not whole numbers where traffic has no noise."""

    cells: int
    routes: int = 1
    of_route: list["Outcomes"] = field(init=False)
    graphql_errors: float = 0.0
    cpu_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.of_route = [Outcomes(self.cells) for _ in range(self.routes)]


@dataclass(slots=True)
class Outcomes:
    """The requests of one route, by how they ended."""

    cells: int
    good: Requests = field(init=False)
    bad: Requests = field(init=False)

    def __post_init__(self) -> None:
        self.good = Requests([0.0] * self.cells)
        self.bad = Requests([0.0] * self.cells)

    @property
    def together(self) -> list[float]:
        """The requests between each two bounds, however they ended."""
        return [a + b for a, b in zip(self.good.cells, self.bad.cells, strict=True)]


Values = list[float | None]
"""One value for each series of a `Shape`; None where the application has not made the series yet."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The series of a dialect, always in the same order, and how to read their values off the counters."""

    bounds: tuple[float, ...]
    series: tuple[tuple[str, dict[str, str]], ...]
    values: Callable[[Counters], Values]


def whole(count: float) -> float:
    """What a counter shows: only whole events. The margin is for sums of shares that miss 1 by a rounding."""
    return float(math.floor(count + 1e-6))


def bound_label(bound: float) -> str:
    """A bucket's `le` as Python's client writes it."""
    return "+Inf" if bound == math.inf else repr(float(bound))


def _cumulative(cells: list[float]) -> list[float]:
    total, counts = 0.0, []
    for cell in cells:
        total += cell
        counts.append(whole(total))
    return counts


def _buckets(
    name: str, bounds: tuple[float, ...], label: Callable[[float], str], **labels: str
) -> list[tuple[str, dict[str, str]]]:
    return [(f"{name}_bucket", {**labels, "le": label(bound)}) for bound in (*bounds, math.inf)]


@lru_cache(maxsize=64)
def _fastapi(routes: tuple[tuple[str, str], ...]) -> Shape:
    """prometheus-fastapi-instrumentator: fine buckets without labels, coarse ones by handler, statuses grouped."""
    fine, coarse = "http_request_duration_highr_seconds", "http_request_duration_seconds"
    series: list[tuple[str, dict[str, str]]] = []
    for method, handler in routes:
        route = {"handler": handler, "method": method}
        series += [("http_requests_total", {**route, "status": status}) for status in ("2xx", "5xx")]
    series += [*_buckets(fine, FASTAPI_BOUNDS, bound_label), (f"{fine}_sum", {}), (f"{fine}_count", {})]
    for method, handler in routes:
        route = {"handler": handler, "method": method}
        series += [*_buckets(coarse, FASTAPI_COARSE, bound_label, **route)]
        series += [(f"{coarse}_sum", route), (f"{coarse}_count", route)]
    places = [FASTAPI_BOUNDS.index(bound) for bound in FASTAPI_COARSE]

    def values(counters: Counters) -> Values:
        # Series with labels exist from their first request on, those without from the start.
        requests: Values = []
        coarsely: Values = []
        for of_route in counters.of_route:
            cumulative, failed = _cumulative(of_route.together), whole(of_route.bad.count)
            total, seconds = cumulative[-1], of_route.good.seconds + of_route.bad.seconds
            requests += [total - failed or None, failed or None]
            shown: Values = [*(cumulative[i] for i in places), total, seconds, total]
            coarsely += shown if total else [None] * len(shown)
        finely = _cumulative([sum(each) for each in zip(*(one.together for one in counters.of_route), strict=True)])
        spent = sum(one.good.seconds + one.bad.seconds for one in counters.of_route)
        return [*requests, *finely, spent, finely[-1], *coarsely]

    return Shape(FASTAPI_BOUNDS, tuple(series), values)


def _express() -> Shape:
    """express-prom-bundle in front of Apollo, with a counter of GraphQL outcomes of its own."""
    name = "http_request_duration_seconds"
    route = {"method": "POST", "path": "/graphql"}
    series: list[tuple[str, dict[str, str]]] = []
    for status in ("200", "500"):
        labels = {"status_code": status, **route}
        # Node's client writes 10, not 10.0.
        series += _buckets(name, EXPRESS_BOUNDS, lambda b: "+Inf" if b == math.inf else f"{b:g}", **labels)
        series += [(f"{name}_sum", labels), (f"{name}_count", labels)]
    series += [("graphql_requests_total", {"outcome": outcome}) for outcome in ("ok", "error")]
    width = len(EXPRESS_BOUNDS) + 3

    def values(counters: Counters) -> Values:
        result: Values = []
        [only] = counters.of_route
        for requests in (only.good, only.bad):
            cumulative = _cumulative(requests.cells)
            count = cumulative[-1]
            result += [*cumulative, requests.seconds, count] if count else [None] * width
        answered, failed = whole(only.good.count), whole(counters.graphql_errors)
        return [*result, answered - failed or None, failed or None]

    return Shape(EXPRESS_BOUNDS, tuple(series), values)


METADATA: Final = {
    "http_requests_total": ("counter", "Total number of requests by method, status and handler."),
    "http_request_duration_highr_seconds": ("histogram", "Latency with many buckets but no API specific labels."),
    "http_request_duration_seconds": ("histogram", "Latency with only few buckets by handler."),
    "graphql_requests_total": ("counter", "GraphQL operations by outcome."),
    "queue_depth": ("gauge", "Jobs that wait."),
    "container_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed"),
    "container_memory_working_set_bytes": ("gauge", "Current working set."),
}
"""Type and help of each metric family."""

_EXPRESS: Final = _express()


def shape_of(behaviour: Behaviour) -> Shape:
    """What an application that behaves so exports."""
    if behaviour.dialect == "express":
        return _EXPRESS
    return _fastapi(tuple((route.method, route.handler) for route in behaviour.routes))
