"""What was said of objects that cannot be read: of each version of one once, however often it is listed."""

import logging

from watchdog.adapters.kubernetes.changes import Change, Relisted, Unreadable
from watchdog.adapters.kubernetes.kinds import Resource

log = logging.getLogger(__name__)

CANNOT_BE_READ = "cannot be read"
"""What the log says of such an object, by whoever meets it first."""


class Said:
    """Says it in the log, and remembers it while the namespace is watched."""

    def __init__(self) -> None:
        self._versions: dict[str, dict[tuple[Resource, str], str]] = {}  # by namespace, kind and name

    def say(self, resource: Resource, namespace: str, change: Change) -> None:
        """Say of what cannot be read that it is so, unless that was said of this very version."""
        for one in change.unreadable if isinstance(change, Relisted) else (change,):
            if isinstance(one, Unreadable):
                self._say(resource, namespace, one)

    def _say(self, resource: Resource, namespace: str, one: Unreadable) -> None:
        metadata, versions = one.object["metadata"], self._versions.setdefault(namespace, {})
        name, version = metadata["name"], metadata.get("resourceVersion", "")
        if versions.get((resource, name)) == version:
            return
        versions[resource, name] = version
        target = f"{namespace}/{resource.kind.lower()}/{name}"
        facts = {"target": target, "kind": resource.kind, "version": version, "why": one.why}
        log.warning(CANNOT_BE_READ, extra={"facts": facts})

    def forget(self, namespace: str) -> None:
        """It is no longer watched."""
        self._versions.pop(namespace, None)
