"""A breach that untouched peers share is held; what it takes to act on it afterwards."""

from dataclasses import replace

import pytest

from builders import (
    a_block,
    a_live,
    a_pod,
    a_probe,
    a_ratio,
    a_rule,
    a_target,
    a_watch,
    at,
    counts,
    play,
    signs_of,
)
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Emit, Look, PutBack, Record, Tell
from watchdog.domain.events import Event, Looked, Measured
from watchdog.domain.judge.peers import Comparison, PeerFinding, RuleCompared
from watchdog.domain.record import record_of, watch_of
from watchdog.domain.remedy import plan
from watchdog.domain.rules import Rule
from watchdog.domain.shared_cause import to_compare
from watchdog.domain.state import Phase, Refusal, RefusalReason, Watch

ERRORS, SLOWNESS = a_rule(a_ratio(0.05)), a_rule(a_ratio(0.1), name="timeouts")
BAD, FINE = counts(50, 100, samples=2), counts(0, 100, samples=2)


def measured(index: int, reading: object = BAD, *rules: str) -> tuple[Event, float]:
    names = rules or ("error-rate",)
    return Measured({name: a_block(index, reading) for name in names}), 15.0 * index + 2  # type: ignore[arg-type]


def breached(*rules: Rule, index: int = 1) -> Watch:
    names = tuple(rule.name for rule in rules or (ERRORS,) if rule.name != "crash")
    pod = Looked(a_live(1, pods=[a_pod(ready=0)]))
    watch, effects = play(a_watch(*(rules or (ERRORS,))), (pod, 1), measured(index, BAD, *names))
    assert watch.phase is Phase.DECIDING
    assert Look() in effects
    return watch


def comparison(when: float, alike: int, of: int = 4, *, rules: tuple[str, ...] = ("error-rate",)) -> Comparison:
    peers = tuple(
        PeerFinding(a_target(f"peer-{n}"), True, n < alike, "60 of 600 were bad", "12 %", 0.12 + n / 100, 0.05)
        for n in range(of)
    )
    return Comparison(at(when), tuple(RuleCompared(rule, at(when - 62), at(when - 2), peers) for rule in rules))


def fresh(when: float, compared: Comparison | None, **changes: object) -> tuple[Event, float]:
    return Looked(a_live(when, fresh=True, **changes), compared), when  # type: ignore[arg-type]


def held() -> Watch:
    watch, _ = play(breached(), fresh(17.5, comparison(17, 4)))
    assert watch.phase is Phase.HOLDING
    return watch


def test_a_breach_that_three_quarters_of_the_peers_share_is_held_and_told() -> None:
    watch, effects = play(breached(), fresh(17.5, comparison(17, 3)))
    assert watch.phase is Phase.HOLDING
    assert watch.refusal is not None
    assert watch.refusal.reason is RefusalReason.SHARED_CAUSE
    assert watch.refusal.sentence == (
        "a rollback would not help: 3 of 4 peers that nobody touched break error-rate too "
        "(peer-2 12 %, peer-1 12 %, peer-0 12 %)"
    )
    assert [type(effect) for effect in effects] == [Record, Tell, Emit]
    told = next(effect.notice for effect in effects if isinstance(effect, Tell))
    assert told.topic is Topic.HELD
    assert "Peers on error-rate: peer-0 12 %, alike, peer-1 12 %, alike, peer-2 12 %, alike, peer-3 12 %" in told.lines


@pytest.mark.parametrize("compared", [comparison(17, 2), comparison(17, 1, of=1), comparison(17, 0, of=0), None])
def test_a_breach_that_too_few_share_is_acted_on_at_once(compared: Comparison | None) -> None:
    watch, effects = play(breached(), fresh(17.5, compared))
    assert watch.phase is Phase.ACTING
    assert watch.comparison == compared
    assert any(isinstance(effect, PutBack) for effect in effects)


def test_every_rule_that_asks_must_be_shared() -> None:
    both = breached(ERRORS, SLOWNESS)
    one = comparison(17, 4)
    other = RuleCompared("timeouts", at(-45), at(15), comparison(17, 0).rules[0].peers)
    mixed = Comparison(at(17), (*one.rules, other))
    assert play(both, fresh(17.5, mixed))[0].phase is Phase.ACTING
    shared = comparison(17, 4, rules=("error-rate", "timeouts"))
    assert play(both, fresh(17.5, shared))[0].phase is Phase.HOLDING


def test_a_rule_that_holds_no_more_needs_no_excuse() -> None:
    both, _ = play(breached(ERRORS, SLOWNESS), *[measured(n, FINE, "timeouts") for n in range(2, 9)])
    both, _ = play(both, measured(9, BAD))
    assert play(both, fresh(140, comparison(139, 4)))[0].phase is Phase.HOLDING


def test_a_rule_that_began_to_ask_since_the_peers_were_asked_is_compared_too() -> None:
    watch = breached(ERRORS, SLOWNESS)
    waiting, effects = play(watch, fresh(17.5, comparison(17, 0)))
    assert waiting.phase is Phase.DECIDING
    assert effects == (Look(),)
    assert {track.rule.name for track in to_compare(waiting)} == {"error-rate", "timeouts"}


def test_signs_are_not_excused_and_ask_for_no_comparison() -> None:
    watch = breached(ERRORS, a_rule(signs_of()))
    looping = a_pod(ready=None, waiting="CrashLoopBackOff")
    watch, _ = play(watch, (Looked(a_live(18, pods=[looping])), 18))
    assert watch.breached == ("error-rate", "crash")
    assert to_compare(watch) == ()
    assert play(watch, fresh(18.5, comparison(18, 4), pods=[looping]))[0].phase is Phase.ACTING


def test_only_what_would_be_acted_on_is_compared() -> None:
    assert to_compare(a_watch(ERRORS, a_rule(a_probe()))) == ()
    assert [track.rule.name for track in to_compare(breached())] == ["error-rate"]
    fine, _ = play(held(), *[measured(n, FINE) for n in range(2, 9)])
    assert to_compare(fine) == ()


def test_it_is_acted_on_once_the_rule_holds_over_a_window_after_the_peers_recovered() -> None:
    watch = held()
    assert watch.shared_until == at(15)
    for index in range(2, 5):
        when = 15.0 * index + 3
        watch, effects = play(watch, measured(index), fresh(when, comparison(when, 0)))
        assert watch.phase is Phase.HOLDING, index
        assert watch.refusal is not None
        assert "its peers failed alike until 12:00:15 UTC" in watch.refusal.sentence
        assert not any(isinstance(effect, Tell) for effect in effects)
    watch, _ = play(watch, measured(5), fresh(78, comparison(78, 0)))
    assert watch.phase is Phase.ACTING


def test_a_relapse_of_the_peers_begins_the_wait_anew() -> None:
    watch, _ = play(held(), measured(2), fresh(33, comparison(33, 4)), measured(3), fresh(48, comparison(48, 0)))
    assert watch.shared_until == at(31)
    watch, _ = play(watch, measured(4), measured(5), fresh(78, comparison(78, 0)))
    assert watch.phase is Phase.HOLDING


def test_a_release_that_recovers_with_its_peers_ends_as_held() -> None:
    watch, _ = play(held(), *[measured(n, FINE) for n in range(2, 9)], fresh(123, None))
    assert watch.phase is Phase.HOLDING
    assert watch.comparison is not None


def test_a_person_may_pass_over_it() -> None:
    shared = replace(breached(), comparison=comparison(17, 4))
    refusal = plan(shared, a_live(18, fresh=True))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is RefusalReason.SHARED_CAUSE
    passed_over = replace(shared, overridden=("shared-cause",))
    assert not isinstance(plan(passed_over, a_live(18, fresh=True)), Refusal)


def test_what_was_compared_is_on_record_and_survives_a_restart() -> None:
    watch = held()
    record = record_of(watch)
    assert [one["rule"] for one in record["peers"]] == ["error-rate"]
    first = record["peers"][0]["peers"][0]
    assert first == {
        "target": "production/deployment/peer-0",
        "usable": True,
        "alike": True,
        "value": 0.12,
        "limit": 0.05,
        "sentence": "60 of 600 were bad",
    }
    again = watch_of(record)
    assert (again.comparison, again.shared_until) == (watch.comparison, watch.shared_until)
    assert record_of(a_watch())["peers"] == []
