"""How long a reflector waits after a failure."""

import random

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0


class Backoff:
    """Growing waits with jitter; a success makes them short again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.failures = 0

    def next(self, retry_after: float | None = None) -> float:
        """Seconds to wait after one more failure; never less than the server asked for."""
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self.failures, 16)) * self._rng.uniform(0.5, 1.0)
        self.failures += 1
        return max(wait, min(retry_after or 0.0, 2 * LONGEST_WAIT))
