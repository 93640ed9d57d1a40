"""What a deletion asks for, and what is still in its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchdog.simulator import refusals
from watchdog.simulator.objects import Object, timestamp, with_metadata
from watchdog.simulator.pods import is_over
from watchdog.simulator.resources import PODS, Resource

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


@dataclass(frozen=True)
class DeleteOptions:
    """The part of meta/v1 DeleteOptions that is understood here."""

    grace: int | None = None
    propagation: str = "Background"
    uid: str | None = None
    version: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "DeleteOptions":
        """The options as they stand in a request's body or its parameters."""
        conditions = body.get("preconditions") or {}
        grace = body.get("gracePeriodSeconds")
        propagation = body.get("propagationPolicy") or ("Orphan" if body.get("orphanDependents") else "Background")
        return cls(
            None if grace is None else int(grace),
            propagation,
            conditions.get("uid"),
            conditions.get("resourceVersion"),
        )


def check_preconditions(resource: Resource, obj: Object, options: DeleteOptions) -> None:
    """Refuse with 409 what names another object, or another state of it."""
    metadata = obj["metadata"]
    for label, wanted, found in (
        ("UID", options.uid, metadata["uid"]),
        ("ResourceVersion", options.version, metadata["resourceVersion"]),
    ):
        if wanted is not None and wanted != found:
            why = f"Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {found}"
            raise refusals.conflict(resource.plural, resource.group, metadata["name"], why)


def finalizers_of(obj: Object, options: DeleteOptions) -> list[str]:
    """Who must let go of it first."""
    finalizers = list(obj["metadata"].get("finalizers") or ())
    policy = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(options.propagation)
    if policy and policy not in finalizers:
        finalizers.append(policy)
    return finalizers


def grace_of(resource: Resource, obj: Object, options: DeleteOptions) -> int | None:
    """Seconds until a running pod must be gone; None for what needs no farewell."""
    if resource is not PODS or not obj["spec"].get("nodeName"):
        return None
    if is_over(obj):
        return 0
    if options.grace is not None:
        return max(0, options.grace)
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30))


def marked(obj: Object, grace: int, finalizers: list[str], now: datetime) -> Object:
    """The object, on its way out; itself where it leaves by then already."""
    metadata = obj["metadata"]
    if "deletionTimestamp" in metadata and metadata.get("deletionGracePeriodSeconds", 0) <= grace:
        return obj
    generation = metadata.get("generation")
    if generation and "deletionTimestamp" not in metadata:
        generation += 1
    return with_metadata(
        obj,
        deletionTimestamp=timestamp(now + timedelta(seconds=grace)),
        deletionGracePeriodSeconds=grace,
        finalizers=finalizers or None,
        generation=generation,
    )
