"""Edits of rules.toml, however they arrive, on simulated time."""

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.simulated import simulated
from watchdog.adapters.rules_file import MAX_BYTES, RulesFile, Unreadable
from watchdog.simulator.clock import SimulatedClock

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Step = Callable[[], object]


async def seen(
    path: Path, *steps: Step, known: str | None = "old", read: Callable[[Path], bytes] | None = None
) -> Sequence[str | Unreadable]:
    """What `changes` yields while `steps` happen, five seconds apart."""
    clock = SimulatedClock(AT)
    file = RulesFile(path, clock, read) if read else RulesFile(path, clock)
    found: list[str | Unreadable] = []

    async def watch() -> None:
        async for change in file.changes(known):
            found.append(change)  # noqa: PERF401 - it never ends: `found` is read meanwhile

    watching = asyncio.create_task(watch())
    await clock.sleep(5.5)
    for step in steps:
        step()
        await clock.sleep(5)
    watching.cancel()
    await asyncio.wait([watching])
    return found


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text("old")
    return path


@simulated
async def test_what_is_already_known_is_not_a_change(rules: Path) -> None:
    assert await seen(rules) == []


@simulated
async def test_a_change_between_the_first_reading_and_the_watch_is_not_missed(rules: Path) -> None:
    assert await seen(rules, known="older") == ["old"]
    assert await seen(rules, known=None) == ["old"]


@simulated
async def test_an_edit_in_place_is_seen_once(rules: Path) -> None:
    assert await seen(rules, lambda: rules.write_text("new")) == ["new"]


@simulated
async def test_an_edit_of_the_same_size_with_the_old_time_is_seen(rules: Path) -> None:
    def edit() -> None:
        before = rules.stat()
        rules.write_text("ndl")
        os.utime(rules, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert await seen(rules, edit) == ["ndl"]


@simulated
async def test_a_touch_is_no_change(rules: Path) -> None:
    assert await seen(rules, rules.touch) == []


@simulated
async def test_a_rename_over_it_is_seen(rules: Path) -> None:
    def replace() -> None:
        fresh = rules.with_suffix(".tmp")
        fresh.write_text("new")
        fresh.rename(rules)

    assert await seen(rules, replace) == ["new"]


@simulated
async def test_a_configmap_s_symlink_swap_is_seen(tmp_path: Path) -> None:
    def publish(generation: str, text: str) -> None:
        (tmp_path / generation).mkdir()
        (tmp_path / generation / "rules.toml").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(generation)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("..1", "old")
    (tmp_path / "rules.toml").symlink_to("..data/rules.toml")
    assert await seen(tmp_path / "rules.toml", lambda: publish("..2", "new")) == ["new"]


@simulated
async def test_going_back_to_the_old_text_is_a_change_too(rules: Path) -> None:
    assert await seen(rules, lambda: rules.write_text("new"), lambda: rules.write_text("old")) == ["new", "old"]


@simulated
async def test_a_file_that_is_gone_is_said_once_and_its_return_is_said_though_nothing_changed(rules: Path) -> None:
    gone = Unreadable(f"{rules} cannot be read: No such file or directory")
    assert await seen(rules, rules.unlink, lambda: None, lambda: rules.write_text("old")) == [gone, "old"]


@simulated
async def test_a_file_that_is_missing_from_the_start_is_said(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    assert await seen(path, lambda: path.write_text("new")) == [
        Unreadable(f"{path} cannot be read: No such file or directory"),
        "new",
    ]


def a_script(*readings: bytes | OSError) -> Callable[[Path], bytes]:
    """Gives one reading a poll, and the last one for ever."""
    left = list(readings)

    def read(_: Path) -> bytes:
        now = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(now, OSError):
            raise now
        return now

    return read


@simulated
async def test_a_file_that_is_still_being_written_is_waited_for(rules: Path) -> None:
    assert await seen(rules, read=a_script(b"old", b"", b"[gua", b"[guards.", b"[guards.x]")) == ["[guards.x]"]


@simulated
async def test_a_gap_of_one_poll_is_passed_over(rules: Path) -> None:
    assert await seen(rules, read=a_script(b"old", FileNotFoundError(2, "gone"), b"old")) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"x" * (MAX_BYTES + 1), "is larger than 1024 KiB"), (b"ab\xff", "is not UTF-8 text: byte 3")],
)
@simulated
async def test_what_is_no_text_of_ours_is_unreadable(content: bytes, reason: str, rules: Path) -> None:
    assert await seen(rules, lambda: rules.write_bytes(content)) == [Unreadable(f"{rules} {reason}")]


@simulated
async def test_a_directory_is_unreadable(tmp_path: Path) -> None:
    assert await seen(tmp_path) == [Unreadable(f"{tmp_path} cannot be read: Is a directory")]


def test_reading_once_gives_the_text_as_it_is(rules: Path) -> None:
    rules.write_bytes("a\r\nü".encode())
    assert RulesFile(rules, None).read() == "a\r\nü"  # type: ignore[arg-type]


@simulated
async def test_no_more_of_a_file_is_read_than_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)  # sparse
    assert isinstance(RulesFile(path, SimulatedClock(AT)).read(), Unreadable)
