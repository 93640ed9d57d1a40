"""The client library that the watchdog uses cannot tell the simulator from an API server."""

import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client.exceptions import ApiException

from simulator.kubernetes.building import SHOP, a_client, a_cluster
from watchdog.adapters.clock import SystemClock
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.fieldsets import last_writer


async def decoded(answer: Any) -> Any:
    return json.loads(await answer.read())


async def a_gateway(cluster: SimulatedCluster) -> None:
    cluster.deploy(SHOP, "gateway", "gateway:v1", replicas=2)
    await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))


def test_lists_are_plain_json() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            answer = await client.AppsV1Api(api).list_namespaced_deployment(SHOP, _preload_content=False)
            found = await decoded(answer)
            assert answer.status == 200
            assert [item["metadata"]["name"] for item in found["items"]] == ["gateway"]
            assert found["kind"] == "DeploymentList"

    run_simulated(main())


def test_the_models_of_the_client_read_every_kind() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            cluster.service(SHOP, "gateway")
            await cluster.settled()
            core, apps, discovery = client.CoreV1Api(api), client.AppsV1Api(api), client.DiscoveryV1Api(api)
            assert (await apps.list_deployment_for_all_namespaces()).items[0].status.available_replicas == 2
            assert (await apps.list_namespaced_replica_set(SHOP)).items[0].spec.replicas == 2
            assert len((await core.list_namespaced_pod(SHOP)).items) == 2
            assert (await core.list_namespaced_service(SHOP)).items[0].spec.selector == {"app": "gateway"}
            assert len((await discovery.list_namespaced_endpoint_slice(SHOP)).items[0].endpoints) == 2
            assert len((await core.list_node()).items) == 3
            assert (await core.read_namespaced_config_map("kube-root-ca.crt", SHOP)).data == {"ca.crt": ""}
            assert (await client.VersionApi(api).get_code()).minor == "36"

    run_simulated(main())


def test_a_dict_is_a_strategic_merge_a_list_a_json_patch_and_a_content_type_says_otherwise() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            apps = client.AppsV1Api(api)
            image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "gateway:v2"}]}}}}
            patched = await apps.patch_namespaced_deployment("gateway", SHOP, image)
            assert patched.spec.template.spec.containers[0].ports[0].name == "http"
            steps = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
            assert (await apps.patch_namespaced_deployment("gateway", SHOP, steps)).spec.replicas == 3
            merge = "application/merge-patch+json"
            with pytest.raises(ApiException) as refused:  # a merge patch replaces the list, ports and name with it
                await apps.patch_namespaced_deployment(
                    "gateway",
                    SHOP,
                    {"spec": {"template": {"spec": {"containers": [{"image": "gateway:v3"}]}}}},
                    _content_type=merge,
                )
            assert refused.value.status == 422
            assert json.loads(refused.value.body)["reason"] == "Invalid"

    run_simulated(main())


def test_a_stale_patch_conflicts_and_a_failed_test_is_unprocessable() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            apps = client.AppsV1Api(api)
            version = cluster.get("deployments", SHOP, "gateway")["metadata"]["resourceVersion"]
            cluster.patch("deployments", SHOP, "gateway", {"metadata": {"annotations": {"a": "b"}}})
            stale = {"metadata": {"resourceVersion": version}, "spec": {"replicas": 5}}
            with pytest.raises(ApiException) as conflict:
                await apps.patch_namespaced_deployment("gateway", SHOP, stale)
            failed = [{"op": "test", "path": "/metadata/resourceVersion", "value": version}]
            with pytest.raises(ApiException) as unprocessable:
                await apps.patch_namespaced_deployment("gateway", SHOP, failed)
            assert (conflict.value.status, unprocessable.value.status) == (409, 422)

    run_simulated(main())


def test_another_uid_is_immutable_in_a_patch_and_a_conflict_in_a_put() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            apps = client.AppsV1Api(api)
            other = "00000000-0000-4000-8000-000000000000"
            with pytest.raises(ApiException) as patched:
                await apps.patch_namespaced_deployment("gateway", SHOP, {"metadata": {"uid": other}})
            body = dict(cluster.get("deployments", SHOP, "gateway"))
            body["metadata"] = {**body["metadata"], "uid": other}
            with pytest.raises(ApiException) as put:
                await apps.replace_namespaced_deployment("gateway", SHOP, body)
            assert (patched.value.status, put.value.status) == (422, 409)
            assert "field is immutable" in patched.value.body
            assert "Precondition failed: UID" in put.value.body

    run_simulated(main())


def test_a_dry_run_answers_and_changes_nothing() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            before = cluster.version
            apps = client.AppsV1Api(api)
            tried = await apps.patch_namespaced_deployment("gateway", SHOP, {"spec": {"replicas": 9}}, dry_run="All")
            assert tried.spec.replicas == 9
            core = client.CoreV1Api(api)
            await core.create_namespaced_config_map(SHOP, {"metadata": {"name": "a"}}, dry_run="All")
            await core.delete_namespaced_config_map("kube-root-ca.crt", SHOP, dry_run="All")
            assert cluster.version == before
            assert not cluster.writes()

    run_simulated(main())


def test_a_watch_tells_what_happens() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            answer = await client.AppsV1Api(api).list_namespaced_deployment(
                SHOP,
                watch=True,
                resource_version=str(cluster.version),
                allow_watch_bookmarks=True,
                timeout_seconds=90,
                _preload_content=False,
            )
            cluster.deploy(SHOP, "gateway", "gateway:v2")
            lines = [json.loads(line) async for line in answer.content]
            kinds = [line["type"] for line in lines]
            assert kinds[0] == "MODIFIED"
            assert kinds.count("BOOKMARK") == 2
            last = lines[-1]["object"]
            assert last["metadata"]["resourceVersion"] == str(cluster.version)

    run_simulated(main())


def test_reviews_tell_what_one_may_and_who_one_is() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            token = cluster.user("reader", [Rule(verbs=["get", "list"], resources=["deployments"], groups=["apps"])])
            async with a_client(cluster, token) as api:
                reviews = client.AuthorizationV1Api(api)
                for verb, allowed in (("list", True), ("patch", False)):
                    asked = {"group": "apps", "resource": "deployments", "verb": verb, "namespace": SHOP}
                    review = {"spec": {"resourceAttributes": asked}}
                    answer = await reviews.create_self_subject_access_review(review)
                    assert answer.status.allowed is allowed
                myself = await client.AuthenticationV1Api(api).create_self_subject_review({})
                assert myself.status.user_info.username == "reader"

    run_simulated(main())


def test_a_kubeconfig_leads_to_the_cluster(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            path = cluster.kubeconfig(tmp_path / "config", namespace=SHOP)
            configuration = client.Configuration()
            await config.load_kube_config(str(path), client_configuration=configuration)
            async with client.ApiClient(configuration) as api:
                names = [item.metadata.name for item in (await client.CoreV1Api(api).list_namespace()).items]
            assert names == ["default", "kube-system"]

    run_simulated(main())


def test_the_writes_of_a_client_are_logged_with_who_and_when() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            await a_gateway(cluster)
            token = cluster.user("watchdog")
            async with a_client(cluster, token) as api:
                api.set_default_header("User-Agent", "rollback-watchdog/0.1")
                await client.AppsV1Api(api).read_namespaced_deployment("gateway", SHOP)
                await client.AppsV1Api(api).patch_namespaced_deployment("gateway", SHOP, {"spec": {"replicas": 3}})
            (write,) = cluster.writes(user="watchdog")
            assert (write.method, write.code, write.at) == ("PATCH", 200, cluster.now())
            assert write.body == {"spec": {"replicas": 3}}
            writer = last_writer(cluster.get("deployments", SHOP, "gateway"), ("spec", "replicas"))
            assert writer is not None
            assert writer["manager"] == "rollback-watchdog"

    run_simulated(main())


def test_a_person_can_come_between_a_read_and_a_write() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            apps = client.AppsV1Api(api)
            seen = await apps.read_namespaced_deployment("gateway", SHOP)
            done = cluster.before_write(lambda attempt: cluster.deploy(SHOP, "gateway", "gateway:fix") and None)
            patch = {"metadata": {"resourceVersion": seen.metadata.resource_version}, "spec": {"replicas": 7}}
            with pytest.raises(ApiException) as refused:
                await apps.patch_namespaced_deployment("gateway", SHOP, patch)
            done()
            assert refused.value.status == 409
            containers = cluster.get("deployments", SHOP, "gateway")["spec"]["template"]["spec"]["containers"]
            assert containers[0]["image"] == "gateway:fix"

    run_simulated(main())


def test_hooks_around_a_write_see_the_state_before_and_after_it() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            await a_gateway(cluster)
            seen: list[int] = []

            def look(_: object) -> None:
                seen.append(cluster.get("deployments", SHOP, "gateway")["spec"]["replicas"])

            ends = [cluster.before_write(look), cluster.after_write(look)]
            apps = client.AppsV1Api(api)
            await apps.patch_namespaced_deployment("gateway", SHOP, {"spec": {"replicas": 4}})
            for end in ends:
                end()
            await apps.patch_namespaced_deployment("gateway", SHOP, {"spec": {"replicas": 5}})
            assert seen == [2, 4]

    run_simulated(main())


async def test_it_works_in_real_time_too() -> None:
    async with SimulatedCluster(SystemClock(), octet=79) as cluster, a_client(cluster) as api:
        cluster.deploy(SHOP, "gateway", replicas=1)
        await cluster.settled()
        assert len((await client.CoreV1Api(api).list_namespaced_pod(SHOP)).items) == 1
