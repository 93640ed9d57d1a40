"""The Prometheus API's answers as types: data, or in which way there is none. Nothing is guessed."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from watchdog.adapters.prometheus.dialects import harmless
from watchdog.domain.measurement import Answer, FailureReason, QueryFailed, Series
from watchdog.domain.numbers import Pairs
from watchdog.domain.text import printable

_LONGEST_DETAIL = 300
# Prometheus's own kinds of errors; those that asking again later may mend are not refusals.
_PASSING = frozenset({"timeout", "canceled", "unavailable", "internal"})
_REFUSING = frozenset({"bad_data", "execution", "not_found", "not_acceptable"})
_NO_ANSWER = "no answer of the Prometheus API"
_FEW = (
    8  # samples of a series: of one with more they lie in an array, which takes a sixth of the room and longer to make
)
_ODD = (ValueError, TypeError, KeyError, OverflowError)  # what reading a result of another shape may raise


Body = bytes | bytearray


class _Strange(ValueError):
    """What is strange in a result, in words for people."""


def read_answer(status: int, body: Body, query: str) -> Answer | QueryFailed:
    """What an HTTP answer of `query` or `query_range` says."""
    document = _document(body, _series_at_once)
    if status == 200 and document is not None and document.get("status") == "success":
        return _success(document, query)
    return _failure(status, body, document, query)


def read_names(status: int, body: Body, query: str) -> tuple[str, ...] | QueryFailed:
    """What an HTTP answer of `labels` or `label/NAME/values` says."""
    return _names(status, body, query, lambda data: data)


def read_alert_names(status: int, body: Body, query: str) -> tuple[str, ...] | QueryFailed:
    """The names of the alerting rules in an HTTP answer of `rules`."""
    return _names(
        status,
        body,
        query,
        lambda data: [
            rule["name"] for group in data["groups"] for rule in group["rules"] if rule["type"] == "alerting"
        ],
    )


def _names(
    status: int, body: Body, query: str, listed: Callable[[Any], Sequence[str]]
) -> tuple[str, ...] | QueryFailed:
    document = _document(body)
    if status != 200 or document is None or document.get("status") != "success":
        return _failure(status, body, document, query)
    partial = _warned(document, query)
    if partial is not None:
        return partial
    try:
        names = listed(document["data"])
    except (TypeError, KeyError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return QueryFailed(FailureReason.GARBLED, f"{_NO_ANSWER}: no list of names", query)
    return tuple(names)


def read_result(result: Any, query: str) -> Answer | QueryFailed:
    """What a successful answer's `result` says, where its `resultType` was not handed on."""
    try:
        if not isinstance(result, list):
            raise _Strange("no list of series")
        kind = "matrix" if not result or not isinstance(result[0], dict) or "values" in result[0] else "vector"
        return Answer(query, _series({"resultType": kind, "result": result}))
    except _ODD as error:
        return _garbled(error, query)


def cut(text: str) -> str:
    """A message of someone else, fit for one line: escape sequences are written out."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"


def _document(body: Body, hook: Callable[[dict[str, Any]], Any] | None = None) -> Mapping[str, Any] | None:
    try:
        document = json.loads(body, object_hook=hook)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _series_at_once(item: dict[str, Any]) -> Any:
    """A series of a matrix as soon as it is read: as JSON its samples take several times the room, of all at once.

    Whatever is odd stays as it is, to be complained about in its turn.
    """
    if "values" in item and len(item) == 2:
        try:
            return Series(_labels(item), _samples(item["values"]))
        except _ODD:
            return item
    return item


def _garbled(error: Exception, query: str) -> QueryFailed:
    why = str(error) if isinstance(error, _Strange) else "a result that is none of series with their samples"
    return QueryFailed(FailureReason.GARBLED, cut(f"{_NO_ANSWER}: {why}"), query)


def _failure(status: int, body: Body, document: Mapping[str, Any] | None, query: str) -> QueryFailed:
    said = document.get("error") if document is not None else None
    kind = document.get("errorType") if document is not None else None
    kind = kind if isinstance(kind, str) else None
    detail = cut(f"HTTP {status}: {said}") if isinstance(said, str) and said else f"HTTP {status}"
    if status == 429 or status >= 500:
        reason = FailureReason.UNAVAILABLE
    elif status in (401, 403):
        reason = FailureReason.REFUSED
    elif document is not None and document.get("status") == "error" and (kind in _PASSING or kind in _REFUSING):
        reason = FailureReason.UNAVAILABLE if kind in _PASSING else FailureReason.REFUSED
    elif status in (400, 422):
        reason = FailureReason.REFUSED
    else:
        reason = FailureReason.GARBLED
        html, elsewhere = body.lstrip()[:1] == b"<", 300 <= status < 400
        what = " with a redirect" if elsewhere else " with HTML" if html else ""
        detail += f"{what}, and {_NO_ANSWER}{': is it a proxy or a login page?' if html or elsewhere else ''}"
    return QueryFailed(reason, detail, query)


def _warned(document: Mapping[str, Any], query: str) -> QueryFailed | None:
    """Why an answer is not whole: it bears a warning, or VictoriaMetrics' own mark."""
    if document.get("isPartial") is True:
        return QueryFailed(FailureReason.PARTIAL, "the answer is marked as partial: a storage node is away", query)
    warnings = document.get("warnings")
    if isinstance(warnings, list):
        warnings = [warning for warning in warnings if not harmless(warning)]
    if not warnings:
        return None
    first = warnings[0] if isinstance(warnings, list) else warnings
    return QueryFailed(FailureReason.PARTIAL, cut(f"warning: {first}"), query)


def _success(document: Mapping[str, Any], query: str) -> Answer | QueryFailed:
    partial = _warned(document, query)
    if partial is not None:
        return partial
    data = document.get("data")
    try:
        if not isinstance(data, dict):
            raise _Strange("no data")
        return Answer(query, _series(data))
    except _ODD as error:
        return _garbled(error, query)


def _series(data: Mapping[str, Any]) -> tuple[Series, ...]:
    kind, result = data.get("resultType"), data["result"]
    match kind:
        case "vector":
            return tuple([Series(_labels(item), _samples([_floats(item, "value")])) for item in result])
        case "matrix":
            return tuple(
                [
                    item if item.__class__ is Series else Series(_labels(item), _samples(_floats(item, "values")))
                    for item in result
                ]
            )
        case "scalar":
            return (Series({}, _samples([result])),)
    raise _Strange(f"a result of type {json.dumps(kind)}")


def _floats(item: Mapping[str, Any], key: str) -> Any:
    if "histogram" in item or "histograms" in item:
        raise _Strange("native histograms are not understood; select classic ones")
    return item[key]


def _labels(item: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = item["metric"]
    try:
        "".join(labels.values())  # the quickest look at whether all of them are texts
    except (AttributeError, TypeError):
        raise _Strange("labels that are no object of texts") from None
    return labels


def _samples(pairs: Iterable[Sequence[Any]]) -> Sequence[tuple[float, float]]:
    found = []
    for at, value in pairs:
        if value.__class__ is not str or at.__class__ is str:
            raise _Strange("a sample that is no pair of a time and a number as text")
        found.append((float(at), float(value)))
    return tuple(found) if len(found) <= _FEW else Pairs(found)
