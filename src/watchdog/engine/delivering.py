"""Brings notices to their channels: side by side, retried, never waited for by an act, at least once and never lost.

Before a notice is sent its delivery is journalled as `sending`, afterwards as `sent`: killed before, it is sent
once; killed in between, it is sent again and marked as a possible repeat.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.effects import Delivery, DeliveryState, Notice
from watchdog.domain.events import DeliveryMoved
from watchdog.domain.telling import undelivered
from watchdog.domain.watch import Watch
from watchdog.engine.observing import Observer
from watchdog.ports import Clock, NotDelivered, Notifier

log = logging.getLogger(__name__)

GIVE_UP = timedelta(hours=24)
_FIRST_WAIT = 5.0
_LONGEST_WAIT = 120.0
_IN_ORDER = timedelta(minutes=2)
"""How long a notice that cannot be sent keeps its watch's later ones waiting: a refused one must not hide a page."""


@dataclass(slots=True)
class _Sending:
    """A notice on its way to one channel."""

    notice: Notice
    delivery: Delivery
    repeat: bool  # it may have been sent before
    journalled: bool  # the record says that it is being sent
    wait: float = _FIRST_WAIT
    failed_since: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.notice.id, self.delivery.channel


class Deliverer:
    """Sends the notices of one watch. `moved` hands a delivery's progress to the watch; `flush` journals it.

    `written` waits until the record has been written, if it has anything new.
    """

    def __init__(
        self,
        *,
        notifiers: Callable[[], Mapping[str, Notifier]],
        clock: Clock,
        observer: Observer,
        moved: Callable[[DeliveryMoved], Awaitable[None]],
        flush: Callable[[], Awaitable[None]],
        written: Callable[[], Awaitable[None]],
    ) -> None:
        self._notifiers = notifiers
        self._clock = clock
        self._observer = observer
        self._moved = moved
        self._flush = flush
        self._written = written
        # Lists of the few that there are: a thousand watches have nothing to tell at most times, and an empty set is
        # a quarter of a kilobyte.
        self._claimed: list[tuple[str, str]] = []
        self._under_way: list[tuple[str, str]] = []
        self._queues: dict[str, list[_Sending]] = {}

    def claim(self, watch: Watch) -> Sequence[DeliveryMoved]:
        """What of the watch will be sent at once: the record that is written next may say so, and saves a write."""
        busy = {channel for _, channel in (*self._under_way, *self._claimed)}
        moves = []
        for notice, delivery in undelivered(watch.tellings):
            if delivery.state is DeliveryState.PENDING and delivery.channel not in busy:
                busy.add(delivery.channel)
                self._claimed.append((notice.id, delivery.channel))
                moves.append(DeliveryMoved(notice.id, delivery.channel, DeliveryState.SENDING))
        return moves

    def start(self, watch: Watch, scope: asyncio.TaskGroup) -> None:
        """Begin to send whatever of the watch is not yet under way."""
        fresh = [
            (notice, delivery)
            for notice, delivery in undelivered(watch.tellings)
            if (notice.id, delivery.channel) not in self._under_way
        ]
        if fresh:
            self._under_way.extend((notice.id, delivery.channel) for notice, delivery in fresh)
            scope.create_task(self._begin(fresh, scope), name=f"tell of {watch.id}")

    async def _begin(self, fresh: Sequence[tuple[Notice, Delivery]], scope: asyncio.TaskGroup) -> None:
        """One write of the record says of all of them that they are being sent; those that must wait say so later."""
        first = {channel: notice_id for notice_id, channel in self._claimed}
        news = False
        for notice, delivery in fresh:
            if delivery.channel not in self._queues and delivery.channel not in first:
                first[delivery.channel] = notice.id
                news = True
                await self._moved(DeliveryMoved(notice.id, delivery.channel, DeliveryState.SENDING))
        await (self._flush() if news else self._written())
        for notice, delivery in fresh:
            claimed = (notice.id, delivery.channel) in self._claimed
            repeat = delivery.state is DeliveryState.SENDING and not claimed
            sending = _Sending(notice, delivery, repeat, journalled=first.get(delivery.channel) == notice.id)
            if delivery.channel in self._queues:
                self._queues[delivery.channel].append(sending)
            else:
                self._queues[delivery.channel] = [sending]
                scope.create_task(self._work(delivery.channel), name=f"tell {delivery.channel} of {notice.watch}")

    async def _work(self, channel: str) -> None:
        """Send a channel's notices one at a time and in order, so that no recovery is read before its rollback.

        One that fails for long lets the later ones try after it: a notice that is refused must not hide a page. When
        the channel is back, the oldest goes first all the same.
        """
        queue = self._queues[channel]
        while queue:
            for sending in tuple(queue):
                if await self._sent(sending):
                    queue.remove(sending)
                    self._under_way = [key for key in self._under_way if key != sending.key]
                    self._claimed = [key for key in self._claimed if key != sending.key]
                elif sending.failed_since is None or self._clock.now() - sending.failed_since < _IN_ORDER:
                    break
            if queue:
                await self._clock.sleep(queue[0].wait)
                queue[0].wait = min(2 * queue[0].wait, _LONGEST_WAIT)
        del self._queues[channel]

    async def _sent(self, sending: _Sending) -> bool:
        """Try once; whether it is settled, sent or given up."""
        notice, channel = sending.notice, sending.delivery.channel
        if not sending.journalled:
            await self._moved(DeliveryMoved(notice.id, channel, DeliveryState.SENDING))
            await self._flush()
            sending.journalled = True
        notifier = self._notifiers().get(channel)
        if notifier is None:
            await self._gave_up(sending, "rules.toml no longer has this channel")
            return True
        self._log(sending, "telling")
        try:
            await notifier.send(notice, possible_repeat=sending.repeat)
        except NotDelivered as error:
            sending.repeat = sending.repeat or error.unsure
            sending.failed_since = sending.failed_since or self._clock.now()
            sending.wait = max(sending.wait, error.retry_after or 0.0)
            self._observer.delivery(channel, "failed")
            self._log(sending, "not told", str(error))
            await self._moved(DeliveryMoved(notice.id, channel, DeliveryState.SENDING, str(error)))
            if error.final or self._clock.now() - notice.at >= GIVE_UP:
                await self._gave_up(sending, str(error))
                return True
            return False
        self._observer.delivery(channel, "sent")
        self._log(sending, "told")
        await self._moved(DeliveryMoved(notice.id, channel, DeliveryState.SENT))
        return True

    async def _gave_up(self, sending: _Sending, why: str) -> None:
        channel = sending.delivery.channel
        self._observer.delivery(channel, "gave-up")
        self._log(sending, "gave up telling", why)
        await self._moved(DeliveryMoved(sending.notice.id, channel, DeliveryState.GAVE_UP, why))

    def _log(self, sending: _Sending, event: str, why: str = "") -> None:
        notice = sending.notice
        facts = {"watch": notice.watch, "notice": notice.id, "channel": sending.delivery.channel}
        log.info(event, extra={"facts": {**facts, "why": why} if why else facts})


class Announcer:
    """Sends notices that belong to no watch (an invalid rules.toml, an exempt target): retried, not journalled."""

    def __init__(
        self,
        *,
        notifiers: Callable[[], Mapping[str, Notifier]],
        wants: Callable[[Notifier, Notice], bool],
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._notifiers = notifiers
        self._wants = wants
        self._clock = clock
        self._observer = observer
        self._waiting: asyncio.Queue[tuple[Notice, str]] = asyncio.Queue()

    def announce(self, notice: Notice, channels: Iterable[str] | None = None) -> None:
        """Tell these channels (None: all) that want it; returns at once."""
        for name, notifier in self._notifiers().items():
            if (channels is None or name in channels) and self._wants(notifier, notice):
                self._waiting.put_nowait((notice, name))

    async def run(self) -> None:
        """Send what is announced until cancelled; a hanging channel delays no other."""
        async with asyncio.TaskGroup() as scope:
            while True:
                notice, name = await self._waiting.get()
                scope.create_task(self._send(notice, name), name=f"announce {notice.id} to {name}")

    async def _send(self, notice: Notice, name: str) -> None:
        wait, repeat = _FIRST_WAIT, False
        facts = {"notice": notice.id, "channel": name}
        while self._clock.now() - notice.at < GIVE_UP:
            notifier = self._notifiers().get(name)
            if notifier is None:
                break  # rules.toml no longer has this channel
            try:
                await notifier.send(notice, possible_repeat=repeat)
            except NotDelivered as error:
                repeat = repeat or error.unsure
                self._observer.delivery(name, "failed")
                log.info("not told", extra={"facts": {**facts, "why": str(error)}})
                if error.final:
                    break
                await self._clock.sleep(max(wait, error.retry_after or 0.0))
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                self._observer.delivery(name, "sent")
                log.info("told", extra={"facts": facts})
                return
        self._observer.delivery(name, "gave-up")
