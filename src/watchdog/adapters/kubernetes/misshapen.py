"""Where in an object lies what has not the shape of its kind: asked only of one that could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_LONGEST = 40  # characters of a value that are shown


@dataclass(frozen=True, slots=True)
class _Map:
    """`needs`: what must be there."""

    fields: Mapping[str, "_Shape"] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _List:
    of: "_Shape"


@dataclass(frozen=True, slots=True)
class _Number:
    """A whole number, or text that is one."""


_Shape = _Map | _List | _Number

_NUMBER, _MAP, _MAPS = _Number(), _Map(), _List(_Map())
_TEMPLATE = _Map(
    {
        "metadata": _Map({"labels": _MAP, "annotations": _MAP}),
        "spec": _Map({"containers": _MAPS, "initContainers": _MAPS, "volumes": _MAPS}),
    }
)
_BACKENDS = _List(_Map({"weight": _NUMBER}, needs=("name",)))
_ROUTES = _List(_Map({"destination": _Map({"port": _MAP}), "weight": _NUMBER}))
_INGRESS_BACKEND = _Map({"service": _Map({"port": _MAP})})
_INGRESS_PATHS = _Map({"paths": _List(_Map({"backend": _INGRESS_BACKEND}))})
_WHOLE = _Map(
    {
        "metadata": _Map({"labels": _MAP, "annotations": _MAP, "ownerReferences": _MAPS, "managedFields": _MAPS}),
        "spec": _Map(
            {
                "replicas": _NUMBER,
                "template": _TEMPLATE,
                "strategy": _Map({"canary": _MAP, "blueGreen": _MAP}),
                "defaultBackend": _INGRESS_BACKEND,
                "rules": _List(_Map({"backendRefs": _BACKENDS, "http": _INGRESS_PATHS})),
                "http": _List(_Map({"route": _ROUTES})),
                "subsets": _List(_Map({"labels": _MAP})),
            }
        ),
        "status": _Map({"conditions": _MAPS}),
        "data": _Map({"spec": _Map({"template": _TEMPLATE})}),
        "revision": _NUMBER,
    }
)
"""What is read of objects of all kinds: no two of them mean something else by one path."""


def misshapen(one: Any) -> str:
    """The first place of an object, whole or as the cache has it, that is not as it is read; "" where none is known."""
    return next(_wrong(one, _WHOLE, ""), "")


def _wrong(value: Any, shape: _Shape, at: str) -> Iterator[str]:
    if value is None and not at.endswith("]"):
        return  # a field that is not set
    here = at or "the object"
    match shape:
        case _Map(fields, needs):
            if not isinstance(value, dict):
                yield f"{here} is {_kind(value)}, not a map"
                return
            yield from (f"{here} has no {name}" for name in needs if value.get(name) is None)
            for name, of in fields.items():
                yield from _wrong(value.get(name), of, f"{at}.{name}" if at else name)
        case _List(of):
            if not isinstance(value, list | tuple):
                yield f"{here} is {_kind(value)}, not a list"
                return
            for place, each in enumerate(value):
                yield from _wrong(each, of, f"{at}[{place}]")
        case _Number():
            try:
                int(value)
            except (TypeError, ValueError, OverflowError):
                said = f'"{value[:_LONGEST]}"' if isinstance(value, str) else _kind(value)
                yield f"{here} is {said}, not a whole number"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case dict():
            return "a map"
    return "a list"
