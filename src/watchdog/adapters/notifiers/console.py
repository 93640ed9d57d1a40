"""A channel that is a terminal: for the demo, and for looking at notices without sending any."""

from collections.abc import Callable

from watchdog.adapters.notifiers import text
from watchdog.domain.channels import DEFAULT_TOPICS, Topic
from watchdog.domain.effects import Notice


class ConsoleNotifier:
    """Hands each notice, as Slack would show it, to `out`."""

    def __init__(self, name: str, out: Callable[[str], None], *, on: frozenset[Topic] = DEFAULT_TOPICS) -> None:
        self.name = name
        self._out = out
        self._on = on

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`."""
        return topic in self._on

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Print; never fails unless `out` does."""
        lines = [
            text.title(notice, possible_repeat=possible_repeat),
            *text.plain(notice, possible_repeat=possible_repeat).splitlines(),
        ]
        bar = "\n".join(f"┃ {line}".rstrip() for line in lines if line)
        self._out(f"#{self.name}\n{bar}")

    async def close(self) -> None:
        """Nothing is held."""
