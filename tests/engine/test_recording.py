import asyncio
from datetime import UTC, datetime

from watchdog.engine.recording import Recorder, room
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated


class Shelf:
    """What is written, when, and of which state; the first so many writes fail."""

    def __init__(self, failures: int = 0) -> None:
        self.state = 0
        self.kept: list[int] = []
        self.clock = SimulatedClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
        self.recorder = Recorder("w1", self._write, self.clock, room())
        self._failures = failures

    async def _write(self) -> None:
        if self._failures:
            self._failures -= 1
            raise OutOfReach("away")
        self.kept.append(self.state)

    def moved(self, scope: asyncio.TaskGroup | None) -> None:
        self.state += 1
        self.recorder.changed(scope)


def test_what_moves_within_a_second_is_one_write() -> None:
    async def main() -> None:
        shelf = Shelf()
        async with asyncio.TaskGroup() as scope:
            for _ in range(5):
                shelf.moved(scope)
                await shelf.clock.sleep(0.1)
        assert shelf.kept == [5]

    run_simulated(main())


def test_what_comes_apart_by_seconds_costs_ever_fewer_writes_and_the_last_of_it_is_kept() -> None:
    async def main() -> None:
        shelf = Shelf()
        async with asyncio.TaskGroup() as scope:
            for _ in range(30):
                shelf.moved(scope)
                await shelf.clock.sleep(2)
        assert shelf.kept[:4] == [1, 2, 3, 4], "few writes wait for no others"
        assert len(shelf.kept) <= 10
        assert shelf.kept[-1] == 30

    run_simulated(main())


def test_what_an_act_waits_for_is_written_at_once_however_often_it_was() -> None:
    async def main() -> None:
        shelf = Shelf()
        began = shelf.clock.now()
        for _ in range(20):
            shelf.moved(None)
            assert await shelf.recorder.write()
        assert shelf.clock.now() == began
        assert shelf.kept == list(range(1, 21))

    run_simulated(main())


def test_a_write_that_fails_is_tried_again_until_it_is_done() -> None:
    async def main() -> None:
        shelf = Shelf(failures=4)
        async with asyncio.TaskGroup() as scope:
            shelf.moved(scope)
            assert not await shelf.recorder.write()
            assert shelf.kept == []
        assert shelf.kept == [1]

    run_simulated(main())


def test_what_is_stopped_is_written_by_whoever_asks_next_and_once() -> None:
    async def main() -> None:
        shelf = Shelf()
        async with asyncio.TaskGroup() as scope:
            shelf.moved(scope)
            shelf.recorder.stop()
        assert shelf.kept == []
        await shelf.recorder.until_written()
        await shelf.recorder.until_written()
        assert shelf.kept == [1]

    run_simulated(main())


def test_of_a_hundred_records_that_nobody_waits_for_few_are_written_at_a_time() -> None:
    async def main() -> None:
        clock, aside = SimulatedClock(datetime(2026, 3, 2, 12, tzinfo=UTC)), room()
        under_way, most, written = 0, 0, 0

        async def write() -> None:
            nonlocal under_way, most, written
            under_way += 1
            most = max(most, under_way)
            await clock.sleep(0.1)
            under_way -= 1
            written += 1

        async with asyncio.TaskGroup() as scope:
            for number in range(100):
                Recorder(f"w{number}", write, clock, aside).changed(scope)
        assert written == 100
        assert most <= 10

    run_simulated(main())


def test_what_an_act_waits_for_waits_for_no_room() -> None:
    async def main() -> None:
        clock, aside = SimulatedClock(datetime(2026, 3, 2, 12, tzinfo=UTC)), room()

        async def hangs() -> None:
            await clock.sleep(60)

        async with asyncio.TaskGroup() as scope:
            for number in range(20):
                Recorder(f"w{number}", hangs, clock, aside).changed(scope)
            await clock.sleep(5)
            written, began = [], clock.now()

            async def quick() -> None:
                written.append(clock.now())

            acting = Recorder("acting", quick, clock, aside)
            acting.changed(None)
            assert await acting.write()
            assert written == [began]

    run_simulated(main())
