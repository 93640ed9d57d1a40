"""Open records that somebody else made, rollbacks by hand from a laptop, are taken over."""

import asyncio
import logging
import math
from collections.abc import Sequence

from watchdog.domain.among import open_of
from watchdog.domain.events import Resumed, Superseded
from watchdog.domain.state import Watch
from watchdog.engine import by_hand
from watchdog.engine.guarding import Guarding
from watchdog.engine.running import Running
from watchdog.engine.unread import Sealed, Unread, read
from watchdog.joint import Joint
from watchdog.ports import Clock, Journal, OutOfReach

log = logging.getLogger(__name__)

ADOPT_EVERY = 15.0
"""Seconds between two looks through the records, where no switch asks for one."""

_MANY = 100
_APART = 1.0
"""Seconds between the beginnings of two looks, with so many watches open: each lists the names of all their records.

Of releases that come one by one each would have a list of its own. Whoever asks meanwhile has part in the next look: it
must see what was there when a switch was sighted.
"""


class Adopting:
    """Looks through the records of others."""

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        guarding: Guarding,
        unread: Unread,
        running: Running,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._guarding = guarding
        self._unread = unread
        self._running = running
        self._looked_at = -math.inf
        self._records = Joint(self._read, rest=self._apart)

    async def look_through(self, scope: asyncio.TaskGroup) -> tuple[Watch, ...]:
        """Take over, in `scope`, what is nobody's any more.

        Returns those that are left for now, as whoever made them may still be at it.
        """
        theirs: list[Watch] = []
        try:
            records = await self._records()
        except OutOfReach as error:
            log.info("records not looked through", extra={"facts": {"why": str(error)}})
            return ()
        ours = {watch.id for watch in self._running.watches}  # some may have been opened meanwhile
        for watch in self._unread.sort_out(one for one in records if one.id not in ours):
            if by_hand.is_made_by_hand(watch) and by_hand.is_still_theirs(watch, self._clock.now()):
                theirs.append(watch)
            elif by_hand.is_made_by_hand(watch):
                self._take_over(watch, scope)
        return tuple(theirs)

    async def _apart(self) -> None:
        left = self._looked_at + _APART - self._clock.monotonic()
        if left > 0.0 and len(self._running.watches) >= _MANY:
            await self._clock.sleep(left)

    async def _read(self) -> Sequence[Watch | Sealed]:
        """The open records that are not ours."""
        self._looked_at = self._clock.monotonic()
        return await self._journal.records(read, open_only=True, but={watch.id for watch in self._running.watches})

    def _take_over(self, watch: Watch, scope: asyncio.TaskGroup) -> None:
        target = watch.switch.target
        guard = self._guarding.guard_of_target(target)
        if guard is None:
            return
        for other in open_of(self._running.watches, target):
            self._running.post(
                other, Superseded(watch.remedy.to if watch.remedy else watch.switch.candidate, watch.by_hand)
            )
        log.info("adopted", extra={"facts": {"watch": watch.id, "by": watch.by_hand}})
        self._running.start(by_hand.adopted(watch, guard), None, scope, Resumed())
