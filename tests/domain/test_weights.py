"""Weights compared with what is remembered: a switch, a step, or the way back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import at
from watchdog.domain.live import Sighting
from watchdog.domain.memory import Memory
from watchdog.domain.noticing import Noticed
from watchdog.domain.rollout import Backend, Revision, SwitchKind, Target
from watchdog.domain.weights import mostly, notice, released, resolved, shares, stopped

ROUTE = Target.parse("shop/httproute/gateway")
BLUE, GREEN, RED = (Revision(colour, f"{colour}-1") for colour in ("blue", "green", "red"))
BAKE = timedelta(minutes=10)


def sighting(at_second: float, *, green_is: Revision = GREEN, **weights: int) -> Sighting:
    revisions = {"blue": BLUE, "green": green_is, "red": RED}
    backends = tuple(Backend(f"0/{name}", weight, revisions[name]) for name, weight in weights.items())
    seen = Sighting(ROUTE, SwitchKind.ROUTE, "uid", {}, {}, mostly(backends), at(at_second), by="ann")
    return replace(seen, backends=backends, selector={one.at: str(one.weight) for one in backends})


def told(memory: Memory | None, seen: Sighting) -> Noticed:
    """One sighting, as the supervisor takes it."""
    found = notice(
        memory,
        resolved(memory, seen),
        bake=BAKE,
        rollback_window=timedelta(hours=24),
        idle=False,
        now=seen.since + timedelta(seconds=1),
    )
    assert found is not None
    return found


def after(*seen: Sighting) -> Noticed:
    memory: Memory | None = None
    for one in seen:
        found = told(memory, one)
        memory = found.memory
    return found


def test_a_weight_that_rises_from_nothing_is_a_switch_with_its_way_back() -> None:
    found = after(sighting(0, blue=100, green=0), sighting(9000, blue=95, green=5))
    assert found.switch is not None
    assert (found.switch.candidate, found.switch.previous, found.switch.part) == (GREEN, BLUE, 0.05)
    assert found.switch.flips[0].before == {"0/blue": "100", "0/green": "0"}
    assert found.stable is not None
    assert found.stable.revision == BLUE


def test_a_step_up_has_the_way_back_of_the_first_and_a_step_down_is_no_switch() -> None:
    first = (sighting(0, blue=100, green=0), sighting(9000, blue=95, green=5))
    up = after(*first, sighting(9100, blue=75, green=25))
    assert up.switch is not None
    assert (up.step, up.switch.candidate, up.switch.flips[0].before["0/blue"]) == (0.25, GREEN, "100")
    down = after(*first, sighting(9100, blue=75, green=25), sighting(9200, blue=95, green=5))
    assert (down.step, down.switch) == (0.05, None)


def test_a_step_back_from_all_of_the_traffic_is_no_switch_but_another_template_there_is() -> None:
    whole = (sighting(0, blue=100, green=0), sighting(9000, blue=50, green=50), sighting(9100, blue=0, green=100))
    back = after(*whole, sighting(9200, blue=10, green=90))
    assert (back.switch, back.step) == (None, 0.9)
    newer = replace(BLUE, template="blue-2")
    seen = sighting(9200, blue=10, green=90)
    seen = replace(seen, backends=tuple(replace(b, revision=newer) if b.at == "0/blue" else b for b in seen.backends))
    found = after(*whole, seen)
    assert found.switch is not None
    assert found.switch.candidate == newer


def test_all_of_it_taken_back_ends_what_is_watched_and_is_no_switch() -> None:
    found = after(sighting(0, blue=100, green=0), sighting(9000, blue=75, green=25), sighting(9100, blue=100, green=0))
    assert (found.over, found.switch, found.memory.serving) == (True, None, BLUE)


def test_all_of_it_at_once_to_what_had_nothing_is_a_switch() -> None:
    whole = (sighting(0, blue=100, green=0), sighting(9000, blue=0, green=100))
    found = after(*whole, sighting(12000, blue=100, green=0))
    assert found.switch is not None
    assert (found.switch.candidate, found.switch.previous) == (BLUE, GREEN)


def put_back(memory: Memory, seen: Sighting, *, known: bool) -> Memory:
    """A rollback to blue: the weights are seen after, or before, it is remembered as one."""
    bad = {"watch": "w1", "at": seen.since, "to": BLUE}
    if known:
        memory = memory.with_bad(GREEN, **bad)  # type: ignore[arg-type]
    memory = told(memory, seen).memory
    return memory if known else memory.with_bad(GREEN, **bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("greens", [(100,), (5, 100), (50,), (5,)], ids=str)
def test_what_was_put_back_is_a_candidate_again_when_it_gets_weight_again(
    greens: tuple[int, ...], *, proven: bool, known: bool
) -> None:
    steps = [sighting(9000 + 60 * number, blue=100 - green, green=green) for number, green in enumerate(greens)]
    memory = after(sighting(0, blue=100, green=0), *steps).memory
    if proven:  # at an earlier step
        memory = memory.with_good(GREEN, at(9000), at(9100))
    memory = put_back(memory, sighting(9300, blue=100, green=0), known=known)
    assert (memory.serving, memory.before, memory.settled) == (BLUE, {}, None)

    found = told(memory, sighting(9400, blue=95, green=5))
    assert found.switch is not None
    assert (found.switch.candidate, found.switch.previous) == (GREEN, BLUE)
    assert found.switch.flips[0].before == {"0/blue": "100", "0/green": "0"}
    assert found.stable is not None
    assert found.stable.revision == BLUE


def test_what_is_not_known_and_loses_its_traffic_makes_no_candidate_of_what_was_put_back_to() -> None:
    seen = [sighting(when, **weights) for when, weights in ((0, {"blue": 100}), (9000, {"green": 100}))]
    memory = put_back(
        after(*(with_orphan(one) for one in seen)).memory, with_orphan(sighting(9300, blue=100)), known=False
    )
    for when, orphan in ((9400, 10), (9500, 0)):
        found = told(memory, with_orphan(sighting(when, blue=100 - orphan), orphan))
        assert (found.switch, found.memory.serving) == (None, BLUE)
        memory = found.memory


def with_orphan(seen: Sighting, weight: int = 0) -> Sighting:
    """With both colours, and a backend behind which nothing is known."""
    there = {one.at: one for one in seen.backends}
    colours = [there.get(f"0/{one.workload}", Backend(f"0/{one.workload}", 0, one)) for one in (BLUE, GREEN)]
    backends = (*colours, Backend("0/orphan", weight, None))
    return replace(seen, backends=backends, selector={one.at: str(one.weight) for one in backends})


def test_taken_back_before_it_proved_good_it_is_a_candidate_again_and_proved_it_is_a_step_back() -> None:
    young = (sighting(0, blue=100, green=0), sighting(9000, blue=0, green=100), sighting(9100, blue=100, green=0))
    again = after(*young, sighting(9200, blue=95, green=5))
    assert again.switch is not None
    assert again.switch.candidate == GREEN
    old = (*young[:2], sighting(12000, blue=100, green=0))
    back = after(*old, sighting(12100, blue=95, green=5))
    assert (back.switch, back.step) == (None, 0.95)


def test_of_several_that_have_their_part_again_what_served_last_is_what_was_put_back_to() -> None:
    """Red passed at 40 %; a green that took all of it, or a part, is put back to red, though blue gets more."""
    for green in (100, 20):
        rest = (100 - green) // 2
        seen = [
            sighting(0, blue=100, red=0, green=0),
            sighting(9000, blue=60, red=40, green=0),
            sighting(12000, blue=100 - green - rest, red=rest, green=green),
        ]
        memory = after(*seen).memory
        assert (memory.serving, memory.settled) == (GREEN, RED)
        memory = memory.with_bad(GREEN, "w1", at(12100), RED)
        found = told(memory, sighting(12100, blue=60, red=40, green=0))
        assert (found.switch, found.memory.serving) == (None, RED)


def test_a_pipeline_is_told_what_the_newest_step_is_about_once_it_was_seen() -> None:
    five = sighting(9000, blue=95, green=5)
    memory = after(sighting(0, blue=100, green=0), five).memory
    assert released(memory, five.backends, five.selector) == GREEN
    more = sighting(9100, blue=75, green=25)
    assert released(memory, more.backends, more.selector) is None
    assert released(None, more.backends, more.selector) == BLUE


def test_a_third_that_takes_the_place_of_an_unproven_second_goes_back_to_the_first() -> None:
    found = after(
        sighting(0, blue=100, green=0, red=0),
        sighting(9000, blue=75, green=25, red=0),
        sighting(9100, blue=75, green=0, red=25),
    )
    assert found.switch is not None
    assert found.switch.candidate == RED
    assert found.switch.flips[0].before == {"0/blue": "100", "0/green": "0", "0/red": "0"}


def test_what_cannot_be_told_is_never_a_candidate() -> None:
    seen = sighting(9000, blue=50, green=50)
    unknown = replace(
        seen, backends=tuple(replace(b, revision=None) if b.weight and b.at == "0/green" else b for b in seen.backends)
    )
    found = after(sighting(0, blue=100, green=0), unknown)
    assert found.switch is None
    assert found.memory.serving == BLUE


def test_parts_are_of_each_rule_and_a_rule_without_weights_has_none() -> None:
    backends = (
        Backend("api/blue", 3, BLUE),
        Backend("api/green", 1, GREEN),
        Backend("web/blue", 1, BLUE),
        Backend("off/green", 0, GREEN),
    )
    assert shares(backends) == {"blue": 0.875, "green": 0.125}


@given(st.lists(st.integers(0, 100), min_size=2, max_size=12))
def test_however_the_weights_move_the_way_back_never_gives_the_candidate_anything(greens: list[int]) -> None:
    memory: Memory | None = told(None, sighting(0, blue=100, green=0)).memory
    for number, green in enumerate(greens, 1):
        found = told(memory, sighting(9000 + 60 * number, blue=100 - green, green=green))
        memory = found.memory
        if found.switch is not None:
            at_green = {GREEN: "0/green", BLUE: "0/blue"}[found.switch.candidate]
            assert found.switch.flips[0].before[at_green] == "0"
            assert any(int(weight) for weight in found.switch.flips[0].before.values())


def stopped_at(memory: Memory, seen: Sighting) -> Noticed | None:
    return stopped(memory, seen, bake=BAKE, now=seen.since + timedelta(seconds=1))


def test_weights_that_are_all_zero_serve_nobody_and_are_no_switch() -> None:
    nothing = sighting(9000, blue=0, green=0)
    assert (mostly(nothing.backends), shares(nothing.backends), nothing.serving) == (None, {}, None)
    memory = after(sighting(0, blue=100, green=0)).memory
    assert resolved(memory, nothing).serving is None
    assert stopped_at(memory, nothing) is None


def test_an_unproven_candidate_whose_route_stops_is_over_and_is_a_switch_again_when_it_rises_again() -> None:
    memory = after(sighting(0, blue=100, green=0), sighting(9000, blue=95, green=5)).memory
    found = stopped_at(memory, sighting(9060, blue=0, green=0))
    assert found is not None
    assert (found.over, found.switch, found.memory.serving) == (True, None, BLUE)
    again = told(found.memory, sighting(9120, blue=90, green=10))
    assert again.switch is not None
    assert again.switch.candidate == GREEN
    assert again.switch.flips[0].before == {"0/blue": "100", "0/green": "0"}
    assert told(found.memory, sighting(9120, blue=100, green=0)).switch is None


def test_a_candidate_that_proved_good_goes_on_serving_where_its_route_stopped_in_between() -> None:
    whole = after(sighting(0, blue=100, green=0), sighting(9000, blue=0, green=100)).memory
    good = whole.with_good(GREEN, at(9000), at(9700))
    assert stopped_at(good, sighting(9800, blue=0, green=0)) is None
    assert told(good, sighting(9900, blue=0, green=100)).switch is None


@given(st.lists(st.tuples(st.integers(-5, 100), st.integers(-5, 100), st.integers(-5, 100)), min_size=1, max_size=12))
def test_whatever_the_weights_are_nothing_fails_and_the_way_back_is_to_something(
    moves: list[tuple[int, int, int]],
) -> None:
    memory: Memory | None = told(None, sighting(0, blue=100, green=0, red=0)).memory
    for number, (blue, green, red) in enumerate(moves, 1):
        seen = sighting(9000 + 60 * number, blue=blue, green=green, red=red)
        parts = shares(seen.backends)
        assert all(0.0 <= part <= 1.0 for part in parts.values())
        assert (seen.serving is None) == (not any(parts.values())) == (max(blue, green, red) <= 0)
        if seen.serving is None:
            assert memory is not None
            over = stopped_at(memory, seen)
            memory = memory if over is None else over.memory
            continue
        found = told(memory, seen)
        memory = found.memory
        if found.switch is not None:
            assert any(int(weight) > 0 for weight in found.switch.flips[0].before.values())
            assert parts[found.switch.candidate.workload] > 0.0
