"""Rules on alerts: what of the file reaches the domain."""

from rulebook.texts import a_rule, a_text, the_rule
from watchdog.domain.rules import Alerts


def test_a_rule_names_alerts_and_what_they_must_bear() -> None:
    rule = the_rule(
        a_text(
            rule=a_rule("alerts = ['CheckoutErrorsHigh', 'Pager: 100 %']\nlabels = { severity = ['page', 'critical'] }")
        )
    )
    assert rule.check == Alerts(("CheckoutErrorsHigh", "Pager: 100 %"), {"severity": ("page", "critical")})
    assert rule.alpha is None  # no rate of false rollbacks is promised for alerts


def test_one_label_value_needs_no_list() -> None:
    rule = the_rule(a_text(rule=a_rule("alerts = ['Slow']\nlabels = { severity = 'critical', team = ['web'] }")))
    assert isinstance(rule.check, Alerts)
    assert rule.check.labels == {"severity": ("critical",), "team": ("web",)}


def test_the_guards_matchers_hold_for_alerts_too() -> None:
    rule = the_rule(a_text("matchers = { region = 'eu' }", rule=a_rule("alerts = ['Slow']")))
    assert rule.check == Alerts(("Slow",), matchers={"region": "eu"})


def test_alerts_need_no_preset() -> None:
    rule = the_rule(
        a_text(rule=a_rule("alerts = ['Slow']\nrequired = false\naction = 'notify'")).replace("preset", "#")
    )
    assert (rule.name, rule.required) == ("r", False)
