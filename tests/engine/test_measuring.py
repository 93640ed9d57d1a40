"""When a watch asks, and what its ticks may claim."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from weakref import WeakSet

from builders import a_live, a_rule, a_watch
from watchdog.domain.conditions import Threshold
from watchdog.domain.events import Event, Measured, Ticked
from watchdog.domain.measurement import Baseline, Block, NoData
from watchdog.domain.watch import Watch
from watchdog.engine.measuring import Measuring
from watchdog.engine.parties import Parties
from watchdog.engine.sampling import Span, Subject, Tracker
from watchdog.simulator.clock import SimulatedClock, run_simulated

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
INTERVAL = timedelta(seconds=15)


class SlowSampler:
    """Takes `seconds` to answer each question, and has nothing to say."""

    def __init__(self, clock: SimulatedClock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self.baselines = Parties(1)

    def tracker(self, threshold: Threshold, subject: Subject) -> Tracker:
        return Tracker(threshold, subject)

    async def blocks(self, _: Tracker, spans: Sequence[Span]) -> tuple[Block, ...]:
        await self._clock.sleep(self._seconds)
        return tuple(Block(*span, NoData("nothing")) for span in spans)

    async def baseline(self, _: Threshold, __: Subject, start: datetime, end: datetime, ___: float) -> Baseline:
        return Baseline(start, end, NoData("nothing"))


def events_of(late: float, asking: float, during: float) -> list[Event]:
    """What is posted within `during` seconds by a watch that is taken up `late` seconds after its switch."""
    posted: list[Event] = []

    async def main() -> None:
        clock = SimulatedClock(NOON)
        watch: Watch = a_watch()
        watch = replace(watch, switch=replace(watch.switch, at=NOON - timedelta(seconds=late)))
        sampler = SlowSampler(clock, asking)
        measuring = Measuring(sampler, clock, posted.append, lambda: watch, lambda: a_live(1))  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as scope:
            task = scope.create_task(measuring.run(scope))
            await clock.sleep(during)
            task.cancel()
            measuring.end()

    run_simulated(main())
    return [event for event in posted if isinstance(event, Measured | Ticked)]


def last_index(events: Sequence[Event]) -> int:
    return max(block.index for event in events if isinstance(event, Measured) for block in event.blocks.values())


def test_a_tick_after_the_blocks_that_were_due_says_that_all_was_measured() -> None:
    events = events_of(late=50, asking=0.5, during=1)
    assert last_index(events) == 3
    assert events[-1] == Ticked(measured=True)


def test_a_tick_does_not_claim_a_block_that_came_due_while_the_others_were_asked_for() -> None:
    # At 61 s three blocks are due, the fourth at 62 s; asking takes until 63 s.
    events = events_of(late=61, asking=2, during=2.5)
    assert last_index(events) == 3
    assert events[-1] == Ticked(measured=False)

    events = events_of(late=61, asking=2, during=5)
    assert last_index(events) == 4
    assert events[-1] == Ticked(measured=True)


def test_what_was_counted_of_stable_goes_once_stable_serves_no_more() -> None:
    trackers: WeakSet[Tracker] = WeakSet()

    class Remembering(SlowSampler):
        def tracker(self, threshold: Threshold, subject: Subject) -> Tracker:
            made = super().tracker(threshold, subject)
            trackers.add(made)
            return made

    async def main() -> None:
        clock = SimulatedClock(NOON)
        watch = replace(a_watch(a_rule(alpha=0.001)), bake_from=None)
        watch = replace(watch, switch=replace(watch.switch, at=NOON))
        stable = watch.stable
        assert stable is not None

        def of_stable() -> int:
            return sum(tracker.subject.revision == stable.revision for tracker in trackers)

        measuring = Measuring(Remembering(clock, 0.5), clock, lambda _: None, lambda: watch, lambda: a_live(1))  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as scope:
            task = scope.create_task(measuring.run(scope))
            await clock.sleep(20)
            serving = of_stable()
            watch = replace(watch, bake_from=NOON + timedelta(seconds=20))
            await clock.sleep(60)
            assert (serving > 0, of_stable(), len(trackers) > 0) == (True, 0, True)
            task.cancel()
            measuring.end()

    run_simulated(main())
