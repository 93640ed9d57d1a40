"""The simulated applications' own HTTP: health, readiness and metrics, on the pods' addresses.

async with SimulatedApplications(prometheus):
    ...  # httpx.get("http://127.20.0.5:8000/health")
"""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from watchdog.simulator.background import beside
from watchdog.simulator.exposition import CONTENT_TYPE, exposition
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.scraping import app_values, is_running, port_of
from watchdog.simulator.traffic import uid_of

Address = tuple[str, int]


class SimulatedApplications:
    """A listening socket for each running pod, on its IP and port.

    Which pods those are is looked at when the scraper ticks, and when `refresh` is awaited. One whose health is
    `"refused"` does not listen.
    """

    def __init__(self, prometheus: SimulatedPrometheus) -> None:
        self._prometheus = prometheus
        self._web = web.Server(self._answer, access_log=None)
        self._listening: dict[Address, asyncio.Server] = {}
        self._pods: dict[Address, dict[str, Any]] = {}
        self._looking = asyncio.Event()
        self._released = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._shut)
            await self.refresh()
            self._prometheus.after_each_tick(self._looking.set)
            stack.callback(self._prometheus.no_longer_after_each_tick, self._looking.set)
            await stack.enter_async_context(beside(self._follow(), "simulated applications"))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _shut(self) -> None:
        self._released.set()
        for address in list(self._listening):
            self._close(address)
        await self._web.shutdown(0)

    async def refresh(self) -> None:
        """Listen for the pods that run now and answer, and for no others."""
        self._prometheus.observe()
        await self._listen()

    async def _listen(self) -> None:
        wanted = {}
        for pod in self._prometheus.pods:
            ip = (pod.get("status") or {}).get("podIP")
            if ip and is_running(pod) and self._health(pod, "/health") != "refused":
                wanted[ip, port_of(pod)] = pod
        self._pods = wanted
        for gone in self._listening.keys() - wanted.keys():
            self._close(gone)
        loop = asyncio.get_running_loop()
        for address in wanted.keys() - self._listening.keys():
            self._listening[address] = await loop.create_server(self._web, *address, reuse_address=True)

    async def _follow(self) -> None:
        while True:
            await self._looking.wait()
            self._looking.clear()
            await self._listen()

    def _close(self, address: Address) -> None:
        self._listening.pop(address).close()
        for connection in self._web.connections:
            transport = connection.transport
            if transport is not None and transport.get_extra_info("sockname")[:2] == address:
                transport.abort()

    def _health(self, pod: dict[str, Any], path: str) -> object:
        return self._prometheus.traffic.health(pod, path, self._prometheus.clock.now())

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        pod = self._pods.get(request.transport.get_extra_info("sockname")[:2])
        if pod is None:
            request.transport.abort()
            return web.Response()
        if request.path == "/metrics":
            return self._metrics(pod)
        if request.path not in {"/health", "/ready"}:
            return web.json_response({"detail": "Not Found"}, status=404)
        match self._health(pod, request.path):
            case int(status):
                return web.json_response({"status": "ok" if status < 400 else "failing"}, status=status)
            case "hang":
                await self._released.wait()
        request.transport.abort()
        return web.Response()

    def _metrics(self, pod: dict[str, Any]) -> web.Response:
        traffic, now = self._prometheus.traffic, self._prometheus.clock.now()
        life = traffic.life(pod)
        if life is None:
            return web.Response(status=503, text=f"pod {uid_of(pod)} has only just begun")
        values = app_values(traffic, pod, traffic.counters(pod, now), now)
        return web.Response(text=exposition(life, values), headers={"Content-Type": CONTENT_TYPE})
