"""The filters that templates have: those of Jinja that notices need, none of which makes much out of little."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from watchdog.domain.text import cut
from watchdog.templating.faults import TooMuch

LONGEST = 50_000
"""Characters of anything that a template makes on its way; no notice is as long."""

Value = str | list[str]


def shown(value: object) -> str:
    """A value as text; a list has a line for each item."""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _bounded(length: int) -> None:
    if length > LONGEST:
        raise TooMuch(f"it makes a text of {length} characters, and no notice is as long")


def _upper(value: Value) -> str:
    return shown(value).upper()


def _lower(value: Value) -> str:
    return shown(value).lower()


def _capitalize(value: Value) -> str:
    return shown(value).capitalize()


def _trim(value: Value) -> str:
    return shown(value).strip()


def _default(value: Value, instead: Value) -> Value:
    return value or instead


def _replace(value: Value, old: str, new: str) -> str:
    text, old, new = shown(value), shown(old), shown(new)
    if not old:
        raise ValueError("`replace` needs a text to be replaced")
    _bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _truncate(value: Value, length: int = 255) -> str:
    return cut(shown(value), length)


def _join(value: Value, separator: str = "") -> str:
    items, between = [shown(item) for item in value], shown(separator)
    _bounded(sum(map(len, items)) + len(items) * len(between))
    return between.join(items)


def _length(value: Value) -> int:
    return len(value)


def _first(value: Value) -> str:
    return value[0] if value else ""


def _last(value: Value) -> str:
    return value[-1] if value else ""


FILTERS: Mapping[str, Callable[..., Value | int]] = MappingProxyType(
    {
        "capitalize": _capitalize,
        "default": _default,
        "first": _first,
        "join": _join,
        "last": _last,
        "length": _length,
        "lower": _lower,
        "replace": _replace,
        "trim": _trim,
        "truncate": _truncate,
        "upper": _upper,
    }
)
