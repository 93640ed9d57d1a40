"""Keeps the record of one watch as new as the watch: at once where something depends on it, else in a moment."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

RETRY_FIRST = 0.5
_RETRY_LONGEST = 30.0
_SOON = 1.0
_PLENTY = 4
"""So many writes tell of nearly every watch. A slow API server or channel draws deliveries apart, and each would cost a
write of its own: from here on what nobody waits for waits twice as long each time."""
_LATEST = 30.0
_ASIDE = 8


def room() -> asyncio.Semaphore:
    """For the record writes of all watches that no act waits for: a record under way takes a third of a megabyte."""
    return asyncio.Semaphore(_ASIDE)


class Recorder:
    """`write` writes the record as the watch is now; it raises `OutOfReach`.

    Whoever holds `writing` keeps the record as it is. What is written `aside` waits for room first, and only then for
    `writing`: an act that holds that needs no room.
    """

    def __init__(
        self, watch: str, write: Callable[[], Awaitable[None]], clock: Clock, aside: asyncio.Semaphore
    ) -> None:
        self.writing = asyncio.Lock()
        self._aside = aside
        self._watch = watch
        self._perform = write
        self._clock = clock
        self._dirty = False  # the record does not say all of the watch
        self._written = 0
        self._soon: asyncio.Task[None] | None = None  # while it waits and writes

    def changed(self, scope: asyncio.TaskGroup | None) -> None:
        """The record is to be written: in a moment, so that several deliveries cost one write, if nobody does now."""
        self._dirty = True
        if self._soon is None and scope is not None:
            self._soon = scope.create_task(self._write_soon(), name=f"journal {self._watch}")

    async def write(self) -> bool:
        """Write it if it is not up to date; whether it is now."""
        async with self.writing:
            if not self._dirty:
                return True
            self._dirty = False
            try:
                await self._perform()
            except OutOfReach as error:
                self._dirty = True
                log.warning("record not written", extra={"facts": {"watch": self._watch, "why": str(error)}})
                return False
            self._written += 1
            return True

    async def write_aside(self) -> bool:
        """The same, when there is room for it."""
        async with self._aside:
            return await self.write()

    async def until_written(self) -> None:
        """Write it aside, again and again if need be, until it is up to date."""
        wait = RETRY_FIRST
        while not await self.write_aside():
            await self._clock.sleep(wait)
            wait = min(2 * wait, _RETRY_LONGEST)

    def stop(self) -> None:
        """Wait for nothing any more; what is not written yet is written by whoever asks next."""
        if self._soon is not None:
            self._soon.cancel()

    async def _write_soon(self) -> None:
        try:
            while self._dirty:
                await self._clock.sleep(min(_LATEST, _SOON * 2 ** min(max(0, self._written - _PLENTY), 5)))
                await self.until_written()
        finally:
            self._soon = None
