"""The literal rule and the evidence together: a breach needs both, and each says so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    INTERVAL,
    T0,
    a_baseline,
    a_block,
    a_latency,
    a_ratio,
    a_rule,
    at,
    blocks,
    buckets,
    counts,
    counts_of,
    seconds,
    slow,
)
from holding import kept_by
from watchdog.domain.conditions import Threshold
from watchdog.domain.judge import Finding, History, judge
from watchdog.domain.measurement import Baseline, Block, Buckets, NoData, Reading
from watchdog.domain.rules import Budget, Rule
from watchdog.domain.state import Track
from watchdog.domain.tracking import could_have_fired, with_baseline, with_block

GOOD = a_baseline(counts(60, 18_000, samples=120))
SURE = a_rule(alpha=0.001)
WARM = T0


def track_of(rule: Rule, *readings: Reading, baseline: Baseline | None = GOOD, bake: float = 600) -> Track:
    track = Track(rule, History(INTERVAL, seconds(bake)), baseline=baseline)
    return fed(track, *blocks(*readings))


def fed(track: Track, *blocks: Block) -> Track:
    for block in blocks:
        track = with_block(track, block, lambda _pod: WARM)
    return track


def findings(rule: Rule, *readings: Reading) -> list[Finding]:
    return [point.finding for point in track_of(rule, *readings).path]


def the_sentence(track: Track) -> str:
    assert track.verdict is not None
    return track.verdict.sentence


def test_a_fault_is_undecided_until_it_is_proven() -> None:
    found = findings(SURE, *[counts(12, 150)] * 5)
    assert found == [Finding.UNDECIDED] * 4 + [Finding.BREACH]


def test_the_sentence_says_counts_limit_baseline_pods_and_odds() -> None:
    both = counts_of({"research-a": (6, 75), "research-b": (6, 75)})
    track = track_of(SURE, *[both] * 5)
    assert track.breach is not None
    assert track.breach.sentence == (
        "48 of 600 requests were bad in the last 60 s (8 %, limit > 5 %); before the switch 0.33 %; "
        "2 of 2 pods agree; the odds against a harmless release are 1,900 to 1"
    )
    assert "not proven yet: the odds against a harmless release are 360 to 1, and must be 1,000 to 1" in the_sentence(
        track_of(SURE, *[both] * 4)
    )


def test_evidence_alone_is_no_breach_while_the_rule_as_written_does_not_hold() -> None:
    # 4 % is far above the harmless 1.5 %, and below the limit for good.
    track = track_of(SURE, *[counts(6, 150)] * 30)
    assert track.verdict is not None
    assert track.verdict.evidence.log_evidence is not None
    assert track.verdict.evidence.needed is not None
    assert track.verdict.evidence.log_evidence > track.verdict.evidence.needed
    assert {point.finding for point in track.path[1:]} == {Finding.PASS}


def test_a_burst_of_three_blocks_is_no_breach_though_the_rule_holds() -> None:
    burst = [counts(0, 150)] * 8 + [counts(12, 150)] * 3 + [counts(1, 150)] * 10
    assert Finding.BREACH not in findings(SURE, *burst)
    assert Finding.BREACH in findings(replace(SURE, alpha=None), *burst)


def test_with_confidence_off_the_rule_as_written_decides_alone() -> None:
    track = track_of(a_rule(), *[counts(12, 150)] * 4)
    assert track.breach is not None
    assert track.breach.evidence.log_evidence is None


def test_more_rules_that_share_the_confidence_need_more_evidence() -> None:
    one = findings(SURE, *[counts(12, 150)] * 8).index(Finding.BREACH)
    sixth = findings(replace(SURE, alpha=0.001 / 6), *[counts(12, 150)] * 8).index(Finding.BREACH)
    assert one < sixth


def test_a_quantile_is_proven_by_the_requests_above_its_bucket() -> None:
    rule = a_rule(a_latency(0.34), alpha=0.001)
    bounds = {0.1: 0.8, 0.25: 0.88, 0.5: 0.9, float("inf"): 1.0}
    reading = buckets({bound: 200 * share for bound, share in bounds.items()})
    fine = a_baseline(buckets({bound: 1e4 * min(1, share + 0.099) for bound, share in bounds.items()}))
    track = track_of(rule, *[reading] * 6, baseline=fine)
    assert track.breach is not None
    assert (
        "since the switch 100 of 1,000 requests took longer than 500 ms (5 % may), "
        "for the limit 340 ms is judged at the next bucket bound, 500 ms; the odds"
    ) in track.breach.sentence


def test_a_limit_that_hangs_on_the_baseline_says_why_the_evidence_is_held_against_a_little_more() -> None:
    rule = a_rule(a_latency("2x"), alpha=0.001)
    reading = buckets({0.1: 100, 0.25: 176, 0.5: 180, 1.5: 180, float("inf"): 200})
    before = a_baseline(buckets({0.1: 500, 0.25: 970, 0.5: 1000, 1.5: 1000, float("inf"): 1000}, samples=2))
    track = track_of(rule, *[reading] * 8, baseline=before)
    assert track.breach is not None
    literal, proof = track.breach.sentence.split("; ")[:2]
    assert "(limit > 487 ms, baseline 244 ms)" in literal
    assert proof == (
        "since the switch 100 of 1,000 requests took longer than 500 ms (5 % may), for the limit 497 ms (487 ms and "
        "what chance may have hidden in the baseline) is judged at the next bucket bound, 500 ms"
    )


def test_requests_inside_the_limits_own_bucket_prove_nothing() -> None:
    # All of them took between 250 and 500 ms: none of them need have been slower than the limit of 340 ms.
    rule = a_rule(a_latency(0.34), alpha=0.001)
    reading = buckets({0.1: 0, 0.25: 0, 0.5: 200, float("inf"): 200})
    track = track_of(rule, *[reading] * 30, baseline=a_baseline(slow(0.0, 10_000)))
    assert track.breach is None
    assert track.verdict is not None
    assert track.verdict.literal


def test_buckets_that_end_below_the_limit_say_so() -> None:
    rule = a_rule(a_latency(0.04), alpha=0.001)
    reading = buckets({0.01: 0, 0.03: 0, float("inf"): 200})
    track = track_of(replace(rule, check=a_latency(0.02)), *[reading] * 6, baseline=a_baseline(reading))
    assert track.verdict is not None
    coarse = track_of(rule, *[reading] * 6, baseline=a_baseline(reading))
    assert coarse.breach is None


def changed_buckets(limit: float, before: Reading, after: Reading) -> Track:
    return track_of(a_rule(a_latency(limit), alpha=0.001), *[after] * 40, baseline=a_baseline(before))


def test_a_release_whose_buckets_are_coarser_than_stables_could_not_have_been_proven() -> None:
    before = buckets({0.1: 9_990, 0.25: 9_999, 0.5: 10_000, float("inf"): 10_000})
    after = buckets({0.1: 0, 1.0: 150, float("inf"): 150})
    track = changed_buckets(0.34, before, after)
    assert track.breach is None
    assert "took longer than 1 s" in the_sentence(track)
    assert "the release's buckets are not those of stable" in the_sentence(track)
    assert not could_have_fired(track)
    assert could_have_fired(changed_buckets(0.34, before, buckets({0.1: 0, 0.5: 150, float("inf"): 150})))


@pytest.mark.parametrize("limit", [10.0, 20.0])
def test_a_limit_at_or_beyond_the_last_bucket_lets_nothing_pass(limit: float) -> None:
    reading = buckets({1.0: 0, 10.0: 0, float("inf"): 150})
    assert not could_have_fired(changed_buckets(limit, reading, reading))
    assert could_have_fired(changed_buckets(5.0, reading, reading))


def beside(track: Track, *pairs: tuple[Reading, Reading]) -> Track:
    return fed(track, *(replace(a_block(n, one), beside=other) for n, (one, other) in enumerate(pairs, start=1)))


def test_a_storm_that_hits_stable_in_the_same_moments_is_not_the_releases_fault() -> None:
    storm = [(counts(30, 150), counts(30, 150))] * 12
    track = beside(track_of(SURE), *storm)
    assert track.breach is None
    assert track.verdict is not None
    assert track.verdict.literal


def test_a_release_that_is_worse_than_stable_beside_it_is_found() -> None:
    track = beside(track_of(SURE), *[(counts(30, 150), counts(1, 150))] * 5)
    assert track.breach is not None


def test_a_handful_of_stables_requests_is_nothing_to_compare_with() -> None:
    alone = track_of(SURE, *[counts(12, 150)] * 6)
    thin = beside(track_of(SURE), *[(counts(12, 150), counts(5, 20))] * 6)
    assert thin.path == alone.path


def test_a_total_outage_of_both_is_no_outage_of_the_release() -> None:
    both = beside(track_of(SURE), *[(counts(150, 150), counts(150, 150))] * 6)
    assert both.breach is None
    alone = beside(track_of(SURE), *[(counts(150, 150), counts(1, 150))] * 2)
    assert alone.breach is not None
    assert alone.breach.outage


def test_gaps_add_no_evidence() -> None:
    bad = [counts(12, 150)] * 3
    with_gaps = track_of(SURE, *bad, *[NoData("no series")] * 30)
    assert with_gaps.history.bets == track_of(SURE, *bad).history.bets
    assert with_gaps.breach is None


def test_a_baseline_that_comes_late_weighs_what_was_seen_before() -> None:
    readings = [counts(12, 150)] * 4
    late = with_baseline(track_of(SURE, *readings, baseline=None), GOOD)
    assert late.history == track_of(SURE, *readings).history
    assert late.verdict == track_of(SURE, *readings).verdict


def test_the_judge_looks_at_nothing_that_lies_after_now() -> None:
    track = track_of(SURE, *[counts(12, 150)] * 12)
    for count in range(1, 13):
        then = track_of(SURE, *[counts(12, 150)] * count)
        assert judge(SURE, track.history, GOOD, at(15 * count + 3)) == then.verdict


def test_thin_traffic_could_not_have_proven_twice_the_limit_and_does_not_pass() -> None:
    assert could_have_fired(track_of(SURE, *[counts(0, 150)] * 40))
    assert not could_have_fired(track_of(SURE, *[counts(0, 150)] * 3))
    assert not could_have_fired(track_of(SURE, *[counts(0, 1)] * 12))
    assert could_have_fired(track_of(SURE, *[counts(0, 4)] * 40))


def test_what_was_seen_in_the_first_half_alone_does_not_let_a_watch_pass() -> None:
    seen, blind = [counts(0, 150)] * 15, [NoData("no new samples")]
    assert not could_have_fired(track_of(SURE, *seen, *blind * 25))
    assert could_have_fired(track_of(SURE, *seen, *blind * 20, counts(0, 3000)))


some_blocks = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=25)


@given(some_blocks)
def test_a_breach_is_a_first_passage(pairs: list[tuple[int, int]]) -> None:
    readings = [counts(bad, bad + good) if bad + good else NoData("no requests") for bad, good in pairs]
    track = track_of(SURE)
    stood = None
    for block in blocks(*readings):
        track = fed(track, block)
        assert stood is None or track.breach == stood
        stood = track.breach


@given(some_blocks, st.integers(0, 25))
def test_replaying_a_part_again_changes_nothing(pairs: list[tuple[int, int]], cut: int) -> None:
    readings = [counts(bad, bad + good) if bad + good else NoData("no requests") for bad, good in pairs]
    whole = blocks(*readings)
    once = fed(track_of(SURE), *whole)
    again = fed(fed(track_of(SURE), *whole[:cut]), *whole[: cut + 1], *whole)
    assert again == once


worse = st.lists(st.tuples(st.integers(0, 150), st.integers(0, 150), st.integers(0, 60)), min_size=1, max_size=20)


@given(worse, st.sampled_from([0.01, 0.05, 0.5]), st.booleans())
def test_more_bad_requests_never_make_a_judgement_better(
    triples: list[tuple[int, int, int]], limit: float, compared: bool
) -> None:
    """At fixed totals, baseline and threshold, with or without stable beside: neither the evidence nor the finding."""
    rule = a_rule(a_ratio(limit), alpha=0.001)
    rank = [Finding.NO_DATA, Finding.UNDECIDED, Finding.PASS, Finding.BREACH]
    fewer, more = track_of(rule), track_of(rule)
    for index, (one, other, stable) in enumerate(triples, start=1):
        aside = counts(stable, 60) if compared else None
        fewer = fed(fewer, replace(a_block(index, counts(min(one, other), 150)), beside=aside))
        more = fed(more, replace(a_block(index, counts(max(one, other), 150)), beside=aside))
        assert more.history.bets.log_evidence >= fewer.history.bets.log_evidence
        assert more.verdict is not None
        assert fewer.verdict is not None
        if fewer.verdict.finding is Finding.BREACH:
            assert rank.index(more.verdict.finding) >= rank.index(fewer.verdict.finding)


@given(worse)
def test_slower_requests_never_lower_a_quantiles_evidence(triples: list[tuple[int, int, int]]) -> None:
    rule = a_rule(a_latency(0.34), alpha=0.001)
    fewer = track_of(rule, *[slow(min(a, b) / 150, 150) for a, b, _ in triples], baseline=a_baseline(slow(0.01, 9_000)))
    more = track_of(rule, *[slow(max(a, b) / 150, 150) for a, b, _ in triples], baseline=a_baseline(slow(0.01, 9_000)))
    assert more.history.bets.log_evidence >= fewer.history.bets.log_evidence


@given(worse, st.permutations(["a", "b", "c"]))
def test_permuting_pods_changes_no_quantile(triples: list[tuple[int, int, int]], names: list[str]) -> None:
    def readings(order: list[str]) -> list[Reading]:
        rows = [
            {name: slow(part / 150, 150, pod=name).pods[name] for name, part in zip(order, triple, strict=True)}
            for triple in triples
        ]
        return [Buckets(row) for row in rows]

    rule = a_rule(a_latency(0.34), alpha=0.001)
    one, other = (track_of(rule, *readings(order)) for order in (["a", "b", "c"], names))
    assert one.history.bets.log_evidence == pytest.approx(other.history.bets.log_evidence, rel=1e-9)
    assert [point.finding for point in one.path] == [point.finding for point in other.path]


@given(some_blocks, st.permutations(["a", "b", "c"]))
def test_permuting_pods_changes_nothing(pairs: list[tuple[int, int]], names: list[str]) -> None:
    def readings(order: list[str]) -> list[Reading]:
        return [counts_of({name: (bad + n, bad + good + 2 * n) for n, name in enumerate(order)}) for bad, good in pairs]

    one, other = track_of(SURE, *readings(["a", "b", "c"])), track_of(SURE, *readings(names))
    assert one.history.bets == other.history.bets
    assert [point.finding for point in one.path] == [point.finding for point in other.path]


@pytest.mark.parametrize("total", [0.0, 1.0, 1e9])
def test_nothing_breaks_at_none_one_or_a_thousand_million_requests(total: float) -> None:
    for share in (0.0, 0.5, 1.0):
        reading: Reading = counts(share * total, total) if total else NoData("no requests")
        track = track_of(SURE, *[reading] * 40, baseline=a_baseline(reading))
        assert track.verdict is not None


def a_budget(spend: float = 0.02, *, objective: float = 0.999) -> Rule:
    ratio = a_ratio(1 - objective)
    return Rule("budget", Budget(ratio, seconds(30 * 86_400), spend), alpha=0.001)


def test_a_budget_is_spent_by_this_release_alone() -> None:
    # 10 requests a second make 25.9 million in 30 days: 25,920 may be bad, 2 % of them are 518.
    rule = a_budget()
    track = track_of(rule, *[counts(75, 150)] * 8, baseline=a_baseline(counts(18, 18_000)))
    spent = [point for point in track.path if point.finding is Finding.BREACH]
    assert spent
    assert spent[0].at == at(15 * 7)
    assert track.breach is not None
    assert track.breach.sentence == (
        "this release alone has spent 2.02 % of the error budget of 30 d (limit 2 %): 525 of 1,050 requests were bad, "
        "and 0.1 % before the switch; the odds against a harmless release are more than a million to 1"
    )


@pytest.mark.parametrize("share", [0.002, 0.01, 0.1])
def test_a_budget_is_held_against_what_stable_does_where_that_is_worse_than_the_objective(share: float) -> None:
    stable = counts(150 * share, 150)
    track = track_of(a_budget(), *[stable] * 40, baseline=a_baseline(counts(18_000 * share, 18_000)))
    assert track.verdict is not None
    assert track.verdict.evidence.log_evidence is not None
    assert track.verdict.evidence.log_evidence < 1.0


def test_a_good_release_passes_the_documented_budget() -> None:
    track = track_of(a_budget(), *[counts(0, 150)] * 40, baseline=a_baseline(counts(9, 18_000)))
    assert could_have_fired(track)
    assert not could_have_fired(track_of(a_budget(), counts(0, 150), baseline=a_baseline(counts(9, 18_000))))


def test_what_stable_would_have_failed_is_not_put_down_to_the_release() -> None:
    stable = a_baseline(counts(1_800, 18_000))
    track = track_of(a_budget(), *[counts(15, 150)] * 40, baseline=stable)
    assert track.verdict is not None
    assert track.verdict.finding is Finding.PASS
    assert track.verdict.evidence.value == 0


def test_without_a_baseline_a_budget_is_not_known() -> None:
    track = track_of(a_budget(), *[counts(150, 150)] * 4, baseline=a_baseline(NoData("no series")))
    assert track.verdict is not None
    assert track.verdict.finding in (Finding.NO_DATA, Finding.BREACH)
    assert track.breach is None


def test_a_thresholds_track_and_a_budgets_measure_the_same_metric() -> None:
    track = track_of(a_budget())
    assert isinstance(track.threshold, Threshold)
    assert track.threshold.metric.name == "http_error_rate"


def test_a_track_grows_by_a_fifth_of_a_kilobyte_with_each_block() -> None:
    """Block, bet and point together: a watch of an hour has 240 of each, and there are a thousand watches."""
    short, long = (kept_by(track_of(SURE, *[counts(1, 150 + n) for n in range(size)], bake=3600)) for size in (64, 224))
    assert (long.bytes - short.bytes) / 160 < 220
    assert long.objects - short.objects < 160


def test_a_long_track_says_the_same_of_all_its_blocks() -> None:
    """Most of them lie packed by now; a baseline that comes late has each of them judged again."""
    readings = [counts(n % 3, 150 + n) for n in range(200)]
    early = track_of(SURE, *readings, bake=3600)
    late = with_baseline(track_of(SURE, *readings, baseline=None, bake=3600), GOOD)
    assert list(late.path) == list(early.path)
    assert late.history.bets == early.history.bets
    assert list(late.history.ledger) == list(early.history.ledger)
