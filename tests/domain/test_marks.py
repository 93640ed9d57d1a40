"""What may be said of an outcome, and what follows from it."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.web.pages.records import a_record
from builders import GOOD, NEW, a_guard, a_ratio, a_revision, a_rule, a_target, a_watch, at
from watchdog.domain.judge.calibration import calibration_key
from watchdog.domain.marks import Mark, Marking, document_of, is_false_alarm, is_missed, mark_of, why_not
from watchdog.domain.memory import Memory
from watchdog.domain.quiet import false_alarms, recorded
from watchdog.domain.record import document_of as memory_document
from watchdog.domain.record import memory_of, record_of, watch_of

MARK = Mark(Marking.FALSE_ALARM, "ana", "a load test", at(900))


def ended(outcome: str, **changes: Any) -> dict[str, Any]:
    return a_record(watch="w", outcome=outcome, phase=outcome, ended_at=at(700).isoformat(), **changes)


def test_a_mark_is_read_as_it_was_written() -> None:
    assert mark_of({"mark": document_of(MARK)}) == MARK
    assert mark_of({}) is None
    assert mark_of({"mark": {"what": "boo"}}) is None
    assert is_false_alarm({"mark": document_of(MARK)})
    assert is_missed({"mark": document_of(replace(MARK, what=Marking.MISSED))})


@pytest.mark.parametrize(
    ("record", "what", "says"),
    [
        (ended("rolled-back", breached=["error-rate"]), "false-alarm", ""),
        (ended("held", breached=["error-rate"]), "false-alarm", ""),
        (ended("notified", noted=["cpu"]), "false-alarm", ""),
        (ended("would-roll-back", breached=["error-rate"]), "false-alarm", ""),
        (ended("passed"), "missed", ""),
        (ended("inconclusive"), "missed", ""),
        (ended("passed"), "false-alarm", "without an alarm"),
        (ended("rolled-back", breached=["error-rate"]), "missed", "it was not missed"),
        (a_record(watch="w"), "false-alarm", "is still open (watching); mark it when it has ended"),
        (ended("rolled-back", by_hand="ana: it smells"), "false-alarm", "a person's own rollback"),
    ],
)
def test_only_what_was_an_alarm_can_be_a_false_one(record: dict[str, Any], what: str, says: str) -> None:
    objection = why_not(record, Marking(what))
    assert says in objection
    assert bool(says) == bool(objection)


def test_what_a_false_alarm_rolled_back_is_not_known_bad_until_the_mark_is_taken_back() -> None:
    memory = (
        Memory(a_target(), GOOD, at(-7200)).with_bad(NEW, "w-1", at(60)).with_bad(a_revision("0ther"), "w-2", at(0))
    )
    forgiven = memory.with_false_alarms({"w-1"})
    assert not forgiven.is_bad(NEW)
    assert forgiven.is_bad(a_revision("0ther"))
    assert memory_of(memory_document(forgiven)) == forgiven
    assert forgiven.with_false_alarms({"w-1"}) is forgiven
    assert forgiven.with_false_alarms(()).is_bad(NEW)
    assert forgiven.with_bad(NEW, "w-3", at(900)).is_bad(NEW), "another rollback is another outcome"


def test_a_forgiven_revision_is_still_no_place_to_go_back_to_until_it_passes() -> None:
    memory = Memory(a_target(), NEW, at(0)).with_good(NEW, at(0), None).with_bad(NEW, "w-1", at(60))
    assert memory.with_false_alarms({"w-1"}).stable_for(GOOD, at(900)) is None


def test_a_false_alarms_stretch_is_no_incident_and_a_missed_ones_is() -> None:
    memory = Memory(a_target(), GOOD, at(-90_000))
    alarm = ended("rolled-back", acted_at=at(62).isoformat(), put_back_complete_at=at(65).isoformat())
    now = at(9000)
    assert (at(0), at(700)) in recorded(memory, [alarm], now)
    marked = recorded(memory, [{**alarm, "mark": document_of(MARK)}], now)
    assert (at(0), at(700)) not in marked
    assert {(at(0), at(0)), (at(62), at(65))} <= set(marked)
    passed, missed = ended("passed"), replace(MARK, what=Marking.MISSED)
    assert (at(0), at(0)) in recorded(memory, [passed], now)
    assert (at(0), at(700)) in recorded(memory, [{**passed, "mark": document_of(missed)}], now)


def test_what_the_judge_reached_in_a_false_alarm_is_a_window_of_habits_of_the_same_rule() -> None:
    memory = Memory(a_target(), GOOD, at(-90_000))
    record = a_record(*[0.5] * 8, watch="w", outcome="rolled-back", phase="rolled-back", mark=document_of(MARK))
    watch = watch_of(record)
    (track, _) = watch.tracks
    key = calibration_key(track.rule, watch.guard)
    found = false_alarms(memory, [record])
    (reached,) = found.pop(key)
    assert not found
    told = record["rules"]["error-rate"]
    assert reached.log_evidence == pytest.approx(max(point[4] for point in told["path"]), abs=0.001)
    assert reached.bets == len(told["bets"])
    assert reached.requests == 100 * len(told["bets"])
    edited = a_rule(a_ratio(0.07), name="error-rate", alpha=0.001)
    assert calibration_key(edited, a_guard(edited)) != key


@pytest.mark.parametrize("spoilt", ["no mark", "another target", "another version", "an outage"])
def test_nothing_else_is_a_window_of_habits(spoilt: str) -> None:
    memory = Memory(a_target(), GOOD, at(-90_000))
    record = a_record(*[0.5] * 8, watch="w", outcome="rolled-back", phase="rolled-back", mark=document_of(MARK))
    match spoilt:
        case "no mark":
            record.pop("mark")
        case "another target":
            memory = Memory(a_target("brand"), a_revision("b", workload="brand"), at(-90_000))
        case "another version":
            record["schema"] = 99
        case "an outage":
            record["rules"]["error-rate"]["outage"] = True
    assert false_alarms(memory, [record]) == {}


def test_a_record_as_the_watchdog_writes_it_has_no_mark() -> None:
    assert mark_of(record_of(a_watch())) is None
