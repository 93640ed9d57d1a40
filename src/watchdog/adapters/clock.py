"""The one place that asks the machine what time it is."""

import asyncio
import time
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

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` (at once for zero or less, after giving others a turn)."""
        await asyncio.sleep(max(0.0, seconds))
