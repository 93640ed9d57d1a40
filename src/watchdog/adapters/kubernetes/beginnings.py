"""Since when what a workload rolls out serves, as well as the cluster tells: for every provider of rollouts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from watchdog.adapters.kubernetes.pods import created, to_pod
from watchdog.adapters.kubernetes.sightings import PATIENCE, Known
from watchdog.adapters.kubernetes.workloads import first_pod_at

Json = dict[str, Any]


def begin(known: Known, keeper: Json, now: datetime) -> None:
    """Note when another revision is current than at the last look, and whether we were there as it became so.

    `keeper` is the object that keeps the revision.
    """
    uid = keeper["metadata"]["uid"]
    if known.serving == uid:
        return
    if known.serving is None and now - created(keeper) > timedelta(seconds=PATIENCE):
        known.owed = True  # newly guarded, not newly rolled out
    known.serving, known.since, known.late, known.began = uid, None, known.owed, now


def since(known: Known, pods: Sequence[Json], *, became: datetime, not_before: datetime, over: bool) -> datetime | None:
    """When the current revision began to serve; None while its first pod is waited for.

    Seen as it happens: its first pod's creation; one that is taken up again may have older pods, which do not count
    (`became`). Seen late: its oldest living pod's, but not before it can have become current.
    """
    if known.late:
        living = [created(pod) for pod in pods if not to_pod(pod).gone]
        return max(min(living, default=became), not_before)
    first = first_pod_at(pods, since=became)
    return became if first is None and over else first
