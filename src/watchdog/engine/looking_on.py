"""Looks at the records again and again, for somebody who looks on: what is open, and what ended lately."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watchdog.domain.reading import is_open
from watchdog.ports import Clock, Document, OutOfReach

EVERY = 2.0
"""Seconds between two looks."""

_ENDED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see. With `trouble` it is what was seen last, at `at`."""

    at: datetime
    open: tuple[Document, ...]
    ended: tuple[Document, ...]  # the last few, newest first
    trouble: str = ""


async def look_on(
    read: Callable[[], Awaitable[Sequence[Document]]], show: Callable[[Sight], None], clock: Clock, stop: asyncio.Event
) -> None:
    """Show what `read` gives until `stop`. The first look raises `OutOfReach`; later ones are tried again."""
    sight = _sight(await read(), clock.now())
    show(sight)

    async def look() -> None:
        nonlocal sight
        try:
            sight = _sight(await read(), clock.now())
        except OutOfReach as error:
            sight = replace(sight, trouble=str(error))

    while not await _stopped(stop, clock.sleep(EVERY)) and not await _stopped(stop, look()):
        show(sight)


def _sight(records: Sequence[Document], at: datetime) -> Sight:
    ended = sorted((one for one in records if not is_open(one)), key=lambda one: str(one.get("ended_at")), reverse=True)
    still = sorted((one for one in records if is_open(one)), key=lambda one: str(one.get("switched_at")), reverse=True)
    return Sight(at, tuple(still), tuple(ended[:_ENDED_SHOWN]))


async def _stopped(stop: asyncio.Event, meanwhile: Awaitable[None]) -> bool:
    """Do it, or as much of it as can be done until `stop`; whether it was stopped."""
    doing = asyncio.ensure_future(meanwhile)
    waiting = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
    finally:
        doing.cancel()
        waiting.cancel()
    return stop.is_set()
