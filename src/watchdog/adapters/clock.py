"""The one place that asks the machine what time it is."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any


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

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Return after `seconds` (at once for zero or less, after giving others a turn)."""
        return asyncio.sleep(max(0.0, seconds))  # as it is: thousands wait at any time
