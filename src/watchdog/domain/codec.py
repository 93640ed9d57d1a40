"""The domain's frozen dataclasses as JSON, and back to equal values: field by field, by their type hints.

Generic and strict. Members of a union carry their class's name under `is`. A class that lies otherwise in memory than
in a record has `WRITTEN`, the names it is written under, and `of`, which makes one of them.
"""

import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from watchdog.domain.rows import Row

_LONGEST = 500

UNWRITTEN = types.MappingProxyType({"written": False})
"""The `metadata` of a field that has no place in the JSON of its dataclass; it has a default."""


class Unreadable(Exception):
    """A document that is not what it should be; the message says where, and repeats no more than a line of it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}…")


def dump(value: Any) -> Any:
    """A domain value as JSON."""
    match value:
        case None | bool() | int() | str() if not isinstance(value, Enum):
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        # Before a mapping is looked for: each class that is asked about is remembered by all hundred kinds of mapping.
        case _ if is_dataclass(value):
            named = {
                name: dump(getattr(value, name))
                for name, default in _written(value.__class__).items()
                if not _is_default(default, getattr(value, name))
            }
            return {"is": type(value).__name__, **named}
        case Mapping():
            return {_key(key): dump(item) for key, item in value.items()}
        case tuple() | frozenset() | Row():
            items = sorted(value) if isinstance(value, frozenset) else value
            return [dump(item) for item in items]
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a record")


@cache
def _written(cls: Any) -> Mapping[str, Any]:
    """The names of what is written of a class, each with its default."""
    named = getattr(cls, "WRITTEN", None)
    if named is not None:
        return dict.fromkeys(named, MISSING)
    return {field.name: field.default for field in fields(cls) if field.init and field.metadata.get("written", True)}


@cache
def _required(cls: Any) -> tuple[str, ...]:
    """The names without which none can be made; of a class with `WRITTEN` its `of` says."""
    if hasattr(cls, "WRITTEN"):
        return ()
    return tuple(
        field.name for field in fields(cls) if field.init and field.default is MISSING is field.default_factory
    )


def _is_default(default: Any, value: Any) -> bool:
    return default is not MISSING and default == value


def _key(key: Any) -> str:
    return str(key.value) if isinstance(key, Enum) else str(key)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls.of if hasattr(cls, "WRITTEN") else cls)


def load(hint: Any, value: Any, where: str) -> Any:
    """A domain value from JSON; raises `Unreadable`."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _load_union(get_args(hint), value, where)
    if is_dataclass(hint) and isinstance(hint, type):
        return _load_dataclass(hint, value, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _guarded(hint, value, where)
    if hint is datetime:
        return _guarded(_moment, value, where)
    if hint is timedelta:
        return _guarded(lambda seconds: timedelta(seconds=seconds), value, where)
    if hint is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        return _guarded(float, value, where)
    if origin is Sequence and isinstance(value, list):
        return _load_items(tuple, (*get_args(hint), ...), value, where)
    if origin in (tuple, frozenset) and isinstance(value, list):
        return _load_items(origin, get_args(hint), value, where)
    if origin is not None and issubclass(origin, typing.Mapping) and isinstance(value, Mapping):
        key, item = get_args(hint)
        return {load(key, name, where): load(item, one, f"{where}.{name}") for name, one in value.items()}
    if hint in (str, int, bool) and type(value) is hint:
        return value
    raise Unreadable(f"{where}: {type(value).__name__} where {hint} was expected")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no UTC offset")
    return moment


def _guarded(make: Any, value: Any, where: str) -> Any:
    try:
        return make(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise Unreadable(f"{where}: {error}") from error


def _load_items(origin: Any, args: tuple[Any, ...], value: list[Any], where: str) -> Any:
    if origin is tuple and (len(args) != 2 or args[1] is not Ellipsis):
        if len(args) != len(value):
            raise Unreadable(f"{where}: {len(value)} items where {len(args)} were expected")
        return tuple(load(arg, item, f"{where}[{n}]") for n, (arg, item) in enumerate(zip(args, value, strict=True)))
    return origin(load(args[0], item, f"{where}[{n}]") for n, item in enumerate(value))


def _load_union(members: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in members:
        return None
    rest = [member for member in members if member is not type(None)]
    if isinstance(value, Mapping) and "is" in value:
        for member in rest:
            if isinstance(member, type) and member.__name__ == value["is"]:
                return load(member, value, where)
    elif len(rest) == 1:
        return load(rest[0], value, where)
    raise Unreadable(f"{where}: none of {[getattr(member, '__name__', str(member)) for member in rest]}")


def _load_dataclass(cls: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise Unreadable(f"{where}: {type(value).__name__} where {cls.__name__} was expected")
    hints = _hints(cls)
    known = _written(cls)  # what else there is, a newer version wrote
    named = {name: load(hints[name], item, f"{where}.{name}") for name, item in value.items() if name in known}
    missing = [name for name in _required(cls) if name not in named]
    if missing:
        raise Unreadable(f"{where}: it lacks {', '.join(missing)}")
    make = cls.of if hasattr(cls, "WRITTEN") else cls
    return _guarded(lambda arguments: make(**arguments), named, where)
