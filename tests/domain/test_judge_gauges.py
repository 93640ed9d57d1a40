"""Gauges and rates: a habit of the baseline, a cold start, a leak, an autoscaler, a container's own limit."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    INTERVAL,
    a_baseline,
    a_block,
    a_gauge,
    a_guard,
    a_live,
    a_pod,
    a_rate,
    a_rule,
    a_watch,
    at,
    blocks,
    counts,
    play,
    seconds,
    values,
)
from watchdog.domain.conditions import Absolute, Op, Threshold
from watchdog.domain.events import Looked, Measured
from watchdog.domain.judge import Finding, History, Verdict
from watchdog.domain.judge.gauges import course_of, longest_run
from watchdog.domain.judge.literal import baseline_value, could_fire
from watchdog.domain.live import NO_LIMITS, Container, Limits
from watchdog.domain.measurement import Baseline, NoData, PodValues, Reading
from watchdog.domain.remedy import plan
from watchdog.domain.rules import Rule
from watchdog.domain.state import Track
from watchdog.domain.tracking import could_have_fired, with_baseline, with_block

GONE = NoData("no new samples")
HOLD = 60.0
STEP = 15.0
BAKE = 600.0


def tracked(
    rule: Rule,
    *readings: Reading,
    baseline: Baseline | None = None,
    bake: float = BAKE,
    warm: Mapping[str, float] | None = None,
    limits: Mapping[str, Limits] | None = None,
    interval: timedelta = INTERVAL,
) -> Track:
    """A rule's way through these blocks; pods are warm from the switch on, unless `warm` says otherwise."""

    def warm_from(pod: str) -> datetime | None:
        return at((warm or {}).get(pod, 0.0))

    def limits_of(pod: str) -> Limits:
        return (limits or {}).get(pod, NO_LIMITS)

    track = Track(rule, History(interval, bake=seconds(bake)), baseline=baseline)
    for block in blocks(*readings, interval=interval):
        track = with_block(track, block, warm_from, limits_of)
    return track


def judged(rule: Rule, *readings: Reading, **more: object) -> Verdict:
    track = tracked(rule, *readings, **more)  # type: ignore[arg-type]
    assert track.verdict is not None
    return track.verdict


def breached_at(rule: Rule, *readings: Reading, **more: object) -> float | None:
    """Seconds after the switch at which the rule was breached."""
    breach = tracked(rule, *readings, **more).breach  # type: ignore[arg-type]
    return None if breach is None else (breach.at - at(0)).total_seconds()


def per_block(*numbers: float) -> list[Reading]:
    return [values(number) for number in numbers]


def with_course(
    course: Sequence[float | None], *, step: float = STEP, reading: Reading | None = None, usual: float = 1.0
) -> Baseline:
    return replace(a_baseline(reading or values(usual)), course=tuple(course), step=step)


def the_rule(threshold: Threshold | None = None, hold: float = HOLD) -> Rule:
    """`memory > 2` for a minute."""
    return a_rule(threshold or a_gauge(2.0), hold=hold)


# -- what stable does itself -------------------------------------------------------------------------------------


def habit(over: int, every: int, length: int = 120, low: float = 1.0, high: float = 3.0) -> list[float | None]:
    """A baseline that is over the limit for so many steps, again and again."""
    return [high if index % every < over else low for index in range(length)]


def test_an_exceedance_that_stable_has_as_well_is_no_breach_until_it_lasts_longer() -> None:
    baseline = with_course(habit(over=6, every=40))  # 90 s every ten minutes
    over = per_block(*[3.0] * 8)
    assert breached_at(the_rule(), *over) == 75  # as written: a minute, at five blocks
    assert breached_at(the_rule(), *over, baseline=baseline) == 120  # 105 s from the first block over the limit
    verdict = judged(the_rule(), *over[:7], baseline=baseline)
    assert verdict.finding is Finding.UNDECIDED
    assert verdict.literal
    assert verdict.sentence.endswith("for 90 s of 105 s; before the switch it was over that for at most 90 s")
    said = judged(the_rule(), *over, baseline=baseline).sentence
    assert said.endswith("for 105 s; before the switch it was over that for at most 90 s")


@pytest.mark.parametrize("phase", range(0, 60, 7))
@pytest.mark.parametrize("length", [20, 60, 90, 118])
def test_a_release_with_the_same_habit_is_never_sent_back_however_the_samples_fall(length: int, phase: int) -> None:
    def value(moment: float) -> float:
        return 3.0 if (moment + phase) % 600 < length else 1.0

    course = [value(-1800 + STEP * step) for step in range(1, 121)]
    candidate = per_block(*(value(15.0 * block + 7) for block in range(1, 60)))
    assert breached_at(the_rule(hold=15), *candidate, baseline=with_course(course)) is None
    longer = per_block(*[1.0] * 4, *[3.0] * 20)
    assert breached_at(the_rule(hold=15), *longer, baseline=with_course(course)) is not None


def test_a_habit_shorter_than_for_changes_nothing() -> None:
    over = per_block(*[3.0] * 8)
    assert breached_at(the_rule(), *over, baseline=with_course(habit(over=2, every=40))) == 75
    assert breached_at(the_rule(), *over, baseline=with_course(habit(over=0, every=40))) == 75


def test_a_baseline_that_was_over_the_limit_most_of_the_time_excuses_for_a_quarter_of_the_bake() -> None:
    baseline = with_course(habit(over=39, every=40))
    assert breached_at(the_rule(), *per_block(*[3.0] * 30), baseline=baseline) == 15 + BAKE / 4
    assert breached_at(the_rule(), *per_block(*[3.0] * 30), baseline=baseline, bake=240) == 15 + 60


def test_for_is_never_made_shorter() -> None:
    baseline = with_course(habit(over=39, every=40))
    assert breached_at(the_rule(hold=300), *per_block(*[3.0] * 40), baseline=baseline) == 315


def test_a_habit_below_the_limit_of_a_condition_that_looks_down() -> None:
    rule = the_rule(a_gauge(2.0, op=Op.BELOW))
    baseline = with_course(habit(over=6, every=40, low=3.0, high=1.0), usual=3.0)
    assert breached_at(rule, *per_block(*[1.0] * 9)) == 75
    assert breached_at(rule, *per_block(*[1.0] * 9), baseline=baseline) == 120


def test_a_run_counts_whole_steps_bridges_short_gaps_and_ends_at_long_ones() -> None:
    def run(*course: float | None, step: float = STEP) -> float:
        return longest_run(with_course(course, step=step), Op.ABOVE, 2.0).total_seconds()

    assert run() == run(1, 1, None) == 0
    assert run(1, 3, 1, 3, 3, 1) == 30
    assert run(3, None, None, 3, 1) == 60  # a scrape a minute
    assert run(3, *[None] * 8, 3, 1) == 15  # more than two minutes of nothing
    assert run(3, 1, 3, step=90) == 90
    assert longest_run(None, Op.ABOVE, 2.0) == timedelta(0)


def test_the_course_of_a_rate_is_smoothed_as_the_judge_smooths_it() -> None:
    readings = per_block(1, 1, 1, 5, 1, 1, 1, 1)
    assert course_of(a_rate(2.0), readings, 15.0) == (1, 1, 1, 2, 2, 2, 2, 1)
    assert course_of(a_gauge(2.0), readings, 15.0) == (1, 1, 1, 5, 1, 1, 1, 1)
    assert course_of(a_rate(2.0), [values(1.0), GONE, values(3.0)], 15.0) == (1, None, 2)


def test_only_what_is_compared_per_pod_and_can_be_has_a_course() -> None:
    assert course_of(a_gauge("90% limit"), per_block(1, 2), 15.0) == ()
    assert course_of(a_gauge(2.0), [GONE, GONE], 15.0) == ()
    assert course_of(a_gauge(2.0), [], 15.0) == ()
    assert course_of(a_rule().check, [counts(1, 2)], 15.0) == ()  # type: ignore[arg-type]


def test_a_baseline_that_comes_late_is_as_if_it_had_been_there() -> None:
    baseline = with_course(habit(over=6, every=40))
    before = tracked(the_rule(hold=300), *per_block(*[3.0] * 8))
    late = with_baseline(before, baseline)
    early = tracked(the_rule(hold=300), *per_block(*[3.0] * 8), baseline=baseline)
    assert late == early


# -- a cold start and a leak -------------------------------------------------------------------------------------


def decay(start: float, end: float, over: float, count: int = 30) -> list[Reading]:
    """A value that falls from `start` to `end` in so many seconds, and stays there."""
    return per_block(*(max(end, start - (start - end) * 15.0 * n / over) for n in range(count)))


@pytest.mark.parametrize("threshold", [a_gauge(2.0), a_rate(2.0)], ids=["gauge", "rate"])
@pytest.mark.parametrize("hold", [30.0, 60.0])
def test_a_cold_start_that_falls_back_in_time_is_no_breach(threshold: Threshold, hold: float) -> None:
    falling = decay(4.0, 1.0, over=120)
    assert breached_at(the_rule(threshold, hold), *falling) is None
    exponential = per_block(*(1.0 + 3.0 * math.exp(-15.0 * n / 50.0) for n in range(30)))
    assert breached_at(the_rule(threshold, hold), *exponential) is None


def test_a_cold_start_says_that_it_is_settling() -> None:
    verdict = judged(the_rule(hold=30), *decay(4.0, 1.0, over=120, count=4))
    assert verdict.finding is Finding.UNDECIDED
    assert verdict.literal
    assert ", but falling by 1.5 B a minute: it is settling, and would be within its limit in " in verdict.sentence


@pytest.mark.parametrize("threshold", [a_gauge(2.0), a_rate(2.0)], ids=["gauge", "rate"])
def test_what_does_not_fall_is_found_as_soon_as_it_has_held(threshold: Threshold) -> None:
    assert breached_at(the_rule(threshold), *per_block(*[4.0] * 10)) == 75
    leak = per_block(*(1.0 + 0.3 * n for n in range(20)))
    over_from = next(15.0 * (n + 1) for n, reading in enumerate(leak) if tracked_over(threshold, leak[: n + 1]))
    assert breached_at(the_rule(threshold), *leak) == over_from + HOLD


def tracked_over(threshold: Threshold, readings: Iterable[Reading]) -> bool:
    return judged(the_rule(threshold, hold=3600), *readings).literal


def test_what_falls_too_slowly_to_be_back_in_time_is_a_breach() -> None:
    assert breached_at(the_rule(), *per_block(*(4.0 - 0.05 * n for n in range(20)))) == 75


def test_one_that_settles_above_the_limit_is_a_breach_once_the_time_for_it_is_over() -> None:
    assert breached_at(the_rule(hold=30), *decay(6.0, 2.5, over=90)) in (105, 120, 135)


def test_what_falls_later_in_the_bake_is_no_cold_start() -> None:
    late = [*per_block(*[1.0] * 10), *decay(4.0, 1.0, over=120)]
    assert breached_at(the_rule(hold=30), *late) == 150 + 15 + 30


def test_in_a_short_bake_a_cold_start_is_forgiven_for_a_quarter_of_it() -> None:
    falling = decay(4.0, 1.0, over=120)
    assert breached_at(the_rule(hold=30), *falling, bake=600) is None
    assert breached_at(the_rule(hold=30), *falling, bake=120) == 45


def test_the_cold_start_begins_with_the_first_warm_pod() -> None:
    warm_late = [*per_block(*[4.0] * 8), *decay(4.0, 1.0, over=120)]
    assert breached_at(the_rule(hold=30), *warm_late, warm={"research-a": 120.0}) is None
    assert breached_at(the_rule(hold=30), *warm_late) is not None


def test_a_single_wild_value_makes_no_trend() -> None:
    assert breached_at(the_rule(), *per_block(9.0, 4.0, 4.0, 4.0, 4.0, 4.0)) == 75
    assert breached_at(the_rule(), *per_block(4.0, 4.0, 4.0, 4.0, 2.1, 4.0)) == 75


def test_one_that_looks_down_settles_upwards() -> None:
    rising = per_block(*(min(3.0, 0.5 + 0.4 * n) for n in range(20)))
    assert breached_at(the_rule(a_gauge(2.0, op=Op.BELOW), hold=30), *rising) is None
    assert breached_at(the_rule(a_gauge(2.0, op=Op.BELOW), hold=30), *reversed(rising)) is not None


# -- pods that come later ----------------------------------------------------------------------------------------


def town(old: int, new: int, *, hot: float, arrived: float) -> tuple[list[Reading], dict[str, float]]:
    """Old pods at 1.0; at `arrived` new ones are warm, and hot for 100 s more."""
    readings: list[Reading] = []
    for n in range(1, 40):
        moment = 15.0 * n
        pods = {f"old-{pod}": 1.0 for pod in range(old)}
        if moment > arrived:
            pods |= {f"new-{pod}": hot if moment < arrived + 100 else 1.0 for pod in range(new)}
        readings.append(values(pods))
    return readings, {f"new-{pod}": arrived for pod in range(new)}


@pytest.mark.parametrize(("old", "new"), [(2, 2), (2, 6), (1, 20)])
@pytest.mark.parametrize("threshold", [a_gauge(2.0), a_rate(2.0)], ids=["gauge", "rate"])
def test_an_autoscaler_whose_pods_are_in_their_cold_start_is_no_spike(threshold: Threshold, old: int, new: int) -> None:
    readings, warm = town(old, new, hot=5.0, arrived=200.0)
    assert breached_at(the_rule(threshold, hold=30), *readings, warm=warm) is None


def test_new_pods_that_stay_hot_are_judged_once_they_had_their_time() -> None:
    readings, warm = town(2, 6, hot=5.0, arrived=200.0)
    hot = [values({pod: 5.0 if "new" in pod else 1.0 for pod in reading.pods}) for reading in readings]  # type: ignore[union-attr]
    assert breached_at(the_rule(hold=30), *hot, warm=warm) == 345 + 30  # 200 s and two minutes, at whole blocks


def test_where_no_other_pod_is_left_new_ones_are_judged_at_once() -> None:
    readings, warm = town(0, 2, hot=5.0, arrived=200.0)
    before = [values({"old-0": 1.0})] * 13
    assert breached_at(the_rule(hold=30), *before, *readings[13:], warm=warm) == 225 + 30


# -- a container's own limit -------------------------------------------------------------------------------------

MIB = 2.0**20


def test_each_pod_is_held_against_its_own_limit() -> None:
    rule = the_rule(a_gauge("90% limit"), hold=0)
    limits = {"a": Limits(memory=100 * MIB), "b": Limits(memory=1000 * MIB), "c": Limits(memory=10 * MIB)}
    verdict = judged(rule, values({"a": 93 * MIB, "b": 200 * MIB, "c": 9.4 * MIB}), limits=limits)
    assert verdict.finding is Finding.BREACH
    assert verdict.evidence.value == pytest.approx(0.93)
    assert verdict.evidence.limit == pytest.approx(0.9)
    assert verdict.sentence == "memory is 93 % of its limit in the last 15 s (limit > 90 %, 2 of 3 pods alone)"


def test_pods_without_a_limit_are_not_judged_and_none_with_one_is_no_data() -> None:
    rule = the_rule(a_gauge("90% limit"), hold=0)
    some = judged(rule, values({"a": 99.0, "b": 1e9}), limits={"a": Limits(memory=200.0)})
    assert (some.finding, some.evidence.pods, some.evidence.value) == (Finding.PASS, 1, 0.495)
    for limits in ({}, {"a": Limits(cpu=2.0)}, {"a": Limits(memory=0.0)}):
        none = tracked(rule, values({"a": 99.0}), limits=limits)
        assert none.verdict is not None
        assert none.verdict.finding is Finding.NO_DATA
        assert none.verdict.sentence == "no pod that was measured has a memory limit on each of its containers"
        assert not could_have_fired(none)
        assert not could_fire(rule, rule.check, none.history, None)  # type: ignore[arg-type]


def test_of_cpu_the_cpu_limit_counts_and_is_taken_as_it_is_at_the_time() -> None:
    rule = the_rule(a_rate("80% limit"), hold=0)
    assert judged(rule, values({"a": 0.9}), limits={"a": Limits(1.0, 8.0)}).finding is Finding.BREACH
    track = tracked(rule, values({"a": 0.9}), limits={"a": Limits(cpu=2.0)})
    assert track.verdict is not None
    assert track.verdict.evidence.value == 0.45
    resized = with_block(track, a_block(2, values({"a": 0.9})), lambda _: at(0), lambda _: Limits(cpu=1.0))
    assert resized.verdict is not None
    assert resized.verdict.evidence.value == pytest.approx((0.45 + 0.9) / 2)


def test_stables_own_share_is_not_known_so_it_excuses_nothing() -> None:
    rule = the_rule(a_gauge("90% limit"), hold=0)
    baseline = a_baseline(values({"x": 1e9}))
    assert isinstance(rule.check, Threshold)
    assert baseline_value(rule, rule.check, baseline) is None
    limits = {"a": Limits(memory=100.0)}
    track = tracked(rule, values({"a": 95.0}), limits=limits, baseline=baseline)
    assert track.breach is not None
    assert track.breach.evidence.baseline is None
    watch = replace(a_watch(rule), tracks=(track,), breached=(rule.name,))
    assert not hasattr(plan(watch, a_live(fresh=True)), "reason")  # a remedy, no refusal


def app(**limits: float) -> Container:
    return Container("app", **{f"{name}_limit": value for name, value in limits.items()})  # type: ignore[arg-type]


def test_a_watch_knows_its_pods_limits_and_those_of_pods_that_are_gone() -> None:
    rule = the_rule(a_gauge("90% limit"), hold=0)
    sidecar = Container("istio-proxy", memory_limit=1e9)
    watch = a_watch(rule)
    pods = (a_pod("research-a", containers=(app(memory=100.0), sidecar)), a_pod("research-b", containers=(app(),)))
    measured = Measured({"memory": a_block(1, values({"research-a": 95.0, "research-b": 5.0}))})
    after, _ = play(watch, (Looked(a_live(1, pods=pods)), 1), (Looked(a_live(14, pods=pods[1:])), 14), (measured, 15))
    track = after.track("memory")
    assert track is not None
    assert track.verdict is not None
    assert (track.verdict.evidence.value, track.verdict.evidence.pods) == (0.95, 1)


def test_a_resize_in_place_counts_from_when_it_was_seen_and_named_containers_alone_count() -> None:
    guard = a_guard(the_rule(a_gauge("90% limit"), hold=0), warmup=timedelta(0), containers=("app",))
    small = a_pod("research-a", containers=(app(memory=100.0), Container("worker")))
    large = a_pod("research-a", containers=(app(memory=200.0), Container("worker")))
    reading = values({"research-a": 95.0})
    after, _ = play(
        a_watch(guard=guard),
        (Looked(a_live(1, pods=(small,))), 1),
        (Looked(a_live(14, pods=(large,))), 14),
        (Measured({"memory": a_block(1, reading)}), 15),
    )
    track = after.track("memory")
    assert track is not None
    assert track.verdict is not None
    assert track.verdict.evidence.value == 0.475


def test_limits_add_up_and_one_missing_is_all_missing() -> None:
    assert Limits.of([app(cpu=0.5, memory=1.0), app(cpu=0.25)]) == Limits(0.75, None)
    assert Limits.of([]) == Limits.of([app()]) == NO_LIMITS


# -- whatever is measured ----------------------------------------------------------------------------------------

NUMBERS = st.floats(0, 8, width=16)
PODS = ("a", "b", "c", "d")
READINGS = st.lists(
    st.just(GONE) | st.dictionaries(st.sampled_from(PODS), NUMBERS, min_size=1).map(values), min_size=1, max_size=30
)
COURSES = st.none() | st.lists(st.none() | NUMBERS, max_size=60)
THRESHOLDS = st.sampled_from([a_gauge(2.0), a_rate(2.0), a_gauge(2.0, op=Op.BELOW), a_gauge("2x", floor=1.0)])
RULES = st.builds(the_rule, THRESHOLDS, st.sampled_from([0.0, 30.0, 60.0, 120.0]))
WARM = st.dictionaries(st.sampled_from(PODS), st.sampled_from([0.0, 45.0, 200.0]))


def based(course: list[float | None] | None, scale: float = 1.0) -> Baseline | None:
    if course is None:
        return None
    return with_course([None if value is None else value * scale for value in course], usual=scale)


def renamed(reading: Reading, names: Mapping[str, str]) -> Reading:
    if not isinstance(reading, PodValues):
        return reading
    return PodValues({names[pod]: reading.pods[pod] for pod in reversed(reading.pods)})


@given(RULES, READINGS, COURSES, WARM, st.permutations(PODS))
def test_permuting_pods_changes_nothing(
    rule: Rule, readings: list[Reading], course: list[float | None] | None, warm: dict[str, float], to: list[str]
) -> None:
    names = dict(zip(PODS, to, strict=True))
    one = tracked(rule, *readings, baseline=based(course), warm=warm)
    other = tracked(
        rule,
        *(renamed(reading, names) for reading in readings),
        baseline=based(course),
        warm={names[pod]: moment for pod, moment in warm.items()},
    )
    assert (one.verdict, one.breach, one.path) == (other.verdict, other.breach, other.path)


@given(THRESHOLDS, READINGS, COURSES, st.sampled_from([2.0**-20, 0.5, 2.0**30]))
def test_scaling_value_and_limit_alike_changes_nothing(
    threshold: Threshold, readings: list[Reading], course: list[float | None] | None, scale: float
) -> None:
    twin = replace(threshold, limit=Absolute(2.0 * scale))
    if threshold.needs_baseline:
        twin = replace(threshold, metric=replace(threshold.metric, floor=scale))  # type: ignore[call-arg]
    more = [
        PodValues({pod: value * scale for pod, value in reading.pods.items()})
        if isinstance(reading, PodValues)
        else reading
        for reading in readings
    ]
    one = tracked(the_rule(threshold), *readings, baseline=based(course))
    other = tracked(the_rule(twin), *more, baseline=based(course, scale))
    assert [point.finding for point in one.path] == [point.finding for point in other.path]


@given(st.sampled_from([a_gauge(2.0), a_rate(2.0)]), st.floats(2.01, 1e9), COURSES, st.sampled_from([0.0, 60.0, 150.0]))
def test_a_constant_exceedance_becomes_a_breach_in_the_end(
    threshold: Threshold, value: float, course: list[float | None] | None, hold: float
) -> None:
    when = breached_at(the_rule(threshold, hold), *per_block(*[value] * 12), baseline=based(course))
    assert when is not None
    assert when <= 15 + max(hold, BAKE / 4)


@given(st.lists(NUMBERS, max_size=20), COURSES)
def test_so_does_one_whatever_came_before(numbers: list[float], course: list[float | None] | None) -> None:
    assert breached_at(the_rule(), *per_block(*numbers, *[5.0] * 12), baseline=based(course)) is not None


@given(RULES, READINGS, COURSES)
def test_judging_in_one_step_or_in_many_is_the_same(
    rule: Rule, readings: list[Reading], course: list[float | None] | None
) -> None:
    baseline = based(course) or a_baseline(values(1.0))
    live = tracked(rule, *readings, baseline=baseline)
    again = with_baseline(replace(live, breach=None, path=()), baseline)
    assert (again.verdict, again.breach, again.history) == (live.verdict, live.breach, live.history)
    assert again.path == live.path


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=12),
    st.lists(st.none() | st.floats(-1e308, 1e308), max_size=12),
    st.floats(0, 1e308),
)
def test_no_number_is_too_wild(numbers: list[float], course: list[float | None], limit: float) -> None:
    for threshold in (a_gauge(limit), a_rate(limit), a_gauge("50% limit")):
        verdict = judged(
            the_rule(threshold, hold=0),
            *per_block(*numbers),
            baseline=with_course(course),
            limits={"research-a": Limits(5e-324, 5e-324)},
        )
        assert verdict.sentence


def test_at_a_block_each_second_it_is_the_same() -> None:
    def at_each_second(per_second: float) -> float | None:
        readings = per_block(*(max(1.0, 4.0 - per_second * n) for n in range(180)))
        return breached_at(the_rule(hold=30), *readings, interval=seconds(1))

    assert at_each_second(0.03) is None
    assert at_each_second(0.01) == 31


def test_one_gauge_for_the_whole_revision_is_judged_as_one_pod() -> None:
    assert breached_at(the_rule(hold=0), values({"": 3.0}), warm={"": 0.0}) == 15
