"""The verbs, their errors and their deadlines, against the simulated API server."""

import asyncio
from pathlib import Path

import pytest

from adapters.kubernetes.building import NOON, SHOP, a_client, a_cluster, a_gateway
from watchdog.adapters.kubernetes.client import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, connect
from watchdog.adapters.kubernetes.errors import ApiError, NoAnswer, Unavailable
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS, DEPLOYMENTS, PODS
from watchdog.ports import OutOfReach
from watchdog.simulator.clock import SimulatedClock, run_simulated


def test_objects_are_created_read_patched_replaced_and_deleted() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            cluster.create("namespaces", "", {"metadata": {"name": SHOP}})
            made = await client.create(CONFIGMAPS, SHOP, {"metadata": {"name": "one"}, "data": {"a": "1"}})
            merged = await client.patch(CONFIGMAPS, SHOP, "one", {"data": {"b": "2"}}, content_type=MERGE_PATCH)
            assert merged["data"] == {"a": "1", "b": "2"}
            step = {"op": "remove", "path": "/data/a"}
            patched = await client.patch(CONFIGMAPS, SHOP, "one", [step], content_type=JSON_PATCH)
            assert patched["data"] == {"b": "2"}
            strategic = {"data": {"c": "3"}}
            await client.patch(CONFIGMAPS, SHOP, "one", strategic, content_type=STRATEGIC_PATCH, dry_run=True)
            assert (await client.get(CONFIGMAPS, SHOP, "one"))["data"] == {"b": "2"}
            with pytest.raises(ApiError) as stale:
                await client.replace(CONFIGMAPS, SHOP, "one", {**made, "data": {}})
            assert stale.value.status == 409
            await client.delete(CONFIGMAPS, SHOP, "one")
            with pytest.raises(ApiError) as gone:
                await client.get(CONFIGMAPS, SHOP, "one")
            assert (gone.value.status, gone.value.reason) == (404, "NotFound")

    run_simulated(main())


def test_every_request_says_who_asks() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            cluster.create("namespaces", "", {"metadata": {"name": SHOP}})
            made = await client.create(CONFIGMAPS, SHOP, {"metadata": {"name": "one"}, "data": {"a": "1"}})
            assert made["metadata"]["managedFields"][0]["manager"] == "rollback-watchdog"
            assert {request.agent for request in cluster.requests} == {"rollback-watchdog"}

    run_simulated(main())


def test_a_list_comes_in_pages_of_one_moment() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            cluster.scale(SHOP, "gateway", 5)
            await cluster.until(lambda: len(cluster.pods(SHOP)) == 5)
            pages = [(len(page), version) async for page, version in client.pages(PODS, SHOP, limit=2)]
            assert [size for size, _ in pages] == [2, 2, 1]
            assert len({version for _, version in pages}) == 1

    run_simulated(main())


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_an_answer_that_another_try_may_mend_is_out_of_reach(status: int) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            cluster.faults.answer(status, headers={"Retry-After": "7"})
            with pytest.raises(OutOfReach) as failed:
                await client.get(DEPLOYMENTS, SHOP, "gateway")
            assert isinstance(failed.value, Unavailable)
            assert failed.value.status == status
            assert failed.value.retry_after == 7

    run_simulated(main())


def test_a_hang_ends_at_the_deadline() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster, deadline=3.0) as client:
            cluster.faults.hang()
            began = asyncio.get_running_loop().time()
            with pytest.raises(NoAnswer, match="no answer in time"):
                await client.get(DEPLOYMENTS, SHOP, "gateway")
            assert asyncio.get_running_loop().time() - began == pytest.approx(3.0, abs=0.1)

    run_simulated(main())


def test_a_reset_half_a_body_and_a_page_of_html_are_no_answers() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            cluster.faults.reset()
            with pytest.raises(NoAnswer):
                await client.create(CONFIGMAPS, SHOP, {"metadata": {"name": "one"}})
            cluster.faults.truncate()
            with pytest.raises(NoAnswer):
                await client.get(DEPLOYMENTS, SHOP, "gateway")
            cluster.faults.answer(200, "<html>welcome to the proxy</html>")
            with pytest.raises(NoAnswer, match="no JSON came back"):
                await client.get(DEPLOYMENTS, SHOP, "gateway")

    run_simulated(main())


def test_a_token_that_was_renewed_in_its_file_is_read_again_after_a_401(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            token, config = tmp_path / "token", cluster.kubeconfig(tmp_path / "config")
            token.write_text("expired")
            config.write_text(config.read_text().replace(f'"token": "{cluster.token}"', f'"tokenFile": "{token}"'))
            client = await connect(SimulatedClock(NOON), kubeconfig=str(config))
            try:
                with pytest.raises(OutOfReach, match="401"):
                    await client.get(DEPLOYMENTS, SHOP, "gateway")
                token.write_text(cluster.token)
                assert (await client.get(DEPLOYMENTS, SHOP, "gateway"))["kind"] == "Deployment"
            finally:
                await client.close()

    run_simulated(main())


def test_a_kubeconfig_that_is_missing_or_broken_is_one_clear_sentence(tmp_path: Path) -> None:
    async def main() -> None:
        clock = SimulatedClock(NOON)
        with pytest.raises(OutOfReach, match=r"kubeconfig .*nowhere"):
            await connect(clock, kubeconfig=str(tmp_path / "nowhere"))
        (tmp_path / "broken").write_text("contexts: [")
        with pytest.raises(OutOfReach, match=r"kubeconfig .*broken"):
            await connect(clock, kubeconfig=str(tmp_path / "broken"))
        async with a_cluster() as cluster:
            config = cluster.kubeconfig(tmp_path / "config")
            with pytest.raises(OutOfReach, match="elsewhere"):
                await connect(clock, kubeconfig=str(config), context="elsewhere")

    run_simulated(main())


def test_outside_a_pod_there_is_no_in_cluster_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    async def main() -> None:
        with pytest.raises(OutOfReach, match="in-cluster configuration: Service host/port is not set"):
            await connect(SimulatedClock(NOON))

    run_simulated(main())
