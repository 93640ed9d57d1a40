"""The machine's clock: what is given out to wait for."""

import asyncio

import pytest

from watchdog.adapters.clock import SystemClock
from watchdog.simulator.clock import run_simulated


def test_a_sleep_ends_when_its_time_is_over() -> None:
    async def main() -> tuple[float, float, float]:
        loop, clock, began = asyncio.get_running_loop(), SystemClock(), asyncio.get_running_loop().time()
        times = []
        for seconds in (0.0, -1.0, 2.5):
            await clock.sleep(seconds)
            times.append(loop.time() - began)
        return times[0], times[1], times[2]

    assert run_simulated(main()) == pytest.approx((0.0, 0.0, 2.5))


def test_a_sleep_of_nothing_gives_others_a_turn() -> None:
    async def main() -> list[str]:
        said: list[str] = []
        asyncio.get_running_loop().call_soon(said.append, "another")
        await SystemClock().sleep(0.0)
        return [*said, "the sleeper"]

    assert run_simulated(main()) == ["another", "the sleeper"]


def test_who_is_cancelled_in_its_sleep_wakes_at_once_and_its_timer_harms_nobody() -> None:
    async def main() -> tuple[bool, float]:
        loop, clock = asyncio.get_running_loop(), SystemClock()

        async def sleeper() -> None:
            await clock.sleep(10.0)

        task = asyncio.create_task(sleeper())
        await clock.sleep(1.0)
        task.cancel()
        await asyncio.wait({task})
        woken = loop.time()
        await clock.sleep(20.0)
        return task.cancelled(), woken

    failures: list[object] = []

    async def watched() -> tuple[bool, float]:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
        return await main()

    cancelled, woken = run_simulated(watched())
    assert (cancelled, woken, failures) == (True, pytest.approx(1.0), [])
