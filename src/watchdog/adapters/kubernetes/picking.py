"""What is taken over of an object, a part at a time, with one copy of what many objects have."""

from collections.abc import Iterable
from sys import intern
from typing import Any

from watchdog.adapters.kubernetes.once import once

Json = dict[str, Any]

_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")
_SHARED = frozenset(
    {"name", "namespace", "uid", "apiVersion", "kind", "type", "status", "reason", "restartPolicy"}
)  # by many objects
_OWNER = ("apiVersion", "kind", "name", "uid", "controller")
_UNREAD = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})  # a copy of the whole object
_SAID = frozenset({"ReplicaFailure"})  # conditions whose message is read


def metadata_of(full: Json, *also: str) -> Json:
    """Who it is, with its labels and what else is asked for: `annotations`, `ownerReferences`."""
    own = full.get("metadata") or {}
    kept = picked(own, _METADATA)
    for key in ("labels", *also):
        if not own.get(key):
            continue
        if key == "ownerReferences":
            kept[key] = once([picked(one, _OWNER) for one in own[key]])
        else:
            kept[key] = once(words({name: text for name, text in own[key].items() if name not in _UNREAD}))
    return kept


def picked(full: Json, *keys: Iterable[str]) -> Json:
    """What the object says under these keys, with one copy of words that many objects have."""
    return {
        key: intern(full[key]) if key in _SHARED and type(full[key]) is str else full[key]
        for each in keys
        for key in each
        if full.get(key) is not None
    }


def words(texts: Json) -> Json:
    """Labels or annotations."""
    return {intern(name): intern(text) if type(text) is str else text for name, text in texts.items()}


def filled(**values: Any) -> Json:
    """What is not empty."""
    return {key: value for key, value in values.items() if value}


def conditions_of(status: Json, read: frozenset[str]) -> list[Json]:
    """The conditions of these types."""
    return once(
        [
            once(
                picked(
                    condition,
                    ("type", "status", "reason", "lastTransitionTime", "lastUpdateTime"),
                    ("message",) if condition.get("type") in _SAID else (),
                )
            )
            for condition in status.get("conditions") or []
            if condition.get("type") in read
        ]
    )
