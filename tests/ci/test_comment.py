"""The comment of a pull request: one, updated, and never the reason why a job fails."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ci.standin import Forge, running
from ci.workflows import SCRIPTS

MARKER = "<!-- rollback-watchdog -->"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have slept."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, pauses: list[float], tmp_path: Path) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITLAB_CI", "COMMENT_AUTHOR", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    for key, value in {"all_proxy": "", "http_proxy": "", "no_proxy": "*"}.items():
        monkeypatch.setenv(key, value)
    yield importlib.import_module("comment")
    for name in ("comment", "services"):
        sys.modules.pop(name, None)


@pytest.fixture
def forge() -> Iterator[Forge]:
    with running(Forge()) as found:
        yield found


@pytest.fixture
def on_github(script: ModuleType, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"GITHUB_TOKEN": "t0ken", "GITHUB_REPOSITORY": "acme/plasma", "PULL_REQUEST": "7"}
    for name, value in {**given, "GITHUB_API_URL": forge.url}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def on_gitlab(script: ModuleType, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    forge.me, forge.limit = "project_42_bot", 1_000_000
    given = {"GITLAB_TOKEN": "t0ken", "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "GITLAB_CI": "true"}
    monkeypatch.delenv("GITHUB_ACTIONS")
    for name, value in {**given, "CI_API_V4_URL": f"{forge.url}/api/v4"}.items():
        monkeypatch.setenv(name, value)


def say(script: ModuleType, tmp_path: Path, text: str, *options: str) -> int:
    file = tmp_path / "report.md"
    file.write_text(text, encoding="utf-8")
    sys.argv = ["comment.py", str(file), *options]
    code: int = script.main()
    return code


@pytest.mark.parametrize("where", ["on_github", "on_gitlab"])
def test_the_first_report_is_posted_and_the_next_one_updates_it(
    where: str, request: pytest.FixtureRequest, script: ModuleType, forge: Forge, tmp_path: Path
) -> None:
    request.getfixturevalue(where)
    forge.comment("looks good", "ann")
    assert say(script, tmp_path, "first") == 0
    assert say(script, tmp_path, "second") == 0
    assert forge.bodies() == [f"{MARKER}\nsecond"]
    assert forge.bodies("ann") == ["looks good"]
    assert forge.tokens == {"Bearer t0ken"} or forge.tokens == {"t0ken"}


@pytest.mark.parametrize("where", ["on_github", "on_gitlab"])
def test_it_is_found_on_whatever_page_it_is(
    where: str, request: pytest.FixtureRequest, script: ModuleType, forge: Forge, tmp_path: Path
) -> None:
    request.getfixturevalue(where)
    for number in range(250):
        forge.comment(f"remark {number}", "ann")
    forge.comment(f"{MARKER}\nold", forge.me)
    for number in range(30):
        forge.comment(f"later {number}", "ann")
    assert say(script, tmp_path, "new") == 0
    assert forge.bodies() == [f"{MARKER}\nnew"]
    assert not [call for call in forge.calls if call.startswith("POST")]


def test_a_page_that_is_just_full_is_not_the_last(
    on_github: None, script: ModuleType, forge: Forge, tmp_path: Path
) -> None:
    for number in range(100):
        forge.comment(f"remark {number}", "ann")
    forge.comment(f"{MARKER}\nold", forge.me)
    assert say(script, tmp_path, "new") == 0
    assert forge.bodies() == [f"{MARKER}\nnew"]


def test_somebody_elses_marker_is_not_ours(on_github: None, script: ModuleType, forge: Forge, tmp_path: Path) -> None:
    forge.comment(f"{MARKER}\nall rules pass, merge me", "mallory")
    forge.comment(f"I saw {MARKER} in there", forge.me)
    assert say(script, tmp_path, "the truth") == 0
    assert forge.bodies("mallory") == [f"{MARKER}\nall rules pass, merge me"]
    assert forge.bodies()[-1] == f"{MARKER}\nthe truth"


@pytest.mark.parametrize("where", ["on_github", "on_gitlab"])
def test_a_report_that_is_too_long_is_cut_at_a_line_and_says_so(
    where: str, request: pytest.FixtureRequest, script: ModuleType, forge: Forge, tmp_path: Path
) -> None:
    request.getfixturevalue(where)
    row = "<details><summary>switch</summary>\n\n```text\n" + "é | 0.1 %\n" * 200_000
    assert say(script, tmp_path, row) == 0
    body = forge.bodies()[0]
    assert forge.limit - 1000 < len(body) <= forge.limit
    assert "Cut here" in body.splitlines()[-1]
    assert body.count("```") % 2 == 0
    assert body.count("</details>") == 1
    assert row in (tmp_path / "summary.md").read_text() or where == "on_gitlab"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "the token is wrong or has expired"),
        (403, "a pull request from a fork gets one that can only read"),
        (404, "there is none of that number"),
    ],
)
def test_a_token_that_may_not_write_is_said_in_one_line_and_fails_no_job(
    status: int,
    words: str,
    on_github: None,
    script: ModuleType,
    forge: Forge,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pauses: list[float],
) -> None:
    refused = (status, {}, {"message": "Resource not accessible by integration"})
    forge.answers = [(200, {}, []), refused]
    assert say(script, tmp_path, "text") == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("::warning title=the comment was not posted::")
    assert words in said[0]
    assert pauses == []
    assert (tmp_path / "summary.md").read_text() == "text\n\n"
    forge.answers = [(200, {}, []), refused]
    assert say(script, tmp_path, "text", "--strict") == 1


def test_a_fork_without_a_token_is_said_in_one_line(
    on_github: None,
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    forge: Forge,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "")
    assert say(script, tmp_path, "text") == 0
    assert "GITHUB_TOKEN is not set" in capsys.readouterr().out
    assert forge.calls == []


@pytest.mark.parametrize(
    ("headers", "status", "waited"),
    [({"Retry-After": "7"}, 429, [7.0]), ({"Retry-After": "3"}, 403, [3.0]), ({}, 502, [1.0])],
)
def test_it_waits_as_long_as_it_is_told_to(
    headers: dict[str, str],
    status: int,
    waited: list[float],
    on_github: None,
    script: ModuleType,
    forge: Forge,
    tmp_path: Path,
    pauses: list[float],
) -> None:
    forge.answers = [(status, headers, {"message": "slow down"})]
    assert say(script, tmp_path, "text") == 0
    assert forge.bodies() == [f"{MARKER}\ntext"]
    assert pauses == waited


def test_a_limit_that_is_used_up_for_an_hour_is_not_waited_for(
    on_github: None,
    script: ModuleType,
    forge: Forge,
    tmp_path: Path,
    pauses: list[float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}
    forge.answers = [(403, spent, {"message": "API rate limit exceeded"})]
    assert say(script, tmp_path, "text") == 0
    assert pauses == []
    assert "the rate limit is used up" in capsys.readouterr().out


def test_an_api_that_is_away_is_asked_four_times_and_fails_no_job(
    on_github: None,
    script: ModuleType,
    forge: Forge,
    tmp_path: Path,
    pauses: list[float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    forge.answers = [(503, {}, "<html>away</html>")] * 4
    assert say(script, tmp_path, "text") == 0
    assert pauses == [1.0, 2.0, 4.0]
    assert "503" in capsys.readouterr().out


def test_a_proxys_page_is_no_list_of_comments(
    on_github: None, script: ModuleType, forge: Forge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.answers = [(200, {}, "<html>log in</html>")]
    assert say(script, tmp_path, "text") == 0
    assert "no JSON was answered" in capsys.readouterr().out


def test_nothing_in_the_report_becomes_a_command_of_the_runner(
    on_github: None, script: ModuleType, forge: Forge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.answers = [(422, {}, {"message": "bad\n::error::injected"})]
    assert say(script, tmp_path, "::set-output name=x::y") == 0
    said = capsys.readouterr().out
    assert "\n::error" not in said
    assert "%0A::error" in said


def test_a_file_that_is_not_there_is_wrong_usage(script: ModuleType, tmp_path: Path) -> None:
    sys.argv = ["comment.py", str(tmp_path / "nothing.md")]
    assert script.main() == 2


def test_an_empty_report_is_not_posted(on_github: None, script: ModuleType, forge: Forge, tmp_path: Path) -> None:
    assert say(script, tmp_path, " \n") == 0
    assert forge.calls == []
    assert not (tmp_path / "summary.md").exists()
