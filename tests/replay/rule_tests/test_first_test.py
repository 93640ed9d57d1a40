"""A first test of a rule, written from the rule: it passes as written, whatever kind of rule and dialect it is."""

import pytest

from replay.rule_tests.suites import results
from watchdog.replay.rule_tests.example_labels import CannotWrite
from watchdog.replay.rule_tests.first_test import NoSuchName, first_tests
from watchdog.rulebook import read_rules
from watchdog.rulebook.presets import PRESETS

GUARD = """\
version = 1

[guards.shop]
targets = ["production/deployment/shop"]
rules   = ["it"]
preset  = "{preset}"
{guard}

[rules.it]
{rule}
"""
METRICS = """
[guards.shop.metrics.queue]
kind  = "gauge"
query = 'max by (pod) (queue_depth{pod=~"{{ pods }}", state!~"idle|"}) * 1'
floor = 10

[guards.shop.metrics.free]
kind  = "gauge"
query = 'free_slots{pod=~"{{ pods }}"}'

[guards.shop.metrics.jobs]
kind    = "rate"
counter = 'jobs_total{pod=~"{{ pods }}", kind=~"mail|push"}'
floor   = 1

[guards.shop.metrics.failed_jobs]
kind  = "ratio"
bad   = 'jobs_failed_total{pod=~"{{ pods }}"}'
total = 'jobs_total{pod=~"{{ pods }}"}'
"""
RULES = {
    "ratio": 'when = "http_error_rate > 5%"',
    "ratio with a low limit": 'when = "http_error_rate > 0.2%"',
    "ratio with a high limit": 'when = "http_error_rate >= 60%"',
    "ratio over its baseline": 'when = "http_error_rate > 3x baseline"',
    "ratio and points": 'when = "http_error_rate > baseline + 2%"',
    "ratio of two metrics": 'when = "failed_jobs > 10%"',
    "ratio by the letter": 'when = "http_error_rate > 5%"\nconfidence = "off"',
    "quantile": 'when = "p95(http_latency) > 300ms"',
    "quantile over its baseline": 'when = "p99(http_latency) > 2x baseline"',
    "median and more": 'when = "p50(http_latency) > baseline + 100ms"',
    "mean": 'when = "avg(http_latency) > 300ms"',
    "rate": 'when = "cpu > 2x baseline"\nfor = "1m"',
    "rate below": 'when = "jobs < 0.5x baseline"',
    "gauge": 'when = "memory > 1.5x baseline"\nfor = "1m"',
    "gauge of its own": 'when = "queue > 100"',
    "gauge over its baseline": 'when = "queue > 2x baseline"',
    "gauge below": 'when = "free < 3"',
    "share of a memory limit": 'when = "memory > 90% limit"',
    "share of a CPU limit": 'when = "cpu > 80% limit"',
    "probe": 'probe = { path = "/health", port = "http" }',
    "probe that expects another status": 'probe = { path = "/", port = 80, expect = [204], every = "10s" }',
    "signs": 'signs = ["oom-killed", "not-ready"]',
    "image pull": 'signs = ["image-pull"]',
    "not ready": 'signs = ["not-ready"]',
    "unschedulable": 'signs = ["unschedulable"]',
    "progress deadline": 'signs = ["progress-deadline"]',
    "alerts": 'alerts = ["CheckoutErrorsHigh", "Other"]\nlabels = { severity = ["critical", "page"] }',
    "budget": 'budget = { metric = "http_error_rate", objective = "99.9%", period = "30d", spend = "2%" }',
}


def rules(rule: str, preset: str = "fastapi", guard: str = "") -> str:
    return GUARD.format(rule=rule, preset=preset, guard=guard) + METRICS


def said(text: str, of_rules: str) -> list[str]:
    return [one.failure for result in results(text, of_rules) for one in result.checked]


@pytest.mark.parametrize("kind", RULES)
def test_a_first_test_of_each_kind_of_rule_passes_as_written(kind: str) -> None:
    text = rules(RULES[kind])
    written = first_tests(read_rules(text), "it")
    assert said(written, text) == ["", ""]
    assert 'expect = { it = "pass" }' in written
    assert 'expect = { it = "breach within ' in written


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", ["ratio", "quantile over its baseline"])
def test_a_first_test_of_each_dialect_passes_as_written(preset: str, kind: str) -> None:
    text = rules(RULES[kind], preset)
    assert said(first_tests(read_rules(text), "it"), text) == ["", ""]


@pytest.mark.parametrize(
    "guard",
    [
        'matchers = { cluster = "eu" }',
        'interval = "5s"\nbake = "5m"',
        'interval = "30s"\nwarmup = "1m"',
        'action = "notify"',
        'containers = ["web", "worker"]',
    ],
)
@pytest.mark.parametrize("kind", ["ratio", "rate", "gauge", "alerts", "probe"])
def test_it_follows_what_the_guard_says(guard: str, kind: str) -> None:
    text = rules(RULES[kind], guard=guard)
    assert said(first_tests(read_rules(text), "it"), text) == ["", ""]


def test_the_bad_release_of_the_good_test_fails() -> None:
    """The two tests differ in their release alone: what passes the one breaks the other's expectation."""
    text = rules(RULES["ratio"])
    swapped = first_tests(read_rules(text), "it").replace('it = "pass"', 'it = "breach"', 1)
    assert said(swapped, text)[0].startswith("expected breach, never came")


def test_a_query_over_several_series_is_left_to_a_person() -> None:
    text = rules('when = "both > 3"') + '\n[guards.shop.metrics.both]\nkind = "gauge"\n'
    text += 'query = \'used{pod=~"{{ pods }}"} / size{pod=~"{{ pods }}"}\'\n'
    with pytest.raises(CannotWrite, match="its query reads several series; write the test by hand"):
        first_tests(read_rules(text), "it")


def test_unknown_names_are_answered_with_the_nearest() -> None:
    text = rules(RULES["ratio"])
    with pytest.raises(NoSuchName, match='"itt" is no rule of a guard; did you mean "it"'):
        first_tests(read_rules(text), "itt")
    with pytest.raises(NoSuchName, match='"shp" is no guard; did you mean "shop"'):
        first_tests(read_rules(text), "it", "shp")
