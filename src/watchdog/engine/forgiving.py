"""Forgives a revision that was rolled back once a person marked that a false alarm; until the mark is taken back."""

import logging

from watchdog.engine.memories import Memories
from watchdog.ports import Clock, Marks, OutOfReach

log = logging.getLogger(__name__)

_EVERY = 60.0  # seconds


class Forgiving:
    """The background task. It asks only while something is known bad."""

    def __init__(self, marks: Marks, memories: Memories, clock: Clock) -> None:
        self._marks = marks
        self._memories = memories
        self._clock = clock

    async def run(self) -> None:
        """Look each minute, until cancelled."""
        while True:
            await self._clock.sleep(_EVERY)
            await self.look()

    async def look(self) -> None:
        """Take up the marks as they are now."""
        watches = {bad.watch for memory in self._memories.all() for bad in memory.bad}
        if not watches:
            return
        try:
            marked = await self._marks.false_alarms(watches)
        except OutOfReach as error:
            log.info("marks not read", extra={"facts": {"why": str(error)}})
            return
        for memory in self._memories.all():
            known = memory.with_false_alarms(marked)
            if known is not memory:
                log.info("marks taken up", extra={"facts": {"target": str(memory.target)}})
                self._memories.hold(known)
                await self._memories.write(memory.target)
