"""Brings notices to their channels: side by side, retried, never waited for by an act, at least once and never lost.

Before a notice is sent its delivery is journalled as `sending`, afterwards as `sent`: killed before, it is sent
once; killed in between, it is sent again and marked as a possible repeat.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta

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
        self._claimed: set[tuple[str, str]] = set()
        self._under_way: set[tuple[str, str]] = set()
        self._busy: dict[str, asyncio.Lock] = {}

    def claim(self, watch: Watch) -> Sequence[DeliveryMoved]:
        """What of the watch will be sent at once: the record that is written next may say so, and saves a write."""
        busy = {channel for _, channel in self._under_way | self._claimed}
        moves = []
        for notice, delivery in undelivered(watch.tellings):
            if delivery.state is DeliveryState.PENDING and delivery.channel not in busy:
                busy.add(delivery.channel)
                self._claimed.add((notice.id, delivery.channel))
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
            self._under_way.update((notice.id, delivery.channel) for notice, delivery in fresh)
            scope.create_task(self._begin(fresh, scope), name=f"tell of {watch.id}")

    async def _begin(self, fresh: Sequence[tuple[Notice, Delivery]], scope: asyncio.TaskGroup) -> None:
        """One write of the record says of all of them that they are being sent; those that must wait say so later."""
        free = {delivery.channel for _, delivery in fresh if not self._channel(delivery).locked()}
        first = {channel: notice_id for notice_id, channel in self._claimed}
        news = False
        for notice, delivery in fresh:
            if delivery.channel in free and delivery.channel not in first:
                first[delivery.channel] = notice.id
                news = True
                await self._moved(DeliveryMoved(notice.id, delivery.channel, DeliveryState.SENDING))
        await (self._flush() if news else self._written())
        for notice, delivery in fresh:
            journalled = first.get(delivery.channel) == notice.id
            name = f"tell {notice.id} to {delivery.channel}"
            scope.create_task(self._deliver(notice, delivery, journalled=journalled), name=name)

    def _channel(self, delivery: Delivery) -> asyncio.Lock:
        return self._busy.setdefault(delivery.channel, asyncio.Lock())

    async def _deliver(self, notice: Notice, delivery: Delivery, *, journalled: bool) -> None:
        # One at a time and in order on each channel, so that "recovered" is not read before "rolled back".
        async with self._channel(delivery):
            if not journalled:
                await self._moved(DeliveryMoved(notice.id, delivery.channel, DeliveryState.SENDING))
                await self._flush()
            await self._until_sent(notice, delivery)
        self._under_way.discard((notice.id, delivery.channel))
        self._claimed.discard((notice.id, delivery.channel))

    async def _until_sent(self, notice: Notice, delivery: Delivery) -> None:
        claimed = (notice.id, delivery.channel) in self._claimed
        repeat = delivery.state is DeliveryState.SENDING and not claimed
        wait = _FIRST_WAIT
        while True:
            notifier = self._notifiers().get(delivery.channel)
            if notifier is None:
                await self._gave_up(notice, delivery, "rules.toml no longer has this channel")
                return
            self._log(notice, delivery, "telling")
            try:
                await notifier.send(notice, possible_repeat=repeat)
            except NotDelivered as error:
                repeat = repeat or error.unsure
                self._observer.delivery(delivery.channel, "failed")
                self._log(notice, delivery, "not told", str(error))
                sending = DeliveryMoved(notice.id, delivery.channel, DeliveryState.SENDING, str(error))
                await self._moved(sending)
                if error.final or self._clock.now() - notice.at >= GIVE_UP:
                    await self._gave_up(notice, delivery, str(error))
                    return
                await self._clock.sleep(max(wait, error.retry_after or 0.0))
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                break
        self._observer.delivery(delivery.channel, "sent")
        self._log(notice, delivery, "told")
        await self._moved(DeliveryMoved(notice.id, delivery.channel, DeliveryState.SENT))

    async def _gave_up(self, notice: Notice, delivery: Delivery, why: str) -> None:
        self._observer.delivery(delivery.channel, "gave-up")
        self._log(notice, delivery, "gave up telling", why)
        await self._moved(DeliveryMoved(notice.id, delivery.channel, DeliveryState.GAVE_UP, why))

    def _log(self, notice: Notice, delivery: Delivery, event: str, why: str = "") -> None:
        facts = {"watch": notice.watch, "notice": notice.id, "channel": delivery.channel}
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
        self._waiting: asyncio.Queue[tuple[Notice, Notifier]] = asyncio.Queue()

    def announce(self, notice: Notice, channels: Iterable[str] | None = None) -> None:
        """Tell these channels (None: all) that want it; returns at once."""
        for name, notifier in self._notifiers().items():
            if (channels is None or name in channels) and self._wants(notifier, notice):
                self._waiting.put_nowait((notice, notifier))

    async def run(self) -> None:
        """Send what is announced until cancelled; a hanging channel delays no other."""
        async with asyncio.TaskGroup() as scope:
            while True:
                notice, notifier = await self._waiting.get()
                scope.create_task(self._send(notice, notifier), name=f"announce {notice.id} to {notifier.name}")

    async def _send(self, notice: Notice, notifier: Notifier) -> None:
        wait, repeat = _FIRST_WAIT, False
        while self._clock.now() - notice.at < GIVE_UP:
            facts = {"notice": notice.id, "channel": notifier.name}
            try:
                await notifier.send(notice, possible_repeat=repeat)
            except NotDelivered as error:
                repeat = repeat or error.unsure
                self._observer.delivery(notifier.name, "failed")
                log.info("not told", extra={"facts": {**facts, "why": str(error)}})
                if error.final:
                    break
                await self._clock.sleep(max(wait, error.retry_after or 0.0))
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                self._observer.delivery(notifier.name, "sent")
                log.info("told", extra={"facts": facts})
                return
        self._observer.delivery(notifier.name, "gave-up")
