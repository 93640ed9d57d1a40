"""The picture of where the CPU goes: waiting is left out, widths are shares, names stay text."""

from typing import Any

from benchmarks.scale.flames import below_the_loop, busy, drawn, flames


def a_frame(name: str, seconds: float, *children: dict[str, Any], file: str = "watchdog/app.py") -> dict[str, Any]:
    return {"name": name, "file": file, "seconds": seconds, "children": list(children)}


POLL = a_frame("poll", 6.0, file="selectors.py")
LOOP = a_frame(
    "_run_once",
    10.0,
    a_frame("select", 6.5, POLL, file="selectors.py"),
    a_frame("<listcomp>", 1.0, file="asyncio/events.py"),
    a_frame("judge", 2.5, a_frame("bet", 1.0)),
    file="asyncio/base_events.py",
)
ROOT = a_frame("<module>", 10.0, a_frame("main", 10.0, LOOP))


def test_waiting_counts_for_nobody() -> None:
    found = busy(ROOT)
    assert found["seconds"] == 3.5
    assert "select" not in [one.name for one in flames(found)]


def test_who_took_longer_stands_first_and_each_begins_where_the_one_before_ends() -> None:
    found = {one.name: one for one in flames(below_the_loop(busy(ROOT)))}
    assert list(found) == ["_run_once", "judge", "bet", "<listcomp>"]
    assert (found["judge"].begin, found["bet"].begin, found["<listcomp>"].begin) == (0.0, 0.0, 2.5)
    assert [one.depth for one in found.values()] == [0, 1, 2, 1]


def test_each_box_tells_its_share_and_names_stay_text() -> None:
    collections = {"2": {"count": 1, "seconds": 0.5, "longest": 0.25}}
    told = {"root": ROOT, "seconds": 10.0, "CPU seconds": 4.0, "collections": collections}
    svg = drawn(told, "Where it goes")
    assert "judge (watchdog/app.py): 71.4 %" in svg
    assert "&lt;listcomp&gt; (asyncio/events.py): 28.6 %" in svg
    assert "0.5 s collecting garbage, 250 ms at the longest" in svg
