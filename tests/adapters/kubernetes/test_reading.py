"""A client that only reads: nothing that would change something leaves it, however it is asked."""

from collections.abc import Awaitable, Callable

import pytest

from adapters.kubernetes.building import SHOP, a_client, a_cluster
from watchdog.adapters.kubernetes.client import JSON_PATCH, MERGE_PATCH, KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS, DEPLOYMENTS
from watchdog.adapters.kubernetes.reading import ReadingClient, WouldWrite, withholding
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import run_simulated

PATCH = [{"op": "add", "path": "/metadata/labels/a", "value": "ä"}]
WRITES: dict[str, Callable[[KubeClient], Awaitable[object]]] = {
    "create": lambda client: client.create(CONFIGMAPS, SHOP, {"metadata": {"name": "one"}}),
    "replace": lambda client: client.replace(CONFIGMAPS, SHOP, "one", {"metadata": {"name": "one"}}),
    "delete": lambda client: client.delete(CONFIGMAPS, SHOP, "one"),
    "patch": lambda client: client.patch(DEPLOYMENTS, SHOP, "one", PATCH, content_type=JSON_PATCH),
    "review": lambda client: client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}),
}


def with_a_client(
    act: Callable[[ReadingClient, KubeClient], Awaitable[None]], *rules: Rule, rehearses: bool
) -> list[str]:
    """Do something with a client that reads, and one that may all; returns the methods of the first's requests."""
    methods: list[str] = []

    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.create("namespaces", "", {"metadata": {"name": SHOP}})
            token = cluster.user("reader", rules or None)
            async with a_client(cluster, token) as inner, a_client(cluster) as admin:
                await act(ReadingClient(inner, rehearses=rehearses), admin)
            methods.extend(one.method for one in cluster.requests if one.user == "reader")

    run_simulated(main())
    return methods


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("rehearses", [False, True])
def test_a_write_is_a_fault_and_is_not_sent(write: str, rehearses: bool) -> None:
    async def act(client: ReadingClient, _: KubeClient) -> None:
        with pytest.raises(WouldWrite):
            await WRITES[write](client)

    assert with_a_client(act, rehearses=rehearses) == []


def test_a_patch_is_collected_as_it_would_be_sent() -> None:
    async def act(client: ReadingClient, _: KubeClient) -> None:
        with withholding() as writes:
            assert await client.patch(DEPLOYMENTS, SHOP, "one", PATCH, content_type=JSON_PATCH) == {}
            await client.patch(DEPLOYMENTS, SHOP, "two", {}, content_type=MERGE_PATCH, subresource="scale")
        assert [(one.path, one.content_type) for one in writes] == [
            (f"/apis/apps/v1/namespaces/{SHOP}/deployments/one", JSON_PATCH),
            (f"/apis/apps/v1/namespaces/{SHOP}/deployments/two/scale", MERGE_PATCH),
        ]
        assert writes[0].body == '[{"op": "add", "path": "/metadata/labels/a", "value": "\\u00e4"}]'
        with pytest.raises(WouldWrite):
            await client.patch(DEPLOYMENTS, SHOP, "one", PATCH, content_type=JSON_PATCH)

    assert with_a_client(act, rehearses=False) == []


def test_a_rehearsal_goes_to_the_server_only_where_it_was_asked_for() -> None:
    async def act(client: ReadingClient, admin: KubeClient) -> None:
        await admin.create(CONFIGMAPS, SHOP, {"metadata": {"name": "one", "labels": {}}})
        await client.patch(CONFIGMAPS, SHOP, "one", {"data": {"a": "1"}}, content_type=MERGE_PATCH, dry_run=True)
        assert "data" not in await admin.get(CONFIGMAPS, SHOP, "one")

    assert with_a_client(act, rehearses=False) == []
    assert with_a_client(act, rehearses=True) == ["PATCH"]


def test_a_rehearsal_that_is_forbidden_is_asked_once_and_then_left_out_with_a_sentence() -> None:
    async def act(client: ReadingClient, admin: KubeClient) -> None:
        await admin.create(CONFIGMAPS, SHOP, {"metadata": {"name": "one"}})
        for _ in range(3):
            await client.patch(CONFIGMAPS, SHOP, "one", {}, content_type=MERGE_PATCH, dry_run=True)
        assert f"configmaps of namespace {SHOP} may not be patched" in client.unrehearsed

    assert with_a_client(act, Rule(["get"], ["*"]), rehearses=True) == ["PATCH"]


def test_a_rehearsal_that_the_server_refuses_for_another_reason_is_refused() -> None:
    async def act(client: ReadingClient, _: KubeClient) -> None:
        with pytest.raises(ApiError):
            await client.patch(CONFIGMAPS, SHOP, "none", {}, content_type=MERGE_PATCH, dry_run=True)
        assert client.unrehearsed == ""

    assert with_a_client(act, rehearses=True) == ["PATCH"]
