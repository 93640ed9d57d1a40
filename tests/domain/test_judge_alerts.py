"""What the judge says of alerts that people have in Prometheus already."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    T0,
    a_block,
    a_history,
    a_live,
    a_rule,
    a_watch,
    alerts_of,
    an_alert,
    at,
    firing,
    play,
)
from watchdog.domain.effects import Look
from watchdog.domain.events import Looked, Measured, RecoveryMeasured, Ticked
from watchdog.domain.judge import Finding, Verdict, judge
from watchdog.domain.measurement import Alert, FailureReason, NoData, QueryFailed, Reading
from watchdog.domain.record import record_of, watch_of
from watchdog.domain.state import Phase, Recovery, Watch
from worlds import alerts as any_alerts

RULE = a_rule(alerts_of("CheckoutErrorsHigh", "CheckoutSlow"))
LATE = an_alert(active=-30, firing=15)


def verdict_on(*readings: Reading) -> Verdict:
    return judge(RULE, a_history(*readings), None, at(15 * len(readings)))


def test_an_alert_that_begins_to_fire_after_the_switch_is_a_breach_at_once() -> None:
    verdict = verdict_on(firing(), firing(an_alert(active=15, firing=30)))
    assert (verdict.finding, verdict.literal, verdict.at) == (Finding.BREACH, True, at(30))
    assert verdict.sentence == 'alert CheckoutErrorsHigh {severity="critical"} began to fire 30 s after the switch'
    assert verdict.evidence.since == at(30)
    assert verdict.evidence.query == "a query"


@pytest.mark.parametrize(
    ("alert", "sentence"),
    [
        (
            an_alert(active=-300, firing=-300, fired_before=T0),
            "fires, and fired before the switch already, at 12:00:00",
        ),
        (
            an_alert(active=30, firing=30, fired_before=at(-90)),
            "fires, and fired before the switch already, at 11:58:30",
        ),
        (an_alert(active=0, firing=30), "fires, and its condition held before the switch already"),
        (an_alert(active=0, firing=None), "no alert CheckoutErrorsHigh or CheckoutSlow fires on the target"),
    ],
)
def test_what_did_not_begin_after_the_switch_passes(alert: Alert, sentence: str) -> None:
    verdict = verdict_on(firing(alert))
    assert (verdict.finding, verdict.literal) == (Finding.PASS, False)
    assert sentence in verdict.sentence


def test_a_pending_alert_decides_nothing_yet() -> None:
    verdict = verdict_on(firing(an_alert(active=15, firing=None)))
    assert (verdict.finding, verdict.literal) == (Finding.UNDECIDED, False)
    assert "is pending since 15 s after the switch" in verdict.sentence


def test_no_alerts_at_all_is_an_answer_and_a_failed_query_is_none() -> None:
    assert verdict_on(firing()).finding is Finding.PASS
    for absent in (QueryFailed(FailureReason.TIMEOUT, "no answer"), NoData("nothing")):
        assert verdict_on(firing(an_alert()), absent).finding is Finding.NO_DATA
    assert judge(RULE, a_history(), None, at(1)).finding is Finding.NO_DATA


def test_one_sentence_tells_of_several_and_begins_with_the_first() -> None:
    alerts = [
        an_alert("CheckoutSlow", active=45, firing=45, labels={}),
        an_alert(active=15, firing=30, pods=("research-7c9d-a", "research-7c9d-b")),
        an_alert(
            "CheckoutSlow", active=45, firing=60, labels={"path": "/" + 99 * "x", **{f"l{n}": "v" for n in "abcd"}}
        ),
    ]
    sentence = verdict_on(firing(*alerts)).sentence
    assert sentence.startswith(
        'alert CheckoutErrorsHigh {severity="critical"} began to fire 30 s after the switch, on research-7c9d-a, '
        'research-7c9d-b; so did alert CheckoutSlow, alert CheckoutSlow {la="v", lb="v", lc="v", ld="v", ...}'
    )


def test_what_lies_after_now_is_not_looked_at() -> None:
    history = a_history(firing(), firing(an_alert(active=15, firing=30)))
    assert judge(RULE, history, None, at(29)).finding is Finding.PASS


@given(st.lists(any_alerts, max_size=4), st.lists(any_alerts, max_size=4))
def test_more_alerts_never_make_it_better(some: list[Alert], more: list[Alert]) -> None:
    order = [Finding.PASS, Finding.UNDECIDED, Finding.BREACH]
    few, many = verdict_on(firing(*some)).finding, verdict_on(firing(*some, *more)).finding
    assert order.index(many) >= order.index(few)
    assert verdict_on(firing(*more, *some)).finding is many


@given(st.lists(any_alerts, max_size=4))
def test_nothing_that_was_active_at_the_switch_or_fired_before_it_is_a_breach(alerts: list[Alert]) -> None:
    old = [alert for alert in alerts if alert.active_since <= T0 or alert.fired_before is not None]
    assert verdict_on(firing(*old)).finding is Finding.PASS


# -- in a watch --------------------------------------------------------------------------------------------------


def blocks(*readings: Reading) -> list[tuple[Measured, float]]:
    return [(Measured({"alerts": a_block(n, reading)}), 15.0 * n + 2) for n, reading in enumerate(readings, start=1)]


def test_a_breach_is_a_first_passage_and_survives_a_restart() -> None:
    watch = a_watch(RULE, bake_from=T0)
    watch, effects = play(watch, (Looked(a_live(1)), 1), *blocks(firing(), firing(an_alert()), firing()))
    assert watch.phase is Phase.DECIDING
    assert Look() in effects
    track = watch.track("alerts")
    assert track is not None
    assert track.breach is not None
    assert track.verdict is not None
    assert (track.breach.at, track.verdict.finding) == (at(30), Finding.PASS)
    assert watch_of(record_of(watch)).breached == ("alerts",)


def test_a_watch_passes_where_prometheus_answered_in_half_of_its_blocks() -> None:
    failed = QueryFailed(FailureReason.UNREACHABLE, "refused")

    def outcome(*readings: Reading) -> Phase:
        watch = a_watch(RULE, bake_from=T0)
        played = (*blocks(*readings), (Ticked(), 602.0))
        return play(watch, (Looked(a_live(1)), 1), *played)[0].phase

    assert outcome(failed, firing()) is Phase.PASSED
    assert outcome(failed, firing(), failed) is Phase.INCONCLUSIVE
    assert outcome(firing(LATE), firing()) is Phase.PASSED


def recovering(*readings: Reading) -> Watch:
    """A watch that was put back at 90 s, after these blocks of its recovery."""
    watch = a_watch(RULE, phase=Phase.RECOVERING, breached=("alerts",), acted_at=at(90), recovery_from=at(90))
    watch = replace(watch, recovery_tracks=watch.tracks)
    events = [
        (RecoveryMeasured({"alerts": a_block(n, reading, start=at(90))}), 92.0 + 15 * n)
        for n, reading in enumerate(readings, start=1)
    ]
    return play(watch, *events, (Ticked(), 90.0 + 302))[0]


def test_it_recovered_once_the_alert_is_no_longer_active() -> None:
    still = firing(an_alert(active=30, firing=60), put_back=90)
    watch = recovering(still, still, still, still, still, firing(put_back=90))
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.RECOVERED)


def test_an_alert_that_goes_on_says_nothing_of_the_recovery() -> None:
    watch = recovering(*[firing(an_alert(active=30, firing=120), put_back=90)] * 20)
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.UNKNOWN)
    assert "was active before the put-back and has not ended yet" in watch.reason


def test_an_alert_that_begins_after_the_put_back_says_that_it_did_not_help() -> None:
    watch = recovering(*[firing(an_alert(active=120, firing=135), put_back=90)] * 20)
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.NOT_RECOVERED)
    assert "began to fire 45 s after the put-back" in watch.reason


def test_stables_habit_does_not_hide_its_recovery() -> None:
    watch = recovering(*[firing(an_alert(active=-60, firing=-60, fired_before=T0), put_back=90)] * 5)
    assert watch.recovery is Recovery.RECOVERED
