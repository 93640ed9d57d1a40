"""Where most tests of the simulated Prometheus play."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from simulator.prometheus.cluster import START, FakeCluster
from watchdog.simulator.behaviour import Behaviour
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.prometheus import SimulatedPrometheus


@dataclass
class Scene:
    """Two pods behind one Service, ten requests a second between them, without noise."""

    cluster: FakeCluster
    clock: SimulatedClock
    prometheus: SimulatedPrometheus
    client: httpx.AsyncClient

    async def ask(self, query: str, **parameters: str) -> httpx.Response:
        return await self.client.post(
            self.prometheus.url + "/api/v1/query", data={"query": query, **parameters}, timeout=10
        )

    async def result(self, query: str, **parameters: str) -> list[dict[str, Any]]:
        answer = await self.ask(query, **parameters)
        assert answer.status_code == 200, answer.text
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    async def values(self, query: str, **parameters: str) -> list[float]:
        return [float(series["value"][1]) for series in await self.result(query, **parameters)]


@asynccontextmanager
async def a_scene(behaviour: Behaviour = Behaviour(), **options: Any) -> AsyncIterator[Scene]:  # noqa: B008 - frozen
    cluster = FakeCluster()
    cluster.add_service("brand", app="brand")
    cluster.add_pod("a", behaviour)
    cluster.add_pod("b", behaviour)
    clock = SimulatedClock(START)
    async with (
        SimulatedPrometheus(clock, cluster, cluster.behaviour_of, noise=False, **options) as prometheus,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        prometheus.observe()
        yield Scene(cluster, clock, prometheus, client)


def play(story: Callable[[Scene], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with a_scene(**options) as scene:
            await story(scene)

    run_simulated(main())
