"""An object that is nested more deeply than JSON can be read here is one object that cannot be read."""

import json
from typing import Any

import pytest

from adapters.kubernetes.building import SHOP, a_client, a_cluster, a_gateway, passes
from adapters.kubernetes.test_reflector import following, there
from adapters.kubernetes.test_streams import Scripted, event, told
from watchdog.adapters.kubernetes.changes import Relisted, Unreadable
from watchdog.adapters.kubernetes.errors import NoAnswer
from watchdog.adapters.kubernetes.kinds import CONTROLLERREVISIONS, DEPLOYMENTS
from watchdog.adapters.kubernetes.nested import DEEPEST, is_cut, loaded
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.simulator.clock import run_simulated

WHY = f"nested more deeply than {DEEPEST} levels"


def nested(levels: int) -> str:
    return '{"a":' * levels + '"}]"' + "}" * levels


def a_list(*names: str) -> str:
    """A list of pods, of which that called `deep` has a field that nothing can read."""
    whole = {"kind": "PodList", "metadata": {"resourceVersion": "9"}, "items": [_pod(name) for name in names]}
    return json.dumps(whole).replace('"deep-spec"', nested(5000))


def _pod(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": SHOP, "uid": name, "resourceVersion": "3"}
    return {"metadata": metadata, "spec": f"{name}-spec" if name == "deep" else {"containers": []}, "status": {}}


@pytest.mark.parametrize("levels", [1_000, 5_000, 50_000])
def test_what_lies_too_deeply_is_cut_out_and_all_else_is_as_it_was(levels: int) -> None:
    raw = f'{{"items": [{{"x": {nested(levels)}, "y": "[{{"}}, {{"y": [1]}}], "z": "\\"}}"}}'.encode()
    document = loaded(raw)
    assert [is_cut(one) for one in document["items"]] == [True, False]
    assert (document["items"][0]["y"], document["items"][1]["y"], document["z"]) == ("[{", [1], '"}')
    assert loaded(b'{"x": {"y": 1}}') == {"x": {"y": 1}}


def test_what_is_no_json_is_none_however_deep() -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra"):
        loaded(b"[" * 5000)


def test_a_list_with_it_is_the_list_of_all_others_and_is_not_asked_for_again() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            cluster.faults.answer(200, a_list("one", "deep", "two"), path="/api/v1/namespaces/shop/pods")
            async with following(client) as follower:
                await passes(30)
                (relisted,) = [one for one in follower.changes if isinstance(one, Relisted)]
                assert [one["metadata"]["name"] for one in relisted.objects] == ["one", "two"]
                assert [(one.object["metadata"]["name"], one.why) for one in relisted.unreadable] == [("deep", WHY)]
                assert follower.reflector.trouble == ""
                assert there(cluster) <= follower.names  # what came after it

    run_simulated(main())


def test_as_it_comes_it_is_the_one_that_cannot_be_read() -> None:
    line = event("ADDED", 4).replace(b'"spec": {}', b'"spec": ' + nested(5000).encode())
    changes = told(Scripted([line, 1000.0]), trim=TRIMS[CONTROLLERREVISIONS])
    (strange,) = [one for one in changes if isinstance(one, Unreadable)]
    assert strange.why == WHY


def test_asked_for_alone_it_is_one_clear_error() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            await a_gateway(cluster)
            cluster.faults.answer(200, f'{{"metadata": {{}}, "spec": {nested(5000)}}}')
            with pytest.raises(NoAnswer, match=WHY):
                await client.get(DEPLOYMENTS, SHOP, "gateway")

    run_simulated(main())
