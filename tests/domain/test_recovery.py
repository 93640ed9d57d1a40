"""After the put-back: does it help?"""

import pytest

from builders import (
    BLUE,
    GOOD,
    NEW,
    a_block,
    a_destination,
    a_flip_switch,
    a_gauge,
    a_guard,
    a_live,
    a_pod,
    a_probe,
    a_revision,
    a_round,
    a_rule,
    a_watch,
    at,
    counts,
    play,
    seconds,
    signs_of,
    values,
)
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Effect, PutBack, PutBackDone, Severity, Tell
from watchdog.domain.events import (
    Event,
    Looked,
    Measured,
    Probed,
    PutBackAnswered,
    RecoveryMeasured,
    RightEnded,
    Superseded,
    Ticked,
)
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import Counts, NoData, ProbeOutcome, QueryFailed, Reading
from watchdog.domain.measurement import FailureReason as Why
from watchdog.domain.rules import Rule
from watchdog.domain.state import Phase, Recovery, Watch

BAD, FINE = counts(50, 100, samples=2), counts(0, 100, samples=2)
BACK = 20.0  # when the act was done
NO_NEWS = NoData("no series")
CANDIDATE = {"research-a": ProbeOutcome.WRONG_STATUS}


def put_back(rule: Rule | None = None, *, recovery: float = 300, flipped: bool = False) -> Watch:
    """A watch whose act was done at `BACK`; a flip is complete with that."""
    rule = rule or a_rule()
    guard = a_guard(rule, warmup=seconds(0), recovery=seconds(recovery))
    watch = a_watch(guard=guard, **({"switch": a_flip_switch()} if flipped else {}))
    breach: list[tuple[Event, float]] = [(Measured({rule.name: a_block(1, BAD)}), 17)]
    if rule.name == "memory":
        breach = [(Measured({rule.name: a_block(1, values(99))}), 17)]
    if rule.name == "health":
        breach = [(Probed("health", a_round(5, CANDIDATE)), 6)]
    pods = [a_pod(waiting="CrashLoopBackOff")] if rule.name == "crash" else [a_pod()]
    to = a_destination(BLUE if flipped else GOOD)
    watch, effects = play(
        watch,
        (Looked(a_live(1, switch=watch.switch, pods=pods)), 1),
        *breach,
        (Looked(a_live(18, switch=watch.switch, pods=pods, fresh=True, destination=to)), 18),
        (PutBackAnswered(PutBackDone(at(BACK))), BACK),
    )
    assert watch.phase is Phase.RECOVERING, watch
    assert sum(isinstance(effect, PutBack) for effect in effects) == 1
    return watch


def back(when: float, watch: Watch, *pods: Pod, completed: float | None = None) -> tuple[Event, float]:
    """A look that sees the destination serve."""
    assert watch.remedy is not None
    live: Live = a_live(
        when,
        switch=watch.switch,
        serving=watch.remedy.to,
        pods=(),
        stable_pods=pods or (a_pod("old-a", created=-9000, ready=-8000),),
        completed_at=at(when if completed is None else completed),
    )
    return Looked(live), when


def recovering(rule: Rule | None = None, *, recovery: float = 300, flipped: bool = False) -> Watch:
    """The same, its rollout complete at `BACK`."""
    watch = put_back(rule, recovery=recovery, flipped=flipped)
    return play(watch, back(BACK, watch))[0]


def after(index: int, reading: Reading = FINE, *, rule: str = "error-rate") -> tuple[Event, float]:
    """Block `index` of the grid that begins at the completed put-back, for stable's pod."""
    return RecoveryMeasured({rule: a_block(index, reading, start=at(BACK))}), BACK + 15 * index + 2


def old(reading_bad: float) -> Reading:
    return counts(reading_bad, 100, pod="old-a", samples=2)


def titles(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.notice.title for effect in effects if isinstance(effect, Tell)]


def topics(effects: tuple[Effect, ...]) -> list[Topic]:
    return [effect.notice.topic for effect in effects if isinstance(effect, Tell)]


def test_recovered_once_each_breached_rule_is_kept_over_a_window_wholly_after_the_put_back() -> None:
    watch = recovering()
    for index in (1, 2, 3):
        watch, _ = play(watch, after(index, old(0)))
        assert watch.phase is Phase.RECOVERING
    watch, effects = play(watch, after(4, old(0)))
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.RECOVERED)
    assert topics(effects) == [Topic.RECOVERED]
    assert titles(effects) == ["production/deployment/research recovered after it was put back"]


def test_the_blocks_from_before_say_nothing_of_the_recovery() -> None:
    watch = recovering()
    assert all(not track.history.blocks and track.breach is None for track in watch.recovery_tracks)
    late, _ = play(watch, (Measured({"error-rate": a_block(2, BAD)}), 33))
    assert late.recovery_tracks == watch.recovery_tracks


def test_a_flip_back_takes_effect_at_once_and_a_rollout_when_it_is_complete() -> None:
    assert put_back(flipped=True).recovery_from == at(BACK)
    watch = put_back()
    assert watch.recovery_from is None
    watch, _ = play(watch, (Looked(a_live(25, switch=watch.switch, complete=False, serving=GOOD)), 25))
    assert watch.recovery_from is None
    watch, _ = play(watch, (Looked(a_live(25, switch=watch.switch)), 25))
    assert watch.recovery_from is None
    watch, _ = play(watch, back(50, watch, completed=45))
    assert watch.recovery_from == at(45)
    watch, _ = play(watch, back(90, watch, completed=85))
    assert watch.recovery_from == at(45)


def test_a_completion_from_before_the_act_is_not_that_of_the_act() -> None:
    watch = put_back()
    watch, _ = play(watch, back(30, watch, completed=-5000))
    assert watch.recovery_from == at(BACK)


def test_not_recovered_where_a_rule_still_breaks_at_the_end_and_it_is_paged() -> None:
    events = [after(index, old(50)) for index in range(1, 21)]
    watch, effects = play(recovering(), *events)
    assert watch.phase is Phase.RECOVERING
    assert effects == ()
    assert play(watch, (Ticked(), BACK + 301.9))[0].phase is Phase.RECOVERING
    assert play(watch, (Ticked(measured=False), BACK + 302))[0].phase is Phase.RECOVERING
    watch, effects = play(watch, (Ticked(), BACK + 302))
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.NOT_RECOVERED)
    assert topics(effects) == [Topic.NOT_RECOVERED]
    assert "did not recover after it was put back: error-rate: 200 of 400 requests were bad" in titles(effects)[0]


def test_what_recovers_late_has_recovered() -> None:
    events = [after(index, old(50)) for index in range(1, 10)] + [after(index, old(0)) for index in range(10, 14)]
    watch, _ = play(recovering(), *events)
    assert watch.recovery is Recovery.RECOVERED


@pytest.mark.parametrize("reading", [NO_NEWS, QueryFailed(Why.UNREACHABLE, "refused"), Counts({})])
def test_unknown_where_nothing_was_measured_and_it_is_told_as_not_known(reading: Reading) -> None:
    events = [after(index, reading) for index in range(1, 21)]
    watch, effects = play(recovering(), *events, (Ticked(), BACK + 302))
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.UNKNOWN)
    assert titles(effects)[0].startswith(
        "production/deployment/research was put back; whether it recovered is not known: error-rate: "
    )


def test_unknown_where_nothing_was_even_asked() -> None:
    watch, _ = play(recovering(), (Ticked(), BACK + 302))
    assert (watch.recovery, watch.reason) == (Recovery.UNKNOWN, "nothing was measured")


def test_unknown_where_the_put_back_never_completed() -> None:
    watch = put_back()
    assert play(watch, (Ticked(), BACK + 901))[0].phase is Phase.RECOVERING
    ended, _ = play(watch, (Ticked(measured=False), BACK + 902))
    assert (ended.recovery, ended.reason) == (Recovery.UNKNOWN, "the put-back never completed")


QUOTA = 'pods "research-a" is forbidden: exceeded quota: compute'


def stuck(when: float, why: str = QUOTA) -> tuple[Event, float]:
    """A look that sees the put-back get no pods."""
    return Looked(a_live(when, serving=GOOD, pods=[a_pod()], complete=False, completed_at=None, blocked=why)), when


def test_a_put_back_that_gets_no_pods_is_told_soon_and_once_and_did_not_recover_in_the_end() -> None:
    watch, effects = play(put_back(), stuck(BACK + 2), (Ticked(measured=False), BACK + 31))
    assert topics(effects) == []
    watch, effects = play(watch, *((Ticked(measured=False), BACK + 32 + 15 * n) for n in range(4)))
    # The engine adds what is told to the watch; here nobody does, so each tick says it with the same id.
    assert len({effect.notice.id for effect in effects if isinstance(effect, Tell)}) == 1
    assert titles(effects)[0] == (
        "production/deployment/research did not recover after it was put back: the put-back does not get on:"
        f" no pods can be made: {QUOTA}"
    )
    ended, effects = play(watch, (Ticked(measured=False), BACK + 902))
    assert (ended.phase, ended.recovery) == (Phase.ROLLED_BACK, Recovery.NOT_RECOVERED)
    assert ended.reason == f"the put-back never completed: no pods can be made: {QUOTA}"


def test_a_put_back_that_gets_its_pods_after_all_is_not_told_of_as_stuck() -> None:
    watch, effects = play(put_back(), stuck(BACK + 2), stuck(BACK + 20, ""), (Ticked(measured=False), BACK + 40))
    assert (topics(effects), watch.blocked) == ([], "")
    watch, effects = play(watch, stuck(BACK + 41), (Ticked(measured=False), BACK + 70))
    assert topics(effects) == []  # counted anew


def test_a_recovery_shorter_than_a_minute_is_judged_over_all_of_it() -> None:
    watch = recovering(recovery=30)
    watch, _ = play(watch, after(1, old(0)))
    assert watch.phase is Phase.RECOVERING
    watch, _ = play(watch, after(2, old(0)))
    assert watch.recovery is Recovery.RECOVERED


def test_a_gauge_is_watched_for_a_whole_minute_too() -> None:
    watch = recovering(a_rule(a_gauge(10)))
    events = [after(index, values({"old-a": 5}), rule="memory") for index in range(1, 4)]
    watch, _ = play(watch, *events)
    assert watch.phase is Phase.RECOVERING
    watch, _ = play(watch, after(4, values({"old-a": 5}), rule="memory"))
    assert watch.recovery is Recovery.RECOVERED


def test_a_crash_loop_has_recovered_after_a_minute_without_one() -> None:
    watch = recovering(a_rule(signs_of()))
    watch, _ = play(watch, back(BACK + 59, watch))
    assert watch.phase is Phase.RECOVERING
    watch, _ = play(watch, back(BACK + 60, watch))
    assert watch.recovery is Recovery.RECOVERED


def test_a_crash_loop_of_stable_too_is_not_recovered() -> None:
    watch = recovering(a_rule(signs_of()))
    ill = a_pod("old-a", created=-9000, ready=None, waiting="CrashLoopBackOff")
    watch, _ = play(watch, back(BACK + 60, watch, ill), back(BACK + 300, watch, ill), (Ticked(), BACK + 302))
    assert watch.recovery is Recovery.NOT_RECOVERED


def test_a_probe_has_recovered_after_a_minute_of_expected_answers_of_warm_pods() -> None:
    watch = recovering(a_rule(a_probe(failures=1)))
    good = {"old-a": ProbeOutcome.EXPECTED}
    watch, _ = play(watch, (Probed("health", a_round(BACK + 30, good)), BACK + 30))
    assert watch.phase is Phase.RECOVERING
    watch, _ = play(watch, (Probed("health", a_round(BACK + 60, good)), BACK + 60))
    assert watch.recovery is Recovery.RECOVERED


def test_a_probe_before_anything_of_the_destination_was_seen_says_nothing() -> None:
    watch = put_back(a_rule(a_probe(failures=1)))
    event = Probed("health", a_round(BACK + 1, {"old-a": ProbeOutcome.EXPECTED}))
    assert play(watch, (event, BACK + 1)) == (watch, ())


def test_a_metric_without_pods_counts_from_the_put_back() -> None:
    events = [after(index, counts(0, 100, pod="", samples=2)) for index in range(1, 5)]
    assert play(recovering(), *events)[0].recovery is Recovery.RECOVERED


def test_of_several_rules_all_must_be_kept_again() -> None:
    watch = a_watch(a_rule(), a_rule(a_gauge(10)))
    both = Measured({"error-rate": a_block(1, BAD), "memory": a_block(1, values(99))})
    watch, _ = play(watch, (Looked(a_live(1)), 1), (both, 17), (Looked(a_live(18, fresh=True)), 18))
    watch, _ = play(watch, (PutBackAnswered(PutBackDone(at(BACK))), BACK))
    watch, _ = play(watch, back(BACK, watch))
    assert [track.rule.name for track in watch.recovery_tracks] == ["error-rate", "memory"]

    def measured(index: int, memory: float) -> tuple[Event, float]:
        pair = {"error-rate": old(0), "memory": values({"old-a": memory})}
        made = {rule: a_block(index, one, start=at(BACK)) for rule, one in pair.items()}
        return RecoveryMeasured(made), BACK + 15 * index + 2

    watch, _ = play(watch, *[measured(index, 99) for index in range(1, 6)])
    assert watch.phase is Phase.RECOVERING
    watch, _ = play(watch, measured(6, 5))
    assert watch.recovery is Recovery.RECOVERED


# -- who deploys meanwhile ---------------------------------------------------------------------------------------


def test_our_own_undo_is_no_news() -> None:
    watch = put_back()
    assert play(watch, (Superseded(GOOD), 22)) == (watch, ())


def test_the_bad_revision_deployed_again_is_not_recovered_and_paged() -> None:
    watch, effects = play(put_back(), (Superseded(NEW, "argo"), 60))
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.NOT_RECOVERED)
    assert watch.reason == "reverted: research-7c9d (research:1.5.0) serves again, deployed by argo"
    (notice,) = [effect.notice for effect in effects if isinstance(effect, Tell)]
    assert notice.severity is Severity.CRITICAL
    assert "serves again, deployed by argo" in notice.title


def test_another_revision_deployed_meanwhile_leaves_it_unknown() -> None:
    watch, _ = play(put_back(), (Superseded(a_revision("newer")), 60))
    assert (watch.phase, watch.recovery) == (Phase.ROLLED_BACK, Recovery.UNKNOWN)
    assert watch.reason == "research-newer was deployed"


def test_both_revisions_bad_is_no_ping_pong() -> None:
    watch = recovering()
    effects: tuple[Effect, ...] = ()
    for index in range(1, 30):
        watch, more = play(watch, after(index, old(99)), (Ticked(), BACK + 15 * index + 3))
        effects += more
    assert watch.recovery is Recovery.NOT_RECOVERED
    assert not any(isinstance(effect, PutBack) for effect in effects)


def test_a_guard_that_is_removed_meanwhile_changes_nothing() -> None:
    watch = put_back()
    assert play(watch, (RightEnded("guard removed"), 25)) == (watch, ())


def test_a_destination_that_is_deleted_meanwhile_is_unknown_in_the_end() -> None:
    watch, _ = play(recovering(), (Looked(a_live(60, exists=False, serving=None)), 60))
    assert watch.phase is Phase.RECOVERING
    assert play(watch, (Ticked(), BACK + 302))[0].recovery is Recovery.UNKNOWN


def test_without_an_act_there_is_no_end_of_a_recovery() -> None:
    assert a_watch().recovery_end is None


def test_recovery_measured_elsewhere_means_nothing() -> None:
    watch = a_watch()
    assert play(watch, after(1)) == (watch, ())
