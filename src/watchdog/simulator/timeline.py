"""One list of what is to be done when. A single task works it off, so controllers never run at the same time.

Before the cluster is started the list can be worked off without waiting, on a past of the cluster's own: that is
how a simulator begins with an hour behind it.
"""

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from watchdog.simulator.objects import Clock

Job = Callable[[], None]

# More jobs than any honest instant needs: two controllers that undo each other's work for ever end here.
_MOST_AT_ONCE = 200_000


class Timer:
    """Something that will be done, unless it is cancelled first; `over` once either has happened."""

    __slots__ = ("job", "over")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.over = False

    def cancel(self) -> None:
        """Never ring."""
        self.over = True


class Timeline:
    """The cluster's time and the work that waits for it."""

    def __init__(self, clock: Clock, past: timedelta = timedelta()) -> None:
        self._clock = clock
        self._origin = clock.now()
        self._origin_seconds = clock.monotonic()
        self._virtual: float | None = -past.total_seconds()
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._due: dict[object, Job] = {}
        self._awake = asyncio.Event()

    def seconds(self) -> float:
        """Seconds since the cluster was made; negative in its past."""
        return self._live_seconds() if self._virtual is None else self._virtual

    def _live_seconds(self) -> float:
        return self._clock.monotonic() - self._origin_seconds

    def now(self) -> datetime:
        """The time of day in the cluster."""
        if self._virtual is None:
            return self._clock.now()
        return self._origin + timedelta(seconds=self._virtual)

    def soon(self, key: object, job: Job) -> None:
        """Do `job` next; a job that waits already under the same key is not queued twice."""
        if key not in self._due:
            self._due[key] = job
            self._awake.set()

    def after(self, seconds: float, job: Job) -> Timer:
        """Do `job` when so many seconds have passed."""
        timer = Timer(job)
        self._count += 1
        heapq.heappush(self._timers, (self.seconds() + max(0.0, seconds), self._count, timer))
        self._awake.set()
        return timer

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done at this moment."""
        return not self._due

    def work(self) -> None:
        """Do all that is due now."""
        for _ in range(_MOST_AT_ONCE):
            self._ring()
            if not self._due:
                return
            key = next(iter(self._due))
            self._due.pop(key)()
        raise RuntimeError("the cluster's controllers do not come to rest")

    def _ring(self) -> None:
        now = self.seconds()
        # A timer may ring a rounding error early, never late.
        while self._timers and (self._timers[0][2].over or self._timers[0][0] <= now + 1e-6):
            timer = heapq.heappop(self._timers)[2]
            if not timer.over:
                timer.over = True
                timer.job()

    def _wait(self) -> float | None:
        while self._timers and self._timers[0][2].over:
            heapq.heappop(self._timers)
        return self._timers[0][0] - self.seconds() if self._timers else None

    def pass_by(self, seconds: float) -> None:
        """Let time pass before the start: work through that much of the past at once."""
        if self._virtual is None:
            raise RuntimeError("the cluster is live; its time passes by its clock")
        end = min(self._virtual + seconds, self._live_seconds())
        self.work()
        while (wait := self._wait()) is not None and self._virtual + wait <= end:
            self._virtual += max(0.0, wait)
            self.work()
        self._virtual = end

    def go_live(self) -> None:
        """Bring the past up to the clock; from here on time is the clock's."""
        if self._virtual is not None:
            self.pass_by(self._live_seconds() - self._virtual)
            self._virtual = None

    async def run(self) -> None:
        """Work for ever, waking for what becomes due and for nothing else."""
        while True:
            self._awake.clear()
            self.work()
            await self._sleep()

    async def _sleep(self) -> None:
        if self._awake.is_set():  # something was asked for while working
            return
        wait = self._wait()
        if wait is None:
            await self._awake.wait()
            return
        sleeping = asyncio.ensure_future(self._clock.sleep(wait))
        waking = asyncio.ensure_future(self._awake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleeping, waking):
                task.cancel()
            await asyncio.gather(sleeping, waking, return_exceptions=True)
