"""What those who read the cache have not seen of it yet."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.domain.rollout import TargetKind

Place = tuple[str, str]  # namespace, name
Touched = defaultdict[TargetKind, set[Place]]  # a workload also by what changed of its revisions and pods


@dataclass
class Changes:
    """What a subscriber has not seen yet: each object once, however often it changed; so it cannot grow for ever."""

    objects: Touched = field(default_factory=lambda: defaultdict(set))
    relisted: set[str] = field(default_factory=set)  # namespaces of which a list came in
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float | None) -> None:
        """Return when something changed, or after that long."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def take(self) -> tuple[Mapping[TargetKind, set[Place]], set[str]]:
        """What changed since the last call: objects by their kind, relisted namespaces."""
        taken = self.objects, self.relisted
        self.objects, self.relisted = defaultdict(set), set()
        self._news.clear()
        return taken

    def wake(self) -> None:
        """Let `wait` return."""
        self._news.set()
