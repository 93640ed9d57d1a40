"""A watch that fails is taken up again; one that fails in the moment in which it is to end, ends."""

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from builders import T0, a_watch
from watchdog.domain.state import Watch
from watchdog.domain.step import Step
from watchdog.engine.observing import Observer
from watchdog.engine.running import Running
from watchdog.engine.watching import WatchDriver
from watchdog.simulator.clock import SimulatedClock, run_simulated


class Nobody:
    def watches_open(self, count: int) -> None:
        """Nobody looks."""


class Failing:
    """Runs a task group of which one task fails as soon as it is told to, as a driver does; counts how often."""

    fails = asyncio.Event()
    runs = 0

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    async def run(self, first: Step | None, *events: object) -> None:
        type(self).runs += 1

        async def fail() -> None:
            await self.fails.wait()
            raise KeyError("backend")

        async with asyncio.TaskGroup() as scope:
            scope.create_task(fail())

    def let_go(self) -> None:
        """It holds nothing."""


@pytest.mark.parametrize(("first", "yields"), [("cancel", 0), ("failure", 0), ("failure", 1), ("failure", 2)])
def test_a_watch_that_fails_as_everything_ends_is_not_taken_up_again(first: str, yields: int) -> None:
    async def main() -> None:
        clock = SimulatedClock(T0)
        Failing.fails, Failing.runs = asyncio.Event(), 0
        running = Running(
            lambda watch: cast("WatchDriver", Failing(watch)),
            clock=clock,
            observer=cast("Observer", Nobody()),
            ended=lambda watch: None,
        )
        everything = asyncio.create_task(drive(running))
        await clock.sleep(1)
        if first == "failure":
            Failing.fails.set()
            for _ in range(yields):
                await clock.sleep(0.0)
        everything.cancel()
        Failing.fails.set()
        await clock.sleep(20)  # less than until it would be taken up again
        assert everything.done()
        assert (Failing.runs, running.watches) == (1, ())

    async def drive(running: Running) -> None:
        async with asyncio.TaskGroup() as scope:
            running.start(a_watch(), None, scope)
            await asyncio.Event().wait()

    run_simulated(main())


def test_the_watches_near_a_target_are_those_of_its_namespace_in_order_until_they_are_over() -> None:
    async def main() -> None:
        clock, Failing.fails = SimulatedClock(T0), asyncio.Event()
        running = Running(
            lambda watch: cast("WatchDriver", Failing(watch)),
            clock=clock,
            observer=cast("Observer", Nobody()),
            ended=lambda watch: None,
        )
        here = a_watch()
        there = replace(
            here, id="there", switch=replace(here.switch, target=replace(here.switch.target, namespace="elsewhere"))
        )
        second = replace(here, id="second")

        async def drive() -> None:
            async with asyncio.TaskGroup() as scope:
                for watch in (here, there, second):
                    running.start(watch, None, scope)

        everything = asyncio.create_task(drive())
        await clock.sleep(1)
        assert [watch.id for watch in running.near(here.switch.target)] == [here.id, "second"]
        assert [watch.id for watch in running.near(there.switch.target)] == ["there"]
        everything.cancel()
        await clock.sleep(1)
        assert running.near(here.switch.target) == running.near(there.switch.target) == ()

    run_simulated(main())
