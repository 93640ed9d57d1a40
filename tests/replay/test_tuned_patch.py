"""The patch that `tune` suggests: git applies it, and its reasons stand above it."""

import subprocess
from pathlib import Path

import pytest

from replay.test_tuning import a_file, errors, observed, quiet
from watchdog.replay.tuning.patching import patch, patched
from watchdog.replay.tuning.searching import Suggestion, search


def tuned(text: str) -> tuple[Suggestion, ...]:
    return search(text, observed(text, [errors(0.09, seed=seed) for seed in range(4)], quiet(30)))


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""], ids=["unix", "windows", "no last line end"])
def test_git_applies_the_patch_and_gets_the_file(tmp_path: Path, ending: str) -> None:
    text = a_file("15%")
    if ending == "":
        text = text.replace("[metrics]", "[metrics.unused]\nkind = 'gauge'\nquery = 'up'\nfloor = 1\n[metrics]")
        head, _, tail = text.partition("# What customers see.")
        rule, rest = tail.split("[rules.memory]")
        text = f"{head}[rules.memory]{rest}\n# What customers see.{rule.rstrip()}"
    if ending == "\r\n":
        text = text.replace("\n", "\r\n")
    suggestions = tuned(text)
    file = tmp_path / "rules.toml"
    file.write_text(text, newline="")
    said = patch(text, "rules.toml", suggestions, ["first", "second\nline"])
    (tmp_path / "tune.patch").write_text(said, newline="")
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "tune.patch"], cwd=tmp_path, check=True, capture_output=True)
    assert file.read_bytes().decode() == patched(text, suggestions)
    assert file.read_bytes().decode() != text


def test_the_reasons_stand_above_the_patch_one_line_each() -> None:
    text = a_file("15%")
    said = patch(text, "/somewhere/else/rules.toml", tuned(text), ["two\nlines"])
    comments = [line for line in said.splitlines() if line.startswith("#")]
    assert comments[0] == "# two\\nlines"
    assert comments[1].startswith("# errors: limit 15% -> 5.2%: ")
    assert "--- a/rules.toml\n+++ b/rules.toml\n" in said
    assert ' # What customers see.\n [rules.errors]\n-when = "http_error_rate > 15%"   # agreed with support\n' in said


def test_without_a_suggestion_there_is_no_diff() -> None:
    text = a_file("5%")
    said = patch(text, "rules.toml", search(text, observed(text, [], [])), ["nothing"])
    assert all(line.startswith("# ") for line in said.splitlines())
