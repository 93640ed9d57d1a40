"""What is left to chance is shared: by a watch's ratio, quantile and budget rules, and by no others."""

import pytest

from rulebook.texts import a_text, the_guard
from watchdog.domain.rules import Budget
from watchdog.rulebook import check_rules

TABLES = """
[rules.errors]
when = "http_error_rate > 5%"
OWN

[rules.latency]
when = "p95(http_latency) > 2x baseline"

[rules.mean]
when = "avg(http_latency) > 2x baseline"

[rules.cpu]
when = "cpu > 2x baseline"

[rules.crash]
signs = ["crash-loop"]

[rules.budget]
budget = { metric = "http_error_rate", objective = "99.9%", period = "30d", spend = "2%" }
"""
EVERY = '"errors", "latency", "mean", "cpu", "crash", "budget"'


def alphas(guard: str = "", own: str = "") -> dict[str, float | None]:
    text = a_text(guard, rule=TABLES.replace("OWN", own)).replace('["r"]', f"[{EVERY}]")
    return {rule.name: rule.alpha for rule in the_guard(text).rules}


def test_the_rules_that_evidence_decides_share_a_thousandth_equally() -> None:
    third = pytest.approx(0.001 / 3)
    assert alphas() == {"errors": third, "latency": third, "budget": third, "mean": None, "cpu": None, "crash": None}


def test_a_rules_own_comes_out_first() -> None:
    found = alphas('confidence = "99%"', 'confidence = "99.8%"')
    assert found["errors"] == pytest.approx(0.002)
    assert found["latency"] == found["budget"] == pytest.approx(0.004)


def test_off_leaves_the_rules_as_written() -> None:
    assert set(alphas('confidence = "off"').values()) == {None}


def test_a_rule_may_be_sure_where_its_guard_is_off_and_the_other_way_round() -> None:
    assert alphas('confidence = "off"', 'confidence = "99.9%"')["errors"] == pytest.approx(0.001)
    found = alphas(own='confidence = "off"')
    assert found["errors"] is None
    assert found["latency"] == pytest.approx(0.0005)


def test_a_budget_is_a_ratio_held_against_what_its_objective_allows() -> None:
    (budget,) = (
        rule.check for rule in the_guard(a_text(rule=TABLES.replace("OWN", "")).replace('["r"]', '["budget"]')).rules
    )
    assert isinstance(budget, Budget)
    assert budget.allowed == pytest.approx(0.001)
    assert budget.threshold.text == "http_error_rate > 0.1%"
    assert (budget.period.days, budget.spend) == (30, 0.02)


@pytest.mark.parametrize(
    ("preset", "limit", "warning"),
    [
        ("express", "340ms", "with express's default latency buckets a limit of 340 ms is judged at the bucket 1.5 s"),
        ("express", "300ms", None),
        ("fastapi", "340ms", None),
        ("traefik", "8s", "traefik's latency buckets end at 5 s by default, so a limit of 8 s cannot be proven"),
        ("linkerd", "250ms", None),
    ],
)
def test_buckets_that_are_too_coarse_for_a_limit_are_warned_of(preset: str, limit: str, warning: str | None) -> None:
    text = a_text(rule=f'[rules.r]\nwhen = "p95(http_latency) > {limit}"').replace('"fastapi"', f'"{preset}"')
    report = check_rules(text)
    assert report.mistakes == ()
    assert [one.message for one in report.warnings] == ([] if warning is None else [warning])
    off = check_rules(text.replace("[rules.r]", '[rules.r]\nconfidence = "off"'))
    assert off.warnings == ()


def test_a_histogram_of_ones_own_is_not_warned_of() -> None:
    own = "[metrics.http_latency]\nkind = 'histogram'\nbuckets = 'x_bucket{pod=~\"{{ pods }}\"}'"
    text = a_text(rule='[rules.r]\nwhen = "p95(http_latency) > 20s"', rest=own).replace('"fastapi"', '"express"')
    assert [one.message for one in check_rules(text).warnings if "bucket" in one.message] == []
