"""Reports that are read back, and what they hand on."""

import json
from datetime import datetime, timedelta

import pytest

from replay.reports import a_comparison, a_report, fortnight
from replay.reports import a_switch as a_replayed
from watchdog.replay.backtest import Wish
from watchdog.replay.report import Label, document_of
from watchdog.replay.rereading import NotAReport, reread
from watchdog.replay.tuning.session import wish_of


def test_a_report_is_read_back_as_it_was_written() -> None:
    report = fortnight()
    assert reread(json.dumps(document_of(report))) == report
    comparison = a_comparison(report)
    assert reread(json.dumps(document_of(comparison))) == report


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no", "this is no JSON"),
        ("[]", "this is no JSON object"),
        ("{}", 'the report has no "rules_file"'),
        ('{"schema": 99}', "its schema is 99"),
        (json.dumps({**document_of(a_report([])), "switches": 5}), "the report.switches is no list"),
        (json.dumps({**document_of(a_report([])), "since": "yesterday"}), "the report.since"),
        (json.dumps({**document_of(a_report([])), "spent": []}), "the report.spent is no object"),
        (json.dumps({**document_of(a_report([])), "digest": 5}), "the report.digest is int, not str"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(NotAReport, match=why.replace("[", r"\[")):
        reread(text)


def test_a_report_hands_on_its_stretch_and_its_labels() -> None:
    report = fortnight(10, 3, 10)
    wish = wish_of(report, Wish(timedelta(days=1)))
    assert wish.span == timedelta(days=14)
    assert wish.until == report.until
    assert wish.placebos == 2  # ten, over five targets
    known = {(str(entry.target), entry.at): entry.label for entry in wish.labels}
    assert list(known.values()).count(Label.UNKNOWN) == 1
    assert len(known) == 10
    first = report.real[0]
    assert known[(first.target, first.at)] is Label.BAD
    moment = a_replayed(0).at
    assert isinstance(moment, datetime)
