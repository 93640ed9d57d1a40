"""What a pod template refers to by name: ConfigMaps and Secrets, wherever it may name one."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Kind(StrEnum):
    """What is referred to."""

    CONFIGMAP = "configmap"
    SECRET = "secret"  # noqa: S105 - no password


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that names an object; `keys` that a ConfigMap must hold, none: any."""

    kind: Kind
    name: str
    keys: tuple[str, ...] = ()
    optional: bool = False


def containers(spec: Json) -> list[Json]:
    """The containers of a pod, and then those that run before them."""
    return [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]


def references(spec: Json) -> Iterator[Reference]:
    """All of a pod's, from volumes, environments and, of Secrets, registries."""
    for volume in spec.get("volumes") or []:
        for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
            yield from _named(Kind.CONFIGMAP, source.get("configMap"), "name", _items(source.get("configMap")))
            named = "secretName" if source is volume else "name"
            yield from _named(Kind.SECRET, source.get("secret"), named)
    for container in containers(spec):
        for source in container.get("envFrom") or []:
            yield from _named(Kind.CONFIGMAP, source.get("configMapRef"))
            yield from _named(Kind.SECRET, source.get("secretRef"))
        for variable in container.get("env") or []:
            value = variable.get("valueFrom") or {}
            one = value.get("configMapKeyRef")
            yield from _named(Kind.CONFIGMAP, one, keys=(one["key"],) if one else ())
            yield from _named(Kind.SECRET, value.get("secretKeyRef"))
    for one in spec.get("imagePullSecrets") or []:
        yield from _named(Kind.SECRET, one)


def _items(source: Json | None) -> tuple[str, ...]:
    return tuple(item["key"] for item in (source or {}).get("items") or [])


def _named(kind: Kind, source: Json | None, key: str = "name", keys: tuple[str, ...] = ()) -> Iterator[Reference]:
    if source and source.get(key):
        yield Reference(kind, str(source[key]), keys, bool(source.get("optional")))
