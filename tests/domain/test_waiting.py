"""Which watch answers for what somebody waits for."""

from dataclasses import replace

import pytest

from builders import BLUE, GOOD, GREEN, NEW, T0, a_flip_switch, a_guard, a_revision, a_stable, a_switch, a_target, at
from watchdog.domain.effects import Remedy
from watchdog.domain.memory import Good, Memory
from watchdog.domain.rollout import Revision, TargetKind, TrafficSwitch
from watchdog.domain.state import Phase, Watch, open_watch
from watchdog.domain.waiting import Found, Overtaken, Wanted, find, is_known_good, taken_over, unwatched

TARGET = a_target()


def a_watch_of(
    switch: TrafficSwitch, phase: Phase = Phase.WATCHING, *, back_to: Revision | None = None, by_hand: str = ""
) -> Watch:
    watch = open_watch(switch, a_guard(), a_stable(), now=switch.at)
    watch = replace(watch, id=f"{watch.id}{by_hand}", phase=phase, by_hand=by_hand)
    if back_to is None:
        return watch
    remedy = Remedy(watch.id, switch.target, switch.kind, switch.candidate, back_to, "uid", "1")
    return replace(watch, remedy=remedy, acted_at=None if phase is Phase.ACTING else switch.at)


def found(wanted: Wanted, *watches: Watch, serving: Revision | None) -> Watch | Overtaken | None:
    match find(wanted, watches, serving):
        case Found(watch):
            return watch
        case other:
            return other


def test_the_open_watch_of_what_serves_is_the_one() -> None:
    watch = a_watch_of(a_switch())
    assert found(Wanted(TARGET, NEW), watch, serving=NEW) == watch


def test_the_watch_of_the_release_before_is_not() -> None:
    before = a_watch_of(a_switch(candidate=GOOD), Phase.PASSED)
    assert found(Wanted(TARGET, NEW), before, serving=NEW) is None


def test_a_watch_that_put_back_is_how_the_newest_switch_ended_also_for_who_asks_late() -> None:
    watch = a_watch_of(a_switch(), Phase.ROLLED_BACK, back_to=GOOD)
    assert found(Wanted(TARGET, NEW), watch, serving=GOOD) == watch
    assert found(Wanted(TARGET, GOOD), watch, serving=GOOD) == watch


def test_an_older_put_back_does_not_answer_for_the_same_revision_released_again() -> None:
    watch = a_watch_of(a_switch(), Phase.ROLLED_BACK, back_to=GOOD)
    assert found(Wanted(TARGET, NEW), watch, serving=NEW) is None
    again = a_watch_of(a_switch(when=600))
    assert found(Wanted(TARGET, NEW), watch, again, serving=NEW) == again


@pytest.mark.parametrize("serving", [NEW, GOOD])
def test_in_the_moment_of_the_act_either_may_serve(serving: Revision) -> None:
    watch = a_watch_of(a_switch(), Phase.ACTING, back_to=GOOD)
    assert found(Wanted(TARGET, NEW), watch, serving=serving) == watch


def test_something_else_that_serves_has_overtaken_it() -> None:
    newer = a_revision("0ther", tag="1.6.0")
    answer = found(Wanted(TARGET, NEW), serving=newer)
    assert isinstance(answer, Overtaken)
    assert "1.6.0" in answer.why
    assert found(Wanted(TARGET, NEW), a_watch_of(a_switch(candidate=newer)), serving=newer) == answer


def test_while_nothing_can_be_told_of_what_serves_it_is_waited() -> None:
    assert found(Wanted(TARGET, NEW), a_watch_of(a_switch(candidate=GOOD)), serving=None) is None


def test_a_moment_tells_releases_apart_though_kubernetes_cuts_its_times_to_seconds() -> None:
    watch = a_watch_of(a_switch())
    wanted = Wanted(TARGET, NEW, since=at(0.9))
    assert found(wanted, watch, serving=NEW) == watch
    assert found(replace(wanted, since=at(3)), watch, serving=NEW) is None


def test_watches_that_were_there_before_are_left_out() -> None:
    watch = a_watch_of(a_switch(), Phase.HELD)
    assert found(Wanted(TARGET, NEW, others=frozenset({watch.id})), watch, serving=NEW) is None


@pytest.mark.parametrize("name", ["7c9d", "research-7c9d"])
def test_a_revision_can_be_named_where_it_is_not_known_what_serves(name: str) -> None:
    watch, newer = a_watch_of(a_switch()), a_watch_of(a_switch(candidate=a_revision("0ther"), when=60))
    assert found(Wanted(TARGET, named=name), watch, newer, serving=None) == watch
    assert found(Wanted(TARGET, named="nothing"), watch, newer, serving=None) is None


def test_a_service_answers_for_those_that_joined_its_flip_and_for_no_other() -> None:
    watch = a_watch_of(a_flip_switch("gateway", "admin"))
    admin = a_target("admin", kind=TargetKind.SERVICE)
    assert found(Wanted(admin, GREEN), watch, serving=GREEN) == watch
    assert found(Wanted(replace(admin, namespace="staging"), GREEN), watch, serving=GREEN) is None
    assert found(Wanted(a_target("other", kind=TargetKind.SERVICE), GREEN), watch, serving=GREEN) is None
    assert found(Wanted(a_target("admin"), GREEN), watch, serving=GREEN) is None


def test_a_rollback_by_hand_takes_over_what_it_superseded() -> None:
    superseded = a_watch_of(a_switch(), Phase.SUPERSEDED)
    by_hand = a_watch_of(a_switch(), Phase.RECOVERING, back_to=GOOD, by_hand="ann: checkout is down")
    other = a_watch_of(a_switch(candidate=GOOD, when=5), by_hand="ann: another")
    assert taken_over(superseded, [superseded, by_hand, other]) == by_hand
    assert taken_over(superseded, [superseded, other]) is None
    assert taken_over(replace(superseded, phase=Phase.PASSED), [by_hand]) is None


def a_memory(serving: Revision = NEW, *good: Revision, idle: bool = False) -> Memory:
    return Memory(TARGET, serving, T0, good=tuple(Good(one, T0, None) for one in good), idle=idle)


def test_what_is_known_good_needs_no_watch() -> None:
    assert is_known_good(a_memory(NEW, NEW), NEW)
    assert not is_known_good(a_memory(NEW), NEW)
    assert not is_known_good(a_memory(GOOD, NEW), NEW)  # it has not seen NEW serve again
    assert not is_known_good(a_memory(NEW, NEW, idle=True), NEW)
    assert not is_known_good(None, NEW)
    assert not is_known_good(a_memory(NEW, NEW), None)


@pytest.mark.parametrize(
    ("memory", "serving", "words"),
    [
        (None, NEW, "no guard covers it"),
        (a_memory(NEW, idle=True), NEW, "idle colour"),
        (a_memory(GOOD), NEW, "has not seen research-7c9d"),
        (a_memory(NEW, NEW), NEW, "needs no watch"),
        (a_memory(NEW), NEW, "no traffic switch, or its guard is off"),
        (a_memory(NEW), None, "cannot be told"),
    ],
)
def test_why_there_is_no_watch_is_said(memory: Memory | None, serving: Revision | None, words: str) -> None:
    assert words in unwatched(TARGET, serving, memory)


def test_the_colours_are_revisions_too() -> None:
    watch = a_watch_of(a_flip_switch(), Phase.ROLLED_BACK, back_to=BLUE)
    gateway = a_target("gateway", kind=TargetKind.SERVICE)
    assert found(Wanted(gateway, GREEN), watch, serving=BLUE) == watch
    assert found(Wanted(gateway, GREEN), watch, serving=GREEN) is None
