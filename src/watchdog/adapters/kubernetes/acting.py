"""The one way the watchdog changes a workload: a conditional JSON patch, and what the API server's answer means."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes.client import JSON_PATCH, KubeClient
from watchdog.adapters.kubernetes.errors import UNREADABLE, ApiError, strange
from watchdog.adapters.kubernetes.kinds import PREFIX, Resource
from watchdog.domain.effects import (
    PutBackAnswer,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
)
from watchdog.domain.rollout import Revision
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

Json = dict[str, Any]

LAST_WATCH = PREFIX + "last-watch"
KNOWN_GOOD = PREFIX + "known-good"
CHANGE_CAUSE = "kubernetes.io/change-cause"


def conditions(uid: str, resource_version: str) -> list[Json]:
    """The operations that let a patch fail where the object is not the one that was seen."""
    return [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},
    ]


def annotate(live: Json, wanted: Mapping[str, str | None]) -> list[Json]:
    """The operations that set (or, for None, remove) annotations of `live` and leave all others alone."""
    present = live["metadata"].get("annotations")
    if present is None:
        kept = {key: value for key, value in wanted.items() if value is not None}
        return [{"op": "add", "path": "/metadata/annotations", "value": kept}] if kept else []
    operations: list[Json] = []
    for key, value in wanted.items():
        path = "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")
        if value is not None:
            operations.append({"op": "add", "path": path, "value": value})
        elif key in present:
            operations.append({"op": "remove", "path": path})
    return operations


def to_template(live: Json, template: Json, cause: str | None, to: Revision, *, watch: str) -> list[Json]:
    """The operations that give a workload another pod template, with the marks of the act.

    As kubectl's undo, but that every annotation except the change-cause stays as it is live: an old `hold` must not
    come back with an old template.
    """
    marks = {CHANGE_CAUSE: cause, LAST_WATCH: watch, KNOWN_GOOD: str(to)}
    return [{"op": "replace", "path": "/spec/template", "value": template}, *annotate(live, marks)]


@dataclass(frozen=True, slots=True)
class ConditionalWrite:
    """A write of one object that must be as it was seen."""

    client: KubeClient
    clock: Clock
    resource: Resource
    namespace: str
    name: str
    uid: str
    resource_version: str

    async def read(self) -> Json:
        """The object as it is now. Raises `ApiError` or `OutOfReach`."""
        return await self.client.get(self.resource, self.namespace, self.name)

    async def perform(
        self, operations: Callable[[Json], Sequence[Json]], watch: str, now: Json | None = None
    ) -> PutBackAnswer:
        """Patch the object, once; `now` is what was read of it for this very write, else it is read.

        `operations` makes the patch of the object as it is now, this watch's mark among them. A repeat after a crash
        finds the mark and is told that the act was done, whatever people have made of the object by then.
        """
        try:
            live = now or await self.read()
            if self._marked(live, watch):
                return PutBackDone(self.clock.now())
            if self._moved(live):
                return self._conflicted(live)
            await self._patch(live, operations)
            return PutBackDone(self.clock.now())
        except OutOfReach as error:
            return PutBackUnsure(self.clock.now(), str(error))
        except ApiError as error:
            return await self._meaning(error, watch)
        except UNREADABLE as error:
            return unread(error, self.clock.now())

    async def rehearse(self, operations: Callable[[Json], Sequence[Json]], live: Json) -> str:
        """Why the API server would refuse this patch; "" where it would take it, or where that cannot be told.

        Raises `OutOfReach`.
        """
        try:
            await self._patch(live, operations, dry_run=True)
        except OutOfReach:
            raise
        except ApiError as error:
            if error.status == 400 and "dry run" in error.message:
                # Some admission webhook takes no dry runs: that says nothing of the patch.
                log.warning("%s/%s: the put-back cannot be rehearsed: %s", self.namespace, self.name, error.message)
                return ""
            answer = await self._meaning(error)
            return answer.detail if isinstance(answer, PutBackRefused) else ""
        return ""

    async def _patch(self, live: Json, operations: Callable[[Json], Sequence[Json]], *, dry_run: bool = False) -> None:
        body = [*conditions(self.uid, self.resource_version), *operations(live)]
        await self.client.patch(
            self.resource, self.namespace, self.name, body, content_type=JSON_PATCH, dry_run=dry_run
        )

    async def _meaning(self, error: ApiError, watch: str = "") -> PutBackAnswer:
        """A failed test answers 422, as an invalid object does: only another look tells them apart."""
        if error.status == 409:
            return self._conflicted()
        if error.status != 422:
            return PutBackRefused(self.clock.now(), str(error))
        try:
            live = await self.read()
        except (OutOfReach, ApiError) as failure:
            # Nothing was written, and why cannot be told: whoever plans again will see.
            return PutBackConflicted(self.clock.now(), f"{error}; and it could not be read again: {failure}")
        if watch and self._marked(live, watch):
            return PutBackDone(self.clock.now())
        return self._conflicted(live) if self._moved(live) else PutBackRefused(self.clock.now(), str(error))

    def _marked(self, live: Json, watch: str) -> bool:
        """Whether this watch has acted on the object already: the mark is part of the act itself."""
        marks = live["metadata"].get("annotations") or {}
        return bool(live["metadata"]["uid"] == self.uid and marks.get(LAST_WATCH) == watch)

    def _moved(self, live: Json) -> bool:
        metadata = live["metadata"]
        return bool(metadata["uid"] != self.uid or metadata["resourceVersion"] != self.resource_version)

    def _conflicted(self, live: Json | None = None) -> PutBackConflicted:
        who = last_writer(live) if live is not None else ""
        by = f", last by {who}" if who else ""
        what = f"{self.resource.kind} {self.namespace}/{self.name} was changed since it was read{by}"
        return PutBackConflicted(self.clock.now(), what)


def unread(error: Exception, at: datetime) -> PutBackAnswer:
    """What comes of an act where what it is about could not be read, for whatever reason: nothing was written."""
    if isinstance(error, OutOfReach):
        return PutBackUnsure(at, str(error))
    if isinstance(error, ApiError):
        return PutBackRefused(at, str(error))
    return PutBackConflicted(at, f"it cannot be read: {strange(error)}")  # whoever plans again will see


def last_writer(live: Json) -> str:
    """The field manager that wrote an object last; "" where it does not say. Status is written all the time."""
    entries = [one for one in live["metadata"].get("managedFields") or [] if one.get("subresource") != "status"]
    newest = max(entries, key=lambda one: str(one.get("time", "")), default=None)
    return "" if newest is None else str(newest.get("manager", ""))
