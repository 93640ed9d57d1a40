"""Parts that several objects have alike, kept once: labels, owners, containers, conditions of one second."""

from typing import Any, TypeVar

T = TypeVar("T")

_PARTS = 1000  # few, since objects of one workload are told one by one

_parts: dict[str, Any] = {}


def once(part: T) -> T:
    """The part, or one equal to it that another object has already: so nobody may change it."""
    said = repr(part)
    found: T | None = _parts.get(said)
    if found is None:
        if len(_parts) >= _PARTS:
            _parts.clear()
        found = _parts[said] = part
    return found
