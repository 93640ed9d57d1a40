"""How a dry run shows what it sees: as a table, as plain lines, as JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from builders import GOOD, a_block, a_latency, a_live, a_pod, a_probe, a_ratio, a_rule, a_watch, at, counts, play
from watchdog.cli.rehearsed import JsonView, LinesView
from watchdog.cli.rehearsed_table import TableView
from watchdog.domain.effects import Write
from watchdog.domain.events import Looked, Measured
from watchdog.domain.state import Phase, Watch

PATCH = Write(
    "PATCH",
    "/apis/apps/v1/namespaces/production/deployments/research",
    "application/json-patch+json",
    '[{"op": "test"}]',
)


def steps() -> list[Watch]:
    """A watch as it goes on: opened, measured, ended by what a dry run withholds."""
    rules = (
        a_rule(a_ratio(), name="error-rate", alpha=0.0005),
        a_rule(a_latency(), name="latency"),
        a_rule(a_probe(), name="health"),
    )
    pods = (a_pod("research-a", ready=-60),)
    watch, _ = play(a_watch(*rules), (Looked(a_live(candidate_pods=pods, completed_at=at(0))), 1))
    measured, _ = play(watch, (Measured({"error-rate": a_block(1, counts(8, 100))}), 17))
    again, _ = play(measured, *((Measured({"error-rate": a_block(n, counts(9, 100))}), 15.0 * n + 2) for n in (2, 3)))
    ended = replace(again, phase=Phase.WOULD_ROLL_BACK, reason="would be put back; nothing was done", withheld=(PATCH,))
    return [watch, measured, again, ended]


def test_the_table_has_each_rule_with_its_value_its_evidence_and_the_time_left() -> None:
    console = Console(force_terminal=True, width=200, record=True)
    view = TableView(lambda: at(60), console)
    watch, measured, _, ended = steps()
    view.stepped(watch)
    view.stepped(measured)
    console.print(view.table())
    text = console.export_text()
    assert "TARGET" in text
    [errors] = [line for line in text.splitlines() if " error-rate " in line]
    assert "8 % / 5 %" in errors
    assert "%" in errors.split("5 %")[1]  # of the evidence
    assert "9 min" in errors
    assert " latency " in text
    view.stepped(ended)
    shown = console.export_text()
    assert "WOULD BE ROLLED BACK" in shown
    assert PATCH.body in shown.splitlines()[-2]


def test_on_a_narrow_terminal_each_rule_has_a_line_of_its_own() -> None:
    console = Console(force_terminal=True, width=60, record=True)
    view = TableView(lambda: at(60), console)
    watch, measured, again, _ = steps()
    for step in (watch, measured, again):
        view.watches[step.id] = step
    console.print(view.table())
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert "production/deployment/research" in lines
    assert "TARGET" not in " ".join(lines)
    [errors] = [line for line in lines if line.startswith("  error-rate  ")]
    assert "undecided  8.67 % / 5 %  " in errors
    assert errors.endswith("%")
    assert "  latency  no-data" in lines
    assert any(line.endswith(", 9 min") for line in lines)


def test_a_table_without_a_switch_says_that_it_waits() -> None:
    console = Console(record=True, width=100)
    console.print(TableView(lambda: at(0), console).table())
    assert "waiting for a switch" in console.export_text()


def test_plain_lines_say_a_verdict_when_it_changes_and_the_patch_whole(capsys: pytest.CaptureFixture[str]) -> None:
    view = LinesView()
    for watch in steps():
        view.stepped(watch)
    assert view.ended() == 3
    lines = capsys.readouterr().out.splitlines()
    target = "production/deployment/research"
    assert lines[0].startswith(f"{target} rolled out research-7c9d")
    assert lines[1] == f"  stable {GOOD}; watched for 10 min by guard {steps()[0].guard.name}"
    assert len([line for line in lines if " error-rate undecided: " in line]) == 1
    assert any("of what is needed)" in line for line in lines)
    assert f"  {PATCH.method} {PATCH.path}" in lines
    assert f"  {PATCH.body}" in lines
    assert lines[-1] == "something would be rolled back; nothing was written"


def test_json_has_each_verdict_and_the_patch_as_it_would_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    view = JsonView()
    for watch in steps():
        view.stepped(watch)
    view.ended()
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    verdicts = [fact for fact in facts if fact["event"] == "verdict" and fact["rule"] == "error-rate"]
    assert [(one["value"], one["limit"]) for one in verdicts] == [(0.08, 0.05), (pytest.approx(26 / 300), 0.05)]
    assert all(datetime.fromisoformat(one["at"]).tzinfo == UTC for one in verdicts)
    [would] = [fact for fact in facts if fact["event"] == "would-roll-back"]
    assert would["requests"][0]["body"] == PATCH.body
