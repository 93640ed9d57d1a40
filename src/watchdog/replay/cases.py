"""Which switches of a target's past are replayed, with what is known of them. What is one, decides what does live."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watchdog.domain.configuration import configured
from watchdog.domain.events import Stepped
from watchdog.domain.live import Configured, Sighting
from watchdog.domain.memory import Memory
from watchdog.domain.noticing import Noticed
from watchdog.domain.reconfigured import listed
from watchdog.domain.rollout import Revision, WeightStep
from watchdog.domain.rules import Guard
from watchdog.domain.state import SETTLE, watch_id
from watchdog.domain.weights import notice, resolved
from watchdog.replay.courses import Course, Mark, Reconfigured, Serving
from watchdog.replay.filming import Case
from watchdog.replay.idling import Turn
from watchdog.replay.labels import TAKEN_BACK, label_of, label_of_change, mark_of
from watchdog.replay.report import Label


@dataclass(frozen=True, slots=True)
class Marked:
    """A case and whether it was bad."""

    case: Case
    label: Label
    source: str

    @property
    def id(self) -> str:
        return ("quiet-" if self.case.placebo else "") + watch_id(self.case.switch)


@dataclass(frozen=True, slots=True)
class Past:
    """What is replayed of a target; and what is not a switch of its own, with the reason, by its moment."""

    cases: tuple[Marked, ...]
    quiet: Mapping[datetime, str]


def past_of(
    course: Course,
    guard: Guard,
    marks: Sequence[Mark],
    since: datetime,
    now: datetime,
    turns: Sequence[Turn] = (),
) -> Past:
    """The switches of one target from `since` on. What each could go back to follows from what became of those before.

    It does not follow from what the rules would have done: two rule files are compared on the same switches. `turns`:
    when it became an idle colour, or ceased to be one.
    """
    found = _Found(course, guard, marks, now, turns)
    for index in range(len(course.stretches)):
        found.see(index)
    return Past(tuple(one for one in found.cases() if one.case.switch.at >= since), found.quiet)


def _with_put_backs(course: Course, marks: Sequence[Mark]) -> Course:
    """The course in which a return to what served before is the watchdog's, where a mark says that it rolled back."""
    back = {
        last + 1
        for first, last in course.releases
        if (mark := mark_of(course, first, last, marks)) is not None and mark.rolled_back
        for after in course.stretches[last + 1 : last + 2]
        if after.revision in _before(course, first) and not after.watched
    }
    stretches = [replace(one, put_back=one.put_back or place in back) for place, one in enumerate(course.stretches)]
    return replace(course, stretches=tuple(stretches)) if back else course


def _before(course: Course, first: int) -> set[Revision]:
    return {one.revision for one in course.stretches[:first]}


class _Found:
    """The switches of one target, as they are found."""

    def __init__(
        self, course: Course, guard: Guard, marks: Sequence[Mark], now: datetime, turns: Sequence[Turn]
    ) -> None:
        self._course = _with_put_backs(course, marks)
        self._guard = guard
        self._marks = marks
        self._now = now
        self._turns = turns
        self._memory: Memory | None = None
        self._open: list[tuple[Case, int, int]] = []  # with the first and the last of its stretches
        self._changed: list[Marked] = []
        self.quiet: dict[datetime, str] = {}

    def cases(self) -> Iterator[Marked]:
        """All of them, in order of time."""
        released = []
        for case, first, last in self._open:
            label, source = label_of(self._course, first, self._marks, self._now, last)
            released.append(Marked(replace(case, following=self._at(last + 1)), label, source))
        yield from sorted([*released, *self._changed], key=lambda one: one.case.switch.at)

    def see(self, index: int) -> None:
        """The next stretch: what live would have noticed as it began, and what became known of it."""
        course, serving = self._course, self._course.stretches[index]
        before = self._at(index - 1)
        if before is not None:
            for at, idle in self._turns:
                if before.since < at < serving.since:
                    self._noticed(course.sighting(before, self._at(index - 2)), at, idle=idle)
        sighting = resolved(self._memory, course.sighting(serving, before))
        idle = next((idle for at, idle in reversed(self._turns) if at <= serving.since), False)
        if serving.watched and self._memory is not None:
            # Whatever the courses beside it tell, it was no idle colour.
            self._memory, idle = replace(self._memory, idle=False, turned=None), False
        noticed = self._noticed(sighting, serving.since, idle=idle)
        if noticed is None:
            return
        if not self._stepped(noticed, sighting, index):
            if noticed.switch is None or serving.put_back or serving.between:
                self.quiet[serving.since] = self._why_quiet(noticed, index)
            else:
                # What live would have gone back to is known of what it watched.
                switch, stable, only = noticed.switch, serving.stable or noticed.stable, noticed.notify_only
                case = Case(course, self._guard, switch, stable, serving, None, notify_only=only)
                self._open.append((case, index, index))
        following = self._at(index + 1)
        self._reconfigured(serving, following)
        self._learn(index, serving, following)

    def _why_quiet(self, noticed: Noticed, index: int) -> str:
        serving, before = self._course.stretches[index], self._at(index - 1)
        same = before is not None and before.revision == serving.revision
        if serving.put_back or (same and before is not None and before.put_back):
            return "it is what the watchdog itself put back"
        return "it served already" if same else noticed.quiet

    def _noticed(self, sighting: Sighting, now: datetime, *, idle: bool) -> Noticed | None:
        """What live would have noticed, which is remembered."""
        window = self._guard.rollback_window
        noticed = notice(self._memory, sighting, bake=self._guard.bake, rollback_window=window, idle=idle, now=now)
        self._memory = noticed.memory if noticed is not None else self._memory
        return noticed

    def _at(self, index: int) -> Serving | None:
        return self._course.stretches[index] if 0 <= index < len(self._course.stretches) else None

    def _stepped(self, noticed: Noticed, sighting: Sighting, index: int) -> bool:
        """Whether it is a step of a switch whose bake is not over."""
        if noticed.step is None or not self._open:
            return False
        case, first, _ = self._open[-1]
        if case.switch.candidate != sighting.serving or sighting.since > case.moved + self._guard.bake + SETTLE:
            return False
        step = WeightStep(sighting.since, noticed.step, sighting.target.name, sighting.by)
        steps = (*case.steps, Stepped(step, sighting.selector))
        self._open[-1] = replace(case, steps=steps), first, index
        return True

    def _reconfigured(self, serving: Serving, following: Serving | None) -> None:
        """Changes of what configures it, from this stretch's beginning to the next one's."""
        for change in self._course.changes:
            if serving.since <= change.at and (following is None or change.at < following.since):
                self._change(change, serving, following)

    def _change(self, change: Reconfigured, serving: Serving, following: Serving | None) -> None:
        assert self._memory is not None
        last = self._open[-1][0] if self._open else None
        busy = last is not None and change.at < last.moved + self._guard.bake
        versions = {one.name: one.version for one in change.configs}
        seen = Configured(
            self._course.target, change.at, versions, change.configs, at_is_bound=change.at_is_bound, by=change.by
        )
        noticed = configured(self._memory, seen, bake=self._guard.bake, busy=busy, now=change.at)
        self._memory = noticed.memory
        if noticed.switch is None:
            return
        own = replace(serving, since=change.at, source=change.source)
        after, what = following, ""
        later = next((one for one in self._course.changes if one.at > change.at), None)
        if later is not None and (following is None or later.at < following.since):
            after, what = replace(own, since=later.at, by=later.by), f"{listed(later.configs)} changed since"
        case = Case(self._course, self._guard, noticed.switch, noticed.stable, own, after, what=what)
        label, source = label_of_change(self._course, change, self._marks, self._now)
        self._changed.append(Marked(case, label, source))

    def _learn(self, index: int, serving: Serving, following: Serving | None) -> None:
        """Known bad is what was, once its release is over; known good what served for a bake without being so."""
        assert self._memory is not None
        first, last = next(one for one in self._course.releases if one[0] <= index <= one[1])
        label, source = label_of(self._course, first, self._marks, self._now, last)
        passed = next((one.passed for one in self._course.stretches[first : last + 1] if one.passed is not None), None)
        until = following.since if following is not None else self._now
        if passed is not None and source == TAKEN_BACK:
            # It passed live, and so live held it good, whatever a person did with it then.
            self._memory = self._memory.with_good(serving.revision, self._course.stretches[first].since, passed)
        elif label is Label.BAD:
            if index == last:
                earlier = {one.revision for one in self._course.stretches[:index]}
                # What a list or a record has as a switch is one, though it goes back to what was there before.
                ended = following is not None and (following.put_back or not following.own)
                back = following.revision if ended and following and following.revision in earlier else None
                self._memory = self._memory.with_bad(serving.revision, "", until, back)
        elif serving.between:
            if not self._memory.is_good(serving.revision) and not self._memory.is_bad(serving.revision):
                former = self._at(index - 1)
                since = serving.since if former is None else min(former.since + self._guard.bake, serving.since)
                self._memory = self._memory.with_good(serving.revision, since, None)
        elif until - serving.since >= self._guard.bake:
            # Of a release by weights its first step: all of it was seen.
            began = self._course.stretches[first].since
            self._memory = self._memory.with_good(serving.revision, began, serving.since + self._guard.bake)
