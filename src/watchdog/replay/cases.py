"""Which moments of a target's past are replayed: real switches with what is known of them, and quiet windows."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from watchdog.domain.memory import Memory
from watchdog.domain.noticing import notice
from watchdog.domain.rollout import ServiceFlip, Stable, SwitchKind, Target, TrafficSwitch
from watchdog.domain.rules import Guard
from watchdog.domain.state import open_watch, watch_id
from watchdog.domain.untouched import Peer, untouched
from watchdog.replay.courses import Course, Serving
from watchdog.replay.filming import Case
from watchdog.replay.report import Label

HOUR = timedelta(hours=1)
"""A release that was rolled back within this long counts as bad, one that outlived it as good."""

_NEAR = timedelta(minutes=5)  # a mark need not name the second
_TRIES = 50  # random moments for each placebo, before it is given up
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody says of one switch."""

    target: Target
    at: datetime
    label: Label
    source: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A case and whether it was bad."""

    case: Case
    label: Label
    source: str

    @property
    def id(self) -> str:
        return ("quiet-" if self.case.placebo else "") + watch_id(self.case.switch)


def label_of(course: Course, index: int, marks: Sequence[Mark], now: datetime) -> tuple[Label, str]:
    """Whether the stretch's switch was bad: what people say comes first, then what was done."""
    serving = course.stretches[index]
    for mark in marks:
        if mark.target == course.target and serving is _nearest(course, mark.at):
            return mark.label, mark.source
    if serving.label is not None:
        return serving.label, serving.label_source
    following = course.stretches[index + 1] if index + 1 < len(course.stretches) else None
    if following is None:
        served = now - serving.since
        return (Label.UNKNOWN, "too recent") if served < HOUR else (Label.GOOD, "not rolled back within the hour")
    if following.since - serving.since > HOUR:
        return Label.GOOD, "not rolled back within the hour"
    if index > 0 and following.revision == course.stretches[index - 1].revision:
        return Label.BAD, "rolled back within the hour"
    return Label.UNKNOWN, "replaced within the hour"


def _nearest(course: Course, at: datetime) -> Serving | None:
    """The switch that a mark means: what it was put back to, two minutes later, is not meant."""
    nearest = min(course.stretches, key=lambda one: abs(one.since - at))
    return nearest if abs(nearest.since - at) <= _NEAR else None


def real_cases(course: Course, guard: Guard, marks: Sequence[Mark], since: datetime, now: datetime) -> Iterator[Marked]:
    """The switches of one target from `since` on. What each could go back to follows from what became of those before.

    It does not follow from what the rules would have done: two rule files are compared on the same switches.
    """
    memory: Memory | None = None
    for index, serving in enumerate(course.stretches):
        previous = course.stretches[index - 1] if index else None
        following = course.stretches[index + 1] if index + 1 < len(course.stretches) else None
        noticed = notice(
            memory,
            course.sighting(serving, previous),
            bake=guard.bake,
            rollback_window=guard.rollback_window,
            idle=False,
            now=serving.since,
        )
        if noticed is None:
            continue
        memory = noticed.memory
        label, source = label_of(course, index, marks, now)
        if noticed.switch is not None and serving.since >= since:
            case = Case(
                course, guard, noticed.switch, noticed.stable, serving, following, notify_only=noticed.notify_only
            )
            yield Marked(case, label, source)
        earlier = {one.revision for one in course.stretches[:index]}
        back = following.revision if following is not None and following.revision in earlier else None
        until = following.since if following is not None else now
        if label is Label.BAD:
            memory = memory.with_bad(serving.revision, "", until, back)
        elif until - serving.since >= guard.bake:
            memory = memory.with_good(serving.revision, serving.since, serving.since + guard.bake)


def placebos(
    course: Course, guard: Guard, marks: Sequence[Mark], since: datetime, now: datetime, *, count: int, seed: int
) -> Iterator[Marked]:
    """Quiet moments, replayed as if what served had been switched to then: what breaches there is a false alarm.

    The choice hangs on the seed, the target and the day alone: tomorrow most of them are the same ones.
    """
    taken = [*_disturbed(course, guard, marks, now)]
    length = guard.bake + guard.baseline
    days = [since.date() + timedelta(days=day) for day in range((now.date() - since.date()).days + 1)]
    draws = [random.Random(f"{seed}/{course.target}/{day}") for day in days]  # noqa: S311 - repeatable on purpose
    order = sorted(range(len(days)), key=lambda number: draws[number].random())
    for number in (order[turn % len(order)] for turn in range(count)):
        for _ in range(_TRIES):
            midnight = datetime(days[number].year, days[number].month, days[number].day, tzinfo=UTC)
            at = midnight + timedelta(seconds=math.floor(draws[number].random() * _DAY))
            begin, end = at - guard.baseline, at + guard.bake
            serving = course.serving_at(begin)
            if begin < since or end > now or serving is None or serving.since > begin:
                continue
            if all(end <= other_begin or other_end <= begin for other_begin, other_end in taken):
                taken.append((at - length, at + length))
                yield placebo(course, guard, at)
                break


def _disturbed(
    course: Course, guard: Guard, marks: Sequence[Mark], now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Around each switch; all the time in which something bad served; and after it was put back."""
    for index, serving in enumerate(course.stretches):
        label, _ = label_of(course, index, marks, now)
        following = course.stretches[index + 1] if index + 1 < len(course.stretches) else None
        end = following.since if following is not None else now
        yield serving.since - guard.bake, serving.since + 2 * guard.bake + guard.baseline
        if label is Label.BAD:
            yield serving.since, end + guard.baseline


def placebo(course: Course, guard: Guard, at: datetime) -> Marked:
    """A moment as if it had been a switch. No pods of before serve beside, so it is followed as a flip is."""
    serving = course.serving_at(at) or course.stretches[0]
    flip = ServiceFlip(course.target.name, {"placebo": "before"}, {"placebo": "after"})
    switch = TrafficSwitch(course.target, SwitchKind.SELECTOR, serving.revision, serving.revision, at, flips=(flip,))
    stable = Stable(serving.revision, serving.since, at)
    case = Case(course, guard, switch, stable, serving, None, placebo=True)
    return Marked(case, Label.GOOD, "a quiet window")


class Neighbours:
    """Who was untouched when: the peers of a watch, as the daemon would have known them."""

    def __init__(self, guards: Mapping[Target, Guard], courses: Sequence[Course], cases: Sequence[Marked]) -> None:
        self._courses = {course.target: course for course in courses}
        self._guards = guards
        self._cases = [one for one in cases if not one.case.placebo]
        self._bad = {(one.case.switch.target, one.case.switch.candidate) for one in cases if one.label is Label.BAD}

    def peers(self, at: datetime, guard: Guard, switch: TrafficSwitch) -> Sequence[Peer]:
        """The peers of a switch at a moment."""
        memories = []
        for target, own in self._guards.items():
            serving = self._courses[target].serving_at(at)
            if own.name == guard.name and serving is not None:
                doubted = (target, serving.revision) in self._bad and target != switch.target
                memories.append(Memory(target, serving.revision, serving.since, doubted=doubted))
        others = [
            open_watch(one.case.switch, one.case.guard, one.case.stable, now=one.case.switch.at)
            for one in self._cases
            if one.case.switch.target != switch.target
            and one.case.switch.at <= at < one.case.switch.at + one.case.guard.bake
        ]
        watch = open_watch(replace(switch, at=switch.at), guard, None, now=switch.at)
        return untouched(watch, memories, others)
