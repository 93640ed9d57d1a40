"""What `watchdog tune --from REPORT` takes from a report, and what it must be given beside it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from benchmarks.backtest.history import RULES

from replay.reports import a_report, a_switch
from watchdog.domain.rollout import Target
from watchdog.replay.backtest import Wish
from watchdog.replay.entries import BY_WATCHDOG, Entry
from watchdog.replay.report import CUT_SHORT, Label, Note, Severity
from watchdog.replay.tuning.printing import printed
from watchdog.replay.tuning.session import Tuned, wish_of


def test_a_report_hands_on_what_the_watchdog_itself_had_put_back() -> None:
    """Else what was cut short there would be missed here."""
    report = a_report([
        a_switch(0, label=Label.BAD, outcome=CUT_SHORT, label_source="marked by a person"),
        a_switch(1, label=Label.BAD, bad_from=4, label_source=BY_WATCHDOG, served_until_why="put back"),
        a_switch(2, label=Label.BAD, bad_from=4, label_source="rolled back by hand", served_until_why="put back"),
        a_switch(3, label=Label.GOOD, bad_from=4, label_source="marked by a person", served_until_why="put back"),
        a_switch(4, label=Label.GOOD, label_source="marked by a person"),
    ])  # fmt: skip
    back = [one.rolled_back for one in wish_of(report, Wish(timedelta(days=1))).labels]
    assert back == [True, True, False, True, False]
    said = [one.label_source for one in wish_of(report, Wish(timedelta(days=1))).labels]
    assert said == [one.label_source for one in report.real]


def test_a_label_beside_the_report_comes_before_what_the_report_says() -> None:
    switch = a_switch(0, label=Label.BAD, outcome=CUT_SHORT)
    target = Target.parse(switch.target)
    given = Entry(target, switch.at + timedelta(seconds=20), label=Label.GOOD, source="list")
    other = Entry(target, switch.at + timedelta(hours=2), label=Label.BAD, source="list")
    first, *rest = wish_of(a_report([switch]), Wish(timedelta(days=1), labels=(given, other))).labels
    assert (first.label, first.rolled_back, rest) == (Label.GOOD, True, [given, other])


@pytest.mark.parametrize("source", ["records", "list", "replicasets"])
def test_a_report_on_listed_switches_asks_for_the_list_again(source: str) -> None:
    report = a_report([a_switch(0), a_switch(1, source=source)])
    with pytest.raises(ValueError, match=r"1 of its 2 switches are from records or a list, .* give --records or --sw"):
        wish_of(report, Wish(timedelta(days=1)))
    listed = (Entry(Target.parse(report.real[1].target), report.real[1].at, source=source),)
    assert wish_of(report, Wish(timedelta(days=1), listed=listed)).listed == listed


def test_what_is_missing_from_the_past_is_said_above_the_patch() -> None:
    missing = Note(Severity.WARNING, "the labels mark X: no switch was found there", "production/service/gateway")
    report = replace(a_report([a_switch(0)]), notes=(missing, Note(Severity.INFO, "a clock")))
    found = Tuned(report, ())
    line = "warning: production/service/gateway: the labels mark X: no switch was found there"
    assert f"# {line}\n" in printed(found, RULES, "rules.toml", "patch")
    assert "a clock" not in printed(found, RULES, "rules.toml", "patch")
    assert json.loads(printed(found, RULES, "rules.toml", "json"))["warnings"] == [line.removeprefix("warning: ")]
