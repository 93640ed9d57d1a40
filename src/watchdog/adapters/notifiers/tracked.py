"""Notifiers as the daemon holds them: with the link they add, and counted while they send."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from watchdog.domain.effects import Notice
from watchdog.domain.rules import Topic
from watchdog.ports import NotDelivered, Notifier

NOT_LEADING = "not sent: this replica does not lead any more"


@dataclass
class InFlight:
    """Counts notices that are being sent at this moment."""

    count: int = 0


class TrackedNotifier:
    """A notifier that adds the link, and whose sending is counted, so that a shutdown can let it finish.

    It sends nothing unless `fence()` holds at that moment: another replica may be sending it.
    """

    def __init__(
        self,
        inner: Notifier,
        in_flight: InFlight,
        public_url: str | None,
        *,
        fence: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = inner.name
        self.inner = inner
        self._in_flight = in_flight
        self._public_url = public_url
        self._fence = fence
        self._sending = 0
        self._retired = False

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        if self._public_url and notice.watch:
            notice = replace(notice, link=f"{self._public_url}/watches/{notice.watch}")
        if not self._fence():
            raise NotDelivered(NOT_LEADING)
        self._in_flight.count += 1
        self._sending += 1
        try:
            await self.inner.send(notice, possible_repeat=possible_repeat)
        finally:
            self._in_flight.count -= 1
            self._sending -= 1
            await self._close_when_idle()

    async def close(self) -> None:
        """Release what it holds, as soon as nothing is being sent: what is on its way is not cut off."""
        self._retired = True
        await self._close_when_idle()

    async def _close_when_idle(self) -> None:
        if self._retired and not self._sending:
            await self.inner.close()

    @property
    def resolves(self) -> bool:
        """Whether the channel keeps incidents, which good news ends."""
        return bool(getattr(self.inner, "resolves", False))

    def wants(self, topic: Topic) -> bool:
        """Whether the channel is told of `topic`."""
        wants = getattr(self.inner, "wants", None)
        return wants is None or bool(wants(topic))


class FencedNotifier:
    """A tracked notifier as one shard of several has it: it sends nothing unless that shard is led here."""

    def __init__(self, inner: TrackedNotifier, fence: Callable[[], bool]) -> None:
        self.name = inner.name
        self._inner = inner
        self._fence = fence

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        if not self._fence():
            raise NotDelivered(NOT_LEADING)
        await self._inner.send(notice, possible_repeat=possible_repeat)

    async def close(self) -> None:
        """Nothing: the notifier is shared."""

    def wants(self, topic: Topic) -> bool:
        """Whether the channel is told of `topic`."""
        return self._inner.wants(topic)
