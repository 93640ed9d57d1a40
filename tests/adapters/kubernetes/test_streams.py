"""What a stream may bring: duplicates, bookmarks, silence, garbage and objects of a strange shape."""

import asyncio
import json
import random
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from adapters.kubernetes.building import NOON, SHOP, passes
from adapters.kubernetes.test_reflector import following
from watchdog.adapters.kubernetes.changes import Change, Relisted, Unreadable
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import CONTROLLERREVISIONS, PODS
from watchdog.adapters.kubernetes.reflector import Reflector
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.simulator.clock import SimulatedClock, run_simulated


class Scripted:
    """Stands in for the client: lists what it is told, and plays one watch after the other, the last for ever."""

    def __init__(self, *watches: list[bytes | float], items: list[dict[str, Any]] | None = None) -> None:
        self._watches = list(watches)
        self._items = items or []
        self.watched_from: list[str] = []
        self.watched_at: list[float] = []
        self.lists = 0

    async def pages(self, *_: Any, **__: Any) -> AsyncGenerator[tuple[list[dict[str, Any]], str]]:
        self.lists += 1
        yield self._items, "1"

    @asynccontextmanager
    async def watch(self, *_: Any, since: str, seconds: int) -> AsyncIterator[AsyncGenerator[bytes]]:
        self.watched_from.append(since)
        self.watched_at.append(asyncio.get_running_loop().time())
        script = self._watches.pop(0) if len(self._watches) > 1 else self._watches[0]

        async def lines() -> AsyncGenerator[bytes]:
            for step in script:
                if isinstance(step, bytes):
                    yield step
                else:
                    await passes(step)

        yield lines()


def event(kind: str, version: int, uid: str = "u", name: str = "a") -> bytes:
    body = {"metadata": {"name": name, "uid": uid, "resourceVersion": str(version)}, "spec": {}, "status": {}}
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def told(script: Scripted, seconds: float = 3.0, **given: Any) -> list[Change]:
    async def main() -> list[Change]:
        async with following(cast("KubeClient", script), **given) as follower:
            await passes(seconds)
            return follower.changes

    return run_simulated(main())


def test_duplicates_and_older_versions_are_dropped_and_the_dead_stay_dead() -> None:
    script = Scripted(
        [
            event("ADDED", 5),
            event("MODIFIED", 7),
            event("MODIFIED", 7),
            event("MODIFIED", 6),
            event("DELETED", 9),
            event("MODIFIED", 8),
            event("ADDED", 10, uid="another", name="a"),
            1000.0,
        ]
    )
    kinds = [(type(change).__name__) for change in told(script)]
    assert kinds == ["Relisted", "Changed", "Changed", "Deleted", "Changed"]


def test_a_bookmark_moves_the_place_to_go_on_from() -> None:
    script = Scripted([event("ADDED", 5), event("BOOKMARK", 90, uid=""), 2.0], [1000.0])
    told(script, 5.0)
    assert script.watched_from == ["1", "90"]
    assert script.lists == 1


def test_a_stream_that_falls_silent_is_left_after_seventy_seconds() -> None:
    script = Scripted([event("ADDED", 5), 10_000.0], [10_000.0])
    told(script, 69.0)
    assert script.watched_from == ["1"]
    script = Scripted([event("ADDED", 5), 10_000.0], [10_000.0])
    told(script, 72.0)
    assert script.watched_from == ["1", "5"]


@pytest.mark.parametrize(
    "line",
    [
        b"<html>502</html>\n",
        b'{"type":"ADDED","object":\n',
        b"[]\n",
        b'{"type":"ADDED","object":{}}\n',
        b'{"type":"ADDED"}\n',
        b"\xff\xfe\n",
        b'{"type":"ERROR","object":{"code":500,"message":"etcd"}}\n',
        b'{"type":"WHAT","object":{"metadata":{"uid":"u"}}}\n',
    ],
)
def test_a_garbled_line_ends_the_stream_and_is_no_change(line: bytes) -> None:
    script = Scripted([line, 1000.0], [event("ADDED", 5), 1000.0])
    changes = told(script)
    assert [type(change).__name__ for change in changes] == ["Relisted", "Changed"]
    assert script.watched_from == ["1", "1"]


STRANGE = ['"revision": 1e999', '"revision": "x"', '"data": [1]', '"data": {"spec": "x"}']


@pytest.mark.parametrize("what", STRANGE)
def test_an_object_that_has_not_the_shape_of_its_kind_is_told_as_such_and_the_stream_goes_on(what: str) -> None:
    line = event("ADDED", 4, uid="s", name="strange").replace(b'"spec": {}', what.encode())
    script = Scripted([line, event("ADDED", 5), event("MODIFIED", 6, uid="s", name="strange"), 1000.0])
    changes = told(script, trim=TRIMS[CONTROLLERREVISIONS])
    assert [type(change).__name__ for change in changes] == ["Relisted", "Unreadable", "Changed", "Changed"]
    (strange,) = [change for change in changes if isinstance(change, Unreadable)]
    assert strange.object == {"metadata": {"name": "strange", "uid": "s", "resourceVersion": "4"}}
    assert strange.why.startswith("not the shape of its kind (")
    assert script.watched_from == ["1"]


def test_one_that_goes_unread_is_told_to_be_gone() -> None:
    lines = [
        event(kind, version).replace(b'"spec": {}', b'"data": [1]') for kind, version in (("ADDED", 4), ("DELETED", 5))
    ]
    changes = told(Scripted([*lines, 1000.0]), trim=TRIMS[CONTROLLERREVISIONS])
    assert [type(change).__name__ for change in changes] == ["Relisted", "Unreadable", "Deleted"]


def test_a_list_with_an_object_of_a_strange_shape_is_the_list_of_all_others() -> None:
    items = [{"metadata": {"name": name, "uid": name, "resourceVersion": "1"}, "data": {}} for name in "abc"]
    items[1] |= {"data": [1]}
    items[1]["metadata"] |= {"labels": {"app": "b", "n": 1}, "ownerReferences": ["x", {"controller": True}]}
    script = Scripted([1000.0], items=items)
    (relisted,) = told(script, trim=TRIMS[CONTROLLERREVISIONS])
    assert isinstance(relisted, Relisted)
    assert [one["metadata"]["name"] for one in relisted.objects] == ["a", "c"]
    (strange,) = relisted.unreadable
    assert strange.object["metadata"] == {
        "name": "b",
        "uid": "b",
        "resourceVersion": "1",
        "labels": {"app": "b"},
        "ownerReferences": [{"controller": True}],
    }
    assert script.lists == 1


@pytest.mark.parametrize("metadata", ['{"uid": "u"}', '{"name": 1, "uid": "u"}', '{"name": [], "uid": "u"}'])
def test_what_does_not_even_say_who_it_is_ends_the_stream_and_is_no_change(metadata: str) -> None:
    line = b'{"type":"ADDED","object":{"metadata":' + metadata.encode() + b"}}\n"
    script = Scripted([line, 1000.0], [event("ADDED", 5), 1000.0])
    assert [type(change).__name__ for change in told(script)] == ["Relisted", "Changed"]
    assert script.watched_from == ["1", "1"]


def test_a_server_that_closes_each_watch_at_once_is_not_asked_in_a_hot_loop() -> None:
    script = Scripted([])
    told(script, 300.0)
    assert len(script.watched_from) < 30


def test_a_server_that_says_410_to_a_fresh_list_is_not_asked_in_a_hot_loop() -> None:
    script = Scripted([b'{"type":"ERROR","object":{"code":410,"message":"too old resource version"}}\n'])
    told(script, 300.0)
    assert 5 < script.lists < 30


def test_waits_have_jitter() -> None:
    def moments(seed: int) -> tuple[float, ...]:
        script = Scripted([])

        async def main() -> None:
            async with following(cast("KubeClient", script), rng=random.Random(seed)):
                await passes(60)

        run_simulated(main())
        return tuple(script.watched_at)

    assert len({moments(seed) for seed in range(5)}) == 5


def test_what_was_listed_is_held_by_nobody_but_who_was_told() -> None:
    """A thousand targets' first objects were, until the next change of each stream."""

    class Kept(dict[str, Any]):
        pass

    born: list[weakref.ref[Kept]] = []

    def trim(full: dict[str, Any]) -> dict[str, Any]:
        kept = Kept(full)
        born.append(weakref.ref(kept))
        return kept

    async def main() -> None:
        item = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "1"}}
        script = Scripted([0.1, event("MODIFIED", 2), 900.0], items=[item])
        clock = SimulatedClock(NOON)
        reflector = Reflector(
            cast("KubeClient", script), PODS, SHOP, clock=clock, rng=random.Random(1), trim=trim, inactivity=999.0
        )
        names = []

        async def follow() -> None:
            async for change in reflector.changes():
                names.append(type(change).__name__)
                del change

        task = asyncio.create_task(follow())
        await passes(5)
        assert names == ["Relisted", "Changed"]
        assert [ref() for ref in born] == [None, None]
        task.cancel()

    run_simulated(main())
