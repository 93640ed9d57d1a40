"""JSON that may be nested more deeply than it can be read: one such object keeps nobody from the others of its list."""

import json
import re
from collections.abc import Iterator
from typing import Any

DEEPEST = 200
"""Levels of an answer that are read: an object that means anything has some twenty."""

_TOO_DEEP = "rollback-watchdog.dev/too-deep"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_OPENING, _CLOSING = frozenset((b"[", b"{")), frozenset((b"]", b"}"))
_CUT = json.dumps({_TOO_DEEP: True}).encode()


def loaded(raw: bytes) -> Any:
    """The JSON, in which whatever lies deeper than `DEEPEST` is cut out where it could not be read otherwise.

    What was cut is known by `is_cut`: an object of a list, or of a watch's event, by itself. Raises ValueError.
    """
    try:
        return json.loads(raw)
    except RecursionError:
        document = json.loads(b"".join(_shallow(raw)))
    for one in _objects(document):
        if _holds_cut(one):
            one[_TOO_DEEP] = True
    return document


def is_cut(one: Any) -> bool:
    """Whether something was cut out of this object."""
    return isinstance(one, dict) and _TOO_DEEP in one


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    """Of a list its items, of a watch's event what it is about, else the document."""
    if isinstance(document, dict):
        items, about = document.get("items"), document.get("object")
        found = items if isinstance(items, list) else [about if isinstance(about, dict) else document]
        yield from (one for one in found if isinstance(one, dict))


def _holds_cut(value: Any) -> bool:
    if isinstance(value, dict):
        return _TOO_DEEP in value or any(_holds_cut(one) for one in value.values())
    return isinstance(value, list) and any(_holds_cut(one) for one in value)


def _shallow(raw: bytes) -> Iterator[bytes]:
    """The text without what lies too deeply."""
    depth, begin = 0, 0
    for match in _TOKEN.finditer(raw):
        token = match[0]
        if token in _OPENING:
            depth += 1
            if depth == DEEPEST:
                yield raw[begin : match.start()]
        elif token in _CLOSING:
            if depth == DEEPEST:
                yield _CUT
                begin = match.end()
            depth -= 1
    if depth < DEEPEST:
        yield raw[begin:]
