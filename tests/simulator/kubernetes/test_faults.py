"""What tests can make go wrong between a client and the simulated API server."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from simulator.kubernetes.building import NOON, SHOP, a_cluster
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster

PODS = "/api/v1/pods"


@asynccontextmanager
async def a_session(cluster: SimulatedCluster) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {cluster.token}"}
    async with aiohttp.ClientSession(cluster.url, headers=headers) as session:
        yield session


async def line(answer: aiohttp.ClientResponse, within: float = 5.0) -> Any:
    async with asyncio.timeout(within):
        raw = await answer.content.readline()
    return json.loads(raw) if raw.startswith(b"{") else raw


def test_an_answer_is_given_as_often_as_it_was_asked_for() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            fault = cluster.faults.answer(429, {"kind": "Status"}, {"Retry-After": "7"}, path=PODS, count=2)
            codes = []
            for _ in range(3):
                async with session.get(PODS) as answer:
                    codes.append((answer.status, answer.headers.get("Retry-After")))
            assert codes == [(429, "7"), (429, "7"), (200, None)]
            assert fault.hits == 2
            assert [entry.code for entry in cluster.requests] == [429, 429, 200]

    run_simulated(main())


def test_a_fault_meets_only_what_it_names() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            cluster.faults.answer(500, method="PATCH", path=re.compile("/configmaps/"), count=None)
            async with session.get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt") as answer:
                assert answer.status == 200
            async with session.patch("/api/v1/namespaces/default/configmaps/kube-root-ca.crt", json={}) as answer:
                assert answer.status == 500
            cluster.faults.clear()
            headers = {"Content-Type": "application/merge-patch+json"}
            path = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"
            async with session.patch(path, data="{}", headers=headers) as answer:
                assert answer.status == 200

    run_simulated(main())


def test_a_hang_lasts_until_it_is_released() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            fault = cluster.faults.hang(path=PODS)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(30):
                    await session.get(PODS)
            assert cluster.now() == NOON + timedelta(seconds=30)
            waiting = asyncio.ensure_future(session.get(PODS))
            cluster.faults.clear()
            fault.release()
            async with await waiting as answer:
                assert answer.status == 200

    run_simulated(main())


def test_a_delay_is_one_of_the_clusters_clock() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            cluster.faults.delay(12.5, path=PODS)
            async with session.get(PODS) as answer:
                assert answer.status == 200
            assert cluster.now() == NOON + timedelta(seconds=12.5)

    run_simulated(main())


def test_a_reset_does_nothing_and_a_lost_answer_hides_what_was_done() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            path = "/api/v1/namespaces/default/configmaps"
            cluster.faults.reset(method="POST")
            with pytest.raises(aiohttp.ClientError):
                await session.post(path, json={"metadata": {"name": "one"}})
            cluster.faults.lose_answer(method="POST")
            with pytest.raises(aiohttp.ClientError):
                await session.post(path, json={"metadata": {"name": "two"}})
            assert cluster.find("configmaps", "default", "one") is None
            assert cluster.find("configmaps", "default", "two") is not None

    run_simulated(main())


def test_a_truncated_body_breaks_off() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            cluster.faults.truncate(path="/api/v1/nodes")
            with pytest.raises(aiohttp.ClientPayloadError):
                async with session.get("/api/v1/nodes") as answer:
                    await answer.read()

    run_simulated(main())


def test_each_way_a_watch_can_fail() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            path, params = "/api/v1/nodes", {"watch": "true"}
            cluster.faults.watch("close", after=2, path=path)
            async with session.get(path, params=params) as answer:
                assert len((await answer.read()).splitlines()) == 2
            cluster.faults.watch("html", after=1, path=path)
            async with session.get(path, params=params) as answer:
                assert (await line(answer))["type"] == "ADDED"
                assert b"502 Bad Gateway" in await line(answer)
            cluster.faults.watch("duplicate", after=1, path=path)
            async with session.get(path, params=params) as answer:
                assert await line(answer) == await line(answer)
            cluster.faults.watch("gone", path=path)
            async with session.get(path, params=params) as answer:
                event = await line(answer)
                assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
                assert await answer.read() == b""

    run_simulated(main())


def test_a_silent_watch_stays_open_and_tells_nothing_more() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            cluster.faults.watch("silence", after=3)
            params = {"watch": "true", "timeoutSeconds": "60", "allowWatchBookmarks": "true"}
            async with session.get("/api/v1/nodes", params=params) as answer:
                for _ in range(3):
                    await line(answer)
                cluster.lose_node("node-1")
                with pytest.raises(TimeoutError):
                    await line(answer, within=500)

    run_simulated(main())


def test_an_open_watch_can_be_spoilt_by_hand() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            version = str(cluster.version)
            async with session.get(PODS, params={"watch": "true", "resourceVersion": version}) as answer:
                (watch,) = cluster.watches("pods")
                watch.send_html()
                assert b"502" in await line(answer)
                cluster.deploy(SHOP, "gateway", replicas=1)
                assert (await line(answer))["type"] == "ADDED"
                watch.close()
                await answer.read()
            await cluster.settled()
            assert not cluster.watches()

    run_simulated(main())


def test_a_client_that_leaves_ends_its_watch() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            async with a_session(cluster) as session, session.get(PODS, params={"watch": "true"}):
                assert len(cluster.watches()) == 1
            async with asyncio.timeout(5):
                await gone(cluster)

    async def gone(cluster: SimulatedCluster) -> None:
        while cluster.watches():
            await cluster._clock.sleep(0.1)

    run_simulated(main())


def test_after_a_compaction_old_versions_are_gone() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            old = str(cluster.version)
            params = {"limit": "1"}
            async with session.get("/api/v1/nodes", params=params) as answer:
                token = (await answer.json())["metadata"]["continue"]
            cluster.deploy(SHOP, "gateway")
            cluster.compact()
            oldest = cluster.version
            async with session.get(PODS, params={"watch": "true", "resourceVersion": old}) as answer:
                event = await line(answer)
                assert event["type"] == "ERROR"
                assert event["object"]["reason"] == "Expired"
                assert event["object"]["message"] == f"too old resource version: {old} ({oldest})"
            async with session.get("/api/v1/nodes", params={**params, "continue": token}) as answer:
                body = await answer.json()
                assert (answer.status, body["reason"]) == (410, "Expired")
            async with session.get(PODS, params={"resourceVersion": "99999"}) as answer:
                assert answer.status == 504
                assert "Too large resource version" in (await answer.json())["message"]

    run_simulated(main())


def test_pages_show_one_moment() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_session(cluster) as session:
            for number in range(5):
                cluster.create("configmaps", SHOP, {"metadata": {"name": f"c{number}"}})
            path, names, token = f"/api/v1/namespaces/{SHOP}/configmaps", [], ""
            while True:
                async with session.get(path, params={"limit": "2", "continue": token}) as answer:
                    page = await answer.json()
                names += [item["metadata"]["name"] for item in page["items"]]
                if "c3" in str(cluster.list("configmaps", SHOP)):
                    cluster.delete("configmaps", SHOP, "c3")
                    cluster.create("configmaps", SHOP, {"metadata": {"name": "d"}})
                token = page["metadata"].get("continue", "")
                if not token:
                    break
            assert names == ["c0", "c1", "c2", "c3", "c4", "kube-root-ca.crt"]

    run_simulated(main())
