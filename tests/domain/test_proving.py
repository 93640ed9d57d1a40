"""How long a fault takes to be proven with the requests that come."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_ratio, a_rule, at
from watchdog.domain.judge.betting import evidence_of_a_constant
from watchdog.domain.judge.habits import Calibration
from watchdog.domain.judge.harmless import Harmless
from watchdog.domain.judge.proving import Pace, pace_of, proof_of_twice_the_limit, time_to_prove
from watchdog.domain.measurement import Baseline, NoData

HARMLESS = Harmless(0.015, 0.05)
NEEDED = math.log(1000)
CLOCKS = {"bake": timedelta(minutes=10), "interval": timedelta(seconds=15)}


def pace(requests: float) -> Pace:
    """A block of so many requests each 15 seconds."""
    return Pace(requests, 1 / 15, 1 / 15)


RULE = a_rule(a_ratio(), alpha=0.001)


def test_pace_counts_the_blocks_that_had_a_request() -> None:
    blocks = ((0.0, 3.0), (1.0, 5.0))  # of the eight that two minutes have
    found = pace_of(Baseline(at(0), at(120), NoData("unused"), blocks=blocks), HARMLESS)
    assert found == Pace(4.0, 2 / 120, 2 / 120)
    assert found.requests_per_second == pytest.approx(8 / 120)


def test_uneven_traffic_makes_fewer_bets_in_full() -> None:
    blocks = tuple((0.0, 1.0 if index % 10 else 100.0) for index in range(40))
    baseline = Baseline(at(0), at(600), NoData("unused"), blocks=blocks)
    even, uneven = pace_of(baseline, HARMLESS), pace_of(baseline, replace(HARMLESS, full=100.0))
    assert even is not None
    assert uneven is not None
    assert even.bets_per_second == 40 / 600
    assert uneven.bets_per_second == pytest.approx((4 + 0.36) / 600)
    assert uneven.requests_per_second == even.requests_per_second


def test_without_a_request_there_is_no_pace() -> None:
    assert pace_of(Baseline(at(0), at(120), NoData("no requests")), HARMLESS) is None


def test_a_fault_is_proven_sooner_with_more_requests() -> None:
    times = [time_to_prove(0.1, 0.015, NEEDED, pace(rate * 15)) for rate in (0.05, 0.3, 1.0, 10.0)]
    assert None not in times
    assert times == sorted(times, reverse=True)  # type: ignore[type-var]
    assert times[0] > timedelta(minutes=10) > times[-1]  # type: ignore[operator]


def test_what_is_no_worse_than_harmless_is_never_proven() -> None:
    assert time_to_prove(0.015, 0.015, NEEDED, pace(150.0)) is None
    assert time_to_prove(0.0, 0.015, NEEDED, pace(150.0)) is None


def test_the_time_is_the_shortest_that_is_enough() -> None:
    takes = time_to_prove(0.1, 0.015, NEEDED, pace(4.5))
    assert takes is not None
    bets = round(takes / timedelta(seconds=15))
    assert evidence_of_a_constant(0.1, 0.015, bets, 4.5, sought=0.1) >= NEEDED
    assert evidence_of_a_constant(0.1, 0.015, bets - 1, 4.5, sought=0.1) < NEEDED


def test_twice_the_limit_is_what_a_pass_rules_out() -> None:
    proof = proof_of_twice_the_limit(RULE, HARMLESS, pace(150.0), None, **CLOCKS)
    assert proof.share == pytest.approx(0.1)
    assert proof.takes is not None
    assert proof.takes < timedelta(minutes=2)
    assert not proof.capped


def test_a_rule_waits_for_its_own_number_of_requests() -> None:
    rule = a_rule(a_ratio(), alpha=0.001, min_requests=3000)
    proof = proof_of_twice_the_limit(rule, HARMLESS, pace(15.0), None, **CLOCKS)
    assert proof.takes == timedelta(seconds=3000)


def test_habits_make_it_longer_up_to_their_cap() -> None:
    plain = proof_of_twice_the_limit(RULE, HARMLESS, pace(150.0), None, **CLOCKS)
    habits = [
        proof_of_twice_the_limit(RULE, HARMLESS, pace(150.0), Calibration(at(0), 50, reached, 150.0), **CLOCKS)
        for reached in (9.0, 60.0, 600.0)
    ]
    assert plain.takes is not None
    takes = [proof.takes for proof in habits]
    assert None not in takes
    assert plain.takes < takes[0]  # type: ignore[operator]
    assert takes[1] == takes[2]
    assert [proof.capped for proof in habits] == [False, True, True]


@given(st.floats(0.02, 0.9), st.floats(0.5, 500.0), st.floats(0.001, 1.0))
def test_a_worse_fault_is_never_proven_later(share: float, requests: float, bets: float) -> None:
    slow = Pace(requests, bets, bets)
    some, more = (time_to_prove(one, 0.015, NEEDED, slow) for one in (share, min(0.99, share * 1.1)))
    if some is not None:
        assert more is not None
        assert more <= some
