"""How often the records of others are looked through while many watches are opened."""

import asyncio
from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import Any, cast

from builders import T0
from watchdog.engine.adopting import Adopting
from watchdog.engine.unread import Unread
from watchdog.simulator.clock import SimulatedClock, run_simulated


class Names:
    """A journal that lists nothing, and remembers when it was asked."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self.asked: list[float] = []

    async def records(self, _kept: Any, *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[Any]:
        assert open_only
        self.asked.append(round(self._clock.monotonic() - self._began, 6))
        return []


def looked(watches: int, looks: int, *, at_once: bool = False) -> list[float]:
    """When the records were looked through, in seconds since the start."""

    async def main() -> list[float]:
        clock = SimulatedClock(T0)
        journal = Names(clock)
        running = SimpleNamespace(watches=tuple(SimpleNamespace(id=str(number)) for number in range(watches)))
        parts: Any = {"guarding": None, "unread": Unread(), "running": running}
        adopting = Adopting(journal=cast(Any, journal), clock=clock, **parts)
        scope = cast(asyncio.TaskGroup, None)
        if at_once:
            await asyncio.gather(*(adopting.look_through(scope) for _ in range(looks)))
        else:
            for _ in range(looks):
                assert await adopting.look_through(scope) == ()
        return journal.asked

    return run_simulated(main())


def test_with_few_watches_each_burst_of_switches_looks_at_once() -> None:
    assert looked(99, 4) == [0.0] * 4


def test_with_many_watches_there_is_one_look_a_second_and_the_first_is_at_once() -> None:
    assert looked(100, 4) == [0.0, 1.0, 2.0, 3.0]


def test_who_asks_while_a_look_is_waited_for_has_part_in_it() -> None:
    assert looked(100, 4, at_once=True) == [0.0, 1.0]
