"""Which weights a person's step would write, and who gets more by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.flipping import Aim, FlipCheck, Objection
from watchdog.domain.reweighing import RouteNow
from watchdog.domain.rollout import Backend, Revision, Target

KNOWN = ("blue", "green", "red")


def route(rule: str = "0", **weights: int) -> RouteNow:
    backends = tuple(
        Backend(f"{rule}/{name}", weight, Revision(name, f"{name}-1") if name in KNOWN else None)
        for name, weight in weights.items()
    )
    names = {one.at: (one.at.partition("/")[2],) for one in backends}
    return RouteNow(Target.parse("shop/httproute/gateway"), "uid", "7", {}, backends, names)


def aimed(now: RouteNow, to: str, weight: int) -> Aim:
    found = now.aimed(to, weight)
    assert isinstance(found, Aim), found
    return found


@pytest.mark.parametrize("weight", [0, 25, 99])
def test_the_rest_is_given_to_nobody_that_has_nothing_and_it_is_said_whom_to_name(weight: int) -> None:
    found = route(blue=100, green=0, orphan=0).aimed("blue", weight)
    assert isinstance(found, Objection)
    assert found.check is FlipCheck.NO_SUCH_COLOUR
    assert f"name the one that is to get it: --to green --weight {100 - weight}" in found.sentence
    assert "orphan" not in found.sentence


def test_who_gains_is_named_the_others_too() -> None:
    assert aimed(route(blue=75, green=25), "green", 5).gaining == ("blue",)
    assert aimed(route(blue=75, green=25), "green", 50).gaining == ("green",)
    back = aimed(route(blue=50, green=25, orphan=25), "green", 0)
    assert (back.gaining, back.unknown) == (("blue",), ("orphan",))
    assert aimed(route(blue=1, green=1), "green", 50).gaining == ()  # in other numbers the same


def test_nothing_of_nothing_is_there_already() -> None:
    for now in (route(blue=100, green=0), route(blue=0, green=0)):
        assert aimed(now, "green", 0).after == now.selector


@given(st.lists(st.integers(-3, 120), min_size=2, max_size=4), st.integers(0, 100))
def test_whatever_the_weights_are_what_has_nothing_gets_nothing_unasked(weights: list[int], wanted: int) -> None:
    now = route(**dict(zip(("green", "blue", "red", "orphan"), weights, strict=False)))
    found = now.aimed("green", wanted)
    if isinstance(found, Objection):
        assert not any(one.weight > 0 for one in now.backends[1:])
        return
    moved = dict(found.after) != dict(now.selector)
    for one in now.backends[1:]:
        assert int(found.after[one.at]) == 0 or one.weight > 0 or not moved
    if moved:
        total = sum(int(weight) for weight in found.after.values())
        assert abs(int(found.after["0/green"]) - total * wanted / 100) <= 1
