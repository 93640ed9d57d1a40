"""What a rule test runs is the watch of the daemon: its warm-up, baseline, pods, probes, signs and acts."""

import pytest

from replay.rule_tests.suites import BAD, GOOD, RULES, failures, run
from watchdog.domain.judge import Finding
from watchdog.domain.measurement import Counts

ALL_BAD = """\
'http_requests_total{namespace="production", pod="{{ stable }}-1", status="2xx"}'    = '0+200x40'
'http_requests_total{namespace="production", pod="{{ candidate }}-1", status="5xx"}' = '0+200x40'
"""


def findings(keys: str, rule: str, series: str = "") -> list[str]:
    """What a rule says along a watch, repetitions left out."""
    said = [one.verdict.finding for one in run(keys, series).courses[rule].said]
    return [str(one) for index, one in enumerate(said) if index == 0 or one is not said[index - 1]]


def test_verdicts_come_block_by_block_on_the_guards_grid_from_the_switch_on() -> None:
    course = run('expect = { errors = "pass" }', GOOD).courses["errors"]
    ends = [one.at.total_seconds() for one in course.said]
    assert ends == [15.0 * number for number in range(1, 41)]


def test_the_baseline_is_what_stable_served_before_the_switch() -> None:
    course = run('expect = { errors = "pass" }', GOOD).courses["errors"]
    assert course.baseline is not None
    assert isinstance(course.baseline.reading, Counts)
    assert course.baseline.reading.total == 200 * 40


def test_a_cold_pod_is_not_judged() -> None:
    early = run('expect = { errors = "breach" }', BAD).courses["errors"]
    late = run('ready = "1m"\nexpect = { errors = "breach" }', BAD).courses["errors"]
    assert early.breach is not None
    assert late.breach is not None
    assert (late.breach.at - early.breach.at).total_seconds() == 60


def test_a_total_outage_needs_no_warm_up() -> None:
    assert failures('expect = { errors = "breach within 30s" }\noutcome = "rolled-back within 33s"', ALL_BAD) == []


def test_a_guard_that_only_tells_rolls_nothing_back() -> None:
    notify = RULES.replace('preset  = "fastapi"', 'preset  = "fastapi"\naction = "notify"')
    assert failures('outcome = "notified"', BAD, notify) == []
    assert failures('outcome = "rolled-back"', BAD, notify)[0].startswith(
        "expected the watch to be rolled-back, it was notified"
    )


def test_where_no_stable_is_known_a_breach_is_held() -> None:
    assert failures('pods = { stable = 0 }\nexpect = { errors = "breach" }\noutcome = "held"', ALL_BAD) == []


def test_no_series_is_no_data_and_never_a_breach() -> None:
    keys = 'expect = { errors = ["no-data", "no breach"], latency = "no-data" }\noutcome = "inconclusive"'
    assert failures(keys) == []


def test_probes_are_made_as_often_as_the_rule_says_and_the_last_answer_holds() -> None:
    (first, *_) = failures('probes = { health = "200x3 503" }\nexpect = { health = "no breach" }')
    assert first == "health: expected no breach, came at 40s"  # the third of a warm pod


@pytest.mark.parametrize(
    ("answers", "said"),
    [("200", ["no-data", "pass"]), ("refused", ["no-data"]), ("200x9 _x3 200", ["no-data", "pass"])],
)
def test_probes_that_are_answered_or_never_were_breach_nothing(answers: str, said: list[str]) -> None:
    assert findings(f'probes = {{ health = "{answers}" }}\nexpect = {{ health = "no breach" }}', "health") == said


def test_one_pods_probes_may_fail_alone() -> None:
    keys = 'pods = { candidate = 2 }\nexpect = { health = "breach" }\n'
    assert failures(keys + 'probes = { health = { "{{ candidate }}-2" = "200x12 503" } }') == []


@pytest.mark.parametrize(
    ("sign", "finding"),
    [
        ('crash-loop = "20s"', Finding.BREACH),
        ('oom-killed = "1m"', Finding.BREACH),
        ('not-ready = "1m"', Finding.BREACH),
        ('not-ready = { from = "1m", until = "1m20s" }', Finding.PASS),
        ('progress-deadline = "5m"', Finding.BREACH),
    ],
)
def test_signs_show_as_the_test_says(sign: str, finding: Finding) -> None:
    assert failures(f'signs = {{ {sign} }}\nexpect = {{ signs = "{finding}" }}') == []


def test_an_alert_that_begins_to_fire_on_the_candidate_is_a_breach() -> None:
    series = (
        '\'ALERTS{alertname="CheckoutErrorsHigh", alertstate="firing", namespace="production", '
        "pod=\"{{ candidate }}-1\"}' = '_x4 1x40'"
    )
    assert failures('expect = { alerts = ["pass at 45s", "breach within 1m"] }', series) == []


def test_a_query_that_cannot_be_evaluated_here_fails_the_test_whatever_it_expects() -> None:
    rules = RULES.replace('(queue_depth{pod=~"{{ pods }}"})', '(acos(queue_depth{pod=~"{{ pods }}"}))')
    lines = failures('expect = { queue = "no breach" }', "'queue_depth{pod=\"{{ candidate }}-1\"}' = '5x40'", rules)
    assert lines[0].startswith("a query cannot be evaluated here: the simulator does not support the function acos()")


def test_the_first_rule_is_the_one_that_asks_for_the_rollback() -> None:
    assert failures('first = "errors"', BAD) == []
    wrong = failures('first = "latency"', BAD)
    assert wrong[0] == "expected latency to be the first to ask for a rollback, errors was, at 1m30s"


def test_the_same_test_comes_to_the_same_end_each_time() -> None:
    first, second = (run('expect = { errors = "breach" }\noutcome = "rolled-back"', BAD) for _ in range(2))
    assert first.courses["errors"].said == second.courses["errors"].said
    assert first.way == second.way
