"""`watchdog mark`: a person's judgement, with their own rights; and what it is refused for."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.web.pages.records import a_record
from builders import at
from cli.test_records import become_nobody
from cli.verbs import a_cluster, call, call_beside

HOSTILE = "\x1b[31mboo\x07 [bold]x[/bold] <b>\nline"


def ended(name: str, outcome: str, **changes: Any) -> dict[str, Any]:
    known = {"outcome": outcome, "phase": outcome, "ended_at": at(700).isoformat(), "reason": f"so it {outcome}"}
    return a_record(*([0.5] * 8 if outcome != "passed" else [0.004]), watch=name, **{**known, **changes})


ALARM, PASSED = ended("research-1", "rolled-back"), ended("brand-2", "passed")
OPEN = a_record(watch="content-3")


async def test_a_mark_is_put_shown_and_taken_back(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, ALARM, PASSED, OPEN) as settings:
        marked = await call_beside("mark", "research", "false-alarm", "--reason", " a load test ", **settings)
        missed = await call_beside("mark", "brand-2", "missed", "--reason", "it leaked", **settings)
        history = await call_beside("history", **settings)
        lines = (await call_beside("history", "-o", "json", **settings)).stdout.splitlines()
        again = await call_beside("mark", "research-1", "false-alarm", "--reason", "two load tests", **settings)
        back = await call_beside("mark", "research-1", "none", **settings)
        none = await call_beside("mark", "research-1", "none", **settings)
        after = await call_beside("explain", "research-1", "-o", "json", **settings)
    assert (marked.exit_code, missed.exit_code) == (0, 0), marked.output + missed.output
    assert marked.stdout.startswith("watch research-1: marked a false alarm, by ")
    assert marked.stdout.endswith(": a load test\n")
    assert "marked as missed: it was bad, by " in history.stdout
    assert "marked by a person: 1 false alarm, 1 missed" in history.stdout
    known = {one["watch"]: one for one in map(json.loads, lines)}
    assert known["research-1"]["mark"]["what"] == "false-alarm"
    assert known["brand-2"]["mark"]["reason"] == "it leaked"
    assert "two load tests" in again.stdout
    assert back.stdout == "watch research-1: the mark is taken back\n"
    assert (none.exit_code, none.stderr) == (1, "watchdog: watch research-1 has no mark\n")
    assert "mark" not in json.loads(after.stdout)


async def test_what_cannot_be_said_of_a_watch_is_refused_with_why_and_1(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, ALARM, PASSED, OPEN) as settings:
        cases = {
            ("content-3", "false-alarm"): "is still open (watching); mark it when it has ended",
            ("brand-2", "false-alarm"): "without an alarm; a bad release that was let through is `missed`",
            ("research-1", "missed"): "it was not missed; an alarm without a cause is `false-alarm`",
            ("agent", "missed"): "there is no watch 'agent'",
        }
        for (watch, what), says in cases.items():
            result = await call_beside("mark", watch, what, "--reason", "why", **settings)
            assert result.exit_code == 1, (watch, what)
            assert says in result.stderr
            assert len(result.stderr.splitlines()) == 1
        records = (await call_beside("history", "-o", "json", **settings)).stdout
        become_nobody(tmp_path)
        forbidden = await call_beside("mark", "research-1", "false-alarm", "--reason", "why", **settings)
    assert '"mark"' not in records
    assert (forbidden.exit_code, len(forbidden.stderr.splitlines())) == (1, 1)


async def test_a_hostile_reason_stays_text_wherever_it_is_told(tmp_path: Path) -> None:
    async with a_cluster(tmp_path, ALARM) as settings:
        marked = await call_beside("mark", "research-1", "false-alarm", "--reason", HOSTILE, **settings)
        shown = [
            await call_beside(*words, **settings)
            for words in (("history",), ("explain", "research-1"), ("explain", "research-1", "-o", "markdown"))
        ]
        page = await call_beside("explain", "research-1", "-o", "html", **settings)
    assert marked.exit_code == 0, marked.output
    for result in (marked, *shown, page):
        assert result.exit_code == 0, result.exception
        assert not set(result.stdout) & {"\x1b", "\x07"}
    assert "[bold]x[/bold]" in shown[0].stdout
    assert "<b>" not in shown[2].stdout
    assert "&lt;b&gt;" in page.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("w", "false-alarm"), 'a mark needs a --reason "why"'),
        (("w", "missed", "--reason", "  "), 'a mark needs a --reason "why"'),
        (("w", "none", "--reason", "x"), "it needs no --reason"),
        (("w", "missed", "--reason", "x" * 1001), "write at most 1,000"),
        (("w", "right"), "'right' is not one of 'false-alarm', 'missed', 'none'"),
    ],
)
def test_wrong_usage_is_two_and_says_what_is_right(words: tuple[str, ...], says: str) -> None:
    result = call("mark", *words)
    assert result.exit_code == 2
    assert says in result.stderr
