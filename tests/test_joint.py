import asyncio
from datetime import UTC, datetime

from watchdog.joint import Joint
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated


class Shelf:
    """A read that takes a second and brings what was there as it began; the first so many fail."""

    def __init__(self, failures: int = 0) -> None:
        self.clock = SimulatedClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
        self.there = 0
        self.reads = 0
        self.joint = Joint(self._read)
        self._failures = failures

    async def _read(self) -> int:
        self.reads += 1
        found = self.there
        await self.clock.sleep(1)
        if self.reads <= self._failures:
            raise OutOfReach("away")
        return found


def test_who_asks_while_one_reads_shares_the_next_read_and_never_has_what_is_older_than_the_asking() -> None:
    async def main() -> None:
        shelf = Shelf()
        first = asyncio.create_task(shelf.joint())
        await shelf.clock.sleep(0.5)
        shelf.there = 1
        others = [asyncio.create_task(shelf.joint()) for _ in range(20)]
        assert await first == 0
        assert await asyncio.gather(*others) == [1] * 20
        assert shelf.reads == 2

    run_simulated(main())


def test_where_the_read_fails_it_fails_for_all_of_them_and_not_for_the_next() -> None:
    async def main() -> None:
        shelf = Shelf(failures=2)
        found = await asyncio.gather(*(shelf.joint() for _ in range(5)), return_exceptions=True)
        assert [str(one) for one in found] == ["away"] * 5
        assert shelf.reads == 2, "the first reads at once, the others together after it"
        assert await shelf.joint() == 0

    run_simulated(main())


def test_where_who_reads_is_cancelled_the_next_of_them_reads() -> None:
    async def main() -> None:
        shelf = Shelf()
        reading = asyncio.create_task(shelf.joint())
        other = asyncio.create_task(shelf.joint())
        await shelf.clock.sleep(0.5)
        reading.cancel()
        assert await other == 0
        assert shelf.reads == 2

    run_simulated(main())


def test_who_asks_during_the_rest_before_a_read_has_part_in_it() -> None:
    async def main() -> None:
        shelf = Shelf()
        joint = Joint(shelf._read, rest=lambda: shelf.clock.sleep(2))
        first = asyncio.create_task(joint())
        await shelf.clock.sleep(1.5)
        shelf.there = 1
        assert await joint() == 1
        assert (await first, shelf.reads) == (1, 1)

    run_simulated(main())
