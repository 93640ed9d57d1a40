"""What a Kubernetes object is here: a plain dict, never changed once it is stored."""

from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

Object = dict[str, Any]

# Kubernetes draws random names and hashes from these, so that no name spells a word.
SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Clock(Protocol):
    """The time the cluster lives on."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> Awaitable[None]: ...


def timestamp(moment: datetime) -> str:
    """A metav1.Time: whole seconds, marked Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """The moment that `timestamp` wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def replaced(obj: Mapping[str, Any], **parts: Any) -> Object:
    """A shallow copy with some top-level parts put in place of the old ones."""
    return {**obj, **parts}


def with_metadata(obj: Mapping[str, Any], **parts: Any) -> Object:
    """A copy with some fields of its metadata set; those given as None are left out."""
    metadata = {**obj["metadata"], **parts}
    return {**obj, "metadata": {k: v for k, v in metadata.items() if v is not None}}


def key_of(obj: Mapping[str, Any]) -> tuple[str, str]:
    """(namespace, name); the namespace of a cluster-wide object is empty."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def controller_of(obj: Mapping[str, Any]) -> Object | None:
    """The owner reference of the controller, where there is one."""
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            return dict(owner)
    return None


def controlled_by(owner: Mapping[str, Any], found: Iterable[Object]) -> list[Object]:
    """Those of them that `owner` controls."""
    uid = owner["metadata"]["uid"]

    def is_its(obj: Object) -> bool:
        return any(ref["uid"] == uid and ref.get("controller") for ref in obj["metadata"].get("ownerReferences", ()))

    return [obj for obj in found if is_its(obj)]


def owner_reference(owner: Mapping[str, Any]) -> Object:
    """A reference that marks `owner` as the controller of what carries it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition_of(obj: Mapping[str, Any], kind: str) -> Object | None:
    """The condition of that type in the object's status."""
    for condition in obj.get("status", {}).get("conditions") or ():
        if condition["type"] == kind:
            return dict(condition)
    return None


def is_true(obj: Mapping[str, Any], kind: str) -> bool:
    """Whether the condition of that type is there and True."""
    condition = condition_of(obj, kind)
    return condition is not None and bool(condition["status"] == "True")


def fnv1a(data: bytes) -> int:
    """The 32-bit FNV-1a hash, the family Kubernetes hashes pod templates with."""
    value = 2166136261
    for byte in data:
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def safe_encoded(text: str) -> str:
    """The letters Kubernetes writes a hash's digits with."""
    return "".join(SAFE_LETTERS[ord(char) % len(SAFE_LETTERS)] for char in text)
