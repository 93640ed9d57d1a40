"""Looks at what configures the guarded targets whose guards ask for it; a change of its data is a switch."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from watchdog.domain.among import open_of
from watchdog.domain.changes import Changes
from watchdog.domain.configuration import configured
from watchdog.domain.events import Described, Event
from watchdog.domain.live import Sighting
from watchdog.domain.noticing import Noticed
from watchdog.domain.reconfigured import listed
from watchdog.domain.rollout import SwitchKind, TrafficSwitch
from watchdog.domain.rules import Guard
from watchdog.domain.state import Watch
from watchdog.engine.guarding import Guarding
from watchdog.engine.memories import Memories
from watchdog.ports import Clock, Configurations

log = logging.getLogger(__name__)

EVERY = 30.0  # seconds between two looks


class Configuring:
    """One look after the other at all of them; `switched` opens a watch, `unwatched` says that none is to be."""

    def __init__(
        self,
        source: Configurations,
        *,
        guarding: Guarding,
        memories: Memories,
        clock: Clock,
        watches: Callable[[], Sequence[Watch]],
        unwatched: Callable[[Sighting, Guard], bool],
        switched: Callable[[Noticed, TrafficSwitch, Guard, Sighting], Awaitable[None]],
        post: Callable[[Watch, Event], None],
    ) -> None:
        self._source = source
        self._guarding = guarding
        self._memories = memories
        self._clock = clock
        self._watches = watches
        self._unwatched = unwatched
        self._switched = switched
        self._post = post

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            for sighting, guard in tuple(self._guarding.sighted()):
                if guard.config:
                    await self._look(sighting, guard)
            await self._clock.sleep(EVERY)

    async def _look(self, sighting: Sighting, guard: Guard) -> None:
        target = sighting.target
        memory = self._memories.of(target)
        if memory is None or not memory.serving.named_pods:
            return  # where pods' names do not tell their revision, they cannot be split by time as well
        seen = await self._source.look(target)
        memory = self._memories.of(target)
        if seen is None or memory is None or self._unwatched(sighting, guard):
            return
        others = [one for one in open_of(self._watches(), target) if one.switch.kind is not SwitchKind.CONFIG]
        noticed = configured(memory, seen, bake=guard.bake, busy=bool(others), now=self._clock.now())
        self._memories.hold(noticed.memory)
        if noticed.switch is not None:
            await self._switched(noticed, noticed.switch, guard, replace(sighting, by=seen.by))
        elif noticed.quiet:
            log.info("not watched", extra={"facts": {"target": str(target), "why": noticed.quiet}})
        if seen.changed:
            for watch in others:
                self._note(watch, f"beside it: {listed(seen.changed)}")
        if noticed.memory != memory:
            await self._memories.write(target)

    def _note(self, watch: Watch, line: str) -> None:
        """Let the open watch tell of it, among what changed. Before its own changes are known there is no place."""
        if watch.changes is not None:
            self._post(watch, Described(Changes((*watch.changes.lines, line), watch.changes.commits)))
