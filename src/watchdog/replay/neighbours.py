"""Who was untouched when: the peers that a watch of the past could have been compared with."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from watchdog.domain.memory import Memory
from watchdog.domain.rollout import Target, TrafficSwitch
from watchdog.domain.rules import Guard
from watchdog.domain.state import open_watch
from watchdog.domain.untouched import Peer, untouched
from watchdog.replay.cases import Marked
from watchdog.replay.courses import Course
from watchdog.replay.report import Label


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
            release = self._courses[target].release_at(at)
            if own.name == guard.name and release is not None:
                doubted = (target, release.revision) in self._bad and target != switch.target
                memories.append(Memory(target, release.revision, release.since, doubted=doubted))
        others = [
            open_watch(one.case.switch, one.case.guard, one.case.stable, now=one.case.switch.at)
            for one in self._cases
            if one.case.switch.target != switch.target
            and one.case.switch.at <= at < one.case.moved + one.case.guard.bake
        ]
        watch = open_watch(switch, guard, None, now=switch.at)
        return untouched(watch, memories, others)
