"""The collector of cyclic garbage, while the daemon runs and afterwards."""

import asyncio
import gc
from datetime import UTC, datetime

from watchdog.adapters.garbage import collecting, uncollected
from watchdog.simulator.clock import SimulatedClock, run_simulated


class Knot:
    """Refers to itself."""

    def __init__(self, untied: list[str]) -> None:
        self.me = self
        self._untied = untied

    def __del__(self) -> None:
        self._untied.append("gone")


def test_everything_is_looked_through_once_an_hour_and_python_goes_on_as_before_afterwards() -> None:
    before, full, untied = gc.get_threshold(), [], []

    def seen(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            full.append(info)

    async def main() -> None:
        clock = SimulatedClock(datetime(2026, 3, 2, tzinfo=UTC))
        task = asyncio.create_task(collecting(clock))
        await clock.sleep(1)
        Knot(untied)
        gc.callbacks.append(seen)
        await clock.sleep(3500)
        assert full == []
        await clock.sleep(200)
        assert len(full) == 1
        assert untied == ["gone"]
        gc.callbacks.remove(seen)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run_simulated(main())
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_work_in_one_go_is_not_interrupted_and_what_was_before_is_again_afterwards() -> None:
    assert gc.isenabled()
    with uncollected(), uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
