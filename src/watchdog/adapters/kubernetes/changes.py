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
