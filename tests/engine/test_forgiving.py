"""What a person marks a false alarm is not known bad any more, within a minute, and for whoever comes next."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from builders import GOOD, NEW, a_target, at
from watchdog.domain.memory import Memory
from watchdog.domain.record import document_of, memory_of
from watchdog.engine.forgiving import Forgiving
from watchdog.engine.memories import Memories
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated


class FakeJournal:
    """Marks, and the memories that were written."""

    def __init__(self) -> None:
        self.marked: set[str] = set()
        self.asked: list[set[str]] = []
        self.written: list[Memory] = []
        self.away = False

    async def false_alarms(self, watches: Collection[str]) -> Collection[str]:
        self.asked.append(set(watches))
        if self.away:
            raise OutOfReach("reset")
        return self.marked & set(watches)

    async def remember(self, _target: object, document: Any) -> None:
        self.written.append(memory_of(document))


def test_a_mark_forgives_and_taking_it_back_does_not_and_nothing_is_written_twice() -> None:
    async def main() -> None:
        journal, clock = FakeJournal(), SimulatedClock(datetime(2026, 3, 2, tzinfo=UTC))
        memories = Memories(journal, clock)  # type: ignore[arg-type]
        forgiving = Forgiving(journal, memories, clock)
        await forgiving.look()
        assert journal.asked == [], "while nothing is known bad, nobody is asked"

        memory = Memory(a_target(), GOOD, at(-7200)).with_bad(NEW, "w-1", at(60))
        memories.load({memory.target: document_of(memory)})
        await forgiving.look()
        assert memories.of(memory.target) == memory
        journal.marked = {"w-1", "w-9"}
        for _ in range(3):
            await forgiving.look()
        known = memories.of(memory.target)
        assert known is not None
        assert not known.is_bad(NEW)
        assert journal.written == [known]

        journal.away = True
        await forgiving.look()
        assert memories.of(memory.target) == known
        journal.away, journal.marked = False, set()
        await forgiving.look()
        assert journal.written[-1] == memory

    run_simulated(main())
