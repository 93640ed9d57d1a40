"""`status --watch`: lines in a pipe, a screen on a terminal, and how it ends."""

import asyncio
import json
import os
import pty
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from adapters.web.pages.records import a_record, judged
from builders import at
from cli.verbs import a_cluster, call, environment, spawn
from watchdog.cli.status_lines import Lines
from watchdog.cli.status_screen import Screen
from watchdog.domain.record import record_of
from watchdog.domain.state import Phase
from watchdog.engine.looking_on import Sight

HOSTILE = "\x1b[31mred\x07 [bold]x[/bold] second\nline"


def still_open(**changes: Any) -> dict[str, Any]:
    return a_record(watch="research-1", **changes)


def breached() -> dict[str, Any]:
    watch = replace(judged(*[0.5] * 8), id="research-1", phase=Phase.RECOVERING, acted_at=at(62))
    return record_of(watch)


def test_in_a_pipe_each_change_is_one_line_and_nothing_is_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    before = a_record(watch="brand-9", outcome="passed", phase="passed", ended_at=at(-900).isoformat())
    lines.show(Sight(at(20), (still_open(),), (before,)))
    lines.show(Sight(at(22), (still_open(),), (before,)))
    assert capsys.readouterr().out.count("\n") == 1
    lines.show(Sight(at(64), (breached(),), (before,)))
    ended = breached() | {"outcome": "rolled-back", "phase": "rolled-back", "recovery": "recovered"}
    lines.show(Sight(at(90), (), (ended, before)))
    said = capsys.readouterr()
    recovering, over = said.out.splitlines()
    assert "production/deployment/research: recovering; " in recovering
    assert breached()["headline"] in recovering
    assert "rolled-back, recovered" in over
    assert said.err == ""


def test_in_a_pipe_an_outage_is_told_once_and_its_end_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    seen = Sight(at(20), (), ())
    lines.show(seen)
    for _ in range(3):
        lines.show(replace(seen, trouble=f"connection refused {HOSTILE}"))
    lines.show(Sight(at(60), (), ()))
    said = capsys.readouterr()
    assert said.out == "no watch is open\n"
    away, back = said.err.splitlines()
    assert away.startswith("no answer since 12:00:20 UTC, trying again: connection refused")
    assert "\x1b" not in away
    assert back == "there is an answer again, at 12:01:00 UTC"


def test_as_json_each_change_is_the_record_that_changed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(as_json=True)
    lines.show(Sight(at(20), (still_open(),), ()))
    lines.show(Sight(at(64), (breached(),), ()))
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["phase"], second["phase"]) == ("watching", "recovering")
    assert "state" not in first


def screen_of(sight: Sight, *, width: int, encoding: str = "utf-8") -> str:
    output = BytesIO()
    console = Console(file=TextIOWrapper(output, encoding=encoding), width=width, height=60, no_color=True)
    screen = Screen(lambda: at(70), console)
    screen.show(sight)
    console.print(screen.picture())
    console.file.flush()
    return output.getvalue().decode(encoding)


def test_the_screen_counts_no_recovery_before_the_put_back_is_complete() -> None:
    acted = {"acted_at": at(70).isoformat(), "put_back_complete_at": None, "recovery_until": at(970).isoformat()}
    shown = screen_of(Sight(at(80), (a_record(0.5, 0.5, phase="recovering", **acted),), ()), width=100)
    assert "the put-back is under way; the recovery is counted from its completion" in shown
    assert "█" not in shown


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_shows_what_the_page_shows_first(width: int) -> None:
    watching = a_record(0.004, 0.01, watch="brand-2", target="production/deployment/brand", bake_from=at(5).isoformat(),
                        bake_until=at(605).isoformat())  # fmt: skip
    ended = a_record(watch="x", target="production/deployment/agent", outcome="held", phase="held", reason="a pause")
    shown = screen_of(Sight(at(68), (watching, breached()), (ended,)), width=width)
    assert "2 watches are open" in shown
    assert shown.index("deployment/research") < shown.index("deployment/brand"), "what may need a person comes first"
    assert "535 s of the bake left" in shown or "8 min 55 s of the bake left" in shown
    assert "50 % / 5 %" in shown
    assert "█" in shown
    assert shown.index("Last outcomes") < shown.index("deployment/agent")
    assert all(len(line) <= width for line in shown.splitlines())
    assert ("needed" in shown) is (width >= 100)


def test_the_screen_says_since_when_there_is_no_answer_and_keeps_what_was_seen() -> None:
    shown = screen_of(Sight(at(20), (still_open(target=HOSTILE),), (), f"reset {HOSTILE}"), width=80, encoding="ascii")
    assert "no answer since 12:00:20 UTC, trying again: reset" in shown
    assert "1 watch is open" in shown
    assert not set(shown) & {"\x1b", "\x07", "█"}
    assert "[bold]x[/bold]" in shown


def test_wrong_usage_is_one_line_and_two() -> None:
    for words, says in (
        (("--api", "http://x"), "--api is for --watch"),
        (("--watch", "--api", "here"), "is no URL; write it like http://"),
    ):
        result = call("status", *words)
        assert result.exit_code == 2
        assert says in result.stderr
        assert len(result.stderr.splitlines()) == 1


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode()


async def test_a_cluster_that_is_not_there_at_first_is_one_line_and_one(tmp_path: Path) -> None:
    async with a_cluster(tmp_path) as settings:
        pass
    process = await spawn("status", "--watch", folder=tmp_path, **settings)
    async with asyncio.timeout(60):
        stdout, stderr = await process.communicate()
    assert (process.returncode, stdout) == (1, b"")
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_pipe_is_told_of_what_is_open_and_a_signal_ends_it_with_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with a_cluster(tmp_path, still_open()) as settings:
        process = await spawn("status", "--watch", folder=tmp_path, **settings)
        assert "production/deployment/research: watching" in await line_of(process)
        process.send_signal(number)
        async with asyncio.timeout(60):
            _, stderr = await process.communicate()
    assert (process.returncode, stderr) == (0, b"")


async def test_a_reader_that_goes_ends_it_with_1_and_no_word(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    async with a_cluster(tmp_path, still_open()) as settings:
        process = await spawn("status", "--watch", folder=tmp_path, stdout=writing, **settings)
        os.close(writing)
        assert b"research" in await asyncio.to_thread(os.read, reading, 4096)
        os.close(reading)
        async with asyncio.timeout(60):
            _, stderr = await process.communicate()
    assert (process.returncode, stderr) == (1, b"")


@contextmanager
def a_terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


async def test_on_a_terminal_q_leaves_with_0_and_the_terminal_is_as_it_was(tmp_path: Path) -> None:
    import sys  # noqa: PLC0415
    import termios  # noqa: PLC0415

    async with a_cluster(tmp_path, still_open()) as settings:
        with a_terminal() as (ours, theirs):
            before = termios.tcgetattr(theirs)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "watchdog", "status", "--watch", cwd=tmp_path,
                env=environment(**settings) | {"TERM": "xterm", "COLUMNS": "80", "LINES": "40"},
                stdin=theirs, stdout=theirs, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            shown = b""
            async with asyncio.timeout(60):
                while b"1 watch is open" not in shown:
                    shown += await asyncio.to_thread(os.read, ours, 4096)
            os.write(ours, b"q")
            drained = asyncio.create_task(asyncio.to_thread(_drain, ours))
            async with asyncio.timeout(60):
                assert process.stderr is not None
                stderr = await process.stderr.read()
                code = await process.wait()
            assert termios.tcgetattr(theirs)[3] == before[3]
            os.write(theirs, b"!")
            await drained
    assert (code, stderr) == (0, b"")


async def test_a_q_that_was_pressed_before_the_screen_was_there_leaves_as_well(tmp_path: Path) -> None:
    import sys  # noqa: PLC0415

    async with a_cluster(tmp_path, still_open()) as settings:
        with a_terminal() as (ours, theirs):
            os.write(ours, b"q")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "watchdog", "status", "--watch", cwd=tmp_path,
                env=environment(**settings) | {"TERM": "xterm", "COLUMNS": "80", "LINES": "40"},
                stdin=theirs, stdout=theirs, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            drained = asyncio.create_task(asyncio.to_thread(_drain, ours))
            try:
                async with asyncio.timeout(60):
                    assert process.stderr is not None
                    stderr = await process.stderr.read()
                    code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                os.write(theirs, b"!")
                await drained
    assert (code, stderr) == (0, b"")


def _drain(terminal: int) -> None:
    """Read what a process draws until the mark that is written behind it."""
    while b"!" not in os.read(terminal, 4096):
        pass
