"""What a reflector says of its objects."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from watchdog.adapters.kubernetes.errors import UNREADABLE, Illegible, NoAnswer, strange
from watchdog.adapters.kubernetes.nested import DEEPEST, is_cut

Json = dict[str, Any]

_WHO = ("name", "namespace", "uid", "resourceVersion")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One object is new or has changed, and has not the shape of its kind: all that is known is who it is, and why."""

    object: Json  # its metadata, as far as they are what metadata are
    why: str


@dataclass(frozen=True, slots=True)
class Relisted:
    """All objects there are now: what was known and is not among them is gone."""

    objects: tuple[Json, ...]
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def all(self) -> tuple[Json, ...]:
        """The objects, and of those that are unreadable what is known."""
        return (*self.objects, *(one.object for one in self.unreadable))


@dataclass(frozen=True, slots=True)
class Changed:
    """One object is new or has changed."""

    object: Json


@dataclass(frozen=True, slots=True)
class Deleted:
    """One object is gone; as it was last."""

    object: Json


Change = Relisted | Changed | Deleted | Unreadable


def taken_in(full: Json, trim: Callable[[Json], Json]) -> Changed | Unreadable:
    """What is kept of an object; what is no object at all is no answer of an API server: raises `NoAnswer`."""
    try:
        if is_cut(full):
            raise Illegible(f"nested more deeply than {DEEPEST} levels")
        trimmed = trim(full)
        _ = trimmed["metadata"]["name"] + "", trimmed["metadata"].get("uid", "") + ""
    except UNREADABLE as error:
        return Unreadable(_known_by(full, error), strange(error, full))
    return Changed(trimmed)


def _known_by(full: Json, error: Exception) -> Json:
    try:
        return _who(full["metadata"])
    except UNREADABLE:
        raise NoAnswer(f"an object of no known shape: {type(error).__name__}") from error


def _who(metadata: Json) -> Json:
    """By what an object of a strange shape is known. Raises as `UNREADABLE` says."""
    kept: Json = {key: metadata[key] for key in _WHO if isinstance(metadata.get(key), str)}
    _ = kept["name"], kept["uid"]
    labels, owners = metadata.get("labels"), metadata.get("ownerReferences")
    if isinstance(labels, dict):
        kept["labels"] = {key: text for key, text in labels.items() if isinstance(text, str)}
    if isinstance(owners, list):
        kept["ownerReferences"] = [owner for owner in owners if isinstance(owner, dict)]
    return {"metadata": kept}


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
