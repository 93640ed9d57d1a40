"""The channels of the rules in force, as the daemon holds them: built, exchanged with an edit, closed."""

from collections.abc import Callable, Mapping

from watchdog.adapters import notifiers
from watchdog.adapters.dry_run import MarkedNotifier
from watchdog.adapters.notifiers.tracked import FencedNotifier, InFlight, TrackedNotifier
from watchdog.adapters.secrets import SecretReader
from watchdog.domain.channels import RESOLVING_TOPICS, Topic
from watchdog.domain.effects import Notice
from watchdog.domain.rules import Rulebook
from watchdog.domain.sources import public_urls
from watchdog.domain.state import Watch
from watchdog.ports import Clock, Notifier

Build = Callable[[Rulebook], Mapping[str, Notifier]]


def build_channels(secrets: SecretReader, clock: Clock) -> Build:
    """How channels of rules.toml become notifiers; raises `ChannelInvalid` for one that can never work."""

    def build(rulebook: Rulebook) -> Mapping[str, Notifier]:
        built: dict[str, Notifier] = {}
        problems = []
        for channel in rulebook.channels:
            try:
                built[channel.name] = notifiers.build(channel, secrets, clock)
            except notifiers.ChannelInvalid as error:
                problems.append(str(error))
        if problems:
            raise notifiers.ChannelInvalid("\n".join(problems))
        return built

    return build


class Channels:
    """The notifiers in force. Those of a `dry_run` mark each notice; none sends any while `fence()` does not hold.

    `crowded` says of a notice whether others of its guard may follow at once: then they are told as one.
    """

    def __init__(
        self,
        build: Build,
        public_url: str | None,
        *,
        prometheus_url: str | None = None,
        clock: Clock | None = None,
        crowded: Callable[[Notice], bool] = lambda notice: False,
        dry_run: bool = False,
        fence: Callable[[], bool] = lambda: True,
    ) -> None:
        self.in_flight = InFlight()
        self._build = build
        self._public_url = public_url
        self._prometheus_url = prometheus_url
        self._clock = clock
        self._crowded = crowded
        self._dry_run = dry_run
        self._fence = fence
        self._notifiers: Mapping[str, TrackedNotifier] = {}

    @property
    def notifiers(self) -> Mapping[str, Notifier]:
        return self._notifiers

    def take(self, rulebook: Rulebook) -> None:
        """Build those of these rules; raises `ChannelInvalid` and leaves those in force as they are."""
        self._notifiers = {
            name: TrackedNotifier(
                MarkedNotifier(notifier) if self._dry_run else notifier,
                self.in_flight,
                self._public_url,
                prometheus_url=self._prometheus_url,
                public_urls=public_urls(rulebook.sources),
                clock=self._clock,
                crowded=self._crowded,
                fence=self._fence,
            )
            for name, notifier in self._build(rulebook).items()
        }

    def hurry(self) -> None:
        """Send what waits to be told with others now: the process is about to end."""
        for notifier in self._notifiers.values():
            notifier.hurry()

    def fenced(self, fence: Callable[[], bool]) -> Callable[[], Mapping[str, Notifier]]:
        """The notifiers in force, that send nothing while `fence()` does not hold either."""
        return lambda: {name: FencedNotifier(notifier, fence) for name, notifier in self._notifiers.items()}

    async def close(self) -> None:
        """Release what those in force hold."""
        for notifier in self._notifiers.values():
            await notifier.close()

    def wants(self, name: str, watch: Watch, topic: Topic) -> bool:
        """Whether the channel is told of `topic` of this watch."""
        notifier = self._notifiers.get(name)
        if notifier is None or not notifier.wants(topic):
            return False
        if notifier.resolves and topic in RESOLVING_TOPICS:
            # There is nothing to resolve where nothing was triggered.
            return any(delivery.channel == name for telling in watch.tellings for delivery in telling.deliveries)
        return True


def wants_notice(notifier: Notifier, notice: Notice) -> bool:
    """Whether a channel is told of a notice that belongs to no watch."""
    return not isinstance(notifier, TrackedNotifier | FencedNotifier) or notifier.wants(notice.topic)
