"""Since when what serves does, as well as the cluster tells: a revision that rolls out, or what is pointed at."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from watchdog.adapters.kubernetes.pods import created, to_pod
from watchdog.adapters.kubernetes.sightings import PATIENCE, Known
from watchdog.adapters.kubernetes.workloads import first_pod_at, written_at

Json = dict[str, Any]

STALE = timedelta(seconds=30)  # a write older than this was not seen as it happened, even if it came as an event


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


def since_made(
    known: Known, owner: Json, keeper: Json, pods: Sequence[Json], earlier: Sequence[datetime], *, over: bool
) -> datetime | None:
    """The same of what keeps a revision of `owner`: made before one with a lower number (`earlier`), it is back."""
    made = created(keeper)
    again = any(other > made for other in earlier)
    became = (written_at(owner) or known.began) if again else made
    return since(known, pods, became=became, not_before=max([made, *earlier]), over=over)


def point(known: Known, one: Json, aimed: Mapping[str, str], serving: object, now: datetime) -> None:
    """Note since when an object routes as it does (a selector, weights), and `serving` is what it routes to."""
    identity = tuple(sorted(aimed.items())), serving
    if known.serving == identity:
        return
    written = written_at(one)
    if known.selector != aimed and written is not None and now - written > STALE:
        known.owed = True  # newly guarded, or the event was long on its way
    known.serving, known.selector = identity, aimed
    known.since_is_bound = known.owed
    # Seen late: the latest moment at which it can have been set.
    known.since = min(written, now) if known.owed and written else now
