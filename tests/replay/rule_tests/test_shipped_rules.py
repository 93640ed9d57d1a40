"""rules.test.toml beside rules.toml: it covers every rule, it passes, and a wrong expectation of it fails helpfully."""

import re
from pathlib import Path

import pytest

from replay.rule_tests.suites import cases
from watchdog.domain.judge import Finding
from watchdog.replay.rule_tests.cases import Case, When
from watchdog.replay.rule_tests.checking import check
from watchdog.replay.rule_tests.failing import why_failed
from watchdog.replay.rule_tests.running import run_case
from watchdog.rulebook import read_rules

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "rules.toml").read_text(encoding="utf-8")
TESTS = (ROOT / "rules.test.toml").read_text(encoding="utf-8")
SHIPPED = cases(TESTS, RULES)


def why(case: Case) -> list[str]:
    run = run_case(case)
    return [*why_failed(check(run), run)]


@pytest.mark.parametrize("case", SHIPPED, ids=lambda case: case.name)
def test_each_shipped_test_passes(case: Case) -> None:
    assert why(case) == []


def test_each_rule_of_the_shipped_rules_has_a_good_and_a_bad_release() -> None:
    assert len(SHIPPED) >= 20
    wanted = {rule.name for guard in read_rules(RULES).guards for rule in guard.rules}
    expected = [(rule, one) for case in SHIPPED for rule, every in case.rules.items() for one in every]
    breached = {rule for rule, one in expected if one.finding is Finding.BREACH and one.when is When.WITHIN}
    kept = {rule for rule, one in expected if one.finding is Finding.PASS and one.when is When.AT_END}
    assert breached == kept == wanted


def test_a_wrong_expectation_fails_and_shows_where_the_evidence_was_then() -> None:
    wrong = TESTS.replace("breach within 1m45s", "breach within 1m15s")
    assert wrong != TESTS
    (case,) = [case for case in cases(wrong, RULES) if case.name == "errors: 8 % are rolled back in two minutes"]
    lines = why(case)
    assert lines[0] == "errors: expected breach within 1m15s, came at 1m45s"
    then, came = lines[1:3]
    assert re.match(r"  at 1m15s: undecided: 54 of 654 requests were bad .* \(8.26 %, limit > 5 %\)", then)
    assert re.search(
        r"not proven yet: the odds against a harmless release are [\d,]+ to 1, and must be 2,000 to 1", then
    )
    assert came.startswith("  at 1m45s: breach: 72 of 872 requests were bad in the last 60 s")
    path = [line for line in lines if re.match(r"\s+1m15s  undecided\s+8.26 % \(limit > 5 %\)", line)]
    assert len(path) == 1
    assert re.search(r"\[#+ +\] odds [\d,]+ to 1 of 2,000 to 1 needed", path[0])
    series = [line for line in lines if "'0+18x60'" in line]
    assert len(series) == 1
    assert series[0].endswith("'0+18x60'  126")  # seven intervals after the switch


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            '{ cpu = "breach after 1m within 2m" }',
            '{ cpu = "no breach" }',
            "cpu: expected no breach, came at 1m45s",
        ),
        (
            'expect     = { memory = "pass" }',
            'expect     = { memory = "breach" }',
            "expected breach, never came in the 10m",
        ),
        ('errors = "pass", graphql-errors', 'errors = "breach", graphql-errors', "errors: expected breach, never came"),
        ('first      = "graphql-errors"', 'first      = "errors"', "graphql-errors was, at 1m30s"),
        (
            'outcome    = "held"',
            'outcome    = "rolled-back"',
            "it was held at 10m2s: errors: stable itself was at 8.26 %",
        ),
        ('{ health = "no-data" }', '{ health = "breach" }', "perhaps the way is blocked"),
        ('"rolled-back within 35s"', '"rolled-back within 30s"', "it was rolled-back at 32s: total outage: 400 of 400"),
        ('["undecided at 2m", "no breach"]', '["pass at 2m", "no breach"]', "of 20 requests were seen"),
    ],
)
def test_other_wrong_expectations_say_what_came_instead(right: str, wrong: str, said: str) -> None:
    assert right in TESTS
    changed = [case for case in cases(TESTS.replace(right, wrong), RULES) if case not in SHIPPED]
    failed = [line for case in changed for line in why(case)]
    assert any(said in line for line in failed), failed
