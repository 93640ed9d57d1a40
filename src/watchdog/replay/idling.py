"""When a Deployment was an idle colour: a Service or a route beside it sent the traffic elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from watchdog.domain.rollout import RUNNER, Target
from watchdog.replay.courses import Course, Serving

Turn = tuple[datetime, bool]
"""From that moment on it is idle, or is not."""


def turns_of(target: Target, courses: Sequence[Course]) -> tuple[Turn, ...]:
    """Each moment at which the Deployment began to serve or ceased to, by the courses of what points at it."""
    if target.kind is not RUNNER:
        return ()
    pointing = [one for one in courses if one.target.namespace == target.namespace and target.name in _colours(one)]
    moments = sorted({serving.since for one in pointing for serving in one.stretches})
    found: list[Turn] = []
    for at in moments:
        idle = _idle(target.name, pointing, at)
        if not found or found[-1][1] is not idle:
            found.append((at, idle))
    return tuple(found)


def _colours(course: Course) -> set[str]:
    """What it has ever pointed at; nothing, of what runs pods of its own."""
    if not course.target.kind.routes:
        return set()
    return {one.workload for serving in course.stretches for one in (serving.revision, *serving.parts)}


def _idle(workload: str, pointing: Sequence[Course], at: datetime) -> bool:
    """As live has it: any route that sends nothing there, or no Service that selects it."""
    known = [(course, serving) for course in pointing if (serving := course.serving_at(at)) is not None]
    if any(not _gets(workload, serving) for course, serving in known if course.kind.in_parts):
        return True
    selected = [_gets(workload, serving) for course, serving in known if not course.kind.in_parts]
    return bool(selected) and not any(selected)


def _gets(workload: str, serving: Serving) -> bool:
    parts = serving.parts or {serving.revision: 1.0}
    return any(one.workload == workload and part > 0.0 for one, part in parts.items())
