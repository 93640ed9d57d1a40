"""What people are told, and how numbers and durations are printed."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    NEW,
    a_block,
    a_guard,
    a_live,
    a_probe,
    a_round,
    a_rule,
    a_switch,
    a_watch,
    at,
    counts,
    play,
    seconds,
)
from watchdog.domain.channels import Topic
from watchdog.domain.conditions import Dimension
from watchdog.domain.effects import Delivery, DeliveryState, Notice, PutBackDone, Record, Severity
from watchdog.domain.events import DeliveryMoved, Looked, Measured, Probed, PutBackAnswered
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.measurement import ProbeOutcome, ProbeResult, ProbeRound
from watchdog.domain.state import Phase, Recovery, Refusal, RefusalReason, Watch
from watchdog.domain.telling import name_of, notice, undelivered, with_telling

BAD = Measured({"error-rate": a_block(1, counts(50, 100, samples=2))})
HOSTILE = "evil\n<!channel> \x1b[31m\u2028\u202e\x00 ```\r\n" + "x" * 5000


def breached(**changes: object) -> Watch:
    watch = a_watch(switch=a_switch(by="argo"), **changes)  # type: ignore[arg-type]
    return play(watch, (Looked(a_live(1)), 1), (BAD, 17))[0]


def put_back() -> Watch:
    answer = PutBackAnswered(PutBackDone(at(20)))
    return play(breached(), (Looked(a_live(18, fresh=True)), 18), (answer, 20))[0]


def test_a_put_back_is_told_with_target_revisions_rule_value_limit_and_counts() -> None:
    told = notice(put_back(), Topic.ROLLED_BACK, at(20))
    assert told.title == (
        "production/deployment/research was put back from research-7c9d (research:1.5.0) to research-5f6d "
        "(research:1.4.0): error-rate: 50 of 100 requests were bad in the last 15 s (50 %, limit > 5 %)"
    )
    assert told.lines[:4] == (
        "Candidate research-7c9d (research:1.5.0), stable research-5f6d (research:1.4.0)",
        "It was rolled out at 12:00:00 UTC by argo, 20 s ago",
        "Rule error-rate: 50 of 100 requests were bad in the last 15 s (50 %, limit > 5 %), since 12:00:15 UTC",
        "Traffic was put back to research-5f6d (research:1.4.0) at 12:00:20 UTC",
    )
    assert told.severity is Severity.CRITICAL
    facts = {"rule": "error-rate", "value": "50 %", "limit": "5 %", "requests": "100", "query": "a query"}
    assert facts.items() <= told.facts.items()
    assert told.id == f"{told.watch}/rolled-back"


def test_every_topic_has_a_title_a_severity_and_an_id_of_its_own() -> None:
    watch = replace(put_back(), refusal=Refusal(RefusalReason.PAUSED, "paused"), reason="why")
    notices = [notice(watch, topic, at(30)) for topic in Topic]
    assert len({one.id for one in notices}) == len(Topic)
    for one in notices:
        assert one.title.startswith("production/deployment/research")
        assert "\n" not in one.title


@pytest.mark.parametrize(
    ("topic", "title"),
    [
        (Topic.SWITCH, "switched to research-7c9d (research:1.5.0); watching it for 10 min"),
        (Topic.PASSED, "research-7c9d (research:1.5.0) passed its watch"),
        (Topic.HELD, "but nothing was done: the Deployment is paused"),
        (Topic.FAILED, "and putting it back failed: forbidden"),
        (Topic.BREACH, "may it be put back?"),
        (Topic.NOT_RECOVERED, "did not recover after it was put back: forbidden"),
        (Topic.INCONCLUSIVE, "inconclusive: forbidden"),
    ],
)
def test_titles_tell_what_happened(topic: Topic, title: str) -> None:
    refusal = Refusal(RefusalReason.PAUSED, "the Deployment is paused") if topic is Topic.HELD else None
    assert title in notice(replace(breached(), refusal=refusal, reason="forbidden"), topic, at(20)).title


def test_a_breach_that_is_only_told_says_so() -> None:
    watch = replace(breached(), breached=(), noted=("error-rate",))
    assert "told only, nothing was done" in notice(watch, Topic.BREACH, at(20), rule="error-rate").title


def test_a_recovery_that_is_not_known_is_not_called_a_failure() -> None:
    watch = replace(put_back(), recovery=Recovery.UNKNOWN, reason="nothing was measured")
    title = notice(watch, Topic.NOT_RECOVERED, at(400)).title
    assert "did not recover" not in title
    assert title.endswith("whether it recovered is not known: nothing was measured")


def test_the_id_is_the_same_at_each_repeat_and_another_for_another_rule_or_reason() -> None:
    watch = breached()
    assert notice(watch, Topic.BREACH, at(20), rule="a").id == notice(watch, Topic.BREACH, at(99), rule="a").id
    assert notice(watch, Topic.BREACH, at(20), rule="a").id != notice(watch, Topic.BREACH, at(20), rule="b").id
    held = [replace(watch, refusal=Refusal(reason, "x")) for reason in (RefusalReason.PAUSED, RefusalReason.ON_HOLD)]
    assert notice(held[0], Topic.HELD, at(20)).id != notice(held[1], Topic.HELD, at(20)).id


def test_what_is_held_is_said_to_be_checked_again_until_it_has_ended() -> None:
    watch = replace(breached(), refusal=Refusal(RefusalReason.PAUSED, "paused"), phase=Phase.HOLDING)
    again = "It is checked again until the bake ends, and acted on when the reason is gone"
    assert again in notice(watch, Topic.HELD, at(20)).lines
    assert again not in notice(replace(watch, phase=Phase.HELD), Topic.HELD, at(20)).lines


def test_hostile_text_stays_on_its_line_and_titles_stay_short() -> None:
    refusal = Refusal(RefusalReason.ON_HOLD, HOSTILE)
    watch = replace(breached(), refusal=refusal, reason=HOSTILE, notify_only=HOSTILE, left={"a\nb": HOSTILE})
    watch = replace(watch, switch=replace(watch.switch, by=HOSTILE, candidate=replace(NEW, images=(HOSTILE,))))
    for topic in Topic:
        one = notice(watch, topic, at(20), note=HOSTILE)
        assert len(one.title) <= 300
        for line in (one.title, *one.lines):
            assert line.isprintable()
            assert line == line.strip()


def test_a_probes_answer_is_other_peoples_text_too() -> None:
    watch = a_watch(a_rule(a_probe(failures=1)))
    round_ = ProbeRound(at(5), (ProbeResult("research-a", ProbeOutcome.WRONG_STATUS, HOSTILE),))
    watch, _ = play(watch, (Looked(a_live(1)), 1), (Probed("health", round_), 5))
    assert notice(watch, Topic.BREACH, at(6), rule="health").title.isprintable()
    assert a_round(1, {}).candidate == ()


@given(st.text(), st.text(), st.sampled_from(list(Topic)))
def test_no_text_whatever_breaks_a_title(by: str, reason: str, topic: Topic) -> None:
    watch = a_watch(switch=a_switch(by=by), reason=reason)
    one = notice(watch, topic, at(20), note=reason)
    assert one.title
    assert all(line.isprintable() for line in (one.title, *one.lines))


def test_nothing_known_is_named_too() -> None:
    assert name_of(None) == "nothing known"
    assert notice(a_watch(stable=None), Topic.SWITCH, at(0)).facts["stable"] == "none known"
    assert "breaks its rules" in notice(a_watch(), Topic.HELD, at(0)).title


# -- deliveries --------------------------------------------------------------------------------------------------


def telling() -> tuple[Watch, Notice]:
    watch = breached()
    one = notice(watch, Topic.BREACH, at(20), rule="error-rate")
    return replace(watch, tellings=with_telling((), one, ("releases", "oncall"))), one


def moved(one: Notice, channel: str, state: DeliveryState, detail: str = "") -> tuple[DeliveryMoved, float]:
    return DeliveryMoved(one.id, channel, state, detail), 30


def test_the_same_notice_is_told_once() -> None:
    watch, one = telling()
    assert with_telling(watch.tellings, replace(one, at=at(99)), ("releases",)) == watch.tellings


def test_what_was_not_sent_or_perhaps_sent_is_still_to_be_delivered() -> None:
    watch, one = telling()
    assert [delivery.channel for _, delivery in undelivered(watch.tellings)] == ["releases", "oncall"]
    watch, effects = play(watch, moved(one, "releases", DeliveryState.SENDING))
    assert effects == ()
    assert len(undelivered(watch.tellings)) == 2
    watch, effects = play(watch, moved(one, "releases", DeliveryState.SENT))
    assert effects == (Record(),)
    assert [delivery.channel for _, delivery in undelivered(watch.tellings)] == ["oncall"]
    watch, effects = play(watch, moved(one, "oncall", DeliveryState.GAVE_UP, "no such channel"))
    assert effects == (Record(),)
    assert undelivered(watch.tellings) == ()


def test_failed_tries_are_counted_and_the_last_reason_is_kept() -> None:
    watch, one = telling()
    for detail in ("timeout", "503"):
        watch, _ = play(watch, moved(one, "oncall", DeliveryState.SENDING, detail))
    watch, _ = play(watch, moved(one, "oncall", DeliveryState.SENT))
    assert watch.tellings[0].deliveries == (
        Delivery("releases"),
        Delivery("oncall", DeliveryState.SENT, attempts=2, detail="503"),
    )


def test_an_ended_watch_still_takes_note_of_its_deliveries_and_other_notices_are_left_alone() -> None:
    watch, one = telling()
    ended = replace(watch, phase=Phase.PASSED)
    assert play(ended, moved(one, "releases", DeliveryState.SENT))[0] != ended
    assert play(ended, (DeliveryMoved("another", "releases", DeliveryState.SENDING), 30))[0] == ended


# -- numbers and durations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (None, Dimension.RATIO, "-"),
        (0.081, Dimension.RATIO, "8.1 %"),
        (0.05, Dimension.RATIO, "5 %"),
        (1.0, Dimension.RATIO, "100 %"),
        (0.0, Dimension.RATIO, "0 %"),
        (0.00001, Dimension.RATIO, "0.001 %"),
        (0.12345, Dimension.RATIO, "12.3 %"),
        (0.340, Dimension.SECONDS, "340 ms"),
        (0.0105, Dimension.SECONDS, "10.5 ms"),
        (2.125, Dimension.SECONDS, "2.12 s"),
        (120.4, Dimension.SECONDS, "120 s"),
        (1.2 * 2**30, Dimension.BYTES, "1.2 GiB"),
        (300 * 2**20, Dimension.BYTES, "300 MiB"),
        (1536.0, Dimension.BYTES, "1.5 KiB"),
        (12.0, Dimension.BYTES, "12 B"),
        (0.85, Dimension.CORES, "850 m"),
        (2.5, Dimension.CORES, "2.5 cores"),
        (100.0, Dimension.PLAIN, "100"),
        (1234567.0, Dimension.PLAIN, "1234567"),
        (-3.5, Dimension.PLAIN, "-3.5"),
        (0.004, Dimension.PLAIN, "0.004"),
        (math.nan, Dimension.PLAIN, "nan"),
    ],
)
def test_numbers_are_printed_as_people_read_them(value: float | None, dimension: Dimension, text: str) -> None:
    assert number(value, dimension) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (119, "119 s"),
        (119.6, "2 min"),
        (120, "2 min"),
        (150, "2 min 30 s"),
        (600, "10 min"),
        (630, "10 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (4800, "1 h 20 min"),
        (90000, "25 h"),
    ],
)
def test_durations_are_printed_as_people_read_them(duration: float, text: str) -> None:
    assert span(seconds(duration)) == text


@given(st.floats(), st.sampled_from(list(Dimension)))
def test_any_number_can_be_printed(value: float, dimension: Dimension) -> None:
    assert number(value, dimension)


def test_a_guards_bake_stands_in_the_first_notice() -> None:
    watch = a_watch(guard=a_guard(bake=seconds(25)))
    assert notice(watch, Topic.SWITCH, at(0)).title.endswith("watching it for 25 s")
