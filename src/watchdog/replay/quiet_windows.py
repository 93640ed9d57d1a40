"""Quiet moments, replayed as if they had been switches: what breaches there is a false alarm."""

import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from watchdog.domain.rollout import ServiceFlip, Stable, SwitchKind, TrafficSwitch
from watchdog.domain.rules import Guard
from watchdog.replay.cases import Marked
from watchdog.replay.courses import Course, Mark
from watchdog.replay.filming import Case
from watchdog.replay.labels import label_of
from watchdog.replay.report import Label

_TRIES = 50  # random moments for each placebo, before it is given up
_DAY = 86400.0


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
    chosen, turn = 0, 0
    while order and chosen < count:
        number = order[turn % len(order)]
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
                chosen, turn = chosen + 1, turn + 1
                break
        else:
            order.remove(number)  # the others make up for it: of the first and the last day little may be asked about


def _disturbed(
    course: Course, guard: Guard, marks: Sequence[Mark], now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Around each switch, step and change; all the time in which something bad served; and after it was put back."""
    around = timedelta(0) - guard.bake, 2 * guard.bake + guard.baseline
    for change in course.changes:
        yield change.at + around[0], change.at + around[1]
    for first, last in course.releases:
        label, _ = label_of(course, first, marks, now, last)
        end = course.stretches[last + 1].since if last + 1 < len(course.stretches) else now
        for serving in course.stretches[first : last + 1]:
            yield serving.since + around[0], serving.since + around[1]
        if label is Label.BAD:
            yield course.stretches[first].since, end + guard.baseline


def placebo(course: Course, guard: Guard, at: datetime) -> Marked:
    """A moment as if it had been a switch. No pods of before serve beside, so it is followed as a flip is."""
    serving = course.serving_at(at) or course.stretches[0]
    flip = ServiceFlip(course.target.name, {"placebo": "before"}, {"placebo": "after"})
    switch = TrafficSwitch(course.target, SwitchKind.SELECTOR, serving.revision, serving.revision, at, flips=(flip,))
    stable = Stable(serving.revision, serving.since, at)
    case = Case(course, guard, switch, stable, serving, None, placebo=True)
    return Marked(case, Label.GOOD, "a quiet window")
