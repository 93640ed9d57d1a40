"""Notifiers as the daemon holds them: with the links they add, and counted while they send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from watchdog.adapters.links import prometheus_link, single_queries
from watchdog.adapters.notifiers.gathering import Gathering
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice
from watchdog.ports import Clock, NotDelivered, Notifier

NOT_LEADING = "not sent: this replica does not lead any more"


@dataclass
class InFlight:
    """Counts notices that are being sent at this moment."""

    count: int = 0


class TrackedNotifier:
    """A notifier that adds the links, and whose sending is counted, so that a shutdown can let it finish.

    It sends nothing unless `fence()` holds at that moment: another replica may be sending it. Where the channel is for
    people and `crowded` says that more notices of its kind may come, they are gathered and told as one.
    """

    def __init__(
        self,
        inner: Notifier,
        in_flight: InFlight,
        public_url: str | None,
        *,
        prometheus_url: str | None = None,
        public_urls: Mapping[str, str | None] | None = None,
        clock: Clock | None = None,
        crowded: Callable[[Notice], bool] = lambda notice: False,
        fence: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = inner.name
        self.inner = inner
        self._in_flight = in_flight
        self._public_url = public_url
        self._public_urls = {"": prometheus_url, **(public_urls or {})}
        self._fence = fence
        self._gathering = None
        if clock is not None and getattr(inner, "gathers", False):
            self._gathering = Gathering(clock, self._tell, crowded)
        self._send = self._tell if self._gathering is None else self._gathering.send
        self._sending = 0
        self._retired = False

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        if not self._fence():
            raise NotDelivered(NOT_LEADING)
        self._in_flight.count += 1
        self._sending += 1
        try:
            await self._send(notice, possible_repeat=possible_repeat)
        finally:
            self._in_flight.count -= 1
            self._sending -= 1
            await self._close_when_idle()

    async def _tell(self, notice: Notice, *, possible_repeat: bool) -> None:
        if not self._fence():
            raise NotDelivered(NOT_LEADING)
        await self.inner.send(self._linked(notice), possible_repeat=possible_repeat)

    def hurry(self) -> None:
        """Send what waits for company now."""
        if self._gathering is not None:
            self._gathering.hurry()

    def _linked(self, notice: Notice) -> Notice:
        """With the watch's page, and what was asked on Prometheus's own."""
        if self._public_url:
            page = f"{self._public_url}/watches/{notice.watch}" if notice.watch else self._public_url
            notice = replace(notice, link=page)
        query = next(iter(single_queries(notice.facts.get("query", ""))), "")
        public = self._public_urls.get(notice.facts.get("source", ""))
        graph = prometheus_link(public, query, notice.at) if query else ""
        return replace(notice, links={**notice.links, "Query in Prometheus": graph}) if graph else notice

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
