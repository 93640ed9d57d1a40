"""The answers of the HTTP API, as Prometheus writes them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from watchdog.simulator.promql import Answer, InstantVector, Matrix, Scalar, String
from watchdog.simulator.promql.arithmetic import NAN
from watchdog.simulator.promql.numbers import plain, written_time, written_value

Point = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: str
    content_type: str = "application/json"


def success(data: object, warnings: Sequence[str] = ()) -> Reply:
    """200 with `data`."""
    envelope: dict[str, object] = {"status": "success", "data": data}
    if warnings:
        envelope["warnings"] = list(warnings)
    return Reply(200, json.dumps(envelope, separators=(",", ":")))


def failure(status: int, error_type: str, message: str) -> Reply:
    """An error, as the API words it."""
    envelope = {"status": "error", "errorType": error_type, "error": message}
    return Reply(status, json.dumps(envelope, separators=(",", ":")))


def result(answer: Answer) -> dict[str, Any]:
    """A query's value as `resultType` and `result`."""
    match answer:
        case Scalar(point):
            return {"resultType": "scalar", "result": [written_time(point[0]), plain(point[1])]}
        case String(at, value):
            return {"resultType": "string", "result": [written_time(at), value]}
        case InstantVector(samples):
            vector = [{"metric": dict(labels), "value": _point(point)} for labels, point in samples]
            return {"resultType": "vector", "result": vector}
        case Matrix(series):
            matrix = [
                {"metric": dict(labels), "values": [_point(point) for point in points]} for labels, points in series
            ]
            return {"resultType": "matrix", "result": matrix}
    assert_never(answer)


def _point(point: Point) -> list[object]:
    at, value = point
    return [written_time(at), written_value(value)]


def not_a_number(answer: Answer) -> Answer:
    """The same series with every value NaN."""

    def undefined(point: Point) -> Point:
        return (point[0], NAN)

    match answer:
        case Scalar(point):
            return Scalar(undefined(point))
        case String():
            return answer
        case InstantVector(samples):
            return InstantVector([(labels, undefined(point)) for labels, point in samples])
        case Matrix(series):
            return Matrix([(labels, [undefined(point) for point in points]) for labels, points in series])
    assert_never(answer)


def cut(answer: Answer, kept: float) -> Answer:
    """Only the first share `kept` of the series."""
    first: Callable[[int], int] = lambda count: round(count * kept)  # noqa: E731
    match answer:
        case Scalar() | String():
            return answer
        case InstantVector(samples):
            return replace(answer, samples=samples[: first(len(samples))])
        case Matrix(series):
            return replace(answer, series=series[: first(len(series))])
    assert_never(answer)
