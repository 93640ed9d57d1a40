"""Who had which part of a route's traffic at a moment of the past: by the records of the watchdog in the cluster."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.record import is_about
from watchdog.domain.rollout import Revision, Target
from watchdog.ports import OutOfReach
from watchdog.rehearsal.connecting import Rehearsal
from watchdog.replay.courses import KnownPods
from watchdog.replay.entries import Entry
from watchdog.replay.listed import courses_of
from watchdog.replay.recorded import of_records

log = logging.getLogger(__name__)

_WHOLE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was on its way, with the part of the traffic that it had, and what had the rest."""

    candidate: Revision
    part: float  # from 0 to 1
    stable: Revision


async def weighed_then(rehearsal: Rehearsal, target: Target, at: datetime) -> Weighed | str:
    """Why it is not known, or nothing was shared then, where that is so."""
    try:
        listed = _listed(target, await rehearsal.records())
    except OutOfReach as error:
        return f"what its weights were then is not known ({error})"
    courses = courses_of(listed, KnownPods(), kube_state=False)
    # People copy a moment that was shown to the second.
    then = courses[0].serving_at(at + _WHOLE_SECOND) if courses else None
    if then is None or not then.source or at < min(one.at for one in listed) - _WHOLE_SECOND:
        return "no record tells what its weights were then"
    beside = {revision: part for revision, part in then.parts.items() if revision != then.revision and part > 0.0}
    if not beside:
        return f"by the records {then.revision} had all of the traffic then"
    return Weighed(then.revision, then.parts[then.revision], max(beside, key=lambda one: beside[one]))


def _listed(target: Target, records: Sequence[object]) -> list[Entry]:
    """The records of the route's own switches, as far as they can be read."""
    found: list[Entry] = []
    for record in records:
        if not isinstance(record, dict) or not is_about(record, str(target)):
            continue
        listed = of_records([record])
        found += [one for one in listed.entries if one.target == target and not one.configs]
        for note in listed.notes:
            log.info("record not understood", extra={"facts": {"why": note.text}})
    return found
