"""What holds every act: a pause, and brakes on how often is rolled back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import a_live, a_switch, a_target, a_watch, at
from domain.test_remedy import breached
from watchdog.domain.brakes import Act, Around, Brake, Brakes, Pause
from watchdog.domain.concluding import end
from watchdog.domain.effects import Emit, Record, Remedy, Tell
from watchdog.domain.events import Looked
from watchdog.domain.remedy import plan
from watchdog.domain.state import Phase, Refusal, RefusalReason, Watch
from watchdog.domain.watch import advance

NOW = 100.0
OTHERS = tuple(Act(f"watch-{n}", a_target(f"service-{n}"), at(NOW - 60 * n)) for n in range(1, 6))


def planned(around: Around | None, watch: Watch | None = None) -> Remedy | Refusal:
    return plan(watch or breached(), replace(a_live(NOW, fresh=True), around=around))


def test_nothing_around_holds_nothing() -> None:
    assert isinstance(planned(None), Remedy)
    assert isinstance(planned(Around()), Remedy)


@pytest.mark.parametrize(("acts", "held"), [(0, False), (2, False), (3, True), (5, True)])
def test_the_brake_over_all_lets_three_through_in_ten_minutes(acts: int, held: bool) -> None:
    answer = planned(Around(acts=OTHERS[:acts]))
    assert isinstance(answer, Refusal) is held
    if isinstance(answer, Refusal):
        assert answer.reason is RefusalReason.TOO_MANY
        assert f"{acts} rollbacks in the last 10 min" in answer.sentence


def test_acts_that_are_older_than_the_window_do_not_count() -> None:
    old = tuple(replace(act, at=act.at - timedelta(minutes=10)) for act in OTHERS)
    assert isinstance(planned(Around(acts=old)), Remedy)


def test_a_watch_is_not_held_by_its_own_act() -> None:
    watch = breached()
    own = tuple(replace(act, watch=watch.id) for act in OTHERS)
    assert isinstance(planned(Around(acts=own), watch), Remedy)


def test_two_acts_of_one_watch_are_one() -> None:
    twice = tuple(replace(act, watch="watch-1") for act in OTHERS)
    assert isinstance(planned(Around(acts=twice)), Remedy)


def test_a_target_that_was_rolled_back_twice_in_an_hour_is_held() -> None:
    watch = breached()
    own = tuple(Act(f"earlier-{n}", watch.switch.target, at(NOW - 1200 * n)) for n in (1, 2))
    answer = planned(Around(acts=own), watch)
    assert isinstance(answer, Refusal)
    assert answer == Refusal(RefusalReason.TOO_MANY, "it was rolled back 2 times in the last 1 h already")
    assert isinstance(planned(Around(acts=own[:1]), watch), Remedy)
    assert isinstance(planned(Around(Brakes(target=Brake(3, timedelta(hours=1))), acts=own), watch), Remedy)


def test_a_pause_freezes_every_act_until_it_ends() -> None:
    pause = Pause("database migration", "ada", at(0), at(NOW + 1))
    answer = planned(Around(pause=pause))
    assert answer == Refusal(RefusalReason.FROZEN, pause.sentence)
    assert "ada" in pause.sentence
    assert "database migration" in pause.sentence
    assert isinstance(planned(Around(pause=replace(pause, until=at(NOW)))), Remedy)
    assert isinstance(planned(Around(pause=replace(pause, until=None))), Refusal)


def test_what_cannot_be_read_lets_nothing_act() -> None:
    answer = planned(Around(unreadable="403 Forbidden"))
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.FROZEN
    assert "403 Forbidden" in answer.sentence


def test_a_person_is_stopped_by_a_pause_and_not_by_brakes() -> None:
    watch = replace(breached(), by_hand="ada: checkout is down")
    assert isinstance(planned(Around(acts=OTHERS), watch), Remedy)
    paused = Around(pause=Pause("freeze", "bob", at(0), None))
    assert isinstance(planned(paused, watch), Refusal)
    assert isinstance(planned(paused, replace(watch, overridden=("frozen",))), Remedy)


@pytest.mark.parametrize("pages", [True, False])
def test_one_watch_pages_for_all_that_the_brake_holds(pages: bool) -> None:
    watch = replace(breached(), phase=Phase.DECIDING)
    around = Around(acts=OTHERS, pages=pages)
    step = advance(watch, Looked(replace(a_live(NOW, fresh=True), around=around)), at(NOW))
    assert step.watch.phase is Phase.HOLDING
    assert any(isinstance(effect, Tell) for effect in step.effects) is pages
    assert any(isinstance(effect, Record) for effect in step.effects)
    assert any(isinstance(effect, Emit) for effect in step.effects)


def test_the_end_of_a_hold_of_which_another_watch_told_is_recorded_and_not_told() -> None:
    refusal = Refusal(RefusalReason.TOO_MANY, "3 rollbacks", told=False)
    watch = a_watch(switch=a_switch(), phase=Phase.HOLDING, refusal=refusal)
    step = end(watch, Phase.HELD, refusal.sentence, at(700))
    assert not any(isinstance(effect, Tell) for effect in step.effects)
    told = end(replace(watch, refusal=replace(refusal, told=True)), Phase.HELD, refusal.sentence, at(700))
    assert any(isinstance(effect, Tell) for effect in told.effects)
