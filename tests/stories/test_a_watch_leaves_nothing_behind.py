"""What an open watch holds is given back when it ends, not when the collector of garbage next looks at everything."""

import gc
import weakref

import pytest

from town import Town, tell
from watchdog.engine.watching import WatchDriver
from watchdog.simulator.traffic import Course


@pytest.mark.parametrize("errors", [0.004, 0.3], ids=["good", "bad"])
def test_all_that_was_measured_is_forgotten_with_the_watch(errors: float) -> None:
    drivers: list[weakref.ref[WatchDriver]] = []

    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.constant(errors))
        town.deploy("research", "research:v2")
        assert town.watchdog is not None
        await town.until(lambda: bool(town.watchdog.supervisor.watches))
        running = town.watchdog.supervisor._running
        drivers.extend(map(weakref.ref, running._drivers.values()))
        gc.disable()
        try:
            await town.outcome("research")
            await town.until(lambda: not town.watchdog.supervisor.watches)
            await town.sleep(60)
            assert [driver() for driver in drivers] == [None]
        finally:
            gc.enable()

    tell(story)
