"""What of a record cannot be read, and what is said of it: garbage is unreadable with its place, and nothing else."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_watch, at, play
from domain.recording import Life, a_memory, through_json
from watchdog.domain.codec import Unreadable, dump, load
from watchdog.domain.events import Ticked
from watchdog.domain.measurement import Counts
from watchdog.domain.record import SCHEMA, document_of, is_about, memory_of, record_of, watch_of
from watchdog.domain.state import Phase
from watchdog.domain.watch import advance
from worlds import lives


@pytest.mark.parametrize("schema", [None, 0, 2, "1", 99, []])
def test_an_unknown_schema_is_not_read(schema: object) -> None:
    with pytest.raises(Unreadable, match="schema"):
        watch_of({**record_of(a_watch()), "schema": schema})
    with pytest.raises(Unreadable, match="schema"):
        memory_of({**document_of(a_memory()), "schema": schema})
    with pytest.raises(Unreadable):
        watch_of({})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def read(document: dict[str, Any]) -> None:
    for reader in (watch_of, memory_of):
        try:
            reader(document)
        except Unreadable:
            continue


@given(st.dictionaries(st.sampled_from(["schema", "state", "serving", "good", "x"]), json_values))
def test_garbage_is_unreadable_and_nothing_else(document: dict[str, Any]) -> None:
    read({**document, "schema": SCHEMA})
    read(document)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths_of(item, (*path, key))
    return found


ODD: list[Any] = [
    None, 0, -1, 1.5, 10**400, 1e308, "", "x", "nan", "2026-03-02T12:00:00", "10000-01-01T00:00:00Z", True, [], [None],
    {}, {"is": "Watch"}, {"is": 3}, [[]], "\ud800",
]  # fmt: skip


@given(lives(longest=10), st.data())
def test_a_record_with_one_thing_wrong_is_unreadable_or_read_but_nothing_else(life: Life, data: st.DataObject) -> None:
    watch, _ = play(life[0], *life[1])
    document = through_json(record_of(watch))
    paths = paths_of(document["state"])
    for _ in range(8):
        path = data.draw(st.sampled_from(paths))
        damaged = json.loads(json.dumps(document))
        place = damaged["state"]
        if not path:
            damaged["state"] = data.draw(st.sampled_from(ODD))
        else:
            for key in path[:-1]:
                place = place[key]
            if data.draw(st.booleans()):
                place[path[-1]] = data.draw(st.sampled_from(ODD))
            else:
                del place[path[-1]]
        try:
            again = watch_of(damaged)
        except Unreadable:
            continue
        advance(again, Ticked(), at(100))  # what could be read can be gone on with


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 1.5),
        (int, True),
        (str, 3),
        (float, True),
        (float, "many"),
        (timedelta, 1e300),
        (timedelta, float("nan")),
        (timedelta, "5m"),
        (tuple[int, int], [1]),
        (tuple[int, int], [1, "x"]),
        (Phase, "waiting"),
        (Phase, ["x"]),
        (Counts, []),
        (Counts, {"is": "Counts"}),
        (Mapping[str, int], [1]),
    ],
)
def test_each_wrong_value_is_unreadable_with_its_place(hint: Any, value: Any) -> None:
    with pytest.raises(Unreadable, match="here"):
        load(hint, value, "here")


def test_a_name_that_a_newer_version_added_is_passed_over() -> None:
    assert load(Counts, {"is": "Counts", "pods": {}, "more": 1}, "here") == Counts({})


@pytest.mark.parametrize("state", [None, 3, "x", [], {"switch": []}, {"switch": {"flips": "x"}}])
def test_whatever_its_state_is_a_record_says_which_target_it_is_about(state: object) -> None:
    document = {"schema": 9, "target": "production/service/gateway", "state": state}
    assert is_about(document, "production/service/gateway")
    assert not is_about(document, "production/service/admin")


def test_a_time_without_an_offset_is_unreadable() -> None:
    document = record_of(a_watch())
    document["state"]["opened"] = "2026-03-02T12:00:00"
    with pytest.raises(Unreadable, match="no UTC offset"):
        watch_of(document)


def test_what_has_no_place_in_a_record_is_not_written() -> None:
    with pytest.raises(TypeError, match="set has no place"):
        dump({1, 2})
    assert dump(float("nan")) == "nan"
    assert load(float, "nan", "x") != load(float, "nan", "x")
    assert load(float, 3, "x") == 3.0
