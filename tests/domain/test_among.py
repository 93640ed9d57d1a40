"""Which of the open watches a switch is about."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import GOOD, GREEN, NEW, a_flip_switch, a_switch, a_target, a_watch, at
from watchdog.domain.among import (
    brought_back,
    dated_after,
    joined_by,
    not_fought,
    open_of,
    superseded_by,
    watched_already,
)
from watchdog.domain.effects import Remedy
from watchdog.domain.memory import Memory
from watchdog.domain.rollout import SwitchKind, TargetKind, TrafficSwitch
from watchdog.domain.state import Phase

BACK = Remedy("research-1", a_target(), SwitchKind.ROLLOUT, NEW, GOOD, "uid", "7")
REMEMBERED = Memory(a_target(), NEW, at(60))


def test_a_newer_switch_of_a_target_ends_its_open_watches_alone() -> None:
    earlier, ended = a_watch(), a_watch(phase=Phase.PASSED)
    other = a_watch(switch=a_switch(target=a_target("brand")))
    assert open_of([earlier, ended, other], a_target()) == [earlier]
    assert superseded_by([earlier, ended, other], a_switch(when=60)) == [earlier]


def test_a_rollout_of_what_a_flip_is_about_ends_the_flips_watch() -> None:
    flip = a_watch(switch=a_flip_switch())
    rollout = a_switch(target=a_target("gateway-green"), candidate=GREEN, when=60)
    assert superseded_by([flip], rollout) == [flip]
    elsewhere = replace(rollout, target=replace(rollout.target, namespace="staging"))
    assert superseded_by([flip], elsewhere) == []


def test_a_weight_for_what_rolls_out_ends_the_rollouts_watch() -> None:
    rollout = a_watch(switch=a_switch(target=a_target("gateway-green"), candidate=GREEN))
    route = TrafficSwitch(a_target("gateway", kind=TargetKind.HTTPROUTE), SwitchKind.ROUTE, GREEN, None, at(60))
    assert superseded_by([rollout], route) == [rollout]
    assert superseded_by([rollout], replace(route, candidate=NEW)) == []


@pytest.mark.parametrize(("by", "who"), [("ann", "ann"), ("", "somebody")])
def test_who_brings_back_what_was_put_back_is_not_fought(by: str, who: str) -> None:
    watch, switch = a_watch(phase=Phase.RECOVERING, acted_at=at(30)), a_switch(when=60, by=by)
    assert brought_back([watch], switch) is watch
    assert not_fought(watch, switch).startswith(f"{who} brought back what was put back at ")
    assert brought_back([watch], a_switch(candidate=GREEN, when=60)) is None
    assert brought_back([a_watch()], a_switch(when=60)) is None


@pytest.mark.parametrize(
    ("phase", "when", "already"),
    [
        (Phase.WATCHING, 0, True),
        (Phase.WATCHING, 60, True),
        (Phase.ACTING, 60, True),
        (Phase.RECOVERING, 0, True),
        (Phase.RECOVERING, 29, True),
        (Phase.RECOVERING, 30, False),
        (Phase.RECOVERING, 60, False),
    ],
)
def test_a_switch_to_what_is_watched_is_another_one_only_after_the_put_back(
    phase: Phase, when: float, already: bool
) -> None:
    watch = a_watch(phase=phase, acted_at=at(30.4), remedy=BACK)
    assert watched_already([watch], a_switch(when=when), REMEMBERED) is already
    assert not watched_already([watch], a_switch(candidate=GREEN, when=when), REMEMBERED)


def test_what_was_seen_put_back_is_brought_back_however_long_its_oldest_pod_has_served() -> None:
    watch = a_watch(phase=Phase.RECOVERING, acted_at=at(30), remedy=BACK)
    memory = REMEMBERED.with_bad(watch.switch.candidate, watch.id, at(30), GOOD)
    seen_back = a_switch(previous=GOOD, when=5)
    assert not watched_already([watch], seen_back, memory)
    assert watched_already([watch], seen_back, REMEMBERED), "the memory is from before the act: a crash came between"
    assert watched_already([watch], a_switch(previous=GREEN, when=5), memory)
    left = replace(watch, left={watch.switch.target.name: "7"})
    assert watched_already([left], seen_back, memory), "it was never put back"

    assert dated_after(watch, seen_back, at(40)) == replace(seen_back, at=at(40), at_is_bound=True)
    assert dated_after(watch, a_switch(when=35), at(40)) == a_switch(when=35)


def test_services_that_are_flipped_within_a_minute_are_one_release() -> None:
    first = a_watch(switch=a_flip_switch())
    assert joined_by([first], a_flip_switch("gateway-admin", when=59)) is first
    assert joined_by([first], a_flip_switch("gateway-admin", when=61)) is None
    assert joined_by([first], a_flip_switch("gateway", when=30)) is None, "the same one again is a switch of its own"
    acting = replace(first, phase=Phase.ACTING)
    assert joined_by([acting], a_flip_switch("gateway-admin", when=30)) is None
    assert first.guard.bake > timedelta(0)
