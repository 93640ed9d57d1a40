"""A target's past is looked at in the background, once a day, and nothing waits for it."""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import pytest

from builders import a_baseline, a_block, a_live, a_pod, a_switch, a_watch, at, counts, play
from engine.metric_world import ERRORS, START, TARGET, TsdbSource, add, after, pod_of
from watchdog.domain.conditions import Absolute, Op, Statistic, Threshold
from watchdog.domain.events import BaselineMeasured, Looked, Measured
from watchdog.domain.judge.calibration import calibration_key
from watchdog.domain.judge.habits import FEWEST, Calibration, LeftOut
from watchdog.domain.measurement import FailureReason, QueryFailed
from watchdog.domain.memory import Memory
from watchdog.domain.quiet import DAYS, WINDOWS, stretches
from watchdog.domain.record import memory_of, record_of
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.rules import Guard, Rule
from watchdog.engine.calibrating import Calibrator
from watchdog.engine.memories import Memories
from watchdog.engine.sampling import Sampler
from watchdog.ports import Keeping
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

T = TypeVar("T")

DAY = 86_400.0
STEP = 15.0
RULE = Rule("errors", Threshold(ERRORS, Statistic.VALUE, Op.ABOVE, Absolute(0.05), "errors > 5%"), alpha=0.001)
GUARD = Guard("shop", ("production",), (RULE,), targets=(TARGET,))
KEY = calibration_key(RULE, GUARD)
AWAY = QueryFailed(FailureReason.UNREACHABLE, "connection refused")

Failing = Callable[[float], float]  # the share of requests that fail, by seconds after START


def bursts(second: float) -> float:
    """45 s of 20 % in each ten minutes."""
    return 0.2 if second % 600 < 45 else 0.005


def quiet(_: float) -> float:
    return 0.005


def a_past(failing: Failing, *, template: str = "5d8f", since: float = -8 * DAY, until: float = DAY) -> Tsdb:
    """Ten requests a second of one pod, scraped each 15 s."""
    tsdb = Tsdb()
    pod = pod_of("a", template)
    fine, bad = [], []
    total = failed = 0.0
    at = since
    while at < until:
        total, failed = total + 10 * STEP, failed + 10 * STEP * failing(at)
        fine.append((at, total - failed))
        bad.append((at, failed))
        at += STEP
    add(tsdb, "http_requests_total", pod, *fine, status="200")
    add(tsdb, "http_requests_total", pod, *bad, status="500")
    return tsdb


@cache
def the_bursty_past() -> Tsdb:
    return a_past(bursts)


@dataclass
class FakeJournal:
    """Keeps what it is told; `past` are the records of earlier watches."""

    past: Sequence[Mapping[str, Any]] = ()
    remembered: list[Mapping[str, Any]] = field(default_factory=list)

    async def records(self, kept: Keeping[T], *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[T]:
        return [one for one in map(kept, self.past) if one is not None]

    async def remember(self, target: Target, document: Mapping[str, Any]) -> None:
        self.remembered.append(document)


@dataclass
class Town:
    source: TsdbSource
    memories: Memories
    journal: FakeJournal
    clock: SimulatedClock
    targets: dict[Target, Guard]

    @property
    def known(self) -> Calibration | None:
        memory = self.memories.of(TARGET)
        return None if memory is None else memory.calibrations.get(KEY)


def in_town(
    tsdb: Tsdb,
    story: Callable[[Town], Any],
    *,
    since: datetime = START - timedelta(days=30),
    past: Sequence[Mapping[str, Any]] = (),
) -> None:
    async def main() -> None:
        clock = SimulatedClock(START)
        journal = FakeJournal(past)
        memories = Memories(journal, clock)  # type: ignore[arg-type]
        memories.hold(Memory(TARGET, Revision("brand", "5d8f"), since))
        town = Town(TsdbSource(tsdb, clock=clock), memories, journal, clock, {TARGET: GUARD})
        sampler = Sampler(town.source, clock)
        calibrator = Calibrator(
            sampler=sampler,
            journal=journal,  # type: ignore[arg-type]
            memories=memories,
            targets=lambda: town.targets,
            clock=clock,
        )
        task = asyncio.create_task(calibrator.run())
        await story(town)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await sampler.close()

    run_simulated(main())


def test_the_habits_of_a_bursty_service_are_learnt_and_kept() -> None:
    async def story(town: Town) -> None:
        await town.clock.sleep(299)
        assert town.source.asked == []  # whatever is being watched comes first
        await town.clock.sleep(1500)
        assert town.known is not None
        assert town.known.reached is not None
        assert town.known.reached > 5.0
        assert town.known.windows == WINDOWS // (2 * DAYS) * 2 * DAYS
        assert memory_of(town.journal.remembered[-1]).calibrations[KEY] == town.known

    in_town(the_bursty_past(), story)


def test_a_quiet_service_has_no_habits() -> None:
    async def story(town: Town) -> None:
        await town.clock.sleep(2000)
        assert town.known is not None
        assert town.known.reached is not None
        assert town.known.reached < 1.0

    in_town(a_past(quiet), story)


def test_it_is_done_again_after_a_day_and_not_before() -> None:
    async def story(town: Town) -> None:
        await town.clock.sleep(2000)
        assert town.known is not None
        first, asked = town.known, len(town.source.asked)
        await town.clock.sleep(DAY - 3000)
        assert (town.known, len(town.source.asked)) == (first, asked)
        await town.clock.sleep(4000)
        assert town.known.at > first.at

    in_town(a_past(quiet, until=2 * DAY), story)


def test_few_questions_are_asked_and_never_many_at_once() -> None:
    async def story(town: Town) -> None:
        await town.clock.sleep(2000)
        assert 0 < len(town.source.asked) <= 2 * 2 * DAYS * 8
        per_second: dict[int, int] = {}
        for moment in town.source.asked_at:
            second = int((moment - START).total_seconds())
            per_second[second] = per_second.get(second, 0) + 1
        assert max(per_second.values()) <= 2 * 4

    in_town(the_bursty_past(), story)


def test_a_target_with_an_open_watch_is_left_alone_and_one_that_gets_one_meanwhile() -> None:
    async def story(town: Town) -> None:
        town.targets.clear()
        await town.clock.sleep(2000)
        assert town.source.asked == []
        town.targets[TARGET] = GUARD
        while not town.source.asked:
            await town.clock.sleep(1)
        town.targets.clear()
        await town.clock.sleep(2000)
        assert town.known is None
        assert town.journal.remembered == []

    in_town(the_bursty_past(), story)


def test_while_prometheus_is_away_it_waits_says_so_once_and_tries_again(caplog: pytest.LogCaptureFixture) -> None:
    async def story(town: Town) -> None:
        town.source.fault = lambda _: AWAY
        with caplog.at_level(logging.WARNING):
            await town.clock.sleep(4000)
        assert town.known is None
        assert [record.message for record in caplog.records] == ["calibration waits until it can ask"]
        town.source.fault = lambda _: None
        await town.clock.sleep(3000)
        assert town.known is not None

    in_town(the_bursty_past(), story)


def test_what_was_on_record_is_no_habit() -> None:
    switched = {"target": str(TARGET), "outcome": "rolled-back"}
    stretch = stretches(TARGET, GUARD, START - timedelta(days=30), after(300))[0]
    switched |= {"switched_at": stretch.spans[1][0].isoformat(), "ended_at": stretch.spans[1][1].isoformat()}

    async def story(town: Town) -> None:
        await town.clock.sleep(2000)
        assert town.known is not None
        # The window itself, and its neighbours on both sides lie within the margin of it.
        assert town.known.left_out.get(LeftOut.RECORDED, 0) >= 1
        assert town.known.windows < WINDOWS // (2 * DAYS) * 2 * DAYS

    in_town(the_bursty_past(), story, past=[switched])


def test_a_past_that_prometheus_no_longer_has_teaches_nothing() -> None:
    async def story(town: Town) -> None:
        await town.clock.sleep(2000)
        assert town.known is not None
        assert town.known.windows < FEWEST
        assert town.known.reached is None

    in_town(a_past(bursts, since=-3600), story)


def test_half_of_the_windows_lie_about_this_hour_and_all_within_the_week() -> None:
    now = after(0)
    found = stretches(TARGET, GUARD, START - timedelta(days=30), now)
    assert len(found) == 2 * DAYS
    about = [one for one in found if abs((one.start - now).total_seconds() % DAY - DAY / 2) > DAY / 2 - 5400]
    assert len(about) >= DAYS
    assert all(now - timedelta(days=DAYS + 1, hours=4) < one.baseline_from < one.end <= now for one in found)
    assert found == stretches(TARGET, GUARD, START - timedelta(days=30), now)
    other = stretches(Target.parse("production/deployment/content"), GUARD, START - timedelta(days=30), now)
    assert [one.start for one in other] != [one.start for one in found]


def a_marked_watch(mark: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The record of a release of the target that the same rule sent back, days ago."""
    switch = a_switch(target=TARGET, candidate=Revision("brand", "9abc"), previous=Revision("brand", "5d8f"))
    watch, _ = play(
        a_watch(guard=replace(GUARD, warmup=timedelta(0)), switch=switch),
        (Looked(a_live(1, switch=switch, pods=[a_pod(ready=0)])), 1),
        (BaselineMeasured({"errors": a_baseline(counts(4, 1000))}), 1.0),
        *((Measured({"errors": a_block(n, counts(12, 100, samples=2))}), 15.0 * n + 2) for n in range(1, 30)),
    )
    record = record_of(watch)
    assert record["breached"] == ["errors"]
    ended = {"outcome": "rolled-back", "phase": "rolled-back", "ended_at": at(700).isoformat()}
    return {**record, **ended, **({} if mark is None else {"mark": mark})}


@pytest.mark.parametrize("marked", [True, False])
def test_a_watch_that_a_person_marked_a_false_alarm_is_one_more_window_of_habits(marked: bool) -> None:
    mark = {"what": "false-alarm", "by": "ana", "reason": "a load test", "at": after(0).isoformat()}
    record = a_marked_watch(mark if marked else None)
    proven = record["rules"]["errors"]["log_evidence"]
    assert proven > math.log(1000)

    async def story(town: Town) -> None:
        await town.clock.sleep(2000)
        assert town.known is not None
        assert town.known.reached is not None
        if marked:
            assert town.known.reached >= proven
        else:
            assert town.known.reached < 1.0

    in_town(a_past(quiet), story, past=[record])
