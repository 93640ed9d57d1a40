"""A past that the watchdog's own put-back ended: what rules had not decided by then is neither missed nor clean."""

from dataclasses import replace
from datetime import timedelta

import pytest
from benchmarks.backtest.history import RULES

from replay.reports import a_report, a_switch
from watchdog.domain.rules import Rulebook
from watchdog.replay.comparing import compared
from watchdog.replay.failing import failing, read_conditions
from watchdog.replay.noticing import cut
from watchdog.replay.printing import printed
from watchdog.replay.rendering.wording import Standing, change_words, headline, is_worse, standing
from watchdog.replay.report import CUT_SHORT, Change, Label, Report, SwitchReplay
from watchdog.replay.totals import overall, totals_of
from watchdog.replay.tuning.session import _confirmed
from watchdog.rulebook import read_rules


def cut_short(index: int, label: Label) -> SwitchReplay:
    """Put back 600 s after its switch."""
    return a_switch(index, label=label, outcome=CUT_SHORT, reason="cut short by the rollback of x")


def both(label: Label, after: int = 4) -> tuple[Report, Report]:
    """The same release under rules that decided, after so many blocks, and under rules that had not."""
    caught, not_yet = a_switch(0, label=label, bad_from=after, outcome="rolled-back"), cut_short(0, label)
    quick, slow = (replace(a_report([one]), overall=overall([one])) for one in (caught, not_yet))
    return quick, slow


@pytest.mark.parametrize("label", list(Label))
def test_it_stands_for_itself_whatever_is_known_of_it(label: Label) -> None:
    assert standing(cut_short(0, label)) is Standing.CUT_SHORT


def test_it_is_counted_in_no_line_but_that_of_a_rule_that_breached() -> None:
    switches = [
        a_switch(0, label=Label.BAD, bad_from=4, outcome="rolled-back"),
        cut_short(1, Label.BAD),
        cut_short(2, Label.GOOD),
        a_switch(3),
    ]
    whole = overall(switches)
    assert (whole.bad, whole.caught, whole.clean, whole.false_alarms, whole.not_replayable) == (1, 1, 1, 0, 0)
    rule = next(one for one in totals_of(_rules(), switches) if one.rule == "error-rate")
    assert (rule.bad, rule.caught, rule.clean) == (1, 1, 1)
    held = a_switch(1, label=Label.BAD, bad_from=4, outcome=CUT_SHORT)  # it breached, and was held until then
    rule = next(one for one in totals_of(_rules(), [held]) if one.rule == "error-rate")
    assert (rule.bad, rule.caught) == (1, 1)
    assert overall([cut_short(1, Label.BAD)]).bad == 0
    (note,) = cut(switches[:2])
    assert note.text.startswith("1 switch was cut short: the watchdog itself rolled back before these rules decided")
    assert cut(switches[:1]) == []


def _rules() -> Rulebook:
    return read_rules(RULES)


def test_every_form_of_the_report_says_so() -> None:
    report = both(Label.BAD)[1]
    assert "1 cut short by the watchdog's own rollback, and counted neither way" in headline(report)
    assert headline(report).startswith("1 cut short")  # and not that nobody said whether it was bad
    assert "missed" not in printed(report, "markdown").lower()
    assert "Cut short: the watchdog put them back before these rules decided" in printed(report, "html")


def test_against_rules_that_had_decided_it_is_later_by_the_put_back_at_the_least() -> None:
    quick, slow = both(Label.BAD)
    (worse,) = compared(quick, slow, "old.toml").differences
    assert (worse.change, worse.at_least, is_worse(worse)) == (Change.LATER, True, True)
    decided = quick.switches[0].decided_at
    assert decided is not None
    least = (slow.switches[0].served_until - decided).total_seconds()
    assert least > 60
    assert worse.seconds == least
    assert change_words(worse).startswith("at least ")
    (better,) = compared(slow, quick, "old.toml").differences
    assert (better.change, better.seconds, is_worse(better)) == (Change.SOONER, -least, False)
    assert compared(quick, slow, "old.toml").summary == f"at least {least:.0f} s later"


def test_where_the_put_back_came_in_the_moment_of_the_decision_no_seconds_are_made_up() -> None:
    quick, slow = both(Label.BAD)
    decided = quick.switches[0].decided_at
    assert decided is not None
    at_once = replace(cut_short(0, Label.BAD), served_until=decided + timedelta(seconds=0.2))
    found = compared(quick, a_report([at_once]), "old.toml")
    assert found.summary == "later"
    assert change_words(found.differences[0]) == "later"
    assert slow.switches[0].cut_short


def test_tuning_takes_nothing_that_waits_for_longer_than_was_done() -> None:
    quick, slow = both(Label.BAD)
    assert _confirmed(quick, quick)
    assert not _confirmed(quick, slow)
    assert _confirmed(slow, quick)


def test_a_gate_can_tell_it_from_a_miss() -> None:
    quick, slow = both(Label.BAD)
    found = compared(quick, slow, "old.toml")
    asked = read_conditions(["missed,more-missed,cut-short,more-cut-short,later"])
    assert failing(asked, slow, found) == (
        "cut-short (cut-short is 1)",
        "more-cut-short (more-cut-short is 1)",
        "later (later is 1)",
    )
    good = compared(*both(Label.GOOD), "old.toml")
    assert failing(read_conditions(["more-cut-short"]), slow, good) == ()


def test_where_all_that_counts_was_cut_short_every_line_gives_that_one_reason() -> None:
    switches = [cut_short(0, Label.BAD), a_switch(1, label=Label.UNKNOWN)]
    rules = [one for one in totals_of(_rules(), switches) if one.rule == "error-rate"]
    why = {one.why_not_replayable for one in (*rules, overall(switches))}
    assert why == {"the watchdog's own rollback cut every switch short that would count"}
    assert overall([a_switch(0), cut_short(1, Label.BAD)]).why_not_replayable == ""


def test_labels_that_are_there_are_not_said_to_be_missing() -> None:
    def said(*switches: SwitchReplay) -> str:
        return headline(replace(a_report(switches), overall=overall(switches)))

    good, unsaid = a_switch(0), a_switch(1, label=Label.UNKNOWN)
    assert "which of them were bad, nobody said" in said(unsaid, cut_short(2, Label.BAD))
    assert "told of; none is known to have been bad; no false alarm" in said(good, cut_short(2, Label.BAD))
    assert "none is known to have been bad, and of 1 nobody said" in said(good, unsaid)


def test_to_be_told_of_is_to_be_caught_for_every_condition() -> None:
    """As under `action = "notify"`: what `caught` counts is not missed more, and a page less is."""
    acts, tells = (a_switch(0, label=Label.BAD, bad_from=4, outcome=one) for one in ("rolled-back", "notified"))
    silent = a_switch(0, label=Label.BAD)
    reports = [replace(a_report([one]), overall=overall([one])) for one in (acts, tells, silent)]

    def met(old: Report, new: Report) -> tuple[str, ...]:
        asked = read_conditions(["caught<1,missed,more-missed"])
        return tuple(one.split(" ")[0] for one in failing(asked, new, compared(old, new, "old.toml")))

    assert met(reports[0], reports[1]) == ()
    assert met(reports[1], reports[2]) == met(reports[0], reports[2]) == ("caught<1", "missed", "more-missed")
    assert met(reports[2], reports[1]) == ()
    (worse,) = compared(reports[1], reports[2], "old.toml").differences
    assert is_worse(worse)
    good = [replace(one, label=Label.GOOD) for one in (silent, tells)]
    more = compared(*(a_report([one]) for one in good), "old.toml")
    assert failing(read_conditions(["more-false-alarms"]), more.new, more) == (
        "more-false-alarms (more-false-alarms is 1)",
    )
    assert is_worse(more.differences[0])
