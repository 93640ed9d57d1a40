"""What a number of watches amount to."""

from typing import Any

from builders import at
from watchdog.domain.marks import Mark, Marking, document_of
from watchdog.domain.summing_up import summary_of


def a_record(outcome: str | None, **changes: Any) -> dict[str, Any]:
    return {"switched_at": at(0).isoformat(), "outcome": outcome, **changes}


def undone(decided: float, back: float, **changes: Any) -> dict[str, Any]:
    moments = {"breached_at": at(decided).isoformat(), "acted_at": at(back - 3).isoformat()}
    return a_record("rolled-back", **moments, put_back_complete_at=at(back).isoformat(), **changes)


def marked(what: Marking) -> dict[str, str]:
    return document_of(Mark(what, "ana", "why", at(900)))


def test_they_are_counted_and_their_times_taken() -> None:
    records = [
        undone(60, 70, recovery="recovered"),
        undone(90, 100, recovery="recovered"),
        undone(300, 340, recovery="not-recovered", mark=marked(Marking.FALSE_ALARM)),
        a_record("held", breached_at=at(30).isoformat()),
        a_record("passed", mark=marked(Marking.MISSED)),
        a_record("passed"),
        a_record("rolled-back", by_hand="ana: it smells", acted_at=at(4).isoformat()),
        a_record(None),
    ]
    found = summary_of(records)
    assert found.document == {
        "watches": 7,
        "outcomes": {"rolled-back": 4, "passed": 2, "held": 1},
        "recovered": 2,
        "by_hand": 1,
        "false_alarms": 1,
        "missed": 1,
        "switch_to_decision": {"watches": 4, "mean": 120.0, "median": 75.0},
        "switch_to_put_back": {"watches": 3, "mean": 170.0, "median": 100.0},
    }
    assert found.sentences == (
        "7 watches ended: 4 rolled-back, 2 passed, 1 held",
        "4 rolled back, 1 by hand: 2 recovered",
        "marked by a person: 1 false alarm, 1 missed",
        "from the switch to the decision: 75 s at the median, 2 min on average (4 watches)",
        "from the switch until traffic was back: 100 s at the median, 2 min 50 s on average (3 watches)",
    )


def test_of_nothing_no_time_is_told() -> None:
    found = summary_of([])
    assert found.document["switch_to_decision"] is None
    assert found.sentences == ("0 watches ended", "marked by a person: 0 false alarms, 0 missed")


def test_times_that_cannot_be_are_left_out() -> None:
    found = summary_of([a_record("held", breached_at=at(-5).isoformat()), a_record("held", breached_at="soon")])
    assert found.decided is None
