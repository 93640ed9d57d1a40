"""What the server does not keep: nulls, and the empty values that its Go structs leave out when they are written.

Without this a template would not equal itself after a client of another language has read it and sent it back.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from watchdog.simulator.objects import Object

_EMPTY_MAPS = frozenset(
    {"labels", "annotations", "matchLabels", "nodeSelector", "limits", "requests", "selector", "overhead"}
)
_ZEROES = frozenset({"paused", "minReadySeconds", "hostNetwork", "hostPID", "hostIPC", "tty", "stdin", "readOnly"})
_CLEANED = ("metadata", "spec", "data")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def cleaned(obj: Object, stored: Mapping[str, Any] = _NOTHING) -> Object:
    """The object as the server would write it; the same one where there is nothing to leave out.

    What it shares with what is `stored` was cleaned when that was stored, and is not looked through again.
    """
    parts = {name: _clean(obj[name], stored.get(name)) for name in _CLEANED if isinstance(obj.get(name), dict)}
    if all(parts[name] is obj[name] for name in parts):
        return obj
    return {**obj, **parts}


def _clean(value: Any, stored: Any = None) -> Any:
    if value is stored:
        return value
    if isinstance(value, dict):
        known = stored if isinstance(stored, dict) else _NOTHING
        kept = {key: _clean(part, known.get(key)) for key, part in value.items() if not _left_out(key, part)}
        same = len(kept) == len(value) and all(kept[key] is value[key] for key in kept)
        return value if same else kept
    if isinstance(value, list):
        items = [_clean(item) for item in value]
        return value if all(one is other for one, other in zip(items, value, strict=True)) else items
    return value


def _left_out(key: str, value: Any) -> bool:
    if value is None or value == []:
        return True
    if value == {}:
        return key in _EMPTY_MAPS
    return key in _ZEROES and not value
