"""What a reflector says of its objects."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Relisted:
    """All objects there are now: what was known and is not among them is gone."""

    objects: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """One object is new or has changed."""

    object: Json


@dataclass(frozen=True, slots=True)
class Deleted:
    """One object is gone; as it was last."""

    object: Json


Change = Relisted | Changed | Deleted


def uid_of(trimmed: Json) -> str:
    """Which object it is, whatever its name; "" where it does not say."""
    return str(trimmed["metadata"].get("uid", ""))


def version_of(trimmed: Json) -> int:
    """Its resourceVersion; -1 where it has none that is a number."""
    number = number_of(str(trimmed["metadata"].get("resourceVersion", "")))
    return -1 if number is None else number


def number_of(version: str) -> int | None:
    """A resourceVersion as the number it is since Kubernetes promises so; None for what is none."""
    return int(version) if version.isdecimal() else None
