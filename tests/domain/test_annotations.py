"""The annotations by which a person takes an object out of the watchdog's hands for a while."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import at
from watchdog.domain.annotations import GUARD, HOLD, Exemption, Invalid, exemption

UNTIL = datetime(2026, 3, 3, tzinfo=UTC)


def read(annotation: str, text: str) -> Exemption | Invalid | None:
    return exemption(annotation, {annotation: text}, at(0))


@pytest.mark.parametrize(
    ("annotation", "text", "reason"),
    [
        (HOLD, "until=2026-03-03T00:00:00Z; schema migration 42", "schema migration 42"),
        (HOLD, "schema migration 42; until=2026-03-03T00:00:00Z", "schema migration 42"),
        (HOLD, "until=2026-03-03T00:00:00+00:00; reason=a; b", "a; b"),
        (HOLD, "  until=2026-03-03T02:00:00+02:00 ;; x ", "x"),
        (GUARD, "off; until=2026-03-03T00:00:00Z; reason=load test", "load test"),
        (GUARD, "off; reason=load test; until=2026-03-03T00:00:00Z", "load test"),
    ],
)
def test_an_end_and_a_reason_are_honoured(annotation: str, text: str, reason: str) -> None:
    assert read(annotation, text) == Exemption(annotation, UNTIL, reason)


def test_without_the_annotation_there_is_nothing() -> None:
    assert exemption(HOLD, {}, at(0)) is None
    assert exemption(HOLD, {GUARD: "off; until=2026-03-03T00:00:00Z; x"}, at(0)) is None


def test_an_annotation_whose_time_is_over_is_as_if_it_were_absent() -> None:
    assert read(HOLD, "until=2026-03-02T12:00:00Z; x") is None
    assert isinstance(read(HOLD, "until=2026-03-02T12:00:01Z; x"), Exemption)


@pytest.mark.parametrize(
    ("annotation", "text", "problem"),
    [
        (HOLD, "", "it needs one end and a reason"),
        (HOLD, "true", "it needs one end and a reason"),
        (HOLD, "until=2026-03-03T00:00:00Z", "it needs one end and a reason"),
        (HOLD, "until=2026-03-03T00:00:00Z; reason=", "it needs one end and a reason"),
        (HOLD, "until=2026-03-03T00:00:00Z; until=2026-03-04T00:00:00Z; x", "it needs one end and a reason"),
        (HOLD, "until=tomorrow; x", "until=tomorrow is no time; write it as"),
        (HOLD, "until=2026-03-03; x", "has no UTC offset"),
        (HOLD, "until=2026-04-02T00:00:00Z; x", "more than 30 days ahead"),
        (HOLD, "until=0001-01-01T00:00:00+14:00; x", "is no time"),
        (HOLD, "until=9999-12-31T23:59:59-14:00; x", "is no time"),
        (GUARD, "", "is not understood"),
        (GUARD, "until=2026-03-03T00:00:00Z; reason=x", "is not understood"),
        (GUARD, "off", "it needs one end and a reason"),
    ],
)
def test_anything_else_is_not_honoured_and_says_what_would_be_right(annotation: str, text: str, problem: str) -> None:
    answer = read(annotation, text)
    assert isinstance(answer, Invalid)
    assert problem in answer.problem


@given(st.sampled_from([GUARD, HOLD]), st.text() | st.text("until=off;reason0123456789-:TZ+ ", max_size=60))
def test_no_text_whatever_is_an_exception(annotation: str, text: str) -> None:
    answer = read(annotation, text)
    if isinstance(answer, Exemption):
        assert answer.reason
        assert answer.until > at(0)


@given(st.text("0123456789-:TZ+. W", max_size=30))
def test_no_end_whatever_is_an_exception(text: str) -> None:
    read(HOLD, f"until={text}; x")
