"""What a write leaves behind in the simulated API server: versions, generations, owners of fields, refusals."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.kubernetes.building import SHOP, a_client, a_cluster
from watchdog.simulator import patches
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.fieldsets import difference, last_writer, union, without
from watchdog.simulator.refusals import Refusal
from watchdog.simulator.selectors import label_selector, matches


def metadata(cluster: SimulatedCluster, kind: str = "deployments", name: str = "gateway") -> dict[str, Any]:
    found: dict[str, Any] = cluster.get(kind, SHOP, name)["metadata"]
    return found


def test_a_write_that_changes_nothing_has_no_version() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway")
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            before = cluster.version
            cluster.deploy(SHOP, "gateway", "gateway:v1")
            await cluster.settled()
            assert cluster.version == before

    run_simulated(main())


def test_spec_and_annotations_count_the_generation_up_and_labels_and_status_do_not() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway")
            await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))
            assert metadata(cluster)["generation"] == 1
            cluster.patch("deploy", SHOP, "gateway", {"metadata": {"labels": {"team": "shop"}}})
            assert metadata(cluster)["generation"] == 1
            cluster.patch("deploy", SHOP, "gateway", {"metadata": {"annotations": {"note": "x"}}})
            assert metadata(cluster)["generation"] == 2
            cluster.patch("deploy", SHOP, "gateway", {"spec": {"replicas": 2}})
            assert metadata(cluster)["generation"] == 3

    run_simulated(main())


def test_the_last_writer_of_a_selector_and_of_a_template_can_be_read() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway", manager="helm")
            cluster.service(SHOP, "gateway", {"app": "gateway"}, manager="helm")
            await cluster._clock.sleep(60)
            cluster.flip(SHOP, "gateway", {"app": "gateway-green"}, manager="argo")
            cluster.patch("svc", SHOP, "gateway", {"metadata": {"labels": {"a": "b"}}}, manager="person")
            cluster.deploy(SHOP, "gateway", "gateway:v2", manager="kubectl-set")
            flipped = last_writer(cluster.get("svc", SHOP, "gateway"), ("spec", "selector"))
            deployed = last_writer(cluster.get("deploy", SHOP, "gateway"), ("spec", "template"))
            assert flipped is not None
            assert deployed is not None
            assert (flipped["manager"], flipped["time"]) == ("argo", "2026-01-01T12:01:00Z")
            assert (deployed["manager"], deployed["time"]) == ("kubectl-set", "2026-01-01T12:01:00Z")
            owners = {entry["manager"]: entry["fieldsV1"] for entry in metadata(cluster, "svc")["managedFields"]}
            assert "f:selector" not in owners["helm"]["f:spec"]
            assert owners["argo"] == {"f:spec": {"f:selector": {}}}
            assert owners["person"] == {"f:metadata": {"f:labels": {"f:a": {}}}}

    run_simulated(main())


def test_the_scale_subresource_and_an_autoscaler_leave_their_own_mark() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.deploy(SHOP, "gateway")
            cluster.scale(SHOP, "gateway", 5)
            marks = [(e["manager"], e.get("subresource")) for e in metadata(cluster)["managedFields"]]
            assert ("horizontal-pod-autoscaler", "scale") in marks
            assert cluster.get("deploy", SHOP, "gateway")["spec"]["replicas"] == 5

    run_simulated(main())


def test_users_may_do_what_their_rules_allow() -> None:
    async def main() -> None:
        rules = [
            Rule(["get", "list", "watch"], ["deployments", "replicasets"], ["apps"]),
            Rule(["patch"], ["deployments"], ["apps"], namespaces=[SHOP], names=["gateway"]),
        ]
        async with a_cluster() as cluster, a_client(cluster, cluster.user("watchdog", rules)) as api:
            for name in ("gateway", "brand"):
                cluster.deploy(SHOP, name)
            base = f"/apis/apps/v1/namespaces/{SHOP}/deployments"
            codes = {}
            for method, path in (
                ("GET", base),
                ("GET", "/apis/apps/v1/deployments"),
                ("PATCH", f"{base}/gateway"),
                ("PATCH", f"{base}/brand"),
                ("PATCH", f"{base}/gateway/scale"),
                ("DELETE", f"{base}/gateway"),
                ("GET", f"/api/v1/namespaces/{SHOP}/pods"),
            ):
                headers = {"Authorization": "Bearer token-of-watchdog", "Content-Type": patches.MERGE}
                body = {"spec": {"replicas": 2}} if method == "PATCH" else None
                rest = api.rest_client
                answer = await rest.pool_manager.request(method, cluster.url + path, json=body, headers=headers)
                codes[method, path.removeprefix(base)] = answer.status
                answer.release()
            assert list(codes.values()) == [200, 200, 200, 403, 403, 403, 403]

    run_simulated(main())


@pytest.mark.parametrize(
    ("kind", "body", "code", "words"),
    [
        ("deploy", {"metadata": {"name": "a"}, "spec": {}}, 422, "spec.selector: Required value"),
        ("cm", {"metadata": {"name": "a", "annotations": {"n": 1}}}, 400, "cannot unmarshal number into Go struct"),
        ("cm", {"metadata": {"name": "a"}, "data": {"a": {"b": 1}}}, 400, "ConfigMap.data of type string"),
        ("cm", {"metadata": {"name": "a"}, "data": {"a": "x" * 1_100_000}}, 422, "Too long"),
        ("cm", {"metadata": {"name": "a", "labels": {"l": "a b"}}}, 422, "a valid label must be an empty string"),
        ("cm", {"metadata": {}}, 422, "name or generateName is required"),
        ("cm", {"metadata": {"name": "a", "namespace": "other"}}, 400, "does not match the namespace"),
        ("svc", {"metadata": {"name": "1a"}, "spec": {"ports": [{"port": 80}]}}, 422, "a DNS-1035 label must"),
        ("lease", {"metadata": {"name": "a"}, "spec": {"leaseDurationSeconds": 0}}, 422, "must be greater than 0"),
        ("Deployment", {"kind": "Service", "metadata": {"name": "a"}}, 400, "cannot be handled as a Deployment"),
    ],
)
def test_what_a_server_refuses_is_refused(kind: str, body: dict[str, Any], code: int, words: str) -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            with pytest.raises(Refusal) as refused:
                cluster.create(kind, SHOP, body)
            assert refused.value.code == code
            assert words in refused.value.message

    run_simulated(main())


def test_an_update_of_a_lease_needs_a_version() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as api:
            cluster.create("leases", SHOP, {"metadata": {"name": "leader"}, "spec": {"holderIdentity": "a"}})
            url = f"{cluster.url}/apis/coordination.k8s.io/v1/namespaces/{SHOP}/leases/leader"
            headers = {"Authorization": f"Bearer {cluster.token}"}
            body = {"metadata": {"name": "leader"}, "spec": {"holderIdentity": "b"}}
            async with api.rest_client.pool_manager.put(url, json=body, headers=headers) as answer:
                assert answer.status == 422
                assert "must be specified for an update" in await answer.text()

    run_simulated(main())


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}}, {"b": {"c": 2, "d": 3}}),
        ({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}, {"containers": [{"name": "a", "image": "2"}]},
         {"containers": [{"name": "a", "image": "2"}, {"name": "b"}]}),
        ({"containers": [{"name": "a"}, {"name": "b"}]}, {"containers": [{"name": "a", "$patch": "delete"}]},
         {"containers": [{"name": "b"}]}),
        ({"containers": [{"name": "a"}]}, {"containers": [{"$patch": "replace"}, {"name": "c"}]},
         {"containers": [{"name": "c"}]}),
        ({"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}},
         {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}, {"strategy": {"type": "Recreate"}}),
        ({"labels": {"a": "b"}}, {"labels": {"$patch": "replace", "c": "d"}}, {"labels": {"c": "d"}}),
        ({"env": [{"name": "A", "value": "1"}, {"name": "B"}]},
         {"$setElementOrder/env": [{"name": "B"}, {"name": "A"}], "env": [{"name": "A", "value": "2"}]},
         {"env": [{"name": "B"}, {"name": "A", "value": "2"}]}),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        ({"finalizers": ["a"]}, {"finalizers": ["b"]}, {"finalizers": ["a", "b"]}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
    ],
)  # fmt: skip
def test_strategic_merge_patches(target: Any, patch: Any, result: Any) -> None:
    before = str(target)
    assert patches.strategic(target, patch) == result
    assert str(target) == before


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ([{"op": "add", "path": "/b/-", "value": 3}], {"a": {"x/y": 1}, "b": [1, 2, 3]}),
        ([{"op": "add", "path": "/b/0", "value": 3}], {"a": {"x/y": 1}, "b": [3, 1, 2]}),
        ([{"op": "remove", "path": "/a/x~1y"}], {"a": {}, "b": [1, 2]}),
        ([{"op": "replace", "path": "/b/1", "value": 5}], {"a": {"x/y": 1}, "b": [1, 5]}),
        ([{"op": "move", "from": "/b/0", "path": "/c"}], {"a": {"x/y": 1}, "b": [2], "c": 1}),
        ([{"op": "copy", "from": "/b", "path": "/a/b"}], {"a": {"x/y": 1, "b": [1, 2]}, "b": [1, 2]}),
        ([{"op": "test", "path": "/b/0", "value": 2}], None),
        ([{"op": "test", "path": "/none", "value": 2}], None),
        ([{"op": "remove", "path": "/none"}], None),
        ([{"op": "replace", "path": "/none", "value": 1}], None),
        ([{"op": "add", "path": "/none/x", "value": 1}], None),
        ([{"op": "add", "path": "/b/9", "value": 1}], None),
        ([{"op": "guess", "path": "/b"}], None),
    ],
)
def test_json_patches(steps: list[Any], result: Any) -> None:
    target = {"a": {"x/y": 1}, "b": [1, 2]}
    if result is None:
        with pytest.raises(Refusal) as refused:
            patches.json_patch(target, steps)
        assert refused.value.code == 422
    else:
        assert patches.json_patch(target, steps) == result
    assert target == {"a": {"x/y": 1}, "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", {"blue", "green", "bare"}),
        ("colour=blue", {"blue"}),
        ("colour==blue,app", {"blue"}),
        ("colour!=blue", {"green", "bare"}),
        ("colour in (blue, green)", {"blue", "green"}),
        ("colour notin (blue),app=x", {"green"}),
        ("!colour", {"bare"}),
    ],
)
def test_label_selectors(text: str, selected: set[str]) -> None:
    labels = {"blue": {"app": "x", "colour": "blue"}, "green": {"app": "x", "colour": "green"}, "bare": {}}
    assert {name for name, each in labels.items() if label_selector(text)(each)} == selected


def test_a_selector_that_cannot_be_read_is_a_bad_request() -> None:
    with pytest.raises(Refusal):
        label_selector("a in blue")


def test_label_selectors_of_objects() -> None:
    selector = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "DoesNotExist"}]}
    assert matches(selector, {"a": "b"})
    assert not matches(selector, {"a": "b", "c": "d"})
    assert not matches(None, {})


VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda parts: st.dictionaries(st.sampled_from("abc"), parts, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(OBJECTS, OBJECTS)
def test_no_change_takes_no_field_and_sets_add_up(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert difference("", old, old) == ({}, {})
    taken, lost = difference("", old, new)
    assert (not taken and not lost) == (old == new)
    assert union(taken, taken) == taken
    assert without(taken, taken) == {}
