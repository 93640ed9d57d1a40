"""The patch of `watchdog tune`: whatever the file looks like, git and patch take it, and nothing else changes."""

import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from benchmarks.backtest.history import RULES

from watchdog.replay.tuning.candidates import Candidate, candidates
from watchdog.replay.tuning.patching import patch, patched
from watchdog.replay.tuning.searching import Suggestion
from watchdog.rulebook import read_rules

LIMIT = Candidate("limit", "7", "7%", -7.0)
SLOWER = Candidate("for", "2m", "2m", -120.0)
SUGGESTIONS = (
    Suggestion("error-rate", (LIMIT,), "limit 5% -> 7%: quieter"),
    Suggestion("cpu", (SLOWER,), "for 1m -> 2m: quieter"),
    Suggestion("memory", (), "stays"),
)


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("last", ["", "\n"], ids=["no last line end", "usual"])
@pytest.mark.parametrize("command", [("git", "apply"), ("patch", "-p1", "--binary")], ids=["git", "patch"])
def test_git_and_patch_take_it(tmp_path: Path, command: tuple[str, ...], last: str, ends: str) -> None:
    text = ("# Ours: 5 % is what we promise.\n" + RULES.rstrip("\n") + last).replace("\n", ends)
    (tmp_path / "rules.toml").write_bytes(text.encode())
    written = patch(text, "rules.toml", SUGGESTIONS, ["two changes"])
    subprocess.run(command, cwd=tmp_path, input=written.encode(), check=True, capture_output=True, timeout=30)
    new = (tmp_path / "rules.toml").read_bytes().decode()
    assert new == patched(text, SUGGESTIONS)
    assert new == text.replace("rate > 5%", "rate > 7%").replace('2x baseline"' + ends + 'for  = "1m"',
                                                                 '2x baseline"' + ends + 'for  = "2m"')  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rules.toml", "rules.toml"),
        ("./deploy/rules.toml", "deploy/rules.toml"),
        ("/etc/watchdog/rules.toml", "rules.toml"),
        ("../rules.toml", "rules.toml"),
        ("main:deploy/rules.toml", "deploy/rules.toml"),
    ],
)
def test_the_file_is_named_from_the_folder_that_the_patch_is_taken_up_in(name: str, shown: str) -> None:
    lines = patch(RULES, name, SUGGESTIONS, []).splitlines()
    assert f"--- a/{shown}" in lines
    assert f"+++ b/{shown}" in lines


def test_what_a_reason_quotes_stays_a_comment() -> None:
    hostile = Suggestion("memory", (), "could not be replayed: \n--- a/etc/passwd\n+++ b/etc/passwd\x1b[2J")
    written = patch(RULES, "rules.toml", (hostile,), ["summary\n+++ b/x"])
    assert all(line.startswith("# ") for line in written.split("\n")[:-1])
    assert "\x1b" not in written


def test_a_factor_of_the_baseline_never_crosses_one() -> None:
    (latency,) = (rule for rule in read_rules(RULES).guards[0].rules if rule.name == "latency")
    tried = [Decimal(one.value) for one in candidates(latency) if one.axis == "limit"]
    assert tried == [Decimal(text) for text in ("1.25", "1.35", "1.5", "1.7", "1.85", "2.2", "2.5", "3", "4")]


def test_what_stands_in_the_file_is_not_tried_again() -> None:
    for rule in read_rules(RULES).guards[0].rules:
        tried = [(one.axis, one.shown) for one in candidates(rule)]
        assert len(set(tried)) == len(tried)
        assert ("limit", "5%") not in tried
        assert ("for", "1m") not in tried or rule.hold.total_seconds() == 0
