"""List and watch keep their promise under everything the network does to them."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.kubernetes.building import NOON, SHOP, a_client, a_cluster, a_gateway, passes
from watchdog.adapters.kubernetes.changes import Change, Changed, Deleted, Relisted
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import PODS
from watchdog.adapters.kubernetes.reflector import Reflector
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster


class Follower:
    """A reflector of pods, and what it has told."""

    def __init__(self, client: KubeClient, **given: Any) -> None:
        given = {"clock": SimulatedClock(NOON), "rng": random.Random(1), "trim": TRIMS[PODS], **given}
        self.reflector = Reflector(client, PODS, SHOP, **given)
        self.changes: list[Change] = []

    async def follow(self) -> None:
        async for change in self.reflector.changes():
            self.changes.append(change)

    @property
    def lists(self) -> int:
        return sum(isinstance(change, Relisted) for change in self.changes)

    @property
    def names(self) -> set[str]:
        """The names that are there, as who heard all this would think."""
        names: set[str] = set()
        for change in self.changes:
            match change:
                case Relisted(objects):
                    names = {one["metadata"]["name"] for one in objects}
                case Changed(one):
                    names.add(one["metadata"]["name"])
                case Deleted(one):
                    names.discard(one["metadata"]["name"])
        return names


@asynccontextmanager
async def following(client: KubeClient, **given: Any) -> AsyncIterator[Follower]:
    follower = Follower(client, **given)
    task = asyncio.create_task(follower.follow())
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def there(cluster: SimulatedCluster) -> set[str]:
    return {pod["metadata"]["name"] for pod in cluster.pods(SHOP)}


def test_first_the_list_then_the_changes() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client, following(client) as follower:
            await a_gateway(cluster)
            await passes(1)
            assert isinstance(follower.changes[0], Relisted)
            assert follower.lists == 1
            assert follower.reflector.synced
            cluster.scale(SHOP, "gateway", 0)
            await cluster.until(lambda: not cluster.pods(SHOP))
            await passes(1)
            assert follower.names == set()

    run_simulated(main())


@pytest.mark.parametrize("kind", ["close", "silence", "html", "duplicate", "gone"])
def test_a_spoilt_watch_loses_nothing_and_asks_with_pauses(kind: str) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            cluster.faults.watch(kind, path="/api/v1/namespaces/shop/pods", count=5)
            async with following(client) as follower:
                for size in (3, 1, 4, 2):
                    cluster.scale(SHOP, "gateway", size)
                    await passes(20)
                await passes(400)
                assert follower.names == there(cluster)
                assert len(cluster.requests) < 40
                if kind == "duplicate":
                    told = [change for change in follower.changes if isinstance(change, Changed)]
                    versions = [one.object["metadata"]["resourceVersion"] for one in told]
                    assert len(versions) == len(set(versions))

    run_simulated(main())


def test_it_says_since_when_nothing_can_have_come_and_gone_unseen() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client, following(client) as follower:
            await a_gateway(cluster)
            await passes(1)
            listed = follower.reflector.unbroken_since
            assert listed is not None
            for watch in cluster.watches("pods"):
                watch.close()  # as each server does after some minutes: it goes on where it was
            await passes(5)
            assert follower.reflector.unbroken_since == listed
            fault = cluster.faults.answer(503, path="/api/v1/namespaces/shop/pods", count=None)
            for watch in cluster.watches("pods"):
                watch.close()
            await passes(5)
            assert follower.reflector.unbroken_since is None
            fault.remove()
            await passes(60)
            again = follower.reflector.unbroken_since
            assert again is not None
            assert again > listed

    run_simulated(main())


def test_after_410_it_lists_again_and_finds_what_it_missed() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            async with following(client) as follower:
                await passes(1)
                fault = cluster.faults.answer(503, path="/api/v1/namespaces/shop/pods", count=None)
                for watch in cluster.watches("pods"):
                    watch.close()
                cluster.scale(SHOP, "gateway", 1)
                await passes(5)
                cluster.compact()
                fault.remove()
                await passes(60)
                assert follower.lists == 2
                assert follower.names == there(cluster)
                assert len(follower.names) == 1

    run_simulated(main())


def test_what_is_forbidden_is_said_once_and_asked_for_slowly(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            token = cluster.user("watchdog", [Rule(["get"], ["pods"])])
            async with a_client(cluster, token) as client, following(client) as follower:
                await passes(600)
                assert not follower.reflector.synced
                assert follower.reflector.trouble == "may not list pods in namespace shop"
                assert 5 < len(cluster.requests) < 25

    with caplog.at_level(logging.ERROR):
        run_simulated(main())
    assert [record.message for record in caplog.records if "may not list pods" in record.message] == [
        caplog.records[0].message
    ]
    assert "in namespace shop" in caplog.records[0].message
