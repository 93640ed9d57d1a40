"""managedFields: which manager wrote which field, and when, in the server's own FieldsV1 notation.

A set is a nested dict. An empty dict is a field that is owned; "." marks an owned field that has owned fields
below it; a dict with neither is only a way to what lies below.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchdog.simulator.objects import Object, timestamp

Fields = dict[str, Any]

# Lists whose items have a key: a change of one item is a change of that item alone.
_KEYED: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
}
_SETS = frozenset({"finalizers"})
_ATOMIC = frozenset({"selector", "nodeSelector", "matchLabels", "regarding", "related", "containerStatuses"})
# The Go structs that are written even when nothing stands in them are never owned themselves.
_ALWAYS_THERE = frozenset(
    {
        ("metadata",),
        ("spec",),
        ("status",),
        ("spec", "strategy"),
        ("spec", "updateStrategy"),
        ("spec", "template"),
        ("spec", "template", "metadata"),
        ("spec", "template", "spec"),
        ("spec", "template", "spec", "containers"),
        ("spec", "containers"),
        ("status", "loadBalancer"),
    }
)
_UNMANAGED_METADATA = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "managedFields",
    }
)


@dataclass(frozen=True)
class Writer:
    """Who writes, as managedFields names it."""

    manager: str
    subresource: str = ""


def _list_keys(name: str, items: Sequence[Any]) -> tuple[str, ...] | None:
    if name == "ports" and items and isinstance(items[0], dict):
        return ("containerPort", "protocol") if "containerPort" in items[0] else ("port", "protocol")
    return _KEYED.get(name)


def _children(name: str, value: Any) -> dict[str, tuple[str, Any]] | None:
    """Segment -> (field name below which lists are looked up, value); None for a leaf."""
    if isinstance(value, dict):
        if name in _ATOMIC or not value:
            return None
        return {f"f:{key}": (key, part) for key, part in value.items()}
    if isinstance(value, list) and value:
        if name in _SETS:
            return {f"v:{json.dumps(item)}": ("", None) for item in value}
        keys = _list_keys(name, value)
        if keys:
            return {_item_segment(keys, item): ("", item) for item in value}
    return None


def _item_segment(keys: tuple[str, ...], item: Mapping[str, Any]) -> str:
    named = {key: item[key] for key in keys if key in item}
    return "k:" + json.dumps(named, separators=(",", ":"), sort_keys=True)


def _whole(name: str, value: Any, path: tuple[str, ...]) -> Fields:
    """The set of everything in a value that is newly there."""
    children = _children(name, value)
    if children is None:
        return {}
    fields = {segment: _whole(key, part, (*path, key)) for segment, (key, part) in children.items()}
    return fields if path in _ALWAYS_THERE else {".": {}, **fields}


def difference(name: str, old: Any, new: Any, path: tuple[str, ...] = ()) -> tuple[Fields, Fields]:
    """(taken, lost): the fields that are new or changed, and those that are gone, below one value."""
    before, after = _children(name, old) or {}, _children(name, new) or {}
    taken: Fields = {}
    lost: Fields = {}
    for segment, (key, value) in after.items():
        below = (*path, key)
        if segment not in before:
            taken[segment] = _whole(key, value, below)
        elif before[segment][1] != value:
            more, less = _changed(key, before[segment][1], value, below)
            if more is not None:
                taken[segment] = more
            if less:
                lost[segment] = less
    for segment, (key, value) in before.items():
        if segment not in after:
            lost[segment] = _whole(key, value, (*path, key))
    return taken, lost


def _changed(name: str, old: Any, new: Any, path: tuple[str, ...]) -> tuple[Fields | None, Fields]:
    if _children(name, new) is None or _children(name, old) is None:
        return _whole(name, new, path), {}
    taken, lost = difference(name, old, new, path)
    return taken or None, lost


def union(one: Fields, other: Fields) -> Fields:
    """Everything that is in either set."""
    result = dict(one)
    for key, below in other.items():
        if key == ".":
            result[key] = {}
        elif key not in result:
            result[key] = below
        else:
            result[key] = _joined(result[key], below)
    return result


def _joined(one: Fields, other: Fields) -> Fields:
    if not one and not other:
        return {}
    joined = union(one, other)
    if not one or not other:  # one of them owned the field itself
        joined["."] = {}
    return joined


def without(fields: Fields, removed: Fields) -> Fields:
    """What is left of a set when another is taken out of it; an owned field's own mark goes with the field."""
    result: Fields = {}
    for key, below in fields.items():
        if key not in removed:
            result[key] = below
        elif key != "." and (left := _left(below, removed[key])) is not None:
            result[key] = left
    return result


def _left(fields: Fields, removed: Fields) -> Fields | None:
    if not removed:
        rest = {key: below for key, below in fields.items() if key != "."}
        return rest or None
    if not fields:
        return None if "." in removed else {}
    rest = without(fields, removed)
    if not rest:
        return None
    return {} if set(rest) == {"."} else rest


def _managed_parts(obj: Mapping[str, Any]) -> Object:
    parts = {
        key: value
        for key, value in obj.items()
        if key not in ("apiVersion", "kind", "metadata") and not key.startswith("deprecated")
    }
    if "addressType" in parts:  # the ports of an EndpointSlice are one field, unlike all other ports
        parts["ports"] = json.dumps(parts.get("ports"))
    metadata = {k: v for k, v in obj.get("metadata", {}).items() if k not in _UNMANAGED_METADATA}
    return {**parts, "metadata": metadata}


def _blank() -> Object:
    """What is there before a create: the structs that are written even when empty."""
    return {"metadata": {}}


def managed(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], writer: Writer, api_version: str, now: datetime
) -> list[Object]:
    """The managedFields of `new` after this write."""
    before = _managed_parts(old) if old is not None else _blank()
    taken, lost = difference("", before, _managed_parts(new))
    taken = _prune(taken)
    entries: list[Object] = list(old["metadata"].get("managedFields", ())) if old is not None else []
    if not taken and not lost:
        return entries
    gone = union(taken, lost)
    kept: list[Object] = []
    own: Fields = taken
    for entry in entries:
        mine = entry["manager"] == writer.manager and entry.get("subresource", "") == writer.subresource
        fields = without(entry["fieldsV1"], lost if mine else gone)
        if mine and taken:
            own = union(fields, taken)
        elif fields:
            kept.append({**entry, "fieldsV1": fields})
    if taken:
        kept.append(_entry(own, writer, api_version, now))
    kept.sort(key=lambda entry: (entry["time"], entry["manager"], entry.get("subresource", "")))
    return kept


def _prune(fields: Fields) -> Fields:
    """Without the structs that hold nothing of their own."""
    return {key: below for key, below in fields.items() if below or key not in ("f:metadata", "f:spec", "f:status")}


def _entry(fields: Fields, writer: Writer, api_version: str, now: datetime) -> Object:
    entry = {
        "manager": writer.manager,
        "operation": "Update",
        "apiVersion": api_version,
        "time": timestamp(now),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    if writer.subresource:
        entry["subresource"] = writer.subresource
    return entry


def last_writer(obj: Mapping[str, Any], path: Iterable[str]) -> Object | None:
    """The newest managedFields entry that owns a field at or below `path` (`("spec", "selector")`)."""
    steps = [f"f:{step}" for step in path]
    owners = [e for e in obj["metadata"].get("managedFields", ()) if _owns(e["fieldsV1"], steps)]
    return max(owners, key=lambda entry: str(entry["time"]), default=None)


def _owns(fields: Fields, steps: Sequence[str]) -> bool:
    for step in steps:
        if step not in fields:
            return False
        fields = fields[step]
    return True
