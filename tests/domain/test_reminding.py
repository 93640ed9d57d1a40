"""When a held release is told of again, and what is said then."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_watch, at
from watchdog.domain.channels import Topic
from watchdog.domain.reminding import MOST, next_reminder, reminder
from watchdog.domain.state import Phase, Refusal, RefusalReason, Watch
from watchdog.domain.telling import notice, with_telling


def held(phase: Phase = Phase.HELD, *, told: bool = True, sentence: str = "it is on hold") -> Watch:
    refusal = Refusal(RefusalReason.ON_HOLD, sentence, told=told)
    watch = replace(a_watch(), phase=phase, refusal=refusal, reason=sentence)
    return replace(watch, tellings=with_telling((), notice(watch, Topic.HELD, at(0)), ("oncall",)))


def reminded(watch: Watch, *seconds: float) -> tuple[Watch, list[str]]:
    """The ids of what is told at these moments."""
    ids = []
    for second in seconds:
        due = reminder(watch, at(second))
        if due is not None:
            ids.append(due.id.removeprefix(watch.id))
            watch = replace(watch, tellings=with_telling(watch.tellings, due, ("oncall",)))
    return watch, ids


@pytest.mark.parametrize("phase", [Phase.HELD, Phase.HOLDING])
def test_three_reminders_are_due_after_30_90_and_150_minutes(phase: Phase) -> None:
    watch, ids = reminded(held(phase), 1799, 1800, 1801, 5399, 5400, 8999, 9000, 99999)
    assert ids == ["/held/reminder-1", "/held/reminder-2", "/held/reminder-3"]
    assert next_reminder(watch) is None


def test_what_was_missed_while_nobody_watched_is_told_once() -> None:
    _, ids = reminded(held(), 6000, 6001, 8999, 9000)
    assert ids == ["/held/reminder-2", "/held/reminder-3"]


def test_nothing_is_due_of_what_was_not_told_or_is_not_held() -> None:
    untold = replace(held(), tellings=())
    for watch in (held(told=False), untold, held(Phase.PASSED), held(Phase.RECOVERING)):
        assert reminder(watch, at(99999)) is None


def test_a_reminder_says_what_still_serves_since_when_and_why() -> None:
    due = reminder(held(sentence="on hold\n<!channel>" + "x" * 1000), at(1800))
    assert due is not None
    assert due.title.startswith("production/deployment/research still serves ")
    assert "held 30 min ago: on hold <!channel>xxx" in due.title
    assert len(due.title) <= 300
    assert due.lines[-1] == "Reminder 1 of 3: nobody has touched it since"


@given(st.lists(st.integers(0, 50_000), max_size=40))
def test_whenever_it_is_looked_there_are_three_at_most_each_with_its_own_id(moments: list[int]) -> None:
    _, ids = reminded(held(), *sorted(moments))
    assert len(ids) == len(set(ids)) <= MOST
    assert ids == sorted(ids)
