"""What a pod template needs to start, and which of it is gone.

A ReplicaSet can be older than the ConfigMaps it names. Secrets are never read: that one is gone shows only when a pod
does not start.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import ACCOUNTS, CLAIMS, CONFIGMAPS, Resource
from watchdog.adapters.kubernetes.references import Kind, references

log = logging.getLogger(__name__)

Json = dict[str, Any]
Need = tuple[Resource, str, str]  # what, its name, and the key it must hold ("": any)


def needs(template: Json) -> list[Need]:
    """The ConfigMaps (with keys), claims and ServiceAccount that pods of this template cannot start without."""
    return sorted(set(_needs(template.get("spec") or {})), key=lambda need: (need[0].plural, *need[1:]))


def _needs(spec: Json) -> Iterator[Need]:
    for volume in spec.get("volumes") or []:
        if claim := volume.get("persistentVolumeClaim"):
            yield CLAIMS, claim["claimName"], ""
    for one in references(spec):
        if one.kind is Kind.CONFIGMAP and not one.optional:
            yield from ((CONFIGMAPS, one.name, key) for key in one.keys or ("",))
    account = spec.get("serviceAccountName") or "default"
    if account != "default":  # that one is made with the namespace
        yield ACCOUNTS, account, ""


async def missing(client: KubeClient, namespace: str, template: Json) -> tuple[str, ...]:
    """What is gone, as `configmap/name` or `configmap/name key KEY`. What may not be read counts as there.

    Raises `OutOfReach`.
    """
    gone: list[str] = []
    wanted = needs(template)
    objects = list(dict.fromkeys((resource, name) for resource, name, _ in wanted))
    found = await asyncio.gather(*(_keys(client, resource, namespace, name) for resource, name in objects))
    held = dict(zip(objects, found, strict=True))  # what an object holds; None: the object is gone
    for resource, name, key in wanted:
        keys = held[resource, name]
        if keys is None:
            gone.append(f"{resource.kind.lower()}/{name}")
        elif key and _ANY not in keys and key not in keys:
            gone.append(f"{resource.kind.lower()}/{name} key {key}")
    return tuple(dict.fromkeys(gone))


_ANY = "*"  # no key of a ConfigMap can be called so


async def _keys(client: KubeClient, resource: Resource, namespace: str, name: str) -> set[str] | None:
    try:
        found = await client.find(resource, namespace, name)
    except ApiError as error:
        if error.status != 403:
            raise
        log.warning("cannot tell whether %s/%s is there: %s", resource.kind.lower(), name, error.message)
        return {_ANY}
    return None if found is None else {*(found.get("data") or {}), *(found.get("binaryData") or {})}
