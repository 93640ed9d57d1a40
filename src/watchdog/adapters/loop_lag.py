"""How late the event loop comes to what is due: while it is late, nothing happens, however urgent."""

from collections.abc import Callable

from watchdog.ports import Clock

_EVERY = 0.5


async def timed(clock: Clock, told: Callable[[float], None]) -> None:
    """Tell twice a second by how many seconds the loop is late, until cancelled."""
    while True:
        due = clock.monotonic() + _EVERY
        await clock.sleep(_EVERY)
        told(max(0.0, clock.monotonic() - due))
