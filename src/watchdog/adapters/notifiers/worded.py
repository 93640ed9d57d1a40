"""A channel that is told in its own words."""

import logging

from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice
from watchdog.ports import Notifier
from watchdog.templating import RenderingFailed, Wording

log = logging.getLogger(__name__)


class WordedNotifier:
    """Words each notice by the channel's template, then hands it on: what the channel escapes and cuts, it still does.

    A template that fails costs the notice its words and never the notice: the usual ones are told, and the log says
    why.
    """

    def __init__(self, inner: Notifier, wording: Wording) -> None:
        self.name = inner.name
        self.inner = inner
        self.resolves = bool(getattr(inner, "resolves", False))
        self.gathers = bool(getattr(inner, "gathers", False))
        self._wording = wording

    def __repr__(self) -> str:
        return f"<WordedNotifier of {self.inner!r}>"

    def wants(self, topic: Topic) -> bool:
        """Whether this channel is told of `topic`."""
        wants = getattr(self.inner, "wants", None)
        return wants is None or bool(wants(topic))

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Send, once; raises `NotDelivered`."""
        try:
            told = self._wording.of(notice)
        except RenderingFailed as error:
            facts = {"channel": self.name, "notice": notice.id, "why": str(error)}
            log.warning("the channel's template failed, the usual words are told", extra={"facts": facts})
            told = notice
        await self.inner.send(told, possible_repeat=possible_repeat)

    async def close(self) -> None:
        await self.inner.close()
