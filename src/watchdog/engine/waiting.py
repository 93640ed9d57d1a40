"""Waits until the watch of a switch ends, for a pipeline: whatever restarts or does not answer in between."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ParamSpec, Protocol, TypeVar

from watchdog.domain.judge.verdict import span
from watchdog.domain.memory import Memory
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.state import Watch
from watchdog.domain.waiting import (
    Found,
    Overtaken,
    Wanted,
    find,
    is_known_good,
    taken_over,
    unwatched,
)
from watchdog.ports import Clock, OutOfReach

T = TypeVar("T")
P = ParamSpec("P")

_EVERY = 2.0
_LONGEST_PAUSE = 15.0
_FIRST_PATIENCE = 30.0  # seconds without any answer before it is given up: perhaps a wrong address
_PATIENCE = 300.0  # the same, once something was answered: perhaps an API server that is being replaced


class Outlook(Protocol):
    """Where somebody who waits looks: the cluster with its records, or the daemon's API. All raise `OutOfReach`."""

    knows_what_serves: bool

    async def serving(self, target: Target) -> Revision | None:
        """What serves the target; None while that cannot be told. Only where `knows_what_serves`."""
        ...

    async def watches(self, target: Target) -> Sequence[Watch]:
        """The target's watches, open and ended."""
        ...

    async def watch(self, watch_id: str) -> Watch | None:
        """One watch as it stands; None where it is gone."""
        ...

    async def memory(self, target: Target) -> Memory | None:
        """What the watchdog remembers of the target; None where it does not, or where that cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited: for the watch to open, and in all, for it to end."""

    opening: timedelta = timedelta(minutes=2)
    ending: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Waited:
    """How the waiting ended. `watch` has ended too, unless the patience did first; None: none ever opened."""

    watch: Watch | None = None
    why: str = ""
    overtaken: bool = False
    known_good: bool = False  # no watch was opened because the revision needs none


Show = Callable[[Watch, datetime], None]
Say = Callable[[str], None]


class Waiting:
    """One wait. `show` is called with the watch at each look, `say` with what else a person should know."""

    def __init__(self, outlook: Outlook, clock: Clock, patience: Patience, *, show: Show, say: Say) -> None:
        self._outlook = outlook
        self._clock = clock
        self._patience = patience
        self._show = show
        self._say = say
        self._answered = False
        self._end = 0.0

    async def wait(self, wanted: Wanted) -> Waited:
        """Return when the watch of the wanted switch has ended, or when it is plain that none will.

        Raises `OutOfReach` when nobody has answered for minutes, or still not when the patience ends.
        """
        began = self._clock.monotonic()
        self._end = began + self._patience.ending.total_seconds()
        watch = await self._opened(wanted, began)
        if not isinstance(watch, Watch):
            return watch
        return await self._ended(watch, wanted.target)

    async def _opened(self, wanted: Wanted, began: float) -> Watch | Waited:
        told = False
        while True:
            # In this order: a watch is recorded before its target is remembered, and before it acts.
            serving = await self._serving(wanted.target)
            if wanted.candidate is None and not wanted.named:
                wanted = replace(wanted, candidate=serving)
            memory = await self._memory(wanted.target)
            found = await self._found(wanted, serving)
            match found:
                case Found(watch):
                    return watch
                case Overtaken(why):
                    return Waited(why=why, overtaken=True)
            if is_known_good(memory, wanted.candidate) and serving == wanted.candidate:
                return Waited(why=unwatched(wanted.target, serving, memory), known_good=True)
            if self._clock.monotonic() - began >= self._opening.total_seconds():
                return Waited(why=self._none(wanted, memory))
            if not told:
                self._say(f"{wanted.candidate or wanted.target}: waiting for its watch to open")
                told = True
            await self._clock.sleep(_EVERY)

    async def _serving(self, target: Target) -> Revision | None:
        return await self._asked(self._outlook.serving, target) if self._outlook.knows_what_serves else None

    async def _memory(self, target: Target) -> Memory | None:
        # What nobody is asked for must not pass for an answer: see `_asked`.
        return await self._asked(self._outlook.memory, target) if self._outlook.knows_what_serves else None

    @property
    def _opening(self) -> timedelta:
        return min(self._patience.opening, self._patience.ending)

    async def _found(self, wanted: Wanted, serving: Revision | None) -> Found | Overtaken | None:
        if self._outlook.knows_what_serves and wanted.candidate is None and not wanted.named:
            return None  # it has a new template, and no pods of it yet
        watches = await self._asked(self._outlook.watches, wanted.target)
        return find(wanted, watches, serving)

    def _none(self, wanted: Wanted, memory: Memory | None) -> str:
        waited = f"no watch opened within {span(self._opening)}"
        if not self._outlook.knows_what_serves:
            return f"{waited}: the watchdog tells of no switch of {wanted.target}"
        return f"{waited}: {unwatched(wanted.target, wanted.candidate, memory)}"

    async def _ended(self, watch: Watch, target: Target) -> Waited:
        while True:
            self._show(watch, self._clock.now())
            if watch.phase.terminal:
                watches = await self._asked(self._outlook.watches, target)
                by_hand = taken_over(watch, watches)
                if by_hand is None:
                    return Waited(watch)
                watch = by_hand
                continue
            if self._clock.monotonic() >= self._end:
                return Waited(watch, f"the watch has not ended within {span(self._patience.ending)}")
            await self._clock.sleep(_EVERY)
            again = await self._asked(self._outlook.watch, watch.id)
            if again is None:
                return Waited(watch, f"the record of watch {watch.id} is gone")
            watch = again

    async def _asked(self, ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer, however often it has to be asked for."""
        failing_since, pause = None, 1.0
        while True:
            try:
                answer = await ask(*args, **kwargs)
            except OutOfReach as error:
                now = self._clock.monotonic()
                failing_since = now if failing_since is None else failing_since
                patience = _PATIENCE if self._answered else _FIRST_PATIENCE
                if error.final or now - failing_since >= patience:
                    raise
                if now >= self._end:
                    raise OutOfReach(f"{error}; it was waited for {span(self._patience.ending)}") from error
                self._say(f"{error}; asking again")
            else:
                self._answered = True
                return answer
            await self._clock.sleep(max(0.0, min(pause, self._end - self._clock.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE)
