"""What stands in the log, and what cannot get into it."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchdog.adapters.jsontext import to_json
from watchdog.adapters.logs import Bound, ConsoleFormatter, JsonFormatter, LogFormat, fact, printable, set_up
from watchdog.adapters.secrets import Redactor

AT = datetime(2026, 3, 1, 12, 3, 4, 567_000, tzinfo=UTC)


class FixedClock:
    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@pytest.fixture
def logged() -> Iterator[Callable[..., io.StringIO]]:
    """Sets the log up over a stream; what was before comes back after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("httpx", "apprise", "aiohttp", "urllib3")}

    def start(style: LogFormat = LogFormat.JSON, level: str = "info", **options: Any) -> io.StringIO:
        stream = io.StringIO()
        set_up(level, style, FixedClock(), stream=stream, **options)
        return stream

    yield start
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def test_a_fact_is_one_json_line_with_its_time_from_the_clock(logged: Callable[..., io.StringIO]) -> None:
    stream = logged()
    logging.getLogger("watchdog.engine").info("breach", extra={"facts": {"watch": "w1", "value": 0.081, "at": AT}})
    assert stream.getvalue() == (
        '{"time": "2026-03-01T12:03:04.567+00:00", "level": "info", "logger": "watchdog.engine", "event": "breach", '
        '"watch": "w1", "value": 0.081, "at": "2026-03-01T12:03:04.567000+00:00"}\n'
    )


def test_the_console_is_for_people(logged: Callable[..., io.StringIO]) -> None:
    stream = logged(LogFormat.CONSOLE)
    fact(logging.getLogger("x"), logging.WARNING, "breach", watch="w1", why="8.1 % > 5 %", value=0.081, empty="")
    assert stream.getvalue() == '12:03:04 WARNING breach watch=w1 why="8.1 % > 5 %" value=0.081 empty=""\n'


def test_a_bound_logger_adds_its_facts_to_each_line(logged: Callable[..., io.StringIO]) -> None:
    stream = logged(LogFormat.CONSOLE)
    log = Bound(logging.getLogger("x"), {"watch": "w1"})
    log.info("opened")
    log.info("breach", extra={"facts": {"rule": "latency"}})
    assert stream.getvalue().splitlines() == [
        "12:03:04 INFO    opened watch=w1",
        "12:03:04 INFO    breach watch=w1 rule=latency",
    ]


def test_an_error_brings_its_traceback_in_the_same_line(logged: Callable[..., io.StringIO]) -> None:
    stream = logged()
    try:
        raise ValueError("bad\nlevel=info")
    except ValueError:
        logging.getLogger("x").exception("failed", extra={"facts": {"watch": "w1"}})
    (line,) = stream.getvalue().splitlines()
    document = json.loads(line)
    assert (document["level"], document["error"]) == ("error", "ValueError: bad\nlevel=info")
    assert "Traceback" in document["traceback"]


def test_on_the_console_a_traceback_is_indented_so_that_no_line_of_it_passes_for_a_fact(
    logged: Callable[..., io.StringIO],
) -> None:
    stream = logged(LogFormat.CONSOLE)
    try:
        raise ValueError("bad\n12:00:00 INFO    passed")
    except ValueError:
        logging.getLogger("x").exception("failed")
    first, *others = stream.getvalue().splitlines()
    assert first.startswith("12:03:04 ERROR   failed error=")
    assert all(line.startswith("    ") for line in others)


FORGED = 'x\n{"event": "passed"}\r\x1b[2K\x1b]0;title\x07\u2028\u202e\x85 level=error'


@pytest.mark.parametrize("style", LogFormat)
def test_no_value_can_begin_a_line_or_move_a_cursor(style: LogFormat, logged: Callable[..., io.StringIO]) -> None:
    stream = logged(style)
    logging.getLogger("x").info(FORGED, extra={"facts": {FORGED: FORGED, "list": [FORGED]}})
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert len(text.splitlines()) == 1


def test_a_fact_cannot_pass_for_a_field_of_the_line(logged: Callable[..., io.StringIO]) -> None:
    stream = logged()
    logging.getLogger("x").info("breach", extra={"facts": {"level": "error", "event": "passed", "time": "now"}})
    document = json.loads(stream.getvalue())
    assert (document["level"], document["event"]) == ("info", "breach")
    assert (document["level_"], document["event_"], document["time_"]) == ("error", "passed", "now")


@pytest.mark.parametrize("style", LogFormat)
def test_a_secret_is_hidden_wherever_it_stands(style: LogFormat, logged: Callable[..., io.StringIO]) -> None:
    secret = 'slack://T05AAAAAA/B05BBBBBB/CANARY0123456789abcd"ü'
    stream = logged(style, redact=Redactor(secret))
    try:
        raise ValueError(f"cannot send to {secret}")
    except ValueError:
        logging.getLogger("x").exception("to %s", secret, extra={"facts": {"url": secret, "deep": {"a": [secret]}}})
    assert "CANARY" not in stream.getvalue()
    assert "[secret]" in stream.getvalue()


def test_other_libraries_speak_up_from_warning_on_only_since_their_chatter_holds_urls(
    logged: Callable[..., io.StringIO],
) -> None:
    stream = logged(level="debug")
    for name in ("httpx", "apprise", "aiohttp.access", "urllib3.connectionpool"):
        logging.getLogger(name).info("POST https://hooks.example.com/CANARY")
    logging.getLogger("watchdog.x").debug("ours")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["ours"]


def test_python_s_warnings_are_lines_like_any_other(logged: Callable[..., io.StringIO]) -> None:
    stream = logged()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", UserWarning, stacklevel=1)
    assert len(stream.getvalue().splitlines()) == 1
    assert json.loads(stream.getvalue())["level"] == "warning"


def test_setting_up_again_replaces_what_was(logged: Callable[..., io.StringIO]) -> None:
    first, second = logged(), logged(level="error")
    logging.getLogger("x").warning("quiet")
    logging.getLogger("x").error("loud")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


class Colour(StrEnum):
    BLUE = "blue"


def test_any_python_value_becomes_json() -> None:
    values = [
        float("inf"),
        -float("inf"),
        Colour.BLUE,
        timedelta(seconds=2),
        {1: (b"x", frozenset({3}))},
        ValueError("e"),
    ]
    assert json.loads(to_json(values)) == ["+Inf", "-Inf", "blue", 2.0, {"1": ["b'x'", [3]]}, "e"]


ANYTHING = st.recursive(st.text() | st.floats() | st.none() | st.booleans(), st.lists, max_leaves=5)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), ANYTHING, max_size=4))
def test_every_line_is_json_or_printable(facts: dict[str, Any]) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "event", (), None)
    record.facts = facts
    line = JsonFormatter(FixedClock(), str).format(record)
    assert line.isprintable()
    assert json.loads(line)["event"] == "event"
    assert ConsoleFormatter(FixedClock(), str).format(record).isprintable()


@given(st.text())
def test_printable_is_printable_and_leaves_what_already_was(text: str) -> None:
    assert printable(text).isprintable()
    if text.isprintable():
        assert printable(text) == text
