"""Whether a switch of the past was really bad: what people say comes first, then what was done."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watchdog.replay.courses import NEAR, Course, Mark, Reconfigured, Serving
from watchdog.replay.report import Label

HOUR = timedelta(hours=1)
"""A release that was rolled back within this long counts as bad, one that outlived it as good."""

_OUTLIVED = "not rolled back within the hour"
TAKEN_BACK = "rolled back within the hour"
_UNLISTED = "replaced at a moment that nothing tells"
_PAIR = 2  # releases before one that can take back the last of them


def label_of(
    course: Course, index: int, marks: Sequence[Mark], now: datetime, last: int | None = None
) -> tuple[Label, str]:
    """Whether the stretch's switch was bad; with its steps, if there are any: the stretches up to `last`."""
    last = index if last is None else last
    own = course.stretches[index : last + 1]
    mark = mark_of(course, index, last, marks)
    if mark is not None:
        return mark.label, mark.source
    said = [one for one in own if one.label is not None]
    if said:
        worst = next((one for one in said if one.label is Label.BAD), said[0])
        assert worst.label is not None
        return worst.label, worst.label_source
    return _became(course, index, last, now)


def mark_of(course: Course, first: int, last: int, marks: Sequence[Mark]) -> Mark | None:
    """What somebody says of the release that these stretches are."""
    own = course.stretches[first : last + 1]
    meant = (one for one in marks if one.target == course.target)
    return next((mark for mark in meant if any(one is _nearest(course, mark.at) for one in own)), None)


def _became(course: Course, index: int, last: int, now: datetime) -> tuple[Label, str]:
    """What became of it. A release by weights is given its hour anew with each step."""
    serving, moved = course.stretches[index], course.stretches[last].since
    following = course.stretches[last + 1] if last + 1 < len(course.stretches) else None
    if following is None:
        return (Label.UNKNOWN, "too recent") if now - moved < HOUR else (Label.GOOD, _OUTLIVED)
    if following.since - moved > HOUR:
        return (Label.UNKNOWN, _UNLISTED) if following.between else (Label.GOOD, _OUTLIVED)
    if following.revision == serving.revision:
        return Label.UNKNOWN, "given another part of the traffic within the hour"
    before = next((one for one in reversed(course.stretches[:index]) if one.revision != serving.revision), None)
    if before is not None and following.revision == before.revision and not _gone_back_to(course, index):
        return Label.BAD, TAKEN_BACK
    return Label.UNKNOWN, "replaced within the hour"


def _gone_back_to(course: Course, index: int) -> bool:
    """Whether the stretch itself is where a release was taken back to: then what comes next takes nothing back."""
    releases = [one for one in course.releases if one[0] <= index]
    odd = False  # of releases that took each other back in turn every second one is
    for place in range(len(releases) - 1, -1, -1):
        here = course.stretches[releases[place][0]]
        if here.put_back or here.between:
            return not odd
        if place < _PAIR:
            break
        earlier, taken = course.stretches[releases[place - 2][0]], course.stretches[releases[place - 1][1]]
        if earlier.revision != here.revision or here.since - taken.since > HOUR:
            break
        odd = not odd
    return odd


def label_of_change(course: Course, change: Reconfigured, marks: Sequence[Mark], now: datetime) -> tuple[Label, str]:
    """Whether a change of configuration was bad, which nothing puts back."""
    for mark in marks:
        if mark.is_near(course.target, change.at):
            return mark.label, mark.source
    if change.label is not None:
        return change.label, change.label_source
    names = {one.name for one in change.configs}
    again = [
        one
        for one in course.changes
        if change.at < one.at <= change.at + HOUR and names & {each.name for each in one.configs}
    ]
    if again:
        return Label.UNKNOWN, "changed again within the hour"
    recent = now - change.at < HOUR
    return (Label.UNKNOWN, "too recent") if recent else (Label.GOOD, "not changed again within the hour")


def _nearest(course: Course, at: datetime) -> Serving | None:
    """The switch that a mark means: what it was put back to, two minutes later, is not meant."""
    nearest = min(course.stretches, key=lambda one: abs(one.since - at))
    changed = min((abs(one.at - at) for one in course.changes), default=None)
    if changed is not None and changed < abs(nearest.since - at):
        return None
    return nearest if abs(nearest.since - at) <= NEAR else None
