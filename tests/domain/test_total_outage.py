"""A total outage is a breach without further evidence, warm-up or not."""

import pytest

from builders import (
    a_block,
    a_gauge,
    a_guard,
    a_live,
    a_pod,
    a_ratio,
    a_rule,
    a_watch,
    at,
    counts,
    counts_of,
    play,
    seconds,
)
from watchdog.domain.conditions import Op
from watchdog.domain.events import Looked, Measured
from watchdog.domain.judge import Finding, Verdict
from watchdog.domain.measurement import Counts, NoData, Reading
from watchdog.domain.rules import Action, Rule
from watchdog.domain.state import Phase, Watch


def watched(*readings: Reading, rule: Rule | None = None, warmup: float = 300, first: int = 1) -> Watch:
    """A watch whose pods are cold throughout."""
    rule = rule or a_rule()
    watch = a_watch(guard=a_guard(rule, warmup=seconds(warmup)))
    events = [
        (Measured({rule.name: a_block(first + n, one)}), 15.0 * (first + n) + 2) for n, one in enumerate(readings)
    ]
    return play(watch, (Looked(a_live(1)), 1), *events)[0]


def verdict(*readings: Reading, rule: Rule | None = None, warmup: float = 300) -> Verdict:
    track = watched(*readings, rule=rule, warmup=warmup).tracks[0]
    assert track.verdict is not None
    return track.verdict


def test_two_blocks_in_a_row_with_nineteen_of_twenty_bad_are_a_breach_in_warm_up() -> None:
    watch = watched(counts(19, 20), counts(19, 20))
    breach = watch.tracks[0].breach
    assert breach is not None
    assert breach.outage
    assert breach.literal
    assert watch.phase is Phase.DECIDING
    assert breach.sentence == "total outage: 38 of 40 requests failed in two intervals in a row"
    assert (breach.evidence.since, breach.evidence.window_start, breach.at) == (at(15), at(0), at(30))


@pytest.mark.parametrize(
    "readings",
    [
        [counts(20, 20)],
        [counts(18, 20), counts(20, 20)],
        [counts(20, 20), counts(18, 20)],
        [counts(19, 19), counts(20, 20)],
        [counts(20, 20), counts(19, 19)],
        [counts(20, 20), *[NoData("a gap of a minute")] * 4, counts(20, 20)],
        [counts(20, 20), Counts({}), counts(20, 20)],
    ],
)
def test_anything_less_is_forgiven_in_warm_up(readings: list[Reading]) -> None:
    watch = watched(*readings)
    assert watch.phase is Phase.WATCHING
    assert watch.tracks[0].breach is None


def test_scrapes_that_are_further_apart_than_blocks_are_blocks_in_a_row() -> None:
    watch = watched(counts(20, 20), NoData("no new samples"), counts(20, 20))
    assert watch.tracks[0].breach is not None
    assert watch.tracks[0].breach.outage


def test_an_outage_that_is_over_is_no_outage_now_but_the_breach_stands() -> None:
    watch = watched(counts(20, 20), counts(20, 20), counts(0, 20))
    track = watch.tracks[0]
    assert track.verdict is not None
    assert not track.verdict.outage
    assert track.breach is not None


def test_an_outage_needs_no_for() -> None:
    assert verdict(counts(20, 20), counts(20, 20), rule=a_rule(hold=300)).finding is Finding.BREACH


def test_cold_and_warm_pods_count_together() -> None:
    # The warm pod alone would be within the limit of an outage: 10 of 15.
    pods = counts_of({"research-a": (10, 15), "research-new": (30, 30)})
    assert verdict(pods, pods).finding is Finding.NO_DATA  # 40 of 45: 89 %
    worse = counts_of({"research-a": (10, 10), "research-new": (30, 30)})
    assert verdict(worse, worse).outage


def test_only_ratios_with_an_upper_limit_know_outages() -> None:
    lower = a_rule(a_ratio(0.5, op=Op.BELOW))
    assert not verdict(counts(20, 20), counts(20, 20), rule=lower).outage
    assert not verdict(counts(20, 20), counts(20, 20), rule=a_rule(a_gauge(1))).outage


def test_an_outage_comes_before_a_missing_baseline() -> None:
    assert verdict(counts(20, 20), counts(20, 20), rule=a_rule(a_ratio("2x", floor=0.005))).outage


def test_an_outage_of_a_rule_that_may_only_tell_is_told_only() -> None:
    watch = watched(counts(20, 20), counts(20, 20), rule=a_rule(action=Action.NOTIFY))
    assert watch.phase is Phase.WATCHING
    assert watch.noted == ("error-rate",)


# -- warm-up -----------------------------------------------------------------------------------------------------


def test_a_cold_pods_requests_are_forgiven_until_it_was_ready_for_the_warm_up() -> None:
    rule = a_rule()
    watch = a_watch(guard=a_guard(rule, warmup=seconds(30)))
    live = a_live(1, pods=[a_pod("research-a", ready=0), a_pod("research-b", ready=31)])
    half_bad = counts_of({"research-a": (0, 100), "research-b": (90, 100)}, samples=2)
    watch, _ = play(watch, (Looked(live), 32))

    def totals_at(index: int) -> float | None:
        after, _ = play(watch, (Measured({"error-rate": a_block(index, half_bad)}), 15 * index + 2))
        assert after.tracks[0].verdict is not None
        return after.tracks[0].verdict.evidence.total

    assert totals_at(2) is None  # (15, 30]: both cold
    assert totals_at(3) == 100  # (30, 45]: a is warm
    assert totals_at(5) == 100  # (60, 75]: b was ready at 31, warm at 61
    assert totals_at(6) == 200


def test_a_block_that_began_in_warm_up_is_not_judged_in_part() -> None:
    watch = a_watch(guard=a_guard(a_rule(), warmup=seconds(10)))
    watch, _ = play(
        watch, (Looked(a_live(1, pods=[a_pod(ready=0)])), 1), (Measured({"error-rate": a_block(1, counts(9, 99))}), 17)
    )
    assert watch.tracks[0].verdict is not None
    assert watch.tracks[0].verdict.sentence == "all pods are still warming up"


def test_a_metric_without_pods_is_warm_with_the_first_pod() -> None:
    watch = a_watch(guard=a_guard(a_rule(), warmup=seconds(30)))
    watch, _ = play(watch, (Looked(a_live(1, pods=[a_pod(ready=14), a_pod("b", ready=100)])), 14))
    no_pod = counts(0, 100, pod="", samples=2)
    for index, expected in ((3, Finding.NO_DATA), (4, Finding.PASS)):
        after, _ = play(watch, (Measured({"error-rate": a_block(index, no_pod)}), 15 * index + 2))
        assert after.tracks[0].verdict is not None
        assert after.tracks[0].verdict.finding is expected


def test_before_any_pod_was_ever_ready_nothing_is_warm() -> None:
    watch = a_watch()
    for reading in (counts(9, 99, pod="", samples=2), counts(9, 99, samples=2)):
        after, _ = play(watch, (Measured({"error-rate": a_block(1, reading)}), 17))
        assert after.tracks[0].verdict is not None
        assert after.tracks[0].verdict.finding is Finding.NO_DATA


def test_a_pod_that_died_still_counts_as_warm_as_it_was() -> None:
    watch = a_watch(guard=a_guard(a_rule(), warmup=seconds(30)))
    first = a_live(1, pods=[a_pod("research-a", ready=1), a_pod("research-z", ready=40)])
    second = a_live(50, pods=[a_pod("research-a", ready=1)])
    watch, _ = play(watch, (Looked(first), 41), (Looked(second), 50))
    died = Counts({"research-z": counts(50, 50, samples=2).pods["research-a"]})
    cold, _ = play(watch, (Measured({"error-rate": a_block(4, died)}), 62))
    assert cold.tracks[0].verdict is not None
    assert cold.tracks[0].verdict.finding is Finding.NO_DATA
    warm, _ = play(watch, (Measured({"error-rate": a_block(6, died)}), 92))
    assert warm.tracks[0].verdict is not None
    assert warm.tracks[0].verdict.finding is Finding.BREACH


def test_an_outage_that_keeps_the_rule_as_written_is_none() -> None:
    nearly = [counts(29, 30)] * 2
    assert verdict(*nearly, rule=a_rule(a_ratio(0.98))).finding is not Finding.BREACH
    assert verdict(*nearly, rule=a_rule(a_ratio(0.95))).outage
    assert not verdict(*nearly, rule=a_rule(a_ratio(0.05), min_requests=1000)).outage
