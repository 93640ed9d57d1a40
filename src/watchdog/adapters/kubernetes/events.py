"""Kubernetes Events on the targets: what `kubectl describe` shows of the watchdog's doings."""

import logging
from typing import Any

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import EVENTS, OBJECTS, PREFIX
from watchdog.domain.rollout import Target
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

CONTROLLER = PREFIX + "watchdog"
LONGEST_NOTE = 1024  # bytes


class KubernetesEvents:
    """The `EventSink` port. `instance` is this process among its replicas (its pod's name). RBAC: create events."""

    def __init__(self, client: KubeClient, *, clock: Clock, instance: str) -> None:
        self._client = client
        self._clock = clock
        self._instance = instance[:128] or "watchdog"

    async def emit(self, target: Target, uid: str, *, reason: str, note: str, warning: bool) -> None:
        """One Event on the target. Best effort: logs what fails, never raises."""
        resource = OBJECTS[target.kind]
        regarding: dict[str, Any] = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "namespace": target.namespace,
            "name": target.name,
        }
        body: dict[str, Any] = {
            "metadata": {"generateName": f"{target.name}-", "namespace": target.namespace},
            "eventTime": self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": reason,
            "reason": reason,
            "regarding": {**regarding, **({"uid": uid} if uid else {})},
            "note": cut(note),
            "type": "Warning" if warning else "Normal",
        }
        try:
            await self._client.create(EVENTS, target.namespace, body)
        except (ApiError, OutOfReach) as error:
            log.warning("no Event %s on %s: %s", reason, target, error)


def cut(note: str) -> str:
    """The note, as long as the API server takes it; it counts bytes."""
    raw = note.encode()
    if len(raw) <= LONGEST_NOTE:
        return note
    return raw[: LONGEST_NOTE - 3].decode(errors="ignore") + "…"
