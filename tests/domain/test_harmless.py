"""What a harmless release may do: from what stable did, within bounds that the limit sets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_baseline, a_gauge, a_latency, a_ratio, a_threshold, buckets, counts, slow
from watchdog.domain.conditions import HistogramMetric, Op, Statistic, Threshold
from watchdog.domain.judge.harmless import bets_on, harmless_of, pairs_of, upper_share
from watchdog.domain.measurement import Baseline, Counts, NoData

INF = math.inf


def based(*blocks: tuple[float, float]) -> Baseline:
    bad, total = sum(bad for bad, _ in blocks), sum(total for _, total in blocks)
    whole = a_baseline(counts(bad, total))
    return Baseline(whole.start, whole.end, whole.reading, blocks=blocks)


def level(baseline: Baseline | None, limit: float = 0.05) -> float:
    harmless = harmless_of(a_ratio(limit), baseline)
    assert harmless is not None
    assert harmless.limit == limit
    return harmless.level


def test_it_is_twice_what_stable_may_have_done_at_worst() -> None:
    assert level(based(*[(2, 150)] * 120)) == pytest.approx(2 * upper_share(240, 18_000))


def test_it_is_never_less_than_three_tenths_of_the_limit_and_never_the_limit() -> None:
    assert level(based(*[(0, 1500)] * 120)) == pytest.approx(0.015)
    assert level(based(*[(6, 150)] * 120)) == pytest.approx(0.045)


@pytest.mark.parametrize("baseline", [None, a_baseline(NoData("no series")), a_baseline(Counts({}))])
def test_without_a_baseline_it_is_just_below_the_limit(baseline: Baseline | None) -> None:
    assert level(baseline) == pytest.approx(0.045)


def test_a_thin_baseline_is_not_a_strict_one() -> None:
    assert level(based((0, 40))) > level(based((0, 400))) > level(based((0, 40_000)))


def test_stables_own_bursts_over_the_limit_are_no_habit_that_excuses() -> None:
    quiet, burst = [(0.75, 150)] * 37, [(12, 150)] * 3
    with_bursts = level(based(*(quiet + burst) * 3))
    assert with_bursts == pytest.approx(level(based(*quiet * 3)))


def test_a_stable_that_is_over_the_limit_most_of_the_time_is_taken_as_it_is() -> None:
    assert level(based(*[(12, 150)] * 100, *[(0, 150)] * 20)) == pytest.approx(0.045)


def test_in_thin_traffic_single_errors_are_not_taken_for_bursts() -> None:
    # One request in fifty fails, five requests a block: a block with an error is at 20 %, and is what stable does.
    thin = based(*([(0, 5)] * 9 + [(1, 5)]) * 12)
    assert level(thin) > 2 * 12 / 600


def test_a_limit_that_hangs_on_the_baseline_hangs_on_its_worst_case() -> None:
    harmless = harmless_of(a_ratio("2x", floor=0.005), a_baseline(counts(3, 1000)))
    assert harmless is not None
    assert harmless.limit == pytest.approx(2 * upper_share(3, 1000))
    assert harmless.level == pytest.approx(0.9 * harmless.limit)
    assert harmless_of(a_ratio("2x", floor=0.005), None) is None
    assert harmless_of(a_ratio("+0.02"), a_baseline(NoData("no series"))) is None


def test_a_floor_holds() -> None:
    harmless = harmless_of(a_ratio("2x", floor=0.005), a_baseline(counts(0, 1e6)))
    assert harmless is not None
    assert harmless.limit == pytest.approx(0.01)


def test_where_less_is_worse_the_good_requests_are_counted_the_other_way_round() -> None:
    success = a_ratio(0.95, op=Op.BELOW)
    baseline = a_baseline(counts(9_950, 10_000))
    harmless = harmless_of(success, baseline)
    assert harmless is not None
    assert harmless.limit == pytest.approx(0.05)
    assert harmless.level == pytest.approx(0.015)
    assert pairs_of(success, counts(9_950, 10_000), [counts(149, 150)]) == ((1, 150),)
    relative = harmless_of(a_ratio("0.9x", op=Op.BELOW), baseline)
    assert relative is not None
    assert relative.limit == pytest.approx(1 - 0.9 * (1 - upper_share(50, 10_000)))


def test_a_quantile_is_judged_at_the_bucket_that_favours_the_release() -> None:
    bounds = {0.1: 900.0, 0.25: 990.0, 0.5: 1000.0, INF: 1000.0}
    rule = a_latency(0.34)
    harmless = harmless_of(rule, a_baseline(buckets(bounds)))
    assert harmless is not None
    assert (harmless.bound, harmless.asked) == (0.5, 0.34)
    assert harmless.limit == pytest.approx(0.05)
    exact = harmless_of(a_latency(0.25), a_baseline(buckets(bounds)))
    assert exact is not None
    assert exact.bound == 0.25
    assert exact.level == pytest.approx(min(0.045, 2 * upper_share(10, 1000)))


def test_buckets_that_end_before_the_limit_can_prove_nothing() -> None:
    harmless = harmless_of(a_latency(9), a_baseline(slow(0.01)))
    assert harmless is not None
    assert harmless.bound == INF


def test_a_quantile_against_a_thin_baseline_is_held_against_its_confidence_bound() -> None:
    thin = harmless_of(a_latency("2x"), a_baseline(slow(0.02, 40)))
    thick = harmless_of(a_latency("2x"), a_baseline(slow(0.02, 40_000)))
    assert thin is not None
    assert thick is not None
    assert thin.asked is not None
    assert thick.asked is not None
    assert thin.asked > thick.asked
    assert harmless_of(a_latency("2x"), None) is None


@pytest.mark.parametrize(
    ("threshold", "bets"),
    [
        (a_ratio(), True),
        (a_ratio(op=Op.BELOW), True),
        (a_latency(), True),
        (a_latency(op=Op.BELOW), False),
        (a_latency(statistic=Statistic.MEAN), False),
        (a_threshold(HistogramMetric("h", "b"), 1, statistic=Statistic.P50), True),
        (a_gauge(), False),
    ],
)
def test_ratios_and_quantiles_are_bet_on(threshold: Threshold, bets: bool) -> None:
    assert bets_on(threshold) is bets


def binomial_tail(bad: int, total: int, share: float) -> float:
    """The probability of at most so many bad requests."""
    return math.fsum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(bad + 1))


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_upper_bound_is_never_below_the_exact_one(bad: int, total: int) -> None:
    bad = min(bad, total)
    bound = upper_share(bad, total)
    assert bad / total <= bound <= 1
    if bad < total:
        assert binomial_tail(bad, total, bound) <= 0.01 + 1e-9


@given(st.floats(0, 1e9), st.floats(1e-6, 1e9))
def test_the_upper_bound_is_a_share_whatever_is_counted(bad: float, total: float) -> None:
    assert 0 <= upper_share(bad, total) <= 1
