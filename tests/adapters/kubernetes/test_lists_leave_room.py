"""However many namespaces there are to list, whoever has to renew a lease is answered in time."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from adapters.kubernetes.building import NOON, passes
from watchdog.adapters.kubernetes.cache import LISTS_AT_ONCE, ClusterCache
from watchdog.adapters.kubernetes.changes import Relisted
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.adapters.kubernetes.kinds import PODS
from watchdog.adapters.kubernetes.lease import KubernetesLease
from watchdog.adapters.kubernetes.reflector import Reflector
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.simulator.clock import SimulatedClock, run_simulated

NAMESPACES = tuple(f"team-{number:03}" for number in range(200))


class OneByOne:
    """An API server that serves its requests in the order in which they came, a list in a tenth of a second."""

    def __init__(self) -> None:
        self._serving = asyncio.Lock()
        self._lease: dict[str, Any] | None = None
        self.waiting = self.most_waiting = self.lists = 0

    async def pages(self, *_: Any, **__: Any) -> AsyncGenerator[tuple[list[dict[str, Any]], str]]:
        self.waiting += 1
        self.most_waiting = max(self.waiting, self.most_waiting)
        try:
            async with self._serving:
                await passes(0.1)
        finally:
            self.waiting -= 1
        self.lists += 1
        yield [], "1"

    @asynccontextmanager
    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[AsyncGenerator[bytes]]:
        async def lines() -> AsyncGenerator[bytes]:
            await passes(1e6)
            yield b""

        yield lines()

    async def get(self, *_: Any) -> dict[str, Any]:
        async with self._serving:
            if self._lease is None:
                raise ApiError(404, "NotFound", "there is none", None)
            return self._lease

    async def create(self, _resource: Any, _namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self.replace(_resource, _namespace, "", body)

    async def replace(self, _resource: Any, _namespace: str, _name: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._serving:
            version = int((self._lease or {}).get("metadata", {}).get("resourceVersion", 0)) + 1
            self._lease = {**body, "metadata": {"uid": "u", "name": "lease", "resourceVersion": str(version)}}
            return self._lease


def test_a_leader_that_lists_two_hundred_namespaces_keeps_its_lead() -> None:
    async def main() -> tuple[OneByOne, int]:
        server, clock, rng = OneByOne(), SimulatedClock(NOON), random.Random(1)
        client = cast("KubeClient", server)
        lease = KubernetesLease(client, "watchdog", identity="one", clock=clock, rng=rng)
        cache = ClusterCache(client, clock=clock, rng=rng, namespaces=NAMESPACES)
        await lease.acquire()
        keeping = asyncio.create_task(lease.keep())
        listing = asyncio.create_task(cache.run())
        seconds = 0
        while not cache.synced:
            await passes(1)
            seconds += 1
            assert lease.valid()
            assert not keeping.done()
        for task in (keeping, listing):
            task.cancel()
        await asyncio.gather(keeping, listing, return_exceptions=True)
        return server, seconds

    server, seconds = run_simulated(main())
    assert server.most_waiting == LISTS_AT_ONCE
    assert seconds > 10  # longer than a lease lasts
    assert server.lists >= 3 * len(NAMESPACES)


async def test_whatever_else_is_to_be_done_has_its_turn_while_a_long_list_is_trimmed() -> None:
    order: list[str] = []
    trimmed = 0

    def trim(full: dict[str, Any]) -> dict[str, Any]:
        nonlocal trimmed
        trimmed += 1
        return TRIMS[PODS](full)

    class Server:
        async def pages(self, *_: Any, **__: Any) -> AsyncGenerator[tuple[list[dict[str, Any]], str]]:
            yield [{"metadata": {"name": f"pod-{number}", "uid": str(number)}} for number in range(500)], "1"

    async def others() -> None:
        while trimmed < 500:
            order.append(f"after {trimmed}")
            await passes(0)

    reflector = Reflector(
        cast("KubeClient", Server()), PODS, "shop", clock=SimulatedClock(NOON), rng=random.Random(1), trim=trim
    )
    changes = reflector.changes()
    first, _ = await asyncio.gather(anext(changes), others())
    await changes.aclose()
    assert isinstance(first, Relisted)
    assert len(first.objects) == 500
    assert len(order) >= 9


async def test_reading_what_is_remembered_of_thousands_of_targets_gives_turns_and_takes_small_answers() -> None:
    turns, asked, done = 0, [], False

    class Server:
        async def pages(self, *_: Any, limit: int, **__: Any) -> AsyncGenerator[tuple[list[dict[str, Any]], str]]:
            asked.append(limit)
            for begin in range(0, 200, limit):
                yield [_remembering(number) for number in range(begin, min(begin + limit, 200))], "1"

    async def others() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await passes(0)

    clock, rng = SimulatedClock(NOON), random.Random(1)
    journal = ConfigMapJournal(cast("KubeClient", Server()), "watchdog", clock=clock, rng=rng)
    waiting = asyncio.create_task(others())
    found = await journal.memories()
    done = True
    await waiting
    assert len(found) == 200 * 50
    assert turns >= 200
    assert asked[0] <= 50


def _remembering(number: int) -> dict[str, Any]:
    """The ConfigMap of a namespace's fifty targets."""
    name = f"rollback-watchdog-targets-team-{number:03}"
    data = {f"deployment.service-{each}": '{"schema": 1}' for each in range(50)}
    return {"metadata": {"name": name, "resourceVersion": "1", "labels": {}}, "data": data}
