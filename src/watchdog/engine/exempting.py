"""Who is out of the watchdog's hands for a while, by a person's annotation or for another version's record of it.

Told once, shown while it lasts.
"""

import logging
from collections.abc import Callable

from watchdog.domain.annotations import GUARD, HOLD, Exemption, Invalid, exemption
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, Severity
from watchdog.domain.live import CANNOT_BE_READ, Sighting
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard
from watchdog.engine.observing import Observer
from watchdog.ports import Clock

log = logging.getLogger(__name__)

Mark = Exemption | Invalid

_EXPIRE_EVERY = 2.0

_SHORT = {GUARD: "off", HOLD: "hold"}
_HONOURED = {GUARD: "is not guarded", HOLD: "is judged but not put back"}
_ELSEWHERE = "version"
_UNREADABLE = "unreadable"
_NOT_HONOURED = {GUARD: "is guarded all the same", HOLD: "is put back all the same"}


class Exemptions:
    """The `guard` and `hold` annotations of all targets, as last sighted."""

    def __init__(self, *, clock: Clock, observer: Observer, tell: Callable[[Notice, Guard], None]) -> None:
        self._clock = clock
        self._observer = observer
        self._tell = tell
        self._marks: dict[Target, tuple[Mark, ...]] = {}
        self._left: dict[Target, str] = {}
        self._unreadable: dict[Target, str] = {}
        self._sighted: dict[Target, Sighting] = {}  # of all these, the last

    def rules_changed(self, is_guarded: Callable[[Sighting], bool]) -> None:
        """Forget what nobody guards any more: it is not for one of these reasons that it is unguarded."""
        for target in [target for target, sighting in self._sighted.items() if not is_guarded(sighting)]:
            for known in (self._sighted, self._left, self._unreadable):
                known.pop(target, None)
            self._show(target, ())

    def leave(self, sighting: Sighting, what: str, why: str, guard: Guard) -> None:
        """What another version wrote of the target keeps this one from it. Tells of each reason once."""
        target = sighting.target
        if self._left.get(target) == why:
            return
        self._left[target], self._sighted[target] = why, sighting
        self._show(target, self._marks.get(target, ()))
        log.warning("unguarded", extra={"facts": {"target": str(target), "why": why}})
        self._tell(self._notice(target, _ELSEWHERE, what, why), guard)

    def take_again(self, target: Target) -> None:
        """Nothing keeps it any more."""
        self._left.pop(target, None)
        self._show(target, self._marks.get(target, ()))

    def unreadable(self, sighting: Sighting, guard: Guard) -> bool:
        """Whether nothing can be told of the target, for the shape of its object. Tells of each reason once."""
        target, why = sighting.target, sighting.unreadable
        if self._unreadable.get(target, "") != why:
            if why:
                self._unreadable[target], self._sighted[target] = why, sighting
                self._tell(self._notice(target, _UNREADABLE, CANNOT_BE_READ, why), guard)
            else:
                del self._unreadable[target]
            self._show(target, self._marks.get(target, ()))
        return bool(why)

    def unwatched(self, sighting: Sighting, guard: Guard) -> bool:
        """Whether the target is not even watched now. Tells of each annotation that is new."""
        now = self._clock.now()
        found = [exemption(name, sighting.annotations, now) for name in (GUARD, HOLD)] if guard.annotations else []
        marks = tuple(mark for mark in found if mark is not None)
        before = self._marks.get(sighting.target, ())
        for mark in marks:
            if mark not in before:
                self._told(sighting.target, mark, guard)
        if marks or sighting.target in self._sighted:
            self._sighted[sighting.target] = sighting
        if marks != before:
            self._show(sighting.target, marks)
        return any(isinstance(mark, Exemption) and mark.annotation == GUARD for mark in marks)

    async def keep_expiring(self) -> None:
        """Expire again and again, until cancelled."""
        while True:
            await self._clock.sleep(_EXPIRE_EVERY)
            self.expire()

    def expire(self) -> None:
        """Take note of those whose time is over: nothing in the cluster changes by that."""
        now = self._clock.now()
        for target, marks in tuple(self._marks.items()):
            lasting = tuple(mark for mark in marks if isinstance(mark, Invalid) or mark.until > now)
            if lasting != marks:
                self._show(target, lasting)

    def _show(self, target: Target, marks: tuple[Mark, ...]) -> None:
        if marks:
            self._marks[target] = marks
        else:
            self._marks.pop(target, None)
        reasons = [_SHORT[mark.annotation] for mark in marks if isinstance(mark, Exemption)]
        reasons += [_ELSEWHERE] if target in self._left else []
        reasons += [_UNREADABLE] if target in self._unreadable else []
        self._observer.unguarded(target, tuple(reasons))

    def _told(self, target: Target, mark: Mark, guard: Guard) -> None:
        match mark:
            case Exemption(annotation, until, reason):
                what, why = _HONOURED[annotation], f"until {until:%Y-%m-%d %H:%M} UTC: {reason}"
            case Invalid(annotation, problem):
                what, why = _NOT_HONOURED[annotation], f"annotation not honoured: {problem}"
        facts = {"target": str(target), "annotation": mark.annotation, "why": why}
        log.warning("unguarded", extra={"facts": {**facts, "honoured": isinstance(mark, Exemption)}})
        self._tell(self._notice(target, _SHORT[mark.annotation], what, why), guard)

    def _notice(self, target: Target, reason: str, what: str, why: str) -> Notice:
        ident, title = f"{target}/unguarded/{reason}/{why}", f"{target} {what}: {why}"
        return Notice(ident, Topic.UNGUARDED, Severity.WARNING, "", str(target), title, (why,), self._clock.now())
