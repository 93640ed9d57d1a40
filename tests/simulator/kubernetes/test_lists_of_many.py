"""Many objects, listed by many: each one's text is written once, and nobody else waits for the end of a list."""

import asyncio
import json

import pytest

from watchdog.adapters.clock import SystemClock
from watchdog.simulator import texts
from watchdog.simulator.lists import page
from watchdog.simulator.objects import Object
from watchdog.simulator.resources import PODS
from watchdog.simulator.store import Store
from watchdog.simulator.texts import Texts


def _pod(number: int, **more: str) -> Object:
    metadata = {"namespace": "shop", "name": f"pod-{number:04}", "labels": more}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"nodeName": "one"}}


def _filled(pods: int) -> Store:
    store = Store()
    for number in range(pods):
        store.put(PODS, _pod(number))
    return store


async def test_the_text_of_a_list_is_the_list_whatever_has_changed_since_the_last_one() -> None:
    store = _filled(5)
    listed = Texts(store, SystemClock())
    for change in (
        lambda: None,
        lambda: store.put(PODS, _pod(3, tier="b")),
        lambda: store.remove(PODS, "shop", "pod-0001"),
    ):
        change()
        found = page(store, PODS, "shop", None)
        assert json.loads(await listed.of(found)) == found.whole()
        assert "kind" not in found.whole()["items"][0]
    assert found.whole()["items"][2]["metadata"]["labels"] == {"tier": "b"}


async def test_an_empty_list_is_one() -> None:
    found = page(Store(), PODS, "shop", None)
    assert json.loads(await Texts(Store(), SystemClock()).of(found)) == found.whole() == {**found.head(), "items": []}


async def test_a_later_page_tells_the_objects_as_they_were_and_the_next_list_as_they_are() -> None:
    store = _filled(4)
    listed = Texts(store, SystemClock())
    first = page(store, PODS, "shop", None, limit=2)
    store.put(PODS, _pod(3, tier="b"))
    rest = page(store, PODS, "shop", None, limit=2, token=first.metadata["continue"])
    now = page(store, PODS, "shop", None)
    for found in (now, rest, now):
        assert json.loads(await listed.of(found)) == found.whole()


async def test_an_object_that_stays_as_it_is_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store, written = _filled(300), []
    listed = Texts(store, SystemClock())

    def counted(what: Object) -> str:
        written.append(what)
        return json.dumps(what)

    monkeypatch.setattr(texts, "dumps", counted)
    for _ in range(3):
        await listed.of(page(store, PODS, "shop", None))
    assert len(written) == 300 + 3  # the objects, and each list's own head
    store.put(PODS, _pod(7, tier="b"))
    await listed.of(page(store, PODS, "shop", None))
    assert len(written) == 300 + 3 + 2


async def test_who_asks_for_little_is_answered_while_a_long_list_is_written() -> None:
    store, order = _filled(1000), []

    async def long() -> None:
        await Texts(store, SystemClock()).of(page(store, PODS, "shop", None))
        order.append("the list")

    async def short() -> None:
        order.append("the lease")

    await asyncio.gather(long(), short())
    assert order == ["the lease", "the list"]
