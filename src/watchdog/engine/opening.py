"""What becomes of a switch: a watch has it already, or it joins one, or a watch is opened; which others end with it."""

import asyncio
import logging
from collections.abc import Sequence

from watchdog.domain.among import (
    brought_back,
    dated_after,
    joined_by,
    not_fought,
    superseded_by,
    watched_already,
)
from watchdog.domain.events import Joined, Superseded
from watchdog.domain.live import Sighting
from watchdog.domain.noticing import Noticed
from watchdog.domain.rollout import TrafficSwitch
from watchdog.domain.rules import Guard
from watchdog.domain.state import Watch, open_watch
from watchdog.domain.watch import opening
from watchdog.engine.guarding import Guarding
from watchdog.engine.journalling import journalled
from watchdog.engine.memories import Memories
from watchdog.engine.observing import Observer
from watchdog.engine.running import Running
from watchdog.engine.unread import Unread
from watchdog.ports import Clock, Journal, OutOfReach

log = logging.getLogger(__name__)

_RETRY = 2.0


class Opening:
    """Opens watches, and tells those that are open of what concerns them."""

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        observer: Observer,
        memories: Memories,
        guarding: Guarding,
        unread: Unread,
        running: Running,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._observer = observer
        self._memories = memories
        self._guarding = guarding
        self._unread = unread
        self._running = running

    async def switched(
        self, noticed: Noticed, switch: TrafficSwitch, guard: Guard, sighting: Sighting, scope: asyncio.TaskGroup
    ) -> None:
        """Take up a switch; its watch, if it has one of its own, is driven in `scope`."""
        near, now = self._running.near(switch.target), self._clock.now()
        if watched_already(near, switch, noticed.memory):
            return
        superseded = superseded_by(near, switch)
        put_back = brought_back(superseded, switch)
        fought = not_fought(put_back, switch) if put_back else ""
        switch = dated_after(put_back, switch, now) if put_back else switch
        self._observer.switch_seen(switch.kind)
        self.supersede(superseded, switch, sighting)
        joined = joined_by(near, switch)
        if joined is not None and (joined.notify_only or not fought):
            self._running.post(joined, Joined(switch.flips[0]))
            return
        habits = noticed.memory.calibrations
        notify_only = (
            noticed.notify_only or self._guarding.contested(sighting) or fought or self._memories.unread(switch.target)
        )
        watch = open_watch(switch, guard, noticed.stable, notify_only=notify_only, calibrations=habits, now=now)
        if self._unread.has(watch.id):
            return  # another version watched it to its end
        facts = {
            "watch": watch.id,
            "target": str(switch.target),
            "candidate": str(switch.candidate),
            "stable": str(noticed.stable.revision) if noticed.stable else "",
            "at": switch.at.isoformat(),
            "by": switch.by,
        }
        log.info("switch", extra={"facts": facts})
        # The record first: if the memory were first, a crash in between would lose the watch.
        await self._journalled(watch)
        self._running.start(watch, opening(watch, now), scope)

    def supersede(self, watches: Sequence[Watch], switch: TrafficSwitch, sighting: Sighting) -> None:
        """Tell watches of the switch that took over."""
        for watch in watches:
            what = f"{switch.reconfigured} changed since" if switch.configs else ""
            self._running.post(watch, Superseded(switch.candidate, sighting.by, what))

    async def _journalled(self, watch: Watch) -> None:
        while True:
            try:
                await journalled(self._journal, watch, open_watch=True)
            except OutOfReach as error:
                log.warning("watch not journalled yet", extra={"facts": {"watch": watch.id, "why": str(error)}})
                await self._clock.sleep(_RETRY)
            else:
                return
