"""Asks for the pause and the acts of late before an act, and puts the act on the list as it begins."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from watchdog.domain.brakes import Act, Around, Brakes, over_every, over_target
from watchdog.domain.state import Watch
from watchdog.ports import Braking, Clock, OutOfReach

log = logging.getLogger(__name__)


class Brakeman:
    """What a performer asks before it lets an act through. `brakes` are those in force now."""

    def __init__(self, braking: Braking, clock: Clock, brakes: Callable[[], Brakes]) -> None:
        self._braking = braking
        self._clock = clock
        self._brakes = brakes

    async def around(self, watch: Watch) -> Around:
        """What is around an act of this watch now. Never raises: what cannot be read lets nothing act."""
        brakes = self._brakes()
        try:
            pause, acts = await asyncio.gather(self._braking.pause(), self._braking.acts())
            around = Around(brakes, tuple(acts), pause)
            if not watch.by_hand and over_every(watch.id, acts, brakes.every, self._clock.now()):
                pages = await self._braking.page(watch.id, self._clock.now(), brakes.every.window)
                around = replace(around, pages=pages)
        except OutOfReach as error:
            log.warning("brakes not read", extra={"facts": {"watch": watch.id, "why": str(error)}})
            return Around(brakes, unreadable=str(error))
        return around

    async def begin(self, watch: Watch) -> bool:
        """Put the act on the list; False where others filled the brakes since the look. Raises `OutOfReach`."""
        brakes, target, now = self._brakes(), watch.switch.target, self._clock.now()

        def allowed(acts: Sequence[Act]) -> bool:
            return bool(watch.by_hand) or not (
                over_target(watch.id, target, acts, brakes.target, now) or over_every(watch.id, acts, brakes.every, now)
            )

        return await self._braking.begin(Act(watch.id, target, now), allowed, brakes.longest)
