"""A frozen value with some fields changed is what `dataclasses.replace` makes of it, whatever way it came about."""

import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from builders import a_baseline, a_block, a_guard, a_history, a_rule, a_stable, a_switch, at, counts
from watchdog.domain.changes import Changes
from watchdog.domain.copies import with_fields
from watchdog.domain.state import Phase, Track, Watch, open_watch

WATCH = open_watch(a_switch(), a_guard(a_rule()), a_stable(), now=at(1))
HISTORY = a_history(counts(1, 100), counts(2, 100))
TRACK = Track(a_rule(), HISTORY, told={"value": 1.0})
CHANGED: list[tuple[Any, dict[str, Any]]] = [
    (WATCH, {"phase": Phase.DECIDING, "breached": ("errors",)}),
    (WATCH, {"changes": Changes(("image",)), "id": "another"}),
    (HISTORY, {"blocks_seen": 7, "held_since": at(3)}),
    (TRACK, {"history": a_history()}),
    (a_block(1, counts(1, 100)), {"query": "up"}),
    (HISTORY, {}),
]


@pytest.mark.parametrize(("value", "changes"), CHANGED)
def test_a_copy_has_what_was_changed_and_the_very_rest(value: Any, changes: dict[str, Any]) -> None:
    copy, expected = with_fields(value, **changes), replace(value, **changes)
    assert type(copy) is type(value)
    assert copy == expected
    for part in dataclasses.fields(value):
        assert getattr(copy, part.name) is getattr(expected, part.name)


def test_a_copy_is_another_value_and_the_first_stays_as_it_was() -> None:
    copy = with_fields(WATCH, phase=Phase.HOLDING)
    assert (WATCH.phase, copy.phase) == (Phase.WATCHING, Phase.HOLDING)
    assert with_fields(WATCH) is not WATCH


def test_a_copy_is_as_frozen_as_any_other() -> None:
    copy = with_fields(WATCH, phase=Phase.HOLDING)
    with pytest.raises(FrozenInstanceError):
        copy.phase = Phase.WATCHING  # type: ignore[misc]
    block = with_fields(a_block(1, counts(1, 100)), query="up")
    assert pickle.loads(pickle.dumps(block)) == block
    assert isinstance(copy, Watch)


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="phrase"):
        with_fields(WATCH, phrase=Phase.HOLDING)  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class Sum:
    """Has a field that is none of its arguments, and reckons it anew."""

    one: int
    other: int
    whole: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", self.one + self.other)


@dataclass(frozen=True)
class Open:
    """Has no slots."""

    one: int
    other: int = 2


@dataclass(frozen=True, slots=True)
class More(Open):
    """Is made of another class."""

    third: int = 3


@dataclass(frozen=True, slots=True)
class Single:
    """Has one field."""

    one: int


def test_a_class_that_does_more_when_it_is_made_does_so_for_a_copy() -> None:
    assert with_fields(Sum(1, 2), other=5).whole == 6
    assert with_fields(a_baseline(counts(1, 100)), blocks=((1.0, 9.0),)).blocks == ((1.0, 9.0),)
    with pytest.raises((TypeError, ValueError), match="whole"):
        with_fields(Sum(1, 2), whole=5)


def test_a_class_without_slots_of_its_own_is_copied_too() -> None:
    assert with_fields(Open(1), other=5) == Open(1, 5)
    assert with_fields(More(1, 2, 4), other=5) == More(1, 5, 4)
    assert with_fields(Single(1), one=5) == Single(5)
