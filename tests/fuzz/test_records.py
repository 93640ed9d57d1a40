"""Whatever stands in a record or a memory: it is read and goes on, or is `Unreadable`; and people can look at it."""

import io
from contextlib import redirect_stdout
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import a_gauge, a_guard, a_probe, a_ratio, a_rule, a_watch, play, signs_of
from domain.test_record import a_memory
from fuzz.mutating import FUZZ, mutants
from watchdog.adapters.jsontext import to_json
from watchdog.cli import records
from watchdog.cli.explained import print_story
from watchdog.cli.explained_markdown import markdown
from watchdog.domain.codec import Unreadable
from watchdog.domain.events import Resumed, Ticked
from watchdog.domain.record import document_of, memory_of, record_of, watch_of

WATCH = a_watch(
    guard=a_guard(
        a_rule(a_ratio(), name="error-rate"), a_rule(a_gauge(), name="memory"), a_rule(a_probe(), name="health"),
        a_rule(signs_of("crash-loop"), name="crash"),
    )
)  # fmt: skip


@FUZZ
@given(mutants(record_of(WATCH), most=3))
def test_a_record_goes_on_or_is_unreadable_and_is_shown_in_any_case(document: dict[str, Any]) -> None:
    shown = io.StringIO()
    with redirect_stdout(shown):
        print_story(document)
        records.print_records([document], "table", empty="")
    assert len(shown.getvalue()) < 2 * 2**20
    assert len(markdown(document)) < 2 * 2**20
    try:
        watch = watch_of(document)
    except Unreadable as error:
        assert len(str(error)) < 2000  # noqa: PT017 - it need not be raised
        return
    on, _ = play(watch, (Resumed(), 30), (Ticked(), 10_000), (Ticked(), 100_000))
    to_json(record_of(on))


@FUZZ
@given(mutants(document_of(a_memory()), most=3))
def test_a_memory_is_read_or_unreadable(document: dict[str, Any]) -> None:
    try:
        memory = memory_of(document)
    except Unreadable:
        return
    to_json(document_of(memory))


@FUZZ
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_unreadable(raw: bytes) -> None:
    for read in (watch_of, memory_of):
        try:
            read({"schema": raw.decode(errors="replace")})
        except Unreadable:
            continue
        raise AssertionError("it was read")
