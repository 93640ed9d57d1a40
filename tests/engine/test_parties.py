"""Who finds the room full goes in with the next party."""

import asyncio

from watchdog.engine.parties import Parties


class Room:
    def __init__(self, most: int) -> None:
        self.parties = Parties(most)
        self.inside: list[str] = []
        self.ends = {name: asyncio.Event() for name in "abcdefg"}

    async def visit(self, name: str) -> None:
        async with self.parties.inside():
            self.inside.append(name)
            await self.ends[name].wait()
        self.inside.remove(name)

    async def begin(self, names: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.visit(name)) for name in names]
        await rounds()
        return tasks

    async def end(self, names: str) -> None:
        for name in names:
            self.ends[name].set()
        await rounds()


async def rounds() -> None:
    for _ in range(5):
        await asyncio.sleep(0)  # noqa: TID251 - a round of the loop


async def test_the_next_go_in_together_when_all_of_the_last_are_out() -> None:
    room = Room(3)
    tasks = await room.begin("abcdefg")
    assert room.inside == ["a", "b", "c"]
    await room.end("ac")
    assert room.inside == ["b"]
    await room.end("b")
    assert room.inside == ["d", "e", "f"]
    await room.end("def")
    assert room.inside == ["g"]
    await room.end("g")
    await asyncio.gather(*tasks)


async def test_who_is_cancelled_takes_no_place() -> None:
    room = Room(1)
    first, second, third = await room.begin("abc")
    second.cancel()
    first.cancel()
    await rounds()
    assert room.inside == ["a", "c"]  # `visit` of the cancelled one never came to its end
    await room.end("c")
    await third
    fourth = await room.begin("d")
    assert "d" in room.inside
    await room.end("d")
    await asyncio.gather(*fourth)


async def test_who_is_let_in_and_cancelled_in_one_moment_makes_room_for_the_next() -> None:
    room = Room(1)
    _, second, third = await room.begin("abc")
    room.ends["a"].set()
    await asyncio.sleep(0)  # noqa: TID251 - a round of the loop
    await asyncio.sleep(0)  # noqa: TID251 - a round of the loop
    second.cancel()
    await rounds()
    assert "c" in room.inside
    await room.end("c")
    await third
