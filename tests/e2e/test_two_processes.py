"""Two processes of `watchdog run`, in real time, on a simulated cluster: stopped and woken, and killed.

What the simulated clock cannot show: signals, sockets and the machine's own monotonic clock.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cli.test_run import Log, a_channel
from cli.verbs import OWN, spawn
from e2e.controlplane.podnet import POD_PORT
from town import NAMESPACE, PART_OF, RULES
from watchdog.adapters.clock import SystemClock
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pods_http import SimulatedApplications
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.traffic import Behaviour

TAKEOVER = 15.0

pytestmark = [
    pytest.mark.controlplane,
    pytest.mark.skipif(os.environ.get("WATCHDOG_E2E") != "1", reason="runs in real time: `make e2e`"),
]


class Replica:
    """One process, known by its log and its endpoints."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        assert self._log.process.stderr is not None
        while line := await self._log.process.stderr.readline():
            self._log.lines.append(line.decode())

    def send(self, number: signal.Signals) -> None:
        self._log.process.send_signal(number)

    async def end(self) -> None:
        if self._log.process.returncode is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
        await self._draining
        await self._log.process.wait()

    async def is_ready_as(self, role: str) -> bool:
        async with httpx.AsyncClient(base_url=self._log.listens_at, trust_env=False) as client:
            answer = await client.get("/readyz")
        return re.search(rf"^ready\n{role}", answer.text) is not None


async def within(seconds: float, holds: Callable[[], Awaitable[bool]]) -> float:
    """Real seconds until it holds."""
    clock = SystemClock()
    began = clock.monotonic()
    async with asyncio.timeout(seconds):
        while not await holds():
            await clock.sleep(0.1)
    return clock.monotonic() - began


async def test_a_process_that_was_stopped_and_one_that_is_killed_are_followed_and_do_nothing_twice(
    tmp_path: Path,
) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        octet = stack.enter_context(free_octet())
        cluster = SimulatedCluster(clock, octet, past=timedelta(hours=1))
        cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        # In the network namespace of the other stories, the port of their pods is taken on every address.
        cluster.deploy(NAMESPACE, "research", "research:v1", replicas=2, labels=PART_OF, port=POD_PORT + 1)
        cluster.service(NAMESPACE, "research")
        port, told = await stack.enter_async_context(a_channel())
        await stack.enter_async_context(cluster)
        prometheus = SimulatedPrometheus(
            clock, cluster, lambda _: Behaviour(dialect="fastapi"), scrape_interval=1.0, seed=3, phases=1
        )
        prometheus.backfill(1800, step=30)
        await stack.enter_async_context(prometheus)
        await stack.enter_async_context(SimulatedApplications(prometheus))
        rules = tmp_path / "rules.toml"
        rules.write_text(RULES)

        async def start(name: str) -> Replica:
            settings = {
                "RULES": str(rules),
                "KUBECONFIG": str(cluster.kubeconfig(tmp_path / name, cluster.user(name))),
                "NAMESPACE": OWN,
                "PROMETHEUS_URL": prometheus.url,
                "LISTEN": "127.0.0.1:0",
                "SECRET_SLACK_URL": f"json://127.0.0.1:{port}/",
                "SECRET_PAGER_URL": f"json://127.0.0.1:{port}/",
            }
            replica = Replica(await Log.of(await spawn("run", folder=tmp_path, **settings)))
            stack.push_async_callback(replica.end)
            return replica

        one = await start("one")
        await within(20, lambda: one.is_ready_as("leader"))
        two = await start("two")
        await within(20, lambda: two.is_ready_as("standby"))
        cluster.deploy(NAMESPACE, "research", "research:v2")

        async def is_told() -> bool:
            return bool(told)

        await within(20, is_told)
        one.send(signal.SIGSTOP)
        assert await within(TAKEOVER, lambda: two.is_ready_as("leader")) > 7
        sent = len(cluster.writes("one"))
        one.send(signal.SIGCONT)
        await within(5, lambda: one.is_ready_as("standby"))
        assert [request for request in cluster.writes("one")[sent:] if request.code < 300] == []

        two.send(signal.SIGKILL)
        await within(TAKEOVER, lambda: one.is_ready_as("leader"))
        one.send(signal.SIGTERM)
        three = await start("three")
        await within(8, lambda: three.is_ready_as("leader"))
        async with httpx.AsyncClient(trust_env=False) as client:
            [watch] = (await client.get(f"{three._log.listens_at}/api/watches")).json()
        assert watch["target"] == f"{NAMESPACE}/deployment/research"
        # It was stopped, and the other killed, a moment after they told: what came again says so.
        assert len([notice for notice in told if "possible repeat" not in notice["title"]]) == 1
        assert len([one for one in cluster.list("configmaps", OWN) if "record.json" in (one.get("data") or {})]) == 1
