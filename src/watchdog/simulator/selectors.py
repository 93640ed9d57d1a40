"""Label and field selectors, as they stand in a URL and in an object's spec."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from watchdog.simulator.objects import Object
from watchdog.simulator.refusals import bad_request

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]

_SET = re.compile(r"^(?P<key>[^\s,()!=]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUALS = re.compile(r"^(?P<key>[^\s,()!=]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s,()!=]*)$")
_EXISTS = re.compile(r"^(?P<absent>!?)\s*(?P<key>[^\s,()!=]+)$")
_COMMA = re.compile(r",(?![^(]*\))")


def _requirement(text: str) -> Test:
    if found := _SET.match(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUALS.match(text):
        key, value = found["key"], found["value"]
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.match(text):
        key = found["key"]
        if found["absent"]:
            return lambda labels: key not in labels
        return lambda labels: key in labels
    raise bad_request(f"unable to parse requirement: found '{text}', expected: identifier")


def label_selector(text: str) -> Test:
    """The test of a `labelSelector` parameter; empty selects everything."""
    tests = [_requirement(part.strip()) for part in _COMMA.split(text) if part.strip()]
    return lambda labels: all(test(labels) for test in tests)


_FIELDS: dict[str, Callable[[Object], str]] = {
    "metadata.name": lambda obj: str(obj["metadata"]["name"]),
    "metadata.namespace": lambda obj: str(obj["metadata"].get("namespace", "")),
    "spec.nodeName": lambda obj: str(obj.get("spec", {}).get("nodeName", "")),
    "status.phase": lambda obj: str(obj.get("status", {}).get("phase", "")),
    "reason": lambda obj: str(obj.get("reason", "")),
    "type": lambda obj: str(obj.get("type", "")),
}


def field_selector(text: str) -> Callable[[Object], bool]:
    """The test of a `fieldSelector` parameter."""
    tests: list[Callable[[Object], bool]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = re.match(r"^([\w.]+)(==|=|!=)(.*)$", part)
        if not found:
            raise bad_request(f"invalid field selector: {part!r}")
        name, op, value = found.groups()
        if name not in _FIELDS:
            raise bad_request(f'field label not supported: "{name}"')
        tests.append(_field_test(_FIELDS[name], value, wanted=op != "!="))
    return lambda obj: all(test(obj) for test in tests)


def _field_test(read: Callable[[Object], str], value: str, *, wanted: bool) -> Callable[[Object], bool]:
    return lambda obj: (read(obj) == value) is wanted


def matches(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a LabelSelector (matchLabels, matchExpressions) selects these labels; None selects nothing."""
    if selector is None:
        return False
    wanted: Labels = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(entry, labels) for entry in selector.get("matchExpressions") or ())


def _expression(entry: Mapping[str, Any], labels: Labels) -> bool:
    value, values = labels.get(entry["key"]), entry.get("values") or ()
    match entry["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


def covers(wanted: Labels | None, labels: Labels) -> bool:
    """Whether a Service's map selector selects these labels; an empty one selects nothing."""
    return bool(wanted) and all(labels.get(key) == value for key, value in (wanted or {}).items())


def as_text(selector: Mapping[str, Any]) -> str:
    """A LabelSelector as a URL would carry it."""
    return ",".join(f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items()))
