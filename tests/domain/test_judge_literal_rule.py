"""The literal rule: a measure over the recent minute compared with its limit, held as long as `for` asks."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    INTERVAL,
    a_baseline,
    a_gauge,
    a_history,
    a_latency,
    a_rate,
    a_ratio,
    a_rule,
    at,
    buckets,
    counts,
    counts_of,
    seconds,
    slow,
    values,
)
from watchdog.domain.conditions import Op, Statistic, Threshold
from watchdog.domain.judge import Finding, History, Verdict, judge
from watchdog.domain.judge.literal import baseline_value, could_fire
from watchdog.domain.measurement import (
    Baseline,
    Counts,
    FailureReason,
    NoData,
    PodValues,
    QueryFailed,
    Reading,
)
from watchdog.domain.rules import Rule

FAR = at(1e6)
NOTHING = NoData("no series")
FAILED = QueryFailed(FailureReason.TIMEOUT, "no answer within 5 s")


def verdict(
    rule: Rule, *readings: Reading, baseline: Baseline | None = None, interval: timedelta = INTERVAL
) -> Verdict:
    return judge(rule, a_history(*readings, interval=interval), baseline, FAR)


def finding(
    rule: Rule, *readings: Reading, baseline: Baseline | None = None, interval: timedelta = INTERVAL
) -> Finding:
    return verdict(rule, *readings, baseline=baseline, interval=interval).finding


def test_nothing_measured_is_no_data() -> None:
    assert judge(a_rule(), History(INTERVAL), None, FAR).finding is Finding.NO_DATA


def test_a_share_above_the_limit_is_a_breach_and_one_at_the_limit_is_not() -> None:
    assert finding(a_rule(), counts(6, 100), counts(6, 100)) is Finding.BREACH
    assert finding(a_rule(), counts(5, 100), counts(5, 100)) is Finding.PASS


@pytest.mark.parametrize(
    ("op", "bad", "expected"),
    [
        (Op.ABOVE, 50, Finding.PASS),
        (Op.AT_LEAST, 50, Finding.BREACH),
        (Op.BELOW, 50, Finding.PASS),
        (Op.AT_MOST, 50, Finding.BREACH),
        (Op.BELOW, 49, Finding.BREACH),
        (Op.AT_MOST, 51, Finding.PASS),
        (Op.AT_LEAST, 49, Finding.PASS),
        (Op.ABOVE, 51, Finding.BREACH),
    ],
)
def test_each_comparison_means_what_it_says(op: Op, bad: float, expected: Finding) -> None:
    assert finding(a_rule(a_ratio(0.5, op=op)), counts(bad, 100), counts(bad, 100)) is expected


def test_the_window_is_the_last_minute_and_older_blocks_no_longer_count() -> None:
    old_burst = [counts(100, 100)] + [counts(0, 100)] * 3
    assert finding(a_rule(), *old_burst) is Finding.BREACH
    assert finding(a_rule(), *old_burst, counts(0, 100)) is Finding.PASS


@pytest.mark.parametrize(("interval", "window"), [(15, 4), (10, 6), (7, 9), (25, 3), (60, 1), (90, 1)])
def test_the_window_has_as_many_blocks_as_a_minute_needs(interval: float, window: int) -> None:
    readings = [counts(100, 100, samples=2)] + [counts(0, 10, samples=2)] * (window - 1)
    rule = a_rule()
    assert verdict(rule, *readings, interval=seconds(interval)).evidence.bad == 100
    later = verdict(rule, *readings, counts(0, 90, samples=2), interval=seconds(interval))
    assert later.evidence.bad == 0
    assert later.evidence.window_start == at(interval)
    assert later.evidence.window_end == at(interval * (window + 1))


def test_the_window_never_begins_before_the_switch() -> None:
    assert verdict(a_rule(), counts(0, 50), counts(0, 50)).evidence.window_start == at(0)


def test_a_thin_window_is_lengthened_backwards_until_it_holds_min_requests() -> None:
    readings = [counts(2, 5)] * 8
    evidence = verdict(a_rule(min_requests=30), *readings).evidence
    assert evidence.total == 30
    assert evidence.window_start == at(2 * 15)


def test_a_window_with_one_sample_is_lengthened_until_it_holds_two() -> None:
    # A Prometheus that scrapes once a minute: of four blocks one holds a sample.
    readings = [counts(50, 50, samples=1), *[counts(0, 0, samples=0)] * 3]
    once_more = [counts(50, 50, samples=1), *[counts(0, 0, samples=0)] * 3]
    evidence = verdict(a_rule(), *readings, *once_more).evidence
    assert evidence.total == 100
    assert finding(a_rule(), *readings) is Finding.UNDECIDED


@pytest.mark.parametrize(
    ("readings", "why"),
    [
        ([counts(19, 19, samples=2)], "only 19 of 20 requests were seen"),
        ([counts(30, 30, samples=1)], "fewer than two samples were seen"),
    ],
)
def test_too_little_evidence_is_undecided_and_says_so(readings: list[Reading], why: str) -> None:
    answer = verdict(a_rule(), *readings)
    assert (answer.finding, answer.sentence, answer.literal) == (Finding.UNDECIDED, why, False)


def test_exactly_min_requests_is_enough() -> None:
    assert finding(a_rule(), counts(20, 20, samples=2)) is Finding.BREACH


@pytest.mark.parametrize("reading", [NOTHING, FAILED])
def test_absence_is_no_data_with_its_reason_whatever_was_before(reading: Reading) -> None:
    answer = verdict(a_rule(), *[counts(100, 100)] * 4, reading)
    assert answer.finding is Finding.NO_DATA
    assert not answer.literal
    assert answer.sentence in ("no series", "the query failed (timeout): no answer within 5 s")


def test_no_requests_at_all_are_no_data() -> None:
    assert finding(a_rule(), counts(0, 0), counts(0, 0)) is Finding.NO_DATA
    assert finding(a_rule(), Counts({}), Counts({})) is Finding.NO_DATA


@pytest.mark.parametrize("rule", [a_rule(a_gauge(0.5)), a_rule(a_rate(0.5)), a_rule(a_latency(0.5))])
def test_a_reading_without_any_pod_is_no_data(rule: Rule) -> None:
    assert finding(rule, PodValues({})) is Finding.NO_DATA
    assert finding(rule, Counts({})) is Finding.NO_DATA


# -- for ---------------------------------------------------------------------------------------------------------

OVER, WITHIN = counts(50, 100, samples=2), counts(0, 100, samples=2)


def test_one_minute_at_fifteen_seconds_takes_five_blocks() -> None:
    rule = a_rule(a_gauge(10), hold=60)
    assert finding(rule, *[values(11)] * 4) is Finding.UNDECIDED
    assert finding(rule, *[values(11)] * 5) is Finding.BREACH


def test_while_for_is_not_over_the_rule_holds_literally_and_says_for_how_long() -> None:
    answer = verdict(a_rule(a_gauge(10), hold=60), *[values(11)] * 3)
    assert answer.literal
    assert answer.sentence.endswith(", for 30 s of 60 s")
    assert answer.evidence.since == at(15)


def test_a_pass_resets_for() -> None:
    rule = a_rule(a_gauge(10), hold=60)
    assert finding(rule, *[values(11)] * 4, values(9), *[values(11)] * 4) is Finding.UNDECIDED
    assert finding(rule, *[values(11)] * 4, values(9), *[values(11)] * 5) is Finding.BREACH


@pytest.mark.parametrize("gap", [[NOTHING], [FAILED, FAILED], [NOTHING, FAILED, NOTHING, FAILED]])
def test_blocks_without_data_neither_count_nor_reset_for(gap: list[Reading]) -> None:
    rule = a_rule(a_gauge(10), hold=60)
    assert finding(rule, values(11), values(11), *gap) is Finding.NO_DATA
    # What counts is the time between judged blocks: a minute lies between the first one over and this one.
    blocks_after_gap = max(1, 5 - 2 - len(gap))
    assert finding(rule, values(11), values(11), *gap, *[values(11)] * blocks_after_gap) is Finding.BREACH
    assert finding(rule, values(11), *gap, values(9), values(11)) is Finding.UNDECIDED


def test_undecided_blocks_neither_count_nor_reset_for() -> None:
    # One scrape a minute and a high min_requests: the blocks between are undecided.
    rule = a_rule(min_requests=150, hold=60)
    undecided = [counts(1, 1, samples=2)] * 3
    assert finding(rule, *undecided) is Finding.UNDECIDED
    assert finding(rule, *undecided, counts(150, 150, samples=2)) is Finding.UNDECIDED  # over, for 0 s so far


def test_a_gap_at_the_end_of_the_run_is_no_breach() -> None:
    rule = a_rule(a_gauge(10), hold=60)
    assert finding(rule, *[values(11)] * 6, NOTHING) is Finding.NO_DATA


def test_for_is_about_the_rule_of_a_minute_not_about_single_blocks() -> None:
    # Every second block is bad: the minute's share stays above the limit throughout.
    rule = a_rule(hold=60)
    assert finding(rule, *[OVER, WITHIN] * 4) is Finding.BREACH


# -- gauges and rates --------------------------------------------------------------------------------------------


def test_a_gauge_is_judged_by_its_value_at_the_blocks_end_alone() -> None:
    rule = a_rule(a_gauge(10))
    assert finding(rule, values(1), values(1), values(1), values(11)) is Finding.BREACH
    assert finding(rule, values(99), values(99), values(99), values(9)) is Finding.PASS


def test_a_gauge_needs_neither_requests_nor_two_samples() -> None:
    assert finding(a_rule(a_gauge(10)), values(11)) is Finding.BREACH


def test_the_median_over_pods_is_judged_so_one_wild_pod_is_no_breach() -> None:
    rule = a_rule(a_gauge(10))
    assert finding(rule, values({"a": 1000, "b": 9, "c": 9})) is Finding.PASS
    answer = verdict(rule, values({"a": 1000, "b": 12, "c": 9}))
    assert answer.finding is Finding.BREACH
    assert (answer.evidence.value, answer.evidence.pods, answer.evidence.pods_over) == (12, 3, 2)


def test_a_rate_is_averaged_over_the_minute_per_pod_and_the_median_over_pods_is_judged() -> None:
    rule = a_rule(a_rate(1.0))
    readings = [values({"a": v, "b": 0.1, "c": 5}) for v in (0.8, 0.8, 0.8, 2.0)]
    answer = verdict(rule, *readings)
    assert answer.evidence.value == pytest.approx(1.1)
    assert answer.finding is Finding.BREACH
    assert finding(rule, values({"a": 9}), *[values({"a": 0.5})] * 4) is Finding.PASS


def test_a_pod_that_is_missing_in_some_blocks_is_averaged_over_those_it_is_in() -> None:
    answer = verdict(a_rule(a_rate(1.0)), values({"a": 0.5}), values({"a": 0.5, "b": 3.0}), values({"b": 3.0}))
    assert answer.evidence.value == pytest.approx((0.5 + 3.0) / 2)


# -- baselines ---------------------------------------------------------------------------------------------------


def test_times_baseline_multiplies_what_stable_measured() -> None:
    rule = a_rule(a_gauge("1.5x"))
    baseline = a_baseline(values({"x": 90, "y": 100, "z": 400}))
    assert finding(rule, values(150), baseline=baseline) is Finding.PASS
    answer = verdict(rule, values(151), baseline=baseline)
    assert answer.finding is Finding.BREACH
    assert (answer.evidence.limit, answer.evidence.baseline) == (150, 100)


def test_baseline_plus_adds_to_what_stable_measured() -> None:
    rule = a_rule(a_ratio("+0.02"))
    baseline = a_baseline(counts(30, 1000, samples=9))
    assert finding(rule, counts(4, 100), counts(6, 100), baseline=baseline) is Finding.PASS
    assert finding(rule, counts(6, 100), counts(6, 100), baseline=baseline) is Finding.BREACH


def test_baseline_minus_works_for_a_lower_limit() -> None:
    rule = a_rule(a_gauge("-10", op=Op.BELOW))
    baseline = a_baseline(values(100))
    assert finding(rule, values(89), baseline=baseline) is Finding.BREACH
    assert finding(rule, values(90), baseline=baseline) is Finding.PASS


def test_a_lower_limit_of_half_the_baseline() -> None:
    rule = a_rule(a_rate("0.5x", op=Op.BELOW, floor=1.0))
    baseline = a_baseline(values(100))
    assert finding(rule, values(40), baseline=baseline) is Finding.BREACH
    assert finding(rule, values(60), baseline=baseline) is Finding.PASS


def test_a_baseline_below_the_floor_counts_as_the_floor_and_the_evidence_says_so() -> None:
    rule = a_rule(a_gauge("2x", floor=100))
    answer = verdict(rule, values(150), baseline=a_baseline(values(1)))
    assert answer.finding is Finding.PASS
    assert answer.evidence.limit == 200
    assert answer.evidence.baseline == 1
    assert answer.evidence.baseline_at_floor
    assert "below its floor" in answer.sentence
    assert not verdict(rule, values(150), baseline=a_baseline(values(100))).evidence.baseline_at_floor


def test_a_floor_says_nothing_of_an_absolute_limit() -> None:
    assert finding(a_rule(a_gauge(10, floor=1000)), values(11)) is Finding.BREACH


def test_a_baseline_that_was_not_measured_yet_is_undecided() -> None:
    answer = verdict(a_rule(a_gauge("2x")), values(1e12))
    assert (answer.finding, answer.literal) == (Finding.UNDECIDED, False)


@pytest.mark.parametrize("reading", [NoData("stable does not export it"), FAILED, counts(0, 0), Counts({})])
def test_a_baseline_that_is_missing_is_no_data_and_says_why(reading: Reading) -> None:
    answer = verdict(a_rule(a_ratio("2x")), *[counts(90, 100)] * 4, baseline=a_baseline(reading))
    assert answer.finding is Finding.NO_DATA
    assert answer.sentence.startswith("no baseline: ")


def test_a_baseline_with_too_few_requests_is_undecided() -> None:
    answer = verdict(a_rule(a_ratio("2x")), *[counts(90, 100)] * 4, baseline=a_baseline(counts(0, 19, samples=9)))
    assert answer.finding is Finding.UNDECIDED
    assert "too thin" in answer.sentence


def test_an_absolute_limit_is_judged_without_a_baseline() -> None:
    for baseline in (None, a_baseline(NOTHING), a_baseline(counts(1, 5))):
        assert finding(a_rule(), *[counts(90, 100)] * 4, baseline=baseline) is Finding.BREACH


def test_what_stable_measured_is_known_where_it_is_enough() -> None:
    rule = a_rule()
    check = rule.check
    assert isinstance(check, Threshold)
    assert baseline_value(rule, check, None) is None
    assert baseline_value(rule, check, a_baseline(counts(1, 19, samples=5))) is None
    assert baseline_value(rule, check, a_baseline(NOTHING)) is None
    assert baseline_value(rule, check, a_baseline(counts(3, 30, samples=5))) == pytest.approx(0.1)


# -- numbers that are none ---------------------------------------------------------------------------------------

NO_NUMBERS = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("op", list(Op))
def test_a_gauge_that_is_no_number_is_no_data_for_every_comparison(value: float, op: Op) -> None:
    assert finding(a_rule(a_gauge(10, op=op)), values(value)) is Finding.NO_DATA
    assert finding(a_rule(a_rate(10, op=op)), values(value)) is Finding.NO_DATA


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("op", list(Op))
def test_a_baseline_that_is_no_number_is_no_data_for_every_comparison(value: float, op: Op) -> None:
    assert finding(a_rule(a_gauge("2x", op=op)), values(5), baseline=a_baseline(values(value))) is Finding.NO_DATA


def test_pods_whose_value_is_no_number_are_left_out_of_the_median() -> None:
    assert verdict(a_rule(a_gauge(10)), values({"a": math.nan, "b": 11})).evidence.value == 11


def test_counts_and_means_that_are_no_numbers_are_no_data() -> None:
    assert finding(a_rule(), counts(math.nan, 100, samples=2)) is Finding.NO_DATA
    mean = a_rule(a_latency(0.5, statistic=Statistic.MEAN))
    for bad_sum in NO_NUMBERS:
        assert finding(mean, buckets({1.0: 90, math.inf: 100}, time=bad_sum, samples=2)) is Finding.NO_DATA


# -- latency -----------------------------------------------------------------------------------------------------


def test_a_quantile_is_compared_with_the_same_quantile_of_the_baseline() -> None:
    rule = a_rule(a_latency("2x"))
    baseline = a_baseline(replace(slow(0.0, 1000), pods={"x": replace(slow(0.0, 1000).pods["research-a"], samples=9)}))
    assert finding(rule, slow(0.02), slow(0.02), baseline=baseline) is Finding.PASS
    assert finding(rule, slow(0.2), slow(0.2), baseline=baseline) is Finding.BREACH


def test_a_mean_is_the_sum_over_the_count() -> None:
    rule = a_rule(a_latency(0.5, statistic=Statistic.MEAN))
    assert finding(rule, *[buckets({1.0: 100, math.inf: 100}, time=49)] * 2) is Finding.PASS
    assert finding(rule, *[buckets({1.0: 100, math.inf: 100}, time=51)] * 2) is Finding.BREACH


def test_a_latency_needs_min_requests_and_two_samples_too() -> None:
    assert finding(a_rule(a_latency(0.001)), slow(1.0, 10), slow(1.0, 9)) is Finding.UNDECIDED
    assert finding(a_rule(a_latency(0.001)), slow(1.0, 50)) is Finding.UNDECIDED
    assert finding(a_rule(a_latency(0.001)), slow(1.0, 0), slow(1.0, 0)) is Finding.NO_DATA


def test_a_histogram_without_an_infinite_bucket_is_no_data() -> None:
    assert finding(a_rule(a_latency(0.001)), *[buckets({1.0: 100})] * 2) is Finding.NO_DATA


def test_the_sentence_of_a_latency_names_statistic_requests_limit_and_pods() -> None:
    two = [slow(0.2, pod="a"), slow(0.2, pod="b")]
    answer = verdict(a_rule(a_latency(0.5)), *two)
    assert answer.sentence.startswith(
        "p95 is 2.12 s over 200 requests in the last 30 s (limit > 500 ms, 2 of 2 pods alone)"
    )


# -- time --------------------------------------------------------------------------------------------------------


def test_nothing_after_now_is_looked_at() -> None:
    history = a_history(counts(0, 100), counts(0, 100), counts(100, 100), counts(100, 100))
    assert judge(a_rule(), history, None, at(30)).finding is Finding.PASS
    assert judge(a_rule(), history, None, at(59.9)).finding is Finding.BREACH
    assert judge(a_rule(), history, None, at(14)).finding is Finding.NO_DATA


def test_the_verdict_is_dated_at_the_end_of_the_block_it_is_about() -> None:
    assert judge(a_rule(), a_history(counts(0, 100), counts(0, 100)), None, FAR).at == at(30)


def test_a_block_that_is_no_newer_than_the_last_is_ignored() -> None:
    history = a_history(counts(0, 100), counts(0, 100))
    assert history.with_block(history.blocks[0], None) is history
    assert history.last_index == 2
    assert History(INTERVAL).last_index == 0


def test_could_fire_says_whether_the_rule_could_say_yes_or_no() -> None:
    rule = a_rule()
    assert isinstance(rule.check, Threshold)
    assert not could_fire(rule, rule.check, History(INTERVAL), None)
    assert could_fire(rule, rule.check, a_history(counts(0, 100), counts(0, 100)), None)
    assert could_fire(rule, rule.check, a_history(counts(90, 100), counts(0, 100)), None)
    assert not could_fire(rule, rule.check, a_history(counts(0, 1), counts(0, 2)), None)
    assert not could_fire(rule, rule.check, a_history(counts(0, 100), NOTHING), None)


# -- properties --------------------------------------------------------------------------------------------------

RANK = {Finding.PASS: 0, Finding.UNDECIDED: 1, Finding.BREACH: 2}
pods_of_a_block = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1
)


def as_counts(pods: dict[str, tuple[int, int]]) -> Counts:
    return counts_of({pod: (min(pair), max(pair)) for pod, pair in pods.items()})


readings = st.one_of(pods_of_a_block.map(as_counts), pods_of_a_block.map(as_counts), st.sampled_from([NOTHING, FAILED]))
holds = st.sampled_from([0.0, 15.0, 30.0, 60.0])
baselines = st.none() | st.integers(0, 40).map(lambda bad: a_baseline(counts(bad, 100, samples=9)))
limits = st.sampled_from([0.05, 0.5, "2x", "+0.1"])


@given(st.lists(readings, min_size=1, max_size=9), st.data(), holds, limits, baselines)
def test_a_worse_sample_never_makes_a_verdict_better(
    made: list[Reading], data: st.DataObject, hold: float, limit: float | str, baseline: Baseline | None
) -> None:
    rule = a_rule(a_ratio(limit, floor=0.005), hold=hold)
    index = data.draw(st.integers(0, len(made) - 1))
    reading = made[index]
    if not isinstance(reading, Counts):
        return
    worse = counts_of(
        {pod: (data.draw(st.integers(int(one.bad), int(one.total))), one.total) for pod, one in reading.pods.items()}
    )
    before = verdict(rule, *made, baseline=baseline)
    after = verdict(rule, *made[:index], worse, *made[index + 1 :], baseline=baseline)
    if Finding.NO_DATA in (before.finding, after.finding):
        assert before.finding is after.finding  # what there is to judge is not changed by how bad it was
    else:
        assert RANK[after.finding] >= RANK[before.finding]
        assert after.literal >= before.literal


@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=5), min_size=1, max_size=8), st.data(), holds)
def test_a_higher_gauge_never_makes_a_verdict_better(made: list[list[float]], data: st.DataObject, hold: float) -> None:
    rule = a_rule(a_gauge(50), hold=hold)
    block = data.draw(st.integers(0, len(made) - 1))
    pod = data.draw(st.integers(0, len(made[block]) - 1))
    worse = [list(row) for row in made]
    worse[block][pod] += data.draw(st.floats(0, 100))

    def judged(rows: list[list[float]]) -> Verdict:
        return verdict(rule, *[values({f"pod-{n}": value for n, value in enumerate(row)}) for row in rows])

    assert RANK[judged(worse).finding] >= RANK[judged(made).finding]


@given(st.lists(pods_of_a_block, min_size=1, max_size=6), st.randoms(), limits, baselines)
def test_the_order_and_the_names_of_pods_change_nothing(
    made: list[dict[str, tuple[int, int]]], random: object, limit: float | str, baseline: Baseline | None
) -> None:
    rule = a_rule(a_ratio(limit, floor=0.005))
    names = ["a", "b", "c"]
    random.shuffle(names)  # type: ignore[attr-defined]
    renamed = dict(zip(["a", "b", "c"], names, strict=True))
    shuffled = [{renamed[pod]: pair for pod, pair in reversed(block.items())} for block in made]
    assert verdict(rule, *map(as_counts, made), baseline=baseline) == verdict(
        rule, *map(as_counts, shuffled), baseline=baseline
    )


@given(st.lists(readings, max_size=8), limits, baselines, holds)
def test_judging_is_total_and_gives_a_breach_only_where_the_rule_holds(
    made: list[Reading], limit: float | str, baseline: Baseline | None, hold: float
) -> None:
    answer = verdict(a_rule(a_ratio(limit, floor=0.005), hold=hold), *made, baseline=baseline)
    if answer.finding is Finding.BREACH:
        assert answer.literal
        assert answer.evidence.value is not None
        assert answer.evidence.limit is not None
        assert answer.evidence.value > answer.evidence.limit
        assert isinstance(made[-1], Counts)
