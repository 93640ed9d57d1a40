"""What holds for every life of a watch."""

from dataclasses import replace

import pytest
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from builders import a_block, a_live, a_ratio, a_rule, a_watch, at, counts_of, play
from watchdog.domain.effects import Effect, PutBack, PutBackDone, Tell
from watchdog.domain.events import (
    BaselineMeasured,
    DeliveryMoved,
    Event,
    Looked,
    Measured,
    PutBackAnswered,
    RightEnded,
    Sliced,
)
from watchdog.domain.measurement import Baseline
from watchdog.domain.rules import Action
from watchdog.domain.state import Phase, Watch
from watchdog.domain.watch import advance
from worlds import events, lives

Life = tuple[Watch, list[tuple[Event, float]]]


def steps(life: Life) -> list[tuple[Watch, Event, float, Watch, tuple[Effect, ...]]]:
    """Each step: before, event, when, after, effects."""
    watch, made = life
    rows = []
    for event, when in made:
        step = advance(watch, event, at(when))
        rows.append((watch, event, when, step.watch, step.effects))
        watch = step.watch
    return rows


@given(lives())
def test_any_event_in_any_phase_gives_a_step(life: Life) -> None:
    for _, _, _, after, effects in steps(life):
        note(after.phase)
        assert isinstance(effects, tuple)


@given(lives(), st.data())
def test_terminal_phases_absorb(life: Life, data: st.DataObject) -> None:
    watch, _ = play(life[0], *life[1])
    for phase in Phase:
        if not phase.terminal:
            continue
        ended = replace(watch, phase=phase)
        event = data.draw(events(ended, 99, 5000.0))
        step = advance(ended, event, at(5000))
        assert step.watch.phase is phase
        if not isinstance(event, DeliveryMoved):
            assert replace(step.watch, slices=ended.slices) == ended
            assert step.watch.slices == ended.slices or isinstance(event, Sliced)
            assert step.effects == ()


@given(lives())
def test_no_act_without_a_breached_rule_whose_action_is_rollback(life: Life) -> None:
    for before, _, _, after, effects in steps(life):
        if any(isinstance(effect, PutBack) for effect in effects):
            rules = [track.rule for track in after.tracks if track.rule.name in after.breached]
            assert rules or before.left
            for rule in rules:
                assert after.guard.action_of(rule) is Action.ROLLBACK
                track = after.track(rule.name)
                assert track is not None
                assert track.breach is not None
                assert track.breach.literal


@given(lives())
def test_no_act_once_a_watch_may_only_tell(life: Life) -> None:
    ended = bool(life[0].notify_only) or life[0].guard.action is Action.NOTIFY
    for _, event, _, _, effects in steps(life):
        ended = ended or isinstance(event, RightEnded)
        assert not (ended and any(isinstance(effect, PutBack) for effect in effects))


@given(lives())
def test_at_most_one_act_succeeds_and_none_is_tried_after_it(life: Life) -> None:
    acted_at = None
    left: set[str] = set()
    for before, event, _, after, effects in steps(life):
        act = [effect.remedy for effect in effects if isinstance(effect, PutBack)]
        if acted_at is not None:
            assert not act or {back.service for remedy in act for back in remedy.services} <= left or left
        done = isinstance(event, PutBackAnswered) and isinstance(event.answer, PutBackDone)
        if done and before.phase is Phase.ACTING and before.remedy is not None and before.remedy.scale_to is None:
            acted_at = acted_at or after.acted_at
            left = set(after.left)
        if before.phase is Phase.RECOVERING:
            assert after.phase in (Phase.RECOVERING, Phase.ROLLED_BACK)
            assert not act
        if before.acted_at is not None:
            assert after.acted_at == before.acted_at


@given(lives())
def test_every_act_carries_the_conditions_of_a_fresh_look_and_goes_to_stable(life: Life) -> None:
    for before, event, _, after, effects in steps(life):
        for effect in effects:
            if not isinstance(effect, PutBack):
                continue
            assert after.phase is Phase.ACTING
            assert effect.remedy == after.remedy
            if isinstance(event, Looked):
                assert event.live.fresh
                assert effect.remedy.uid == event.live.uid
                assert effect.remedy.resource_version == event.live.resource_version
                assert after.stable is not None
                if effect.remedy.scale_to is None:
                    assert effect.remedy.to == after.stable.revision
            else:
                assert effect.remedy == before.remedy  # the same again, never another without a look


@given(lives())
def test_the_same_events_give_the_same_watch(life: Life) -> None:
    assert play(life[0], *life[1]) == play(life[0], *life[1])


@given(lives())
def test_notices_of_one_thing_have_one_id_and_titles_have_one_line(life: Life) -> None:
    _, effects = play(life[0], *life[1])
    for effect in effects:
        if isinstance(effect, Tell):
            assert effect.notice.id.startswith(f"{life[0].id}/{effect.notice.topic}")
            assert effect.notice.title
            assert "\n" not in effect.notice.title


@given(lives())
def test_an_outcome_has_a_reason_and_an_end_and_is_told_or_is_a_pass(life: Life) -> None:
    for before, _, when, after, effects in steps(life):
        if after.phase.terminal and not before.phase.terminal:
            assert after.reason
            assert after.ended_at == at(when)
            assert any(isinstance(effect, Tell) for effect in effects)
            assert (after.recovery is not None) == (after.phase is Phase.ROLLED_BACK)


# -- live and replayed -------------------------------------------------------------------------------------------

rows = st.lists(
    st.tuples(st.integers(0, 40), st.integers(20, 100)).map(lambda pair: counts_of({"research-a": pair}, samples=2)),
    min_size=1,
    max_size=12,
)


@given(rows, st.integers(0, 12), st.sampled_from([0.05, "2x", "+0.1"]), st.sampled_from([0, 30, 60]))
def test_a_baseline_may_come_at_any_time(made: list[object], position: int, limit: float | str, hold: float) -> None:
    watch = a_watch(a_rule(a_ratio(limit, floor=0.005), hold=hold))
    baseline = BaselineMeasured({"error-rate": Baseline(at(-1800), at(0), counts_of({"x": (30, 300)}, samples=9))})
    blocks = [Measured({"error-rate": a_block(n, one)}) for n, one in enumerate(made, start=1)]  # type: ignore[arg-type]
    looked = Looked(a_live(1))
    early, _ = play(watch, *[(event, 999) for event in (looked, baseline, *blocks)])
    late, _ = play(watch, *[(event, 999) for event in (looked, *blocks[:position], baseline, *blocks[position:])])
    if limit == 0.05:
        assert late.breached == early.breached
        assert late.tracks[0].verdict is not None
        assert early.tracks[0].verdict is not None
        assert late.tracks[0].verdict.finding is early.tracks[0].verdict.finding
    else:
        assert late.tracks[0].verdict == early.tracks[0].verdict
        assert late.tracks[0].path == early.tracks[0].path
        assert (late.phase, late.breached) == (early.phase, early.breached)


@given(rows, st.sampled_from([0, 30, 60]))
def test_blocks_that_are_caught_up_at_once_give_the_verdict_of_blocks_that_came_in_time(
    made: list[object], hold: float
) -> None:
    watch = a_watch(a_rule(hold=hold))
    blocks = [Measured({"error-rate": a_block(n, one)}) for n, one in enumerate(made, start=1)]  # type: ignore[arg-type]
    looked = (Looked(a_live(1)), 1.0)
    live, _ = play(watch, looked, *[(block, 15.0 * n + 2) for n, block in enumerate(blocks, start=1)])
    caught_up, _ = play(watch, looked, *[(block, 500.0) for block in blocks])
    assert caught_up.tracks == live.tracks
    assert caught_up.phase is live.phase


@given(lives(), st.permutations(["research-a", "research-b", "research-c"]))
def test_the_order_of_pods_changes_nothing(life: Life, order: list[str]) -> None:
    def shuffled(event: Event) -> Event:
        if not isinstance(event, Looked):
            return event
        pods = sorted(event.live.candidate_pods, key=lambda pod: order.index(pod.name))
        return replace(event, live=replace(event.live, candidate_pods=tuple(pods)))

    again = [(shuffled(event), when) for event, when in life[1]]
    assert play(life[0], *again) == play(life[0], *life[1])


@pytest.mark.parametrize("phase", list(Phase))
def test_the_terminal_phases_are_the_outcomes(phase: Phase) -> None:
    open_phases = {Phase.WATCHING, Phase.DECIDING, Phase.HOLDING, Phase.ACTING, Phase.RECOVERING}
    assert phase.terminal is (phase not in open_phases)
