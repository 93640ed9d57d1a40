"""The one place that asks the machine what time it is."""

import asyncio
import contextvars
import time
from collections.abc import Awaitable
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock and asyncio's sleep; the `Clock` port in production.

    On a loop whose own time is simulated (`watchdog.simulator.clock`), `now` would disagree with the loop:
    use that module's clock there.
    """

    def now(self) -> datetime:
        """The time of day, in UTC. May jump when the machine's clock is set."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        return time.monotonic()

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Return after `seconds` (at once for zero or less, after giving others a turn).

        A future and a timer, and none of what `asyncio.sleep` is beside them: thousands wait at any time. A timer whose
        sleeper was cancelled stays until its time.
        """
        if seconds <= 0.0:
            return asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        loop.call_later(seconds, _wake, over, context=_CONTEXT)
        return over


_CONTEXT = contextvars.copy_context()
"""For all timers: they look at no variable."""


def _wake(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)
