"""When a watch probes: each `every` to the tenth of a second, and with the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from builders import a_guard, a_live, a_pod, a_probe, a_rule, a_stable, a_switch, at, seconds
from watchdog.domain.events import Event, Looked, Probed
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.rules import Probe
from watchdog.domain.state import Watch, open_watch
from watchdog.domain.watch import advance
from watchdog.engine.senses import Senses
from watchdog.simulator.clock import SimulatedClock, run_simulated

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class SlowPods:
    """A prober whose pods take their time."""

    def __init__(self, clock: SimulatedClock, takes: float) -> None:
        self._clock = clock
        self._takes = takes
        self.asked: list[float] = []

    async def probe(self, pods: Sequence[Pod], probe: Probe) -> Sequence[ProbeResult]:
        self.asked.append(self._clock.monotonic())
        await self._clock.sleep(self._takes)
        return [ProbeResult(pod.name, ProbeOutcome.EXPECTED, "200 OK") for pod in pods]


class NoPeers:
    """Nobody to compare with."""

    async def vet(self, watch: Watch, rule: str, probe: Probe) -> None:
        """There is none."""


def rounds_at(*starts: float, every: float = 5, takes: float = 0.003, lasting: float = 62) -> list[list[float]]:
    """When watches that begin to probe at `starts` do so, in seconds."""
    asked: list[list[float]] = []

    async def main() -> None:
        clock = SimulatedClock(NOON)
        probe = a_probe(every=seconds(every))
        live: Live = replace(a_live(1, pods=(a_pod("research-a"),)), at=at(1))
        opened = open_watch(a_switch(), a_guard(a_rule(probe)), a_stable(), now=at(1))
        watch = advance(opened, Looked(live), at(1)).watch

        async def probing(start: float) -> None:
            prober = SlowPods(clock, takes)
            asked.append(prober.asked)
            told: list[Event] = []
            nobody: object = None
            senses = Senses(
                provider=nobody,  # type: ignore[arg-type]
                prober=prober,  # type: ignore[arg-type]
                peering=NoPeers(),  # type: ignore[arg-type]
                clock=clock,
                post=told.append,
                watch=lambda: watch,
                live=lambda: live,
            )
            await clock.sleep(start)
            try:
                await senses._probing(watch.tracks[0].rule.name, probe)
            finally:
                assert all(isinstance(event, Probed) for event in told)

        tasks = [asyncio.create_task(probing(start)) for start in starts]
        await clock.sleep(lasting)
        for task in tasks:
            task.cancel()

    run_simulated(main())
    return asked


def test_the_first_round_is_at_once_and_each_later_one_after_five_seconds_to_the_tenth() -> None:
    (asked,) = rounds_at(1.234)
    assert asked == pytest.approx([1.234, *(6.2 + 5 * n for n in range(12))], abs=1e-6)


def test_rounds_of_many_watches_begin_with_each_other() -> None:
    asked = rounds_at(*(0.5 + 0.0097 * n for n in range(100)))
    later = {round(when, 6) for one in asked for when in one[1:2]}
    assert later == {round(5.5 + 0.1 * n, 6) for n in range(11)}  # a hundred watches


def test_pods_that_take_longer_than_a_round_are_asked_again_soon_after() -> None:
    (asked,) = rounds_at(0, every=1, takes=2.0, lasting=10)
    assert asked == pytest.approx([0, 2.1, 4.2, 6.3, 8.4], abs=1e-6)
