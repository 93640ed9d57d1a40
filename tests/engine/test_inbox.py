"""A watch's events on their way to it: in order, none lost, and nothing held while there are none."""

import asyncio

from holding import kept_by
from watchdog.engine.inbox import Inbox
from watchdog.simulator.clock import run_simulated


def test_events_are_taken_in_the_order_in_which_they_came_whoever_was_first() -> None:
    async def main() -> None:
        inbox: Inbox[int] = Inbox()
        inbox.put(1)
        inbox.put(2)
        assert [await inbox.get(), await inbox.get(), inbox.empty()] == [1, 2, True]
        async with asyncio.TaskGroup() as scope:
            waiting = scope.create_task(inbox.get())
            await asyncio.wait([waiting], timeout=1)
            inbox.put(3)
            inbox.put(4)
        assert (waiting.result(), await inbox.get()) == (3, 4)

    run_simulated(main())


def test_a_reader_that_is_cancelled_takes_nothing_with_it() -> None:
    async def main() -> None:
        inbox: Inbox[int] = Inbox()
        waiting = asyncio.create_task(inbox.get())
        await asyncio.wait([waiting], timeout=1)
        inbox.put(1)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert await inbox.get() == 1

    run_simulated(main())


def test_an_empty_one_takes_a_tenth_of_what_a_queue_does() -> None:
    assert 10 * kept_by(Inbox()).bytes < kept_by(asyncio.Queue()).bytes
