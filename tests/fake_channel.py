"""A channel in memory, for stories."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice
from watchdog.ports import NotDelivered


@dataclass
class FakeChannel:
    """What it was told, and how it is made to fail."""

    name: str
    on: frozenset[Topic]
    told: list[tuple[Notice, bool]] = field(default_factory=list)
    attempts: int = 0
    fails: Callable[[], NotDelivered | None] = lambda: None
    hang: asyncio.Event | None = None

    def wants(self, topic: Topic) -> bool:
        return topic in self.on

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        self.attempts += 1
        if self.hang is not None:
            await self.hang.wait()
        failure = self.fails()
        if failure is not None:
            raise failure
        self.told.append((notice, possible_repeat))

    async def close(self) -> None:
        """Nothing is held."""
