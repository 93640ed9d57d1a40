"""Holds a channel's notices for a moment where many are to be expected, and sends those of a family as one."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from watchdog.domain.digest import digest, family, patience
from watchdog.domain.effects import Notice
from watchdog.ports import Clock, NotDelivered

_CLOSE_ENOUGH = 0.01  # seconds: less may be lost in the clock's own rounding, and would be waited for without end


class Send(Protocol):
    """Sends one notice, once; raises `NotDelivered`."""

    async def __call__(self, notice: Notice, *, possible_repeat: bool) -> None: ...


@dataclass(slots=True)
class _Group:
    """Notices that wait to be sent as one. `ended` has what came of it: None where they were told."""

    began: float
    notices: list[Notice] = field(default_factory=list)
    repeat: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Future[NotDelivered | None] = field(default_factory=asyncio.Future)


class Gathering:
    """Sends through `send`. `crowded` says whether more notices like one may be on their way.

    Whoever sends waits until the digest was sent, or was not: so each notice is known to be told, or is tried again,
    by itself, and a crash in between loses none.
    """

    def __init__(self, clock: Clock, send: Send, crowded: Callable[[Notice], bool]) -> None:
        self._clock = clock
        self._send = send
        self._crowded = crowded
        self._groups: dict[object, _Group] = {}
        self._hurried = False

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Send it, alone or with others; raises `NotDelivered`."""
        kind = family(notice)
        if kind is None or self._hurried or not (kind in self._groups or self._crowded(notice)):
            await self._send(notice, possible_repeat=possible_repeat)
            return
        group, leads = self._groups.get(kind), False
        if group is None:
            group, leads = _Group(self._clock.monotonic()), True
            self._groups[kind] = group
        group.notices.append(notice)
        group.repeat = group.repeat or possible_repeat
        group.news.set()
        if leads:
            await self._lead(kind, group)
        failure = await asyncio.shield(group.ended)
        if failure is None:
            return
        if failure.final and len(group.notices) > 1:
            # The channel refuses the digest for good, which says nothing of what it is made of.
            await self._send(notice, possible_repeat=possible_repeat)
            return
        raise failure if leads else NotDelivered(str(failure), unsure=failure.unsure, retry_after=failure.retry_after)

    def hurry(self) -> None:
        """Send what waits now, and wait no more: the process is about to end."""
        self._hurried = True
        for group in self._groups.values():
            group.news.set()

    async def _lead(self, kind: object, group: _Group) -> None:
        """The first one's sender waits for the others, and sends for all."""
        try:
            await self._wait(group)
            del self._groups[kind]
            await self._send(digest(group.notices), possible_repeat=group.repeat)
        except NotDelivered as error:
            group.ended.set_result(error)
        except BaseException:
            self._groups.pop(kind, None)
            group.ended.set_result(NotDelivered("interrupted before it was sent", unsure=True))
            raise
        else:
            group.ended.set_result(None)

    async def _wait(self, group: _Group) -> None:
        while not self._hurried:
            left = patience(len(group.notices)).total_seconds() - (self._clock.monotonic() - group.began)
            if left < _CLOSE_ENOUGH:
                return
            group.news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await group.news.wait()
