"""What comes while the one before is dealt with is taken up together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from watchdog.engine.bursts import MOST, Once, bursts


async def numbers(queue: "asyncio.Queue[int]") -> AsyncIterator[int]:
    while (number := await queue.get()) >= 0:
        yield number
    raise LookupError("no more")


def test_what_came_meanwhile_is_one_burst_in_order() -> None:
    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        queue.put_nowait(0)
        found = []
        async with aclosing(bursts(numbers(queue))) as all_bursts:
            async for burst in all_bursts:
                found.append(burst)
                if burst == [0]:
                    for number in range(1, MOST + 3):
                        queue.put_nowait(number)
                    await asyncio.sleep(0)  # noqa: TID251 - lets the source be read
                    await asyncio.sleep(0)  # noqa: TID251
                if burst[-1] == MOST + 2:
                    break
        assert [one for burst in found for one in burst] == list(range(MOST + 3))
        assert [len(burst) for burst in found] == [1, MOST, 2]

    asyncio.run(main())


def test_what_the_source_raises_is_raised_after_what_it_had_brought() -> None:
    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        for number in (0, 1, -1):
            queue.put_nowait(number)
        found: list[int] = []

        async def take() -> None:
            async with aclosing(bursts(numbers(queue))) as all_bursts:
                async for burst in all_bursts:
                    found.extend(burst)

        with pytest.raises(LookupError):
            await take()
        assert found == [0, 1]

    asyncio.run(main())


def test_a_listener_that_leaves_ends_the_reading() -> None:
    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        queue.put_nowait(0)
        async with aclosing(bursts(numbers(queue))) as all_bursts:
            async for _ in all_bursts:
                break
        assert [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    asyncio.run(main())


def test_once_asks_when_it_is_called_first_and_no_more() -> None:
    async def main() -> None:
        asked: list[int] = []

        async def ask() -> int:
            asked.append(len(asked))
            return len(asked)

        once = Once(ask)
        assert asked == []
        assert (await once(), await once()) == (1, 1)
        assert asked == [0]

    asyncio.run(main())
