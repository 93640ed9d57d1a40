"""The ConfigMaps that a target's pods mount or read: did their data change, and in which keys?

Values are hashed with a key of this process as they come in, and are neither kept nor told: not even their hashes
leave it. Secrets are not read.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS, OBJECTS
from watchdog.adapters.kubernetes.pods import created, instant
from watchdog.domain.live import Configured
from watchdog.domain.reconfigured import Became, ConfigChange
from watchdog.domain.rollout import Target
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

Json = dict[str, Any]

FORBIDDEN_FOR = 300.0  # seconds until what may not be read is asked for again


@dataclass(frozen=True, slots=True)
class _Seen:
    """One ConfigMap at one moment; one that is not there has no version and no data."""

    version: str
    digests: Mapping[str, bytes]
    at: datetime
    by: str = ""
    dated: bool = True


class KubernetesConfigurations:
    """The `Configurations` port. RBAC: get of the ConfigMaps, by name; where that is missing they are not looked at."""

    def __init__(self, client: KubeClient, cache: ClusterCache, clock: Clock, key: bytes) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._key = key
        self._seen: dict[tuple[Target, str], _Seen] = {}
        self._missed: dict[tuple[Target, str], datetime] = {}  # when one was first found missing
        self._not_before: dict[tuple[str, str], float] = {}  # of what may not be read; monotonic

    async def look(self, target: Target) -> Configured | None:
        """What configures the target, read just now; None where it reads nothing, or nothing could be read."""
        workload = self._cache.all(OBJECTS[target.kind], target.namespace).get(target.name) or {}
        named: Mapping[str, tuple[str, ...]] = (workload.get("template") or {}).get("configs") or {}
        before = {name: self._seen.get((target, name)) for name in named}
        now = {name: seen for name in named if (seen := await self._read(target, name)) is not None}
        if not now:
            return None
        changes, newest = [], max(now.values(), key=lambda seen: seen.at)
        for name, seen in now.items():
            self._seen[target, name] = seen
            earlier = before[name]
            if earlier is not None and (keys := _changed(earlier.digests, seen.digests, named[name])):
                changes.append(ConfigChange.of(name, seen.version, keys, Became.between(earlier.version, seen.version)))
        dated = [now[one.name] for one in changes] or [newest]
        last = max(dated, key=lambda seen: seen.at)
        return Configured(
            target=target,
            at=last.at,
            # Of what did not answer just now, that of the last look: it is compared again when it does.
            versions={name: seen.version for name in named if (seen := now.get(name) or before[name]) is not None},
            changed=tuple(changes),
            first=frozenset(name for name in now if before[name] is None),
            at_is_bound=not last.dated,
            by=last.by,
        )

    async def _read(self, target: Target, name: str) -> _Seen | None:
        """None where it cannot be read just now, or is missing for the first time.

        It is gone once a second look does not find it either: many tools delete and create anew.
        """
        namespace = target.namespace
        if self._clock.monotonic() < self._not_before.get((namespace, name), 0.0):
            return None
        try:
            found = await self._client.find(CONFIGMAPS, namespace, name)
        except OutOfReach as error:
            log.info("configmap %s/%s not read: %s", namespace, name, error)
            return None
        except ApiError as error:
            if (namespace, name) not in self._not_before:
                log.warning(
                    "may not get configmap %s/%s: its changes are not seen (%s)", namespace, name, error.message
                )
            self._not_before[namespace, name] = self._clock.monotonic() + FORBIDDEN_FOR
            return None
        if found is not None:
            self._missed.pop((target, name), None)
            return self._trimmed(found)
        since = self._missed.get((target, name))
        if since is None:
            self._missed[target, name] = self._clock.now()
            return None
        return _Seen("", {}, since, dated=False)

    def _trimmed(self, full: Json) -> _Seen:
        """The keys with a fingerprint each, which nobody can look up: the key of the hash is this process's alone."""
        data = {**(full.get("data") or {}), **(full.get("binaryData") or {})}
        digests = {
            name: hmac.digest(self._key, json.dumps(value).encode(), hashlib.sha256) for name, value in data.items()
        }
        metadata = full["metadata"]
        writers = [
            (at, str(one.get("manager", "")))
            for one in metadata.get("managedFields") or []
            if {"f:data", "f:binaryData"} & set(one.get("fieldsV1") or {}) and (at := instant(one.get("time")))
        ]
        at, by = max(writers, default=(self._clock.now() if metadata.get("managedFields") else created(full), ""))
        return _Seen(str(metadata.get("resourceVersion", "")), digests, at, by, dated=bool(writers))


def _changed(before: Mapping[str, bytes], after: Mapping[str, bytes], read: tuple[str, ...]) -> set[str]:
    """The keys that are new, gone or other; of those alone that are read, where the pods name them."""
    keys = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return keys & set(read) if read else keys
