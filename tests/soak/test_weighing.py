"""What the watchdog holds is counted, and what is the town's is not."""

import asyncio

from soak.weighing import held_by

BIG = 100_000


def test_all_that_can_be_reached_counts_once() -> None:
    one = bytearray(BIG)
    assert BIG < held_by({"a": [one], "b": one}) < BIG + 2_000


class OfTheTown:
    """As if the simulator had it."""

    __module__ = "watchdog.simulator.store"

    def __init__(self) -> None:
        self.kept = bytearray(BIG)


def test_what_the_simulator_holds_does_not_count() -> None:
    assert held_by([OfTheTown()]) < 1_000


async def test_what_a_task_remembers_counts_and_its_loop_does_not() -> None:
    began = asyncio.Event()

    async def remembering() -> None:
        kept = bytearray(BIG)
        began.set()
        await asyncio.Event().wait()
        assert kept

    task = asyncio.create_task(remembering())
    await began.wait()
    assert BIG < held_by(task) < BIG + 50_000
    task.cancel()
