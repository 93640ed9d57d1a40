"""Many who wake at once work one after the other, and the loop looks at timers and sockets in between."""

import asyncio
from datetime import datetime

from engine.metric_world import CPU, TsdbSource, a_rule, a_span, a_subject, add, after, pod_of
from watchdog.adapters.clock import SystemClock
from watchdog.engine.sampling import Sampler
from watchdog.engine.turns import Turns
from watchdog.simulator.tsdb import Tsdb

CLOCK = SystemClock()


class Rounds:
    """Counts the rounds of the loop: in each it may look at timers and sockets."""

    def __init__(self) -> None:
        self.number = 0
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._count)

    def _count(self) -> None:
        self.number += 1
        self._handle = self._loop.call_soon(self._count)

    def stop(self) -> None:
        self._handle.cancel()


async def test_a_hundred_who_wake_at_once_each_work_in_a_round_of_their_own():
    turns, rounds, worked = Turns(), Rounds(), []
    awake = asyncio.Event()

    async def watch(number: int) -> None:
        await awake.wait()
        await turns.mine()
        worked.append((number, rounds.number))

    async with asyncio.TaskGroup() as scope:
        for number in range(100):
            scope.create_task(watch(number))
        await CLOCK.sleep(0)
        awake.set()
    rounds.stop()
    assert [number for number, _ in worked] == list(range(100))
    assert len({at for _, at in worked}) == 100


async def test_who_comes_alone_waits_for_nobody():
    turns = Turns()
    for _ in range(3):
        waiting = turns.mine()
        try:
            waiting.send(None)
        except StopIteration:
            await CLOCK.sleep(0)
        else:
            raise AssertionError("it was made to wait")


async def test_who_is_about_to_act_goes_before_all_who_wait():
    turns, worked = Turns(), []

    async def watch(name: str, *, first: bool = False) -> None:
        await turns.mine(first=first)
        worked.append(name)

    async with asyncio.TaskGroup() as scope:
        for number in range(5):
            scope.create_task(watch(f"calm {number}"))
        scope.create_task(watch("acting", first=True))
    assert worked == ["calm 0", "acting", "calm 1", "calm 2", "calm 3", "calm 4"]


async def test_who_is_cancelled_while_waiting_keeps_no_one_from_a_turn():
    turns, worked = Turns(), []

    async def watch(number: int) -> None:
        await turns.mine()
        worked.append(number)

    tasks = [asyncio.create_task(watch(number)) for number in range(4)]
    await CLOCK.sleep(0)
    tasks[1].cancel()
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert worked == [0, 3]
    await asyncio.wait_for(turns.mine(), 5.0)


class Later:
    """A clock on which all that is waited for has passed."""

    def now(self) -> datetime:
        return after(7200)

    def monotonic(self) -> float:
        return 7200.0

    async def sleep(self, seconds: float) -> None:
        await CLOCK.sleep(0)


def a_measured_hour() -> Sampler:
    tsdb = Tsdb()
    add(tsdb, "cpu_seconds_total", pod_of("a"), *((15.0 * n + 3, float(n)) for n in range(240)))
    return Sampler(TsdbSource(tsdb), Later())


async def test_blocks_that_are_caught_up_are_counted_in_a_round_each():
    sampler = a_measured_hour()
    rounds = Rounds()
    blocks = await sampler.blocks(sampler.tracker(a_rule(CPU), a_subject(a=0.0)), [a_span(n) for n in range(1, 201)])
    rounds.stop()
    assert len(blocks) == 200
    assert rounds.number >= 199
    await sampler.close()
