"""Work in a process of its own: its result comes back, what it loaded does not."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from watchdog.adapters.apart import apart
from watchdog.configured import SettingsError


def test_what_it_found_comes_back_and_what_it_loaded_does_not() -> None:
    def work() -> tuple[int, Path]:
        sys.modules["watchdog.loaded_apart"] = sys
        return os.getpid(), Path("found")

    pid, found = apart(work)
    assert found == Path("found")
    assert pid != os.getpid()
    assert "watchdog.loaded_apart" not in sys.modules


def test_what_it_raised_is_raised() -> None:
    def work() -> None:
        raise SettingsError(("one", "two"))

    with pytest.raises(SettingsError) as caught:
        apart(work)
    assert caught.value.problems == ("one", "two")


def test_where_its_process_dies_the_work_is_done_here() -> None:
    here = os.getpid()

    def work() -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    assert apart(work) == here


def test_what_cannot_be_handed_over_is_found_here() -> None:
    def work() -> socket.socket:
        return socket.socket()

    with apart(work) as found:
        assert found.family == socket.AF_INET


def test_where_no_process_can_be_made_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    assert apart(os.getpid) == os.getpid()
