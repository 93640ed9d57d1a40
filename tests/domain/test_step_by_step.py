"""What is kept from block to block says what the blocks say, and a step costs the same however many there were."""

import math
import sys
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from builders import (
    a_baseline,
    a_block,
    a_gauge,
    a_guard,
    a_latency,
    a_live,
    a_probe,
    a_rate,
    a_ratio,
    a_round,
    a_rule,
    a_stable,
    a_switch,
    at,
    buckets,
    counts,
    signs_of,
    values,
)
from watchdog.domain.events import BaselineMeasured, Event, Looked, Measured, Probed, Ticked
from watchdog.domain.judge import History, judge
from watchdog.domain.measurement import NoData, ProbeOutcome, Reading
from watchdog.domain.rules import Rule
from watchdog.domain.state import Track, Watch
from watchdog.domain.tracking import with_baseline, with_block
from watchdog.domain.watch import advance, open_watch

INTERVAL = 15.0
POD = "research-a"
NOTHING = NoData("no series")


def latency(slow: int, total: int) -> Reading:
    return buckets({0.1: float(total - slow), 1.0: float(total - slow), 2.5: float(total), math.inf: float(total)})


pairs = st.integers(0, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
ratios = st.one_of(st.just(NOTHING), pairs.map(lambda pair: counts(*pair)))
latencies = st.one_of(st.just(NOTHING), pairs.map(lambda pair: latency(*pair)))
gauges = st.one_of(st.just(NOTHING), st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.9]).map(values))

RATIO = a_rule(a_ratio(), hold=30, alpha=0.0005)
P95 = a_rule(a_latency(), alpha=0.0005)
CPU = a_rule(a_rate(), hold=60)
MEMORY = a_rule(a_gauge(), hold=60)


def check_each_step(rule: Rule, baseline: Reading, readings: list[Reading]) -> None:
    """Feed block by block; at each, ask for the verdict of that moment once more, from all blocks and nothing else."""
    track = with_baseline(Track(rule, History(a_guard().interval)), a_baseline(baseline))
    said = []
    for index, reading in enumerate(readings, 1):
        track = with_block(track, a_block(index, reading), lambda _pod: at(0))
        said.append(track.verdict)
    for index, verdict in enumerate(said, 1):
        assert judge(rule, track.history, track.baseline, at(index * INTERVAL)) == verdict


@given(st.lists(ratios, max_size=12))
def test_a_ratio_is_judged_alike_block_by_block_and_afterwards(readings: list[Reading]) -> None:
    # A total outage rests on what cold pods met as well, which is kept of two blocks alone.
    calm = [counts(reading.bad * 0.9, reading.total) if hasattr(reading, "bad") else reading for reading in readings]
    check_each_step(RATIO, counts(20, 40000), calm)


@given(st.lists(latencies, max_size=12))
def test_a_quantile_is_judged_alike_block_by_block_and_afterwards(readings: list[Reading]) -> None:
    check_each_step(P95, latency(100, 40000), readings)


@given(st.lists(gauges, max_size=12))
def test_gauges_are_judged_alike_block_by_block_and_afterwards(readings: list[Reading]) -> None:
    check_each_step(CPU, values(0.2), readings)
    check_each_step(MEMORY, values(0.2), readings)


def a_long_watch() -> Watch:
    guard = a_guard(RATIO, P95, CPU, MEMORY, a_rule(a_probe()), a_rule(signs_of()))
    watch = open_watch(a_switch(), guard, a_stable(), now=at(1))
    known = {
        RATIO.name: a_baseline(counts(100, 40000)),
        P95.name: a_baseline(latency(100, 40000)),
        CPU.name: a_baseline(values(0.2)),
        MEMORY.name: a_baseline(values(0.2)),
    }
    return advance(watch, BaselineMeasured(known), at(2)).watch


def block_events(index: int) -> list[Event]:
    """What comes to a watch within one block."""
    measured = {
        RATIO.name: a_block(index, counts(index % 3, 300.0 + index)),
        P95.name: a_block(index, latency(index % 5, 300 + index)),
        CPU.name: a_block(index, values(0.2 + index % 7 / 100)),
        MEMORY.name: a_block(index, values(0.2 + index % 3 / 100)),
    }
    end = index * INTERVAL
    return [
        Looked(a_live(end + 1)),
        Measured(measured),
        Ticked(),
        Probed("health", a_round(end + 2, {POD: ProbeOutcome.EXPECTED})),
    ]


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called, Python's own among them."""
    count = 0

    def seen(_frame: object, what: str, _argument: object) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_a_block_costs_as_many_calls_after_five_hundred_others_as_after_twenty() -> None:
    watch = a_long_watch()
    calls: dict[int, int] = {}

    def step(events: list[Event], when: float) -> None:
        nonlocal watch
        for event in events:
            watch = advance(watch, event, at(when)).watch

    for index in range(1, 501):
        events, when = block_events(index), index * INTERVAL + 2
        calls[index] = calls_of(lambda events=events, when=when: step(events, when))  # type: ignore[misc]
    # As 20 modulo 3, 5 and 7: the same numbers are measured.
    assert calls[440] <= calls[20]
    assert max(calls[index] for index in range(400, 501)) <= max(calls[index] for index in range(20, 121))
