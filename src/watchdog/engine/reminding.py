"""Tells again of releases that were held and that nobody has touched, long after their watches have ended."""

from collections.abc import Callable

from watchdog.domain.effects import Record, Tell
from watchdog.domain.memory import Memory
from watchdog.domain.reminding import next_reminder, reminder
from watchdog.domain.rollout import Target
from watchdog.domain.state import Phase, Watch
from watchdog.domain.step import Step
from watchdog.ports import Clock

_EVERY = 30.0


class Reminding:
    """Knows the ended watches of which a reminder may be due; they come from the journal, or as they end.

    `memory` is what is remembered of a target, `quiet` says whether it is guarded and no other watch is about it.
    `begin` goes on with the watch: what is told is journalled with it, like all that was told before.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        memory: Callable[[Target], Memory | None],
        quiet: Callable[[Target], bool],
        begin: Callable[[Watch, Step], None],
    ) -> None:
        self._clock = clock
        self._memory = memory
        self._quiet = quiet
        self._begin = begin
        self._held: dict[Target, Watch] = {}

    def learn(self, watch: Watch) -> None:
        """Take note of a watch that has ended; a newer one of its target takes an older one's place."""
        target = watch.switch.target
        known = self._held.get(target)
        if known is not None and known.switch.at > watch.switch.at:
            return
        self._held.pop(target, None)
        if watch.phase is Phase.HELD and next_reminder(watch) is not None:
            self._held[target] = watch

    async def run(self) -> None:
        """Remind until cancelled."""
        while True:
            await self._clock.sleep(_EVERY)
            self.look()

    def look(self) -> None:
        """Begin the reminders that are due; forget what somebody has touched."""
        now = self._clock.now()
        for target, watch in list(self._held.items()):
            if not still_serves(watch, self._memory(target)):
                del self._held[target]
                continue
            due = reminder(watch, now)
            if due is not None and self._quiet(target):
                del self._held[target]  # it comes back when this was told
                self._begin(watch, Step(watch, (Record(), Tell(due))))


def still_serves(watch: Watch, memory: Memory | None) -> bool:
    """Whether the candidate that was held has served ever since, and is still doubted."""
    if memory is None or watch.ended_at is None:
        return False
    return memory.doubted and memory.serving == watch.switch.candidate and memory.since <= watch.ended_at
