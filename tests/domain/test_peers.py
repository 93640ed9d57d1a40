"""Do untouched peers fail alike? How they are compared, and how often that is right."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_baseline, a_latency, a_probe, a_rate, a_ratio, a_rule, at, buckets, counts, values
from domain.peer_worlds import acted_on, held
from watchdog.domain.conditions import Op, Threshold
from watchdog.domain.judge.peers import PeerFinding, PeerMeasured, RuleCompared, compare, compare_probes, stretch_of
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict
from watchdog.domain.measurement import (
    Baseline,
    Block,
    Buckets,
    Counts,
    FailureReason,
    NoData,
    ProbeOutcome,
    ProbeResult,
    QueryFailed,
    Reading,
)
from watchdog.domain.rollout import Target


def target(name: str) -> Target:
    return Target.parse(f"production/deployment/{name}")


def verdict(value: float = 0.2, limit: float = 0.05, *, start: float = 240, end: float = 300) -> Verdict:
    """The candidate's breach."""
    evidence = Evidence(value=value, limit=limit, window_start=at(start), window_end=at(end))
    return Verdict("error-rate", Finding.BREACH, at(end), "it failed", literal=True, evidence=evidence)


def peer(name: str, *halves: Reading, baseline: Baseline | None = None) -> PeerMeasured:
    ends = [(1, at(240), at(270)), (2, at(270), at(300))]
    return PeerMeasured(
        target(name), tuple(Block(*end, reading) for end, reading in zip(ends, halves, strict=True)), baseline
    )


def share(bad: float, total: float = 300, *, samples: int = 2) -> Counts:
    return counts(bad, total, samples=samples)


def steady(name: str, bad: float, total: float = 300) -> PeerMeasured:
    """The same in both halves of the minute."""
    return peer(name, share(bad, total), share(bad, total))


def found(
    *peers: PeerMeasured, threshold: Threshold | None = None, value: float = 0.2, limit: float = 0.05
) -> RuleCompared:
    threshold = threshold or a_ratio(0.05)
    return compare(a_rule(threshold, name="error-rate"), threshold, verdict(value, limit), peers)


def the_one(one: PeerMeasured, **changes: object) -> PeerFinding:
    return found(one, **changes).peers[0]  # type: ignore[arg-type]


# -- one peer ----------------------------------------------------------------------------------------------------


def test_a_peer_over_the_limit_fails_alike_and_one_within_does_not() -> None:
    bad, good = the_one(steady("brand", 60)), the_one(steady("brand", 1))
    assert (bad.usable, bad.alike, bad.value, bad.limit, bad.shown) == (True, True, 0.2, 0.05, "20 %")
    assert (good.usable, good.alike, good.value) == (True, False, 2 / 600)


def test_a_peer_that_was_hit_later_is_seen_in_the_newest_half() -> None:
    late = peer("brand", share(1), share(24))
    assert 25 / 600 < 0.05
    assert the_one(late).alike
    assert the_one(late).value == 24 / 300


def test_a_peer_that_has_just_recovered_still_failed_in_that_minute() -> None:
    assert the_one(peer("brand", share(60), share(0))).alike


@pytest.mark.parametrize(("bad", "alike"), [(99, False), (100, True)])
def test_a_peer_must_be_a_third_as_bad_as_the_candidate(*, bad: int, alike: bool) -> None:
    assert the_one(steady("brand", bad), value=1.0).alike is alike


def test_measures_other_than_shares_are_compared_as_multiples_of_their_limits() -> None:
    threshold = a_rate("2x")
    peers = [
        peer(name, values(now), values(now), baseline=a_baseline(values(usual)))
        for name, usual, now in (("small", 0.1, 0.9), ("large", 2.0, 18.0), ("mild", 2.0, 4.2))
    ]
    compared = found(*peers, threshold=threshold, value=4.0, limit=0.4)
    assert {one.target.name: (one.alike, one.limit) for one in compared.peers} == {
        "small": (True, 0.2),
        "large": (True, 4.0),
        "mild": (False, 4.0),
    }


@pytest.mark.parametrize(("good", "alike"), [(0.9, True), (0.94, False), (0.97, False)])
def test_a_share_that_must_not_fall_is_compared_by_what_is_missing(*, good: float, alike: bool) -> None:
    threshold = a_ratio(0.95, op=Op.BELOW)
    assert the_one(steady("brand", 300 * good), threshold=threshold, value=0.75, limit=0.95).alike is alike


def test_a_peer_is_held_to_its_own_baseline_and_says_nothing_without_one() -> None:
    def took(seconds: float) -> Buckets:
        return buckets({seconds / 2: 0, seconds: 100, math.inf: 100}, samples=2)

    def compared(before: Reading) -> PeerFinding:
        now = took(1.0)
        one = peer("brand", now, now, baseline=a_baseline(before))
        return the_one(one, threshold=a_latency("2x"), value=2.0, limit=0.2)

    assert (compared(took(0.1)).usable, compared(took(0.1)).alike) == (True, True)
    assert (compared(took(0.8)).usable, compared(took(0.8)).alike) == (True, False)
    unknown = compared(NoData("no series"))
    assert (unknown.usable, unknown.sentence) == (False, "no baseline: no series")


@pytest.mark.parametrize(
    ("halves", "why"),
    [
        ((share(5, 9), share(5, 9)), "only 18 of 20 requests were seen"),
        ((share(30, 100, samples=1), NoData("no new samples")), "no new samples"),
        ((NoData("no series"), NoData("no series")), "no series"),
        ((share(30), QueryFailed(FailureReason.TIMEOUT, "no answer")), "the query failed (timeout): no answer"),
        ((share(30, 100, samples=0), share(30, 100, samples=1)), "fewer than two samples were seen"),
    ],
)
def test_a_peer_without_data_enough_is_not_usable_and_says_why(halves: tuple[Reading, Reading], why: str) -> None:
    one = the_one(peer("brand", *halves))
    assert (one.usable, one.alike) == (False, False)
    assert why in one.sentence


def test_a_total_outage_of_a_peer_is_alike_though_its_limit_is_not_known() -> None:
    threshold = a_ratio("2x")
    out, half = steady("out", 300), peer("half", share(100), share(300))
    compared = found(out, half, threshold=threshold, value=1.0, limit=0.95)
    assert {one.target.name: (one.usable, one.alike) for one in compared.peers} == {
        "out": (True, True),
        "half": (False, False),
    }


def test_what_is_compared_is_the_verdicts_own_window_and_a_minute_at_least() -> None:
    assert stretch_of(verdict(start=240, end=300)) == (at(240), at(270), at(300))
    assert stretch_of(verdict(start=285, end=300)) == (at(240), at(270), at(300))
    assert stretch_of(verdict(start=100, end=300)) == (at(100), at(200), at(300))


# -- probes ------------------------------------------------------------------------------------------------------


def test_of_a_peer_most_probed_pods_must_fail() -> None:
    def results(*outcomes: ProbeOutcome) -> list[ProbeResult]:
        return [ProbeResult(f"pod-{n}", outcome, str(outcome)) for n, outcome in enumerate(outcomes)]

    ok, wrong, hangs = ProbeOutcome.EXPECTED, ProbeOutcome.WRONG_STATUS, ProbeOutcome.TIMED_OUT
    compared = compare_probes(
        a_rule(a_probe()),
        a_probe(),
        verdict(),
        {
            target("most"): results(wrong, hangs, ok),
            target("half"): results(wrong, ok),
            target("fine"): results(ok),
            target("none"): [],
        },
    )
    assert {one.target.name: (one.usable, one.alike) for one in compared.peers} == {
        "most": (True, True),
        "half": (True, False),
        "fine": (True, False),
        "none": (False, False),
    }


# -- all of them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("usable", range(9))
def test_three_quarters_of_at_least_two_usable_peers_must_fail(usable: int) -> None:
    thin = [steady(f"thin-{n}", 4, 5) for n in range(3)]
    needed = math.ceil(0.75 * usable)
    for failing in range(usable + 1):
        peers = [steady(f"peer-{n}", 60 if n < failing else 1) for n in range(usable)]
        assert found(*peers, *thin).shared is (usable >= 2 and failing >= needed)


halves = st.one_of(
    st.tuples(st.integers(0, 300), st.integers(1, 300)).map(lambda pair: share(min(pair), max(pair))),
    st.sampled_from([NoData("no series"), QueryFailed(FailureReason.TIMEOUT, "no answer")]),
)
measured = st.lists(st.tuples(halves, halves), max_size=8).map(
    lambda rows: [peer(f"peer-{n}", *row) for n, row in enumerate(rows)]
)
shares = st.floats(0.051, 1.0)


@given(measured, shares, st.randoms())
def test_the_order_of_peers_is_nothing(peers: list[PeerMeasured], value: float, rng: object) -> None:
    shuffled = list(peers)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert found(*shuffled, value=value) == found(*peers, value=value)


@given(measured, shares, st.integers(0, 15))
def test_one_more_healthy_peer_never_turns_an_act_into_a_hold(
    peers: list[PeerMeasured], value: float, bad: int
) -> None:
    before = found(*peers, value=value)
    after = found(*peers, steady("healthy", bad), value=value)
    assert before.shared or not after.shared


@given(measured, shares)
def test_one_more_failing_peer_never_turns_a_hold_of_three_into_an_act(peers: list[PeerMeasured], value: float) -> None:
    before = found(*peers, value=value)
    after = found(*peers, steady("failing", 300), value=value)
    assert after.shared or not before.shared


@given(measured, shares, shares)
def test_the_worse_the_release_the_fewer_peers_excuse_it(peers: list[PeerMeasured], value: float, other: float) -> None:
    mild, bad = found(*peers, value=min(value, other)), found(*peers, value=max(value, other))
    assert {one.target for one in bad.alike} <= {one.target for one in mild.alike}
    assert mild.shared or not bad.shared


@given(measured, shares)
def test_who_is_not_usable_changes_nothing(peers: list[PeerMeasured], value: float) -> None:
    thin = [steady(f"thin-{n}", 4, 5) for n in range(4)]
    assert found(*peers, *thin, value=value).shared is found(*peers, value=value).shared


# -- how often it is right ---------------------------------------------------------------------------------------

RUNS = 200


def rate(happens: Callable[[int], bool]) -> float:
    return sum(happens(seed) for seed in range(RUNS)) / RUNS


@pytest.mark.parametrize("peers", [2, 3, 4, 6, 8, 12])
@pytest.mark.parametrize("scrape", [5, 15])
def test_an_outage_that_hits_all_within_one_interval_is_held(peers: int, scrape: int) -> None:
    least = 0.99 if peers >= 4 else 0.97
    assert rate(lambda seed: held(seed, peers, shared=True, share=0.2, scrape=scrape, after=1)) >= least


@pytest.mark.parametrize("peers", [2, 3, 4, 6, 8, 12])
@pytest.mark.parametrize("share", [0.08, 0.2, 1.0])
def test_a_bad_release_among_bursting_peers_is_not_held(peers: int, share: float) -> None:
    most = 0.005 if peers >= 4 else 0.02
    assert rate(lambda seed: held(seed, peers, shared=False, share=share, scrape=15, after=1)) <= most


@pytest.mark.parametrize("peers", [2, 4, 12])
def test_an_outage_that_was_held_and_ends_for_all_is_not_acted_on_at_its_end(peers: int) -> None:
    assert rate(lambda seed: acted_on(seed, peers, lasts=90, scrape=15)) == 0.0
