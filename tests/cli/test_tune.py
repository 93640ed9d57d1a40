"""`watchdog tune` as people call it wrongly: each mistake is one clear line and the right exit code."""

import json
from pathlib import Path

import pytest
from benchmarks.backtest.history import RULES

from cli.verbs import call
from replay.reports import a_report, a_switch
from watchdog.replay.report import document_of

NOBODY = "http://127.0.0.1:9"


def a_rules_file(folder: Path, text: str = RULES) -> str:
    path = folder / "rules.toml"
    path.write_text(text)
    return str(path)


def test_without_a_prometheus_it_is_told_where_to_name_one(tmp_path: Path) -> None:
    result = call("tune", a_rules_file(tmp_path))
    assert result.exit_code == 2
    assert result.stderr == "watchdog: no Prometheus is named: set WATCHDOG_PROMETHEUS_URL or pass --prometheus\n"


def test_a_prometheus_out_of_reach_ends_with_1(tmp_path: Path) -> None:
    result = call("tune", a_rules_file(tmp_path), "--prometheus", NOBODY, "--no-cache")
    assert result.exit_code == 1
    assert f"watchdog: {NOBODY} cannot be asked" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_rules_with_mistakes_are_listed(tmp_path: Path) -> None:
    result = call("tune", a_rules_file(tmp_path, RULES.replace("> 5%", "> 5")), "--prometheus", NOBODY)
    assert result.exit_code == 2
    assert "rules.toml:" in result.stderr
    assert "5 has no unit" in result.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [("{}", 'the report has no "rules_file"'), ("not json", "this is no JSON"), (None, "cannot be read")],
)
def test_a_report_that_is_none_is_said_to_be(tmp_path: Path, text: str | None, why: str) -> None:
    report = tmp_path / "report.json"
    if text is not None:
        report.write_text(text)
    result = call("tune", a_rules_file(tmp_path), "--from", str(report), "--prometheus", NOBODY, "--no-cache")
    assert result.exit_code in (1, 2)
    assert why in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_place_that_cannot_be_written_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    result = call(
        "tune", a_rules_file(tmp_path), "--write", str(tmp_path / "no" / "folder.patch"), "--prometheus", NOBODY
    )
    assert result.exit_code == 2
    assert "is no directory" in result.stderr


def test_a_report_on_records_is_not_taken_without_them(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(document_of(a_report([a_switch(0), a_switch(1, source="records")]))))
    result = call("tune", a_rules_file(tmp_path), "--from", str(report), "--prometheus", NOBODY, "--no-cache")
    assert result.exit_code == 2
    assert f"{report}: 1 of its 2 switches are from records or a list" in result.stderr
    assert "give --records or --switches again" in result.stderr
    assert len(result.stderr.splitlines()) == 1
