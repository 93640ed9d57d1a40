"""Phase by phase: what follows from which event."""

from dataclasses import replace

import pytest

from builders import (
    BLUE,
    GOOD,
    GREEN,
    NEW,
    a_block,
    a_destination,
    a_flip,
    a_flip_switch,
    a_gauge,
    a_guard,
    a_live,
    a_pod,
    a_probe,
    a_revision,
    a_round,
    a_rule,
    a_switch,
    a_watch,
    at,
    counts,
    play,
    seconds,
    signs_of,
    values,
)
from watchdog.domain.annotations import HOLD
from watchdog.domain.channels import Topic
from watchdog.domain.effects import (
    Effect,
    Emit,
    Judgement,
    Look,
    PutBack,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
    PutBackWithheld,
    Record,
    Remember,
    Tell,
    Write,
)
from watchdog.domain.events import (
    BaselineMeasured,
    Event,
    Joined,
    Looked,
    LookFailed,
    Measured,
    Probed,
    PutBackAnswered,
    Resumed,
    RightEnded,
    Superseded,
    Ticked,
)
from watchdog.domain.live import Live
from watchdog.domain.measurement import Baseline, FailureReason, NoData, ProbeOutcome, QueryFailed, Reading
from watchdog.domain.rollout import SwitchKind
from watchdog.domain.rules import Action
from watchdog.domain.state import Phase, RefusalReason, Watch
from watchdog.domain.watch import advance, opening

BAD, FINE = counts(50, 100, samples=2), counts(0, 100, samples=2)
PAUSED = {"paused": True}


def told(effects: tuple[Effect, ...]) -> list[Topic]:
    return [effect.notice.topic for effect in effects if isinstance(effect, Tell)]


def acts(effects: tuple[Effect, ...]) -> list[PutBack]:
    return [effect for effect in effects if isinstance(effect, PutBack)]


def learnt(effects: tuple[Effect, ...]) -> list[Judgement]:
    return [effect.what for effect in effects if isinstance(effect, Remember)]


def measured(index: int, reading: Reading = BAD, *, rule: str = "error-rate") -> tuple[Event, float]:
    return Measured({rule: a_block(index, reading)}), 15.0 * index + 2


def looked(when: float, *, switch: SwitchKind | None = None, **changes: object) -> tuple[Event, float]:
    made = a_flip_switch() if switch is SwitchKind.SELECTOR else a_switch()
    return Looked(a_live(when, switch=made, **changes)), when  # type: ignore[arg-type]


def fresh(when: float, **changes: object) -> tuple[Event, float]:
    return looked(when, fresh=True, **changes)  # type: ignore[arg-type]


def answered(when: float, answer: object) -> tuple[Event, float]:
    return PutBackAnswered(answer), when  # type: ignore[arg-type]


def done(when: float, **left: str) -> tuple[Event, float]:
    return answered(when, PutBackDone(at(when), left))


def conflict(when: float) -> tuple[Event, float]:
    return answered(when, PutBackConflicted(at(when), "it was changed since it was read"))


def unsure(when: float) -> tuple[Event, float]:
    return answered(when, PutBackUnsure(at(when), "connection reset"))


def deciding(**changes: object) -> Watch:
    watch, effects = play(a_watch(**changes), looked(1), measured(1))  # type: ignore[arg-type]
    assert watch.phase is Phase.DECIDING
    assert isinstance(effects[0], Look)
    return watch


def acting(**changes: object) -> Watch:
    watch, effects = play(deciding(**changes), fresh(18))
    assert watch.phase is Phase.ACTING
    assert len(acts(effects)) == 1
    return watch


def holding(**changes: object) -> Watch:
    watch, _ = play(deciding(**changes), fresh(18, **PAUSED))
    assert watch.phase is Phase.HOLDING
    return watch


# -- opening -----------------------------------------------------------------------------------------------------


def test_a_new_watch_is_told() -> None:
    step = opening(a_watch(), at(0))
    assert told(step.effects) == [Topic.SWITCH]
    emit = step.effects[-1]
    assert isinstance(emit, Emit)
    assert emit.note == "research-7c9d (research:1.5.0) is watched for 10 min by guard plasma-engine"


# -- watching ----------------------------------------------------------------------------------------------------


def test_a_breach_asks_for_a_fresh_look_before_anything_else() -> None:
    watch, effects = play(a_watch(), looked(1), measured(1))
    assert watch.phase is Phase.DECIDING
    assert watch.breached_at == at(17)
    assert [type(effect) for effect in effects] == [Look, Tell, Emit]


def test_a_breach_that_is_decided_on_is_told_only_to_those_who_will_not_hear_of_the_act() -> None:
    _, effects = play(a_watch(), looked(1), measured(1))
    [tell] = [effect for effect in effects if isinstance(effect, Tell)]
    assert (tell.notice.topic, tell.unless) == (Topic.BREACH, Topic.ROLLED_BACK)


def test_a_breach_is_noticed_once() -> None:
    watch, effects = play(deciding(), measured(2), measured(3))
    assert watch.breached == ("error-rate",)
    assert effects == ()


def test_a_rule_that_may_only_tell_is_told_once_and_the_watch_goes_on() -> None:
    watch, effects = play(a_watch(a_rule(action=Action.NOTIFY)), looked(1), measured(1), measured(2))
    assert watch.phase is Phase.WATCHING
    assert told(effects) == [Topic.BREACH]
    assert isinstance(effects[0], Record)
    ended, effects = play(watch, (Ticked(), 700))
    assert ended.phase is Phase.NOTIFIED
    assert learnt(effects) == [Judgement.DOUBTED]
    assert ended.reason == "error-rate breached; told only"


def test_a_guard_that_only_notifies_turns_every_rule_into_a_telling_one() -> None:
    guard = a_guard(a_rule(action=Action.ROLLBACK), action=Action.NOTIFY, warmup=seconds(0))
    watch, effects = play(a_watch(guard=guard), looked(1), measured(1))
    assert watch.phase is Phase.WATCHING
    assert told(effects) == [Topic.BREACH]


def test_a_return_to_a_good_revision_is_only_told() -> None:
    watch, effects = play(a_watch(notify_only="a return"), looked(1), measured(1))
    assert watch.phase is Phase.WATCHING
    assert told(effects) == [Topic.BREACH]
    notice = next(effect.notice for effect in effects if isinstance(effect, Tell))
    assert "This watch only tells: a return" in notice.lines


def test_a_telling_rule_and_an_acting_rule_do_not_hinder_each_other() -> None:
    watch = a_watch(a_rule(action=Action.NOTIFY), a_rule(a_gauge(10)))
    both = Measured({"error-rate": a_block(1, BAD), "memory": a_block(1, values(11))})
    watch, effects = play(watch, looked(1), (both, 17))
    assert watch.phase is Phase.DECIDING
    assert (watch.breached, watch.noted) == (("memory",), ("error-rate",))
    told_only, decided = [effect for effect in effects if isinstance(effect, Tell)]
    assert (told_only.notice.topic, told_only.unless) == (Topic.BREACH, None)
    assert (decided.notice.topic, decided.unless) == (Topic.BREACH, Topic.ROLLED_BACK)
    assert told_only.notice.id != decided.notice.id


def bake(watch: Watch, reading: Reading = FINE, *, blocks: int = 40) -> Watch:
    return play(watch, looked(1), *[measured(n, reading) for n in range(1, blocks + 1)])[0]


def test_a_good_release_passes_when_its_bake_is_over_and_not_before() -> None:
    watch = bake(a_watch())
    assert play(watch, (Ticked(), 601.9))[0].phase is Phase.WATCHING
    ended, effects = play(watch, (Ticked(), 602))
    assert ended.phase is Phase.PASSED
    assert learnt(effects) == [Judgement.PASSED]
    assert told(effects) == [Topic.PASSED]
    assert ended.ended_at == at(602)
    assert ended.outcome is Phase.PASSED
    assert watch.outcome is None


def test_the_bake_of_a_rollout_begins_when_it_is_complete() -> None:
    watch, _ = play(a_watch(), looked(1, complete=False))
    assert watch.bake_end is None
    watch, _ = play(watch, looked(90, completed_at=at(85)))
    assert watch.bake_from == at(85)
    watch, _ = play(watch, looked(200, completed_at=at(199)))
    assert watch.bake_from == at(85)


def test_a_complete_rollout_of_something_else_starts_no_bake() -> None:
    watch, _ = play(a_watch(), looked(1, serving=GOOD))
    assert watch.bake_end is None


def test_the_bake_of_a_flip_begins_with_the_flip() -> None:
    assert a_watch(switch=a_flip_switch()).bake_from == at(0)


def test_a_rollout_that_never_completes_is_inconclusive_after_deadline_and_bake() -> None:
    watch, _ = play(a_watch(), looked(1, complete=False, progress_deadline=120))
    assert play(watch, (Ticked(), 721))[0].phase is Phase.WATCHING
    ended, effects = play(watch, (Ticked(), 722))
    assert ended.phase is Phase.INCONCLUSIVE
    assert ended.reason == "the rollout never completed"
    assert learnt(effects) == []


@pytest.mark.parametrize(
    "reading", [NoData("no series"), QueryFailed(FailureReason.UNREACHABLE, "refused"), counts(0, 0)]
)
def test_without_evidence_a_watch_is_inconclusive_never_acted_on_and_what_served_is_good(reading: Reading) -> None:
    ended, effects = play(bake(a_watch(), reading), (Ticked(), 602))
    assert ended.phase is Phase.INCONCLUSIVE
    assert ended.reason.startswith("rule error-rate could not have fired (")
    assert learnt(effects) == [Judgement.SERVED]
    assert acts(effects) == []


def test_half_of_the_blocks_is_enough_to_pass_and_less_is_not() -> None:
    gap = NoData("no series")
    # At 15 s the three blocks after the last sample still have it within their minute.
    for good, outcome in ((17, Phase.PASSED), (16, Phase.INCONCLUSIVE)):
        events = [measured(n, FINE if n <= good else gap) for n in range(1, 41)]
        assert play(a_watch(), looked(1), *events, (Ticked(), 602))[0].phase is outcome


def test_a_rule_that_is_not_required_may_be_blind() -> None:
    watch = bake(a_watch(a_rule(required=False)), NoData("no series"))
    assert play(watch, (Ticked(), 602))[0].phase is Phase.PASSED


def test_a_probe_that_was_never_answered_keeps_a_watch_from_passing() -> None:
    watch, _ = play(a_watch(a_rule(a_probe())), looked(1))
    assert play(watch, (Ticked(), 602))[0].phase is Phase.INCONCLUSIVE
    armed, _ = play(watch, (Probed("health", a_round(6, {"research-a": ProbeOutcome.EXPECTED})), 6))
    assert play(armed, (Ticked(), 602))[0].phase is Phase.PASSED


def test_signs_could_have_fired_once_the_pods_were_looked_at() -> None:
    watch = a_watch(a_rule(signs_of()))
    assert play(watch, looked(1), (Ticked(), 602))[0].phase is Phase.PASSED


def test_a_block_that_comes_twice_counts_once() -> None:
    watch, _ = play(a_watch(), looked(1), measured(1, FINE), measured(1, FINE), measured(1, BAD))
    assert watch.tracks[0].history.blocks_judged == 1
    assert watch.tracks[0].breach is None


def test_prometheus_back_late_still_catches_the_fault() -> None:
    gap = QueryFailed(FailureReason.UNREACHABLE, "refused")
    watch, _ = play(a_watch(), looked(1), *[measured(n, gap) for n in range(1, 38)], measured(38, BAD))
    assert watch.phase is Phase.DECIDING


def test_a_baseline_that_comes_late_judges_what_came_before_it() -> None:
    relative = a_rule(a_gauge("1.5x"))
    spike = [values(100), values(200), values(100)]
    events = [measured(n, one, rule="memory") for n, one in enumerate(spike, start=1)]
    baseline = BaselineMeasured({"memory": Baseline(at(-1800), at(0), values(100))})
    late, effects = play(a_watch(relative), looked(1), *events, (baseline, 50))
    early, _ = play(a_watch(relative), looked(1), (baseline, 2), *events)
    assert late.phase is early.phase is Phase.DECIDING
    assert late.tracks == early.tracks
    assert any(isinstance(effect, Look) for effect in effects)


def test_a_probe_of_an_unknown_rule_or_of_another_kind_is_nothing() -> None:
    watch, _ = play(a_watch(), looked(1))
    for name in ("unknown", "error-rate"):
        event = Probed(name, a_round(6, {"research-a": ProbeOutcome.WRONG_STATUS}))
        assert advance(watch, event, at(6)).watch == watch


def test_a_cold_pods_probes_do_not_count_but_arm() -> None:
    guard = a_guard(a_rule(a_probe(failures=1)), warmup=seconds(30))
    watch, _ = play(a_watch(guard=guard), looked(2, pods=[a_pod(ready=1)]))
    cold = Probed("health", a_round(20, {"research-a": ProbeOutcome.WRONG_STATUS}))
    warm = Probed("health", a_round(31, {"research-a": ProbeOutcome.WRONG_STATUS}))
    assert play(watch, (cold, 20))[0].phase is Phase.WATCHING
    assert play(watch, (warm, 31))[0].phase is Phase.DECIDING


def test_a_target_that_is_deleted_ends_the_watch() -> None:
    for watch in (a_watch(), deciding(), holding(), acting()):
        ended, _ = play(watch, looked(30, exists=False))
        assert ended.phase is Phase.SUPERSEDED
        assert ended.reason == "the target was deleted"


# -- deciding ----------------------------------------------------------------------------------------------------


def test_a_look_from_a_cache_decides_nothing() -> None:
    assert play(deciding(), looked(18))[0].phase is Phase.DECIDING


def test_an_allowed_breach_is_acted_on_with_the_intent_in_the_watch() -> None:
    watch, effects = play(deciding(), fresh(18))
    assert watch.remedy is not None
    assert effects == (PutBack(watch.remedy),)
    assert (watch.attempts, watch.first_attempt_at) == (1, at(18))


def test_a_target_that_moved_on_is_superseded() -> None:
    ended, effects = play(deciding(), fresh(18, serving=a_revision("newer")))
    assert ended.phase is Phase.SUPERSEDED
    assert acts(effects) == []
    assert told(effects) == [Topic.SUPERSEDED]


def test_an_api_server_that_does_not_answer_is_asked_again_until_the_bake_is_over() -> None:
    watch, effects = play(deciding(), (LookFailed("timeout"), 20))
    assert effects == (Look(),)
    assert watch.refusal is not None
    assert watch.refusal.reason is RefusalReason.OUT_OF_REACH
    assert play(watch, (Ticked(), 661))[0].phase is Phase.DECIDING
    ended, effects = play(watch, (Ticked(), 662))
    assert ended.phase is Phase.HELD
    assert told(effects) == [Topic.HELD]
    assert play(deciding(), (Ticked(), 662))[0].reason == "the API server did not answer"


def test_a_look_that_failed_means_nothing_elsewhere() -> None:
    for watch in (a_watch(), holding(), acting()):
        assert advance(watch, LookFailed("timeout"), at(20)).effects == ()


# -- holding -----------------------------------------------------------------------------------------------------


def test_a_refused_act_is_held_recorded_and_paged_with_its_reason() -> None:
    watch, effects = play(deciding(), fresh(18, **PAUSED))
    assert watch.phase is Phase.HOLDING
    assert [type(effect) for effect in effects] == [Record, Tell, Emit]
    assert told(effects) == [Topic.HELD]


def test_the_same_reason_is_told_once_and_another_one_again() -> None:
    watch, effects = play(holding(), measured(2), fresh(33, **PAUSED))
    assert effects == ()
    watch, effects = play(watch, fresh(34, destination=a_destination(missing=("configmap/x",))))
    assert told(effects) == [Topic.HELD]
    assert watch.refusal is not None
    assert watch.refusal.reason is RefusalReason.NEEDS_GONE


def test_each_tick_checks_the_reasons_again() -> None:
    assert play(holding(), (Ticked(), 32))[1] == (Look(),)


def test_when_the_reason_goes_away_in_time_and_the_rule_still_holds_it_acts() -> None:
    watch, effects = play(holding(), measured(2), fresh(33))
    assert watch.phase is Phase.ACTING
    assert len(acts(effects)) == 1


def test_when_the_reason_goes_away_but_the_rule_no_longer_holds_it_does_not_act() -> None:
    events = [measured(n, FINE) for n in range(2, 6)]
    watch, effects = play(holding(), *events, fresh(78))
    assert watch.phase is Phase.HOLDING
    assert effects == ()
    watch, effects = play(watch, measured(6, BAD), fresh(93))
    assert watch.phase is Phase.ACTING


def test_when_nothing_is_measured_any_more_the_old_verdict_is_no_reason_to_act() -> None:
    watch, effects = play(holding(), measured(2, NoData("no series")), fresh(33))
    assert (watch.phase, effects) == (Phase.HOLDING, ())


def test_a_verdict_from_before_a_long_absence_is_no_reason_to_act() -> None:
    watch, effects = play(holding(), (Resumed(), 400), fresh(401))
    assert watch.phase is Phase.HOLDING
    assert acts(effects) == []
    watch, effects = play(watch, *[(measured(n, FINE)[0], 402) for n in range(2, 27)], fresh(403))
    assert acts(effects) == []
    watch, effects = play(watch, (measured(27)[0], 407), fresh(408))
    assert len(acts(effects)) == 1


def test_what_is_held_until_the_bake_ends_is_held_for_good_and_doubted() -> None:
    watch, _ = play(holding(), (Ticked(), 601))
    assert watch.phase is Phase.HOLDING
    ended, effects = play(watch, (Ticked(), 602))
    assert ended.phase is Phase.HELD
    assert learnt(effects) == [Judgement.DOUBTED]
    assert ended.reason == "the Deployment is paused: an undo would not roll out"


def test_the_notice_of_a_hold_and_that_of_its_end_are_the_same_notice() -> None:
    _, first = play(deciding(), fresh(18, **PAUSED))
    _, last = play(holding(), (Ticked(), 602))
    ids = {effect.notice.id for effect in (*first, *last) if isinstance(effect, Tell)}
    assert len(ids) == 1


def test_a_hold_annotation_that_runs_out_in_the_bake_lets_it_act() -> None:
    marked = {"annotations": {HOLD: "until=2026-03-02T12:05:00Z; migration"}}
    watch, _ = play(deciding(), fresh(18, **marked))
    assert watch.phase is Phase.HOLDING
    assert play(watch, measured(2), fresh(33, **marked))[0].phase is Phase.HOLDING
    watch, _ = play(watch, *[measured(n) for n in range(3, 21)], fresh(303, **marked))
    assert watch.phase is Phase.ACTING


# -- acting ------------------------------------------------------------------------------------------------------


def test_a_conflict_is_read_and_planned_again_for_ten_seconds() -> None:
    watch = acting()
    for when in (18, 20, 24, 28):
        watch, effects = play(watch, conflict(when))
        assert watch.phase is Phase.DECIDING
        assert effects == (Look(),)
        watch, effects = play(watch, fresh(when + 0.5, resource_version=str(when)))
        assert acts(effects)[0].remedy.resource_version == str(when)
    watch, effects = play(watch, conflict(28.5))
    assert watch.phase is Phase.HOLDING
    assert told(effects) == [Topic.HELD]
    assert watch.refusal is not None
    assert watch.refusal.reason is RefusalReason.CONFLICT


def test_a_conflict_that_was_held_is_tried_again_for_another_ten_seconds() -> None:
    watch, _ = play(acting(), conflict(19), fresh(19), conflict(30), measured(2), fresh(33))
    assert watch.phase is Phase.ACTING
    watch, _ = play(watch, conflict(40))
    assert watch.phase is Phase.DECIDING


def test_the_ten_seconds_begin_with_the_first_conflict_not_with_the_first_try() -> None:
    watch, _ = play(acting(), *[unsure(18 + n) for n in range(40)], conflict(60))
    assert watch.phase is Phase.DECIDING


def test_a_conflict_because_a_person_acted_supersedes() -> None:
    ended, _ = play(acting(), conflict(19), fresh(20, serving=a_revision("fixed")))
    assert ended.phase is Phase.SUPERSEDED


def test_without_an_answer_the_very_same_act_is_tried_again() -> None:
    watch = acting()
    again, effects = play(watch, unsure(20))
    assert again == watch
    assert acts(effects) == [PutBack(watch.remedy)] if watch.remedy else False


def test_an_act_that_is_refused_for_good_is_a_failure() -> None:
    ended, effects = play(acting(), answered(20, PutBackRefused(at(20), "forbidden")))
    assert ended.phase is Phase.FAILED
    assert told(effects) == [Topic.FAILED]
    assert learnt(effects) == [Judgement.DOUBTED]
    assert ended.reason == "forbidden"


def test_an_act_that_a_dry_run_withholds_ends_the_watch_and_claims_nothing() -> None:
    write = Write("PATCH", "/apis/apps/v1/namespaces/production/deployments/research", "json", "[]")
    ended, effects = play(acting(), answered(20, PutBackWithheld(at(20), (write,), {"admin": "gone"}, "not asked")))
    assert ended.phase is Phase.WOULD_ROLL_BACK
    assert (ended.acted_at, ended.recovery, ended.recovery_from) == (None, None, None)
    assert ended.withheld == (write,)
    assert told(effects) == [Topic.WOULD_ROLL_BACK]
    assert learnt(effects) == [Judgement.DOUBTED]
    assert "would be put back to research-5f6d" in ended.reason
    assert "nothing was done; Service admin would be left: gone; not asked" in ended.reason
    [title] = [effect.notice.title for effect in effects if isinstance(effect, Tell)]
    assert "would be put back" in title
    assert "and was not" in title


def test_an_act_without_any_answer_fails_a_progress_deadline_after_the_bake() -> None:
    assert play(acting(), (Ticked(), 1201))[0].phase is Phase.ACTING
    assert play(acting(), (Ticked(), 1202))[0].phase is Phase.FAILED


def test_an_answer_in_any_other_phase_comes_too_late() -> None:
    for watch in (a_watch(), deciding(), holding()):
        assert advance(watch, done(20)[0], at(20)).watch == watch


def test_success_is_remembered_recorded_and_told_in_this_order() -> None:
    watch, effects = play(acting(), done(20))
    assert watch.phase is Phase.RECOVERING
    assert [type(effect) for effect in effects] == [Remember, Record, Tell, Emit]
    assert effects[0] == Remember(Judgement.BAD, NEW)
    assert told(effects) == [Topic.ROLLED_BACK]
    assert watch.acted_at == at(20)


# -- interruptions -----------------------------------------------------------------------------------------------


def test_killed_while_acting_it_does_the_same_act_again() -> None:
    watch = acting()
    resumed, effects = play(watch, (Resumed(), 300))
    assert acts(effects) == [PutBack(watch.remedy)] if watch.remedy else False
    assert resumed.phase is Phase.ACTING


def test_killed_while_acting_a_conflict_afterwards_is_planned_again_and_not_held() -> None:
    watch, _ = play(acting(), (Resumed(), 300), conflict(301))
    assert watch.phase is Phase.DECIDING


def test_killed_for_hours_while_acting_the_answer_is_still_waited_for() -> None:
    watch, _ = play(acting(), (Resumed(), 9000), (Ticked(), 9001))
    assert watch.phase is Phase.ACTING
    assert play(watch, done(9002))[0].phase is Phase.RECOVERING
    assert play(watch, (Ticked(), 9603))[0].phase is Phase.FAILED
    again, _ = play(watch, conflict(9002), (Ticked(), 9003))
    assert again.phase is Phase.DECIDING


def test_killed_while_deciding_or_holding_it_looks_again() -> None:
    for watch in (deciding(), holding()):
        _, effects = play(watch, (Resumed(), 300))
        assert effects[0] == Look()
        assert told(effects) == [Topic.SWITCH]


def test_killed_while_watching_it_goes_on_and_its_opening_is_told_under_the_same_id() -> None:
    watch, effects = play(a_watch(), (Resumed(), 300))
    assert watch == a_watch()
    ids = {effect.notice.id for effect in (*effects, *opening(watch, at(0)).effects) if isinstance(effect, Tell)}
    assert len(ids) == 1


def test_a_bake_is_not_concluded_before_all_that_is_due_was_measured() -> None:
    watch = bake(a_watch())
    assert play(watch, (Ticked(measured=False), 700)) == (watch, ())


@pytest.mark.parametrize("make", [a_watch, deciding, holding])
def test_another_revision_supersedes(make: object) -> None:
    ended, effects = play(make(), (Superseded(a_revision("newer"), "argo"), 30))  # type: ignore[operator]
    assert ended.phase is Phase.SUPERSEDED
    assert ended.reason == "research-newer took over by argo"
    assert learnt(effects) == []


@pytest.mark.parametrize("make", [a_watch, deciding, holding, acting])
def test_the_candidate_does_not_supersede_itself(make: object) -> None:
    watch = make()  # type: ignore[operator]
    assert play(watch, (Superseded(NEW), 30)) == (watch, ())


def test_a_persons_undo_supersedes_and_nothing_is_done_twice() -> None:
    for watch in (deciding(), holding()):
        ended, effects = play(watch, (Superseded(GOOD, "kubectl"), 30))
        assert ended.phase is Phase.SUPERSEDED
        assert acts(effects) == []


def test_while_acting_only_the_answer_tells_who_came_first() -> None:
    watch = acting()
    assert play(watch, (Superseded(a_revision("newer")), 19)) == (watch, ())
    assert play(watch, (Superseded(GOOD), 19)) == (watch, ())


# -- the right to act --------------------------------------------------------------------------------------------


def test_a_guard_that_is_removed_ends_the_right_to_act_and_what_breached_is_told() -> None:
    for watch in (deciding(), holding()):
        ended, effects = play(watch, (RightEnded("guard removed"), 20))
        assert ended.phase is Phase.WATCHING
        assert (ended.breached, ended.noted) == ((), ("error-rate",))
        assert told(effects) == [Topic.BREACH]
        again, effects = play(ended, (RightEnded("again"), 21), measured(2), fresh(33), (Ticked(), 602))
        assert acts(effects) == []
        assert again.phase is Phase.NOTIFIED
        assert again.notify_only == "guard removed"


def test_a_guard_that_is_removed_before_a_breach_leaves_a_watch_that_only_tells() -> None:
    watch, effects = play(a_watch(), (RightEnded("guard removed"), 5), looked(6), measured(1), fresh(18))
    assert watch.phase is Phase.WATCHING
    assert acts(effects) == []
    assert told(effects) == [Topic.BREACH]


def test_an_act_under_way_when_the_right_ends_is_not_tried_again_after_a_conflict() -> None:
    watch, effects = play(acting(), (RightEnded("guard removed"), 18.5), conflict(19))
    assert effects[-1] == Look()
    watch, effects = play(watch, fresh(20))
    assert watch.phase is Phase.WATCHING
    assert acts(effects) == []
    assert told(effects) == [Topic.BREACH]
    assert watch.noted == ("error-rate",)


def test_an_act_under_way_when_the_right_ends_is_looked_for_and_not_repeated_where_no_answer_came() -> None:
    watch, effects = play(acting(), (RightEnded("guard removed"), 18.5), unsure(19))
    assert acts(effects) == []
    went_through, effects = play(watch, fresh(20, serving=GOOD))
    assert went_through.phase is Phase.RECOVERING
    assert told(effects) == [Topic.ROLLED_BACK]
    did_not, effects = play(watch, fresh(20))
    assert did_not.phase is Phase.WATCHING
    taken_over, _ = play(watch, fresh(20, serving=a_revision("newer")))
    assert taken_over.phase is Phase.SUPERSEDED


def test_someone_elses_undo_is_not_claimed_after_the_right_ended() -> None:
    watch, _ = play(acting(), (RightEnded("guard removed"), 18.5), conflict(19), fresh(20, serving=GOOD))
    assert watch.phase is Phase.SUPERSEDED


def test_an_act_that_was_done_when_the_right_ended_is_watched_for_recovery() -> None:
    watch, effects = play(acting(), (RightEnded("guard removed"), 18.5), done(19))
    assert watch.phase is Phase.RECOVERING
    assert not any("only tells" in line for e in effects if isinstance(e, Tell) for line in e.notice.lines)
    assert play(watch, (RightEnded("again"), 20)) == (watch, ())


def test_killed_while_acting_and_without_the_right_on_return_it_looks_and_does_not_act() -> None:
    watch, effects = play(acting(), (RightEnded("guard removed"), 300), (Resumed(), 300))
    assert acts(effects) == []
    assert play(watch, fresh(301))[0].phase is Phase.WATCHING


# -- flips -------------------------------------------------------------------------------------------------------


def flip_deciding(*services: str, guard: object = None) -> Watch:
    watch = a_watch(switch=a_flip_switch(*services), guard=guard or a_guard(warmup=seconds(0)))  # type: ignore[arg-type]
    watch, _ = play(watch, (Looked(flip_look(1, watch, pods=[a_pod(ready=0)])), 1), measured(1))
    assert watch.phase is Phase.DECIDING
    return watch


def flip_look(when: float, watch: Watch, **changes: object) -> Live:
    return a_live(when, switch=watch.switch, **changes)  # type: ignore[arg-type]


def test_a_second_service_of_the_release_joins_and_bake_and_grid_stay() -> None:
    watch = a_watch(switch=a_flip_switch())
    joined, effects = play(watch, (Joined(a_flip("admin")), 10))
    assert [flip.service for flip in joined.switch.flips] == ["gateway", "admin"]
    assert effects == (Record(),)
    assert (joined.id, joined.bake_end, joined.block_end(1)) == (watch.id, watch.bake_end, watch.block_end(1))
    assert play(joined, (Joined(a_flip("admin")), 11)) == (joined, ())


def test_nobody_joins_once_it_acts() -> None:
    watch = flip_deciding()
    watch, _ = play(watch, (Looked(flip_look(18, watch, fresh=True)), 18))
    assert watch.phase is Phase.ACTING
    assert play(watch, (Joined(a_flip("admin")), 19)) == (watch, ())


def test_a_blue_that_was_scaled_to_zero_is_scaled_up_and_put_back_when_it_is_ready() -> None:
    watch = flip_deciding(guard=a_guard(warmup=seconds(0), restore_replicas=True))
    asleep = a_destination(BLUE, replicas=0, ready_pods=0)
    watch, effects = play(watch, (Looked(flip_look(18, watch, fresh=True, destination=asleep, desired=2)), 18))
    assert acts(effects)[0].remedy.scale_to == 2
    watch, effects = play(watch, done(19))
    assert watch.phase is Phase.HOLDING
    assert watch.refusal is not None
    assert watch.refusal.sentence == "gateway-blue was scaled up to 2 and is not ready yet"
    assert told(effects) == []
    awake = a_destination(BLUE, replicas=2, ready_pods=2)
    watch, effects = play(
        watch, measured(2), (Looked(flip_look(33, watch, fresh=True, destination=awake, desired=2)), 33)
    )
    assert acts(effects)[0].remedy.services
    assert play(watch, done(34))[0].phase is Phase.RECOVERING


def test_what_was_only_scaled_up_is_not_taken_for_put_back_when_the_right_ends() -> None:
    watch = flip_deciding(guard=a_guard(warmup=seconds(0), restore_replicas=True))
    asleep = a_destination(BLUE, replicas=0, ready_pods=0)
    watch, _ = play(watch, (Looked(flip_look(18, watch, fresh=True, destination=asleep)), 18))
    watch, _ = play(watch, (RightEnded("guard removed"), 18.5), unsure(19))
    moved = flip_look(20, watch, fresh=True, serving=BLUE, moved=["gateway"], destination=asleep)
    assert play(watch, (Looked(moved), 20))[0].phase is Phase.SUPERSEDED


def partly() -> Watch:
    """`gateway` is back, `admin` was not taken."""
    watch = flip_deciding("gateway", "admin")
    watch, effects = play(watch, (Looked(flip_look(18, watch, fresh=True)), 18))
    assert len(acts(effects)[0].remedy.services) == 2
    watch, effects = play(watch, done(19, admin="conflict"))
    assert watch.phase is Phase.DECIDING
    assert effects == (Look(),)
    return watch


def half_back(when: float, watch: Watch, **changes: object) -> tuple[Event, float]:
    seen = {"fresh": True, "serving": BLUE, "moved": ["gateway"]} | changes
    return Looked(flip_look(when, watch, **seen)), when


def test_what_is_left_of_several_services_is_tried_once_more() -> None:
    watch, effects = play(partly(), half_back(20, partly()))
    assert [back.service for back in acts(effects)[0].remedy.services] == ["admin"]
    whole, effects = play(watch, done(21))
    assert whole.phase is Phase.RECOVERING
    assert whole.left == {}
    part, effects = play(watch, done(21, admin="conflict again"))
    assert part.phase is Phase.RECOVERING
    assert part.left == {"admin": "conflict again"}
    lines = next(effect.notice.lines for effect in effects if isinstance(effect, Tell))
    assert "Service admin could not be put back: conflict again" in lines


@pytest.mark.parametrize(
    "then",
    [
        [answered(21, PutBackRefused(at(21), "forbidden"))],
        [conflict(21), half_back(22, partly()), conflict(33)],
        [(RightEnded("guard removed"), 20.5), conflict(21), half_back(22, partly())],
        [(Ticked(), 1300)],
    ],
)
def test_whatever_becomes_of_the_rest_the_part_that_is_back_is_a_put_back(then: list[tuple[Event, float]]) -> None:
    watch, effects = play(partly(), half_back(20, partly()), *then)
    assert watch.phase is Phase.RECOVERING
    assert Judgement.BAD in learnt(effects)
    assert told(effects)[-1] is Topic.ROLLED_BACK
    assert set(watch.left) == {"admin"}


def test_a_part_that_is_back_is_a_put_back_though_the_rest_is_refused_now() -> None:
    gone = a_destination(BLUE, exists=False)
    watch, _ = play(partly(), half_back(20, partly(), destination=gone))
    assert watch.phase is Phase.RECOVERING
    assert watch.left == {"admin": "conflict"}


def test_what_someone_else_has_put_back_meanwhile_is_not_left() -> None:
    watch, _ = play(partly(), half_back(20, partly(), moved=["gateway", "admin"]))
    assert watch.phase is Phase.RECOVERING
    assert watch.left == {}


def test_our_own_half_of_an_undo_supersedes_nothing() -> None:
    watch = partly()
    assert play(watch, (Superseded(BLUE), 19.5)) == (watch, ())
    assert play(watch, (Superseded(GREEN), 19.5)) == (watch, ())
    assert play(watch, (Superseded(a_revision("x", workload="gateway-red")), 20))[0].phase is Phase.SUPERSEDED


def test_where_the_api_server_is_silent_half_way_the_part_is_told_after_ten_seconds() -> None:
    watch, effects = play(partly(), (LookFailed("timeout"), 22), (Ticked(), 28))
    assert watch.phase is Phase.DECIDING
    watch, effects = play(watch, (Ticked(), 32))
    assert watch.phase is Phase.RECOVERING
    assert told(effects) == [Topic.ROLLED_BACK]


def test_when_the_right_ends_half_way_the_part_is_watched_for_recovery() -> None:
    watch, effects = play(partly(), (RightEnded("guard removed"), 19.5))
    assert watch.phase is Phase.RECOVERING
    assert acts(effects) == []


# -- by hand -----------------------------------------------------------------------------------------------------


def by_hand(watch: Watch) -> Watch:
    return replace(watch, by_hand="ada: it looks wrong")


def test_a_rollback_by_hand_that_was_cut_short_is_finished() -> None:
    watch = by_hand(acting())
    resumed, effects = play(watch, (Resumed(), 300))
    assert [act.remedy for act in acts(effects)] == [watch.remedy]
    assert resumed.phase is Phase.ACTING


def test_a_rollback_by_hand_is_told_remembered_and_watched_for_recovery_by_whoever_adopts_it() -> None:
    done_by_hand, _ = play(by_hand(acting()), done(20))
    _, effects = play(done_by_hand, (Resumed(), 30))
    assert learnt(effects) == [Judgement.BAD]
    assert told(effects) == [Topic.ROLLED_BACK]
    title = next(effect.notice.title for effect in effects if isinstance(effect, Tell))
    assert title.endswith("by hand, ada: it looks wrong")
    assert [track.rule.name for track in done_by_hand.recovery_tracks] == ["error-rate"]


def test_in_any_other_phase_there_is_nothing_to_adopt() -> None:
    for watch in (by_hand(a_watch()), by_hand(deciding())):
        assert play(watch, (Resumed(), 30)) == (watch, ())


def test_a_person_passes_over_a_refusal_by_its_name_but_not_over_what_is_not_ours() -> None:
    watch = replace(by_hand(deciding()), overridden=("paused", "superseded"))
    assert play(watch, fresh(18, **PAUSED))[0].phase is Phase.ACTING
    assert play(watch, fresh(18, serving=a_revision("newer")))[0].phase is Phase.SUPERSEDED
    other = {"annotations": {HOLD: "until=2026-03-02T12:05:00Z; migration"}}
    assert play(watch, fresh(18, **other))[0].phase is Phase.HOLDING
