"""A value is changed where it stands; all else of the file stays, letter by letter."""

import difflib
from datetime import timedelta
from pathlib import Path

import pytest

from watchdog.domain.conditions import Absolute, Threshold
from watchdog.rulebook import read_rules
from watchdog.rulebook.editing import Edit, NotEditable, edited

SHIPPED = (Path(__file__).parents[2] / "rules.toml").read_text(encoding="utf-8")


def changed_lines(old: str, new: str) -> list[str]:
    """The lines that differ, with their signs."""
    return [line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"]


def test_a_limit_changes_in_its_place_and_nothing_else() -> None:
    new = edited(SHIPPED, [Edit("errors", "limit", "7")])
    assert changed_lines(SHIPPED, new) == ['- when = "http_error_rate > 5%"', '+ when = "http_error_rate > 7%"']
    rules = [rule.check for guard in read_rules(new).guards for rule in guard.rules if rule.name == "errors"]
    assert {check.limit for check in rules if isinstance(check, Threshold)} == {Absolute(0.07)}


def test_a_factor_of_the_baseline_changes_as_well() -> None:
    new = edited(SHIPPED, [Edit("memory", "limit", "1.35")])
    assert changed_lines(SHIPPED, new)[1] == '+ when = "memory > 1.35x baseline"'


def test_a_key_that_stands_there_is_replaced() -> None:
    new = edited(SHIPPED, [Edit("cpu", "for", "2m")])
    assert changed_lines(SHIPPED, new) == ['- for  = "1m"', '+ for  = "2m"']


def test_a_key_that_is_missing_comes_below_the_condition() -> None:
    new = edited(SHIPPED, [Edit("latency", "for", "30s"), Edit("latency", "limit", "2.5")])
    assert '[rules.latency]\nwhen = "p95(http_latency) > 2.5x baseline"\nfor  = "30s"\n' in new
    rules = [rule for guard in read_rules(new).guards for rule in guard.rules if rule.name == "latency"]
    assert {rule.hold for rule in rules} == {timedelta(seconds=30)}


def test_two_missing_keys_both_come() -> None:
    new = edited(SHIPPED, [Edit("errors", "for", "30s"), Edit("errors", "confidence", "99.99%")])
    assert len(changed_lines(SHIPPED, new)) == 2
    read_rules(new)


GUARD = 'version = 1\n[guards.a]\ntargets = ["p/deployment/x"]\nrules = ["e"]\n[metrics]\npreset = "fastapi"\n'


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('[rules.e]\nwhen = "{} > 5%" # why\n# next', '[rules.e]\nwhen = "{} > 7.5%" # why\nfor  = "1m"\n# next'),
        ("[rules.e]\n  when='{} > 5%'", "[rules.e]\n  when='{} > 7.5%'\n  for =\"1m\""),
        ('[rules]\ne.when = "{} > 5%"', '[rules]\ne.when = "{} > 7.5%"\ne.for  = "1m"'),
        ('[rules]\ne = {{ when = "{} > 5%" }}', '[rules]\ne = {{ when = "{} > 7.5%", for = "1m" }}'),
        ('[rules.e]\nwhen = """{} > 5%"""', '[rules.e]\nwhen = """{} > 7.5%"""\nfor  = "1m"'),
        ('[rules.e]\nwhen = "{} > \\u0035%"', '[rules.e]\nwhen = "{} > 7.5%"\nfor  = "1m"'),
        ("[rules.e]\nfor = '30s'\nwhen = '{} > 5.0%'", "[rules.e]\nfor = '1m'\nwhen = '{} > 7.5%'"),
    ],
)
def test_however_it_is_written(rule: str, expected: str) -> None:
    # Two values at once: the places of one must not move those of the other.
    text = GUARD + rule.format("http_error_rate")
    new = edited(text, [Edit("e", "limit", "7.5"), Edit("e", "for", "1m")])
    assert new == GUARD + expected.format("http_error_rate")
    (read,) = read_rules(new).guards[0].rules
    assert isinstance(read.check, Threshold)
    assert read.check.limit == Absolute(0.075)
    assert read.hold == timedelta(minutes=1)


def test_windows_line_ends_and_the_byte_order_mark_stay() -> None:
    text = "\ufeff" + SHIPPED.replace("\n", "\r\n")
    new = edited(text, [Edit("errors", "limit", "7"), Edit("errors", "for", "1m")])
    assert new.startswith("\ufeff")
    assert new.count("\r\n") == new.count("\n") == text.count("\n") + 1
    read_rules(new)


@pytest.mark.parametrize(
    ("text", "edit", "why"),
    [
        (SHIPPED, Edit("nothing", "limit", "7"), "there is no table nothing"),
        (SHIPPED, Edit("health", "limit", "7"), "rule health has no condition"),
        (SHIPPED.replace("\n", "\r\n", 3), Edit("errors", "limit", "7"), "mixes two kinds of line ends"),
    ],
)
def test_what_cannot_be_changed_is_said(text: str, edit: Edit, why: str) -> None:
    with pytest.raises(NotEditable, match=why):
        edited(text, [edit])
