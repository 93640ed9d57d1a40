"""The outside of a moment that is past: a clock that is moved on by hand, and a target that nobody can look at."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

from watchdog.domain.as_if import seen_then
from watchdog.domain.changes import Description
from watchdog.domain.effects import PutBackAnswer, PutBackWithheld, Remedy
from watchdog.domain.live import Live, Sighting
from watchdog.domain.rollout import Revision, Stable, SwitchKind, Target, TargetKind, TrafficSwitch
from watchdog.ports import Clock


class PastClock:
    """Stands still until it is moved; whoever sleeps wakes when it has been moved far enough."""

    def __init__(self, inner: Clock, at: datetime) -> None:
        self._inner = inner
        self._now = self._began = at
        self._moved = asyncio.Event()

    def move(self, to: datetime) -> None:
        """It is that time now; never back."""
        self._now = max(self._now, to)
        self._moved.set()
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._began).total_seconds()

    async def sleep(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        await self._inner.sleep(0)
        while self._now < until:
            await self._moved.wait()


class PastProvider:
    """The traffic provider of a switch that did not happen: nothing is in the way, and nothing can be put back."""

    carries = TargetKind.SERVICE
    kind = SwitchKind.SELECTOR

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def switches(self) -> AsyncIterator[Sighting]:
        seen: tuple[Sighting, ...] = ()
        for sighting in seen:
            yield sighting

    async def live(
        self, switch: TrafficSwitch, stable: Stable | None, *, after: int | None = None, fresh: bool = False
    ) -> Live:
        del stable
        if after is not None:
            await asyncio.Event().wait()  # nothing changes
        return replace(seen_then(switch, self._clock.now()), fresh=fresh)

    async def put_back(self, remedy: Remedy) -> PutBackAnswer:
        del remedy
        return PutBackWithheld(self._clock.now())

    async def describe(self, target: Target, revision: Revision, commits: str = "") -> Description:
        del target, revision, commits
        return Description()
