"""What a service does by habit raises what is needed of it, never lowers it, and never beyond what a fault reaches."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    INTERVAL,
    T0,
    a_baseline,
    a_guard,
    a_rule,
    a_stable,
    a_switch,
    at,
    blocks,
    counts,
    counts_of,
    seconds,
)
from watchdog.domain.codec import dump, load
from watchdog.domain.judge import Finding, History
from watchdog.domain.judge.calibration import (
    MARGIN,
    Reached,
    calibrated,
    calibration_key,
    calibration_of,
    near,
    other_pods,
    over_limit,
    seen,
)
from watchdog.domain.judge.habits import CAP_BLOCKS, FEWEST, Calibration, LeftOut, cap, need
from watchdog.domain.judge.harmless import Harmless
from watchdog.domain.measurement import Block, FailureReason, NoData, QueryFailed, Reading
from watchdog.domain.rules import Rule
from watchdog.domain.state import Track, open_watch
from watchdog.domain.tracking import with_block

SURE = a_rule(alpha=0.001)
BAKE = timedelta(seconds=600)
QUIET = a_baseline(counts(90, 18_000, samples=120))
PLAIN = -math.log(0.001)
HARMLESS = Harmless(0.015, 0.05)


def window(*bursts: tuple[int, int, float], fewer: int = 0) -> tuple[Block, ...]:
    """Ten minutes of 10 requests a second; each burst is (first block, blocks, share)."""
    readings: list[Reading] = [counts(1, 150)] * (40 - fewer)
    for first, length, share in bursts:
        readings[first : first + length] = [counts(150 * share, 150)] * length
    return blocks(*readings)


def learnt(*windows: Sequence[Block], rule: Rule = SURE) -> Calibration:
    baselines = [QUIET] * len(windows)
    return calibrated(rule, windows, baselines, interval=INTERVAL, bake=BAKE, at=T0)


def findings(calibration: Calibration | None, *readings: Reading) -> list[Finding]:
    track = Track(SURE, History(INTERVAL, BAKE, calibration=calibration), baseline=QUIET)
    for block in blocks(*readings):
        track = with_block(track, block, lambda _: T0)
    return [point.finding for point in track.path]


def blocks_to_prove(share: float, calibration: Calibration | None) -> int:
    return findings(calibration, *[counts(150 * share, 150)] * 30).index(Finding.BREACH) + 1


def test_a_service_that_bursts_is_held_to_what_its_bursts_reach() -> None:
    burst = learnt(*[window((0, 4, 0.08))] * 3, *[window((20, 4, 0.08))] * 7)
    assert burst.windows == 10
    assert burst.reached is not None
    assert burst.reached == pytest.approx(5.9, abs=0.2)
    assert blocks_to_prove(0.08, burst) == blocks_to_prove(0.08, None) == 5
    longer = learnt(*[window((0, 6, 0.075))] * 10)
    assert longer.windows == 0  # over its limit for longer than a minute: that is an incident, not a habit
    assert longer.left_out == {LeftOut.OVER_LIMIT: 10}


def test_its_own_burst_is_then_no_breach() -> None:
    habit = [counts(30, 150)] * 3 + [counts(1, 150)] * 20
    assert Finding.BREACH in findings(None, *habit)
    known = learnt(*[window((0, 3, 0.2))] * 6)
    assert Finding.BREACH not in findings(known, *habit)


def test_an_outage_in_the_history_leaves_no_trace() -> None:
    quiet = [window()] * 8
    with_outage = learnt(*quiet, window((5, 12, 0.3)))
    assert with_outage.reached == learnt(*quiet).reached
    assert with_outage.left_out == {LeftOut.OVER_LIMIT: 1}


@pytest.mark.parametrize("count", range(FEWEST))
def test_a_few_windows_teach_nothing(count: int) -> None:
    few = learnt(*[window((0, 3, 0.2))] * count)
    assert few.reached is None
    assert need(0.001, few, HARMLESS, 40).log_evidence == PLAIN


reached = st.floats(-20, 1e6)


@given(st.lists(reached, min_size=1, max_size=60), st.floats(1e-9, 0.4))
def test_a_calibration_never_lowers_what_is_needed(values: list[float], alpha: float) -> None:
    calibration = calibration_of([Reached(value, 40, 6000) for value in values], T0)
    found = need(alpha, calibration, HARMLESS, 40)
    assert found.log_evidence >= -math.log(alpha)
    assert found.plain == pytest.approx(-math.log(alpha))


@given(st.floats(1e-4, 0.9), st.floats(0.3, 0.9), reached, st.floats(1, 1e6))
def test_whatever_the_past_was_a_fifth_is_proven_in_eight_blocks(
    limit: float, part: float, habits: float, requests: float
) -> None:
    harmless = Harmless(limit * part, limit)
    calibration = Calibration(T0, 50, habits, requests)
    asked = need(0.001, calibration, harmless, 40)
    assert asked.log_evidence <= max(PLAIN, cap(harmless, requests))
    assert asked.capped == (habits + 1 > max(PLAIN, cap(harmless, requests)))


def test_the_cap_is_what_eight_blocks_of_a_fifth_reach() -> None:
    poisoned = Calibration(T0, 50, 400.0, 150.0)
    assert blocks_to_prove(0.2, poisoned) <= CAP_BLOCKS
    assert blocks_to_prove(1.0, poisoned) <= CAP_BLOCKS
    assert blocks_to_prove(0.2, poisoned) > blocks_to_prove(0.2, None)


def test_the_evidence_says_that_more_is_needed_and_that_it_is_capped() -> None:
    track = Track(SURE, History(INTERVAL, BAKE, calibration=Calibration(T0, 50, 400.0, 150.0)), baseline=QUIET)
    for block in blocks(*[counts(30, 150)] * 4):
        track = with_block(track, block, lambda _: T0)
    assert track.verdict is not None
    assert "this service has bursts of its own: " in track.verdict.sentence
    assert track.verdict.sentence.endswith("is needed, not 1,000 to 1; capped")
    assert track.verdict.evidence.capped


@given(st.permutations(range(6)), st.lists(st.integers(0, 4), min_size=6, max_size=6))
def test_the_order_of_windows_is_nothing(order: list[int], lengths: list[int]) -> None:
    windows = [window((3, length, 0.06)) for length in lengths]
    assert learnt(*windows) == learnt(*(windows[n] for n in order))


def test_what_was_not_quiet_is_left_out_and_counted() -> None:
    def one(**not_quiet: Sequence[tuple[object, object]]) -> object:
        return seen(SURE, window(), QUIET, interval=INTERVAL, bake=BAKE, **not_quiet)  # type: ignore[arg-type]

    inside = ((at(100), at(110)),)
    assert isinstance(one(), Reached)
    assert one(recorded=inside) is LeftOut.RECORDED
    assert one(disturbed=inside) is LeftOut.ROLLOUT
    assert one(over=inside) is LeftOut.OVER_LIMIT
    far = ((at(600) + MARGIN, at(2000)),)
    assert isinstance(one(recorded=far), Reached)
    assert near((at(0), at(600)), ((at(600) + MARGIN - seconds(1), at(2000)),))


def test_failed_queries_and_silence_are_no_quiet() -> None:
    failed = QueryFailed(FailureReason.TIMEOUT, "no answer")
    assert learnt(*[blocks(*[counts(1, 150)] * 39, failed)] * 6).left_out == {LeftOut.FAILED: 6}
    assert learnt(*[blocks(*[NoData("no series")] * 40)] * 6).left_out == {LeftOut.UNMEASURED: 6}
    assert learnt(*[blocks(counts(0, 5))] * 6).left_out == {LeftOut.UNMEASURED: 6}


def test_a_burst_of_a_minute_is_a_habit_and_one_of_more_is_an_incident() -> None:
    # As `for` is measured: from the first block's end that is over to the last one's.
    def over(length: int) -> int:
        return len(over_limit(SURE, window((10, length, 0.2)), QUIET, bake=BAKE))

    assert [over(length) for length in (0, 1, 4, 5, 6, 8)] == [0, 0, 0, 0, 1, 1]


def test_pods_of_another_replica_set_are_a_rollout() -> None:
    def of(names: dict[str, float]) -> Reading:
        return counts_of({name: (0, total) for name, total in names.items()})

    before = a_baseline(of({"shop-aaa-x": 1000, "shop-aaa-y": 1000}))
    same = blocks(of({"shop-aaa-z": 100}))
    newer = blocks(of({"shop-aaa-x": 50, "shop-bbb-q": 50}))
    assert other_pods(before, same) == ()
    assert other_pods(before, newer) == ((newer[0].start, newer[0].end),)
    assert other_pods(a_baseline(of({"": 5})), blocks(of({"": 5}))) == ()


def test_an_edited_rule_is_calibrated_anew_and_a_new_confidence_is_not() -> None:
    guard = a_guard(SURE)
    assert calibration_key(SURE, guard) == calibration_key(replace(SURE, alpha=0.01), guard)
    assert calibration_key(SURE, guard) != calibration_key(SURE, replace(guard, bake=seconds(300)))
    assert calibration_key(SURE, guard) != calibration_key(replace(SURE, min_requests=5), guard)


def test_a_watch_keeps_what_was_known_when_it_was_opened() -> None:
    guard = a_guard(SURE)
    known = learnt(*[window((0, 3, 0.2))] * 6)
    watch = open_watch(a_switch(), guard, a_stable(), calibrations={calibration_key(SURE, guard): known}, now=T0)
    assert watch.tracks[0].history.calibration == known
    assert open_watch(a_switch(), guard, a_stable(), now=T0).tracks[0].history.calibration is None
    assert load(Calibration, dump(known), "here") == known
