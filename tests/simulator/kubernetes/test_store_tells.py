"""Who is told of a change: those who asked for all, for its resource, or for that within its namespace."""

import pytest

from watchdog.simulator.cleaning import cleaned
from watchdog.simulator.objects import Object
from watchdog.simulator.resources import DEPLOYMENTS, NAMESPACES, PODS, Resource
from watchdog.simulator.store import Store


def _object(namespace: str, name: str = "one") -> Object:
    place = {"namespace": namespace} if namespace else {}
    return {"metadata": {**place, "name": name, "uid": name}}


@pytest.mark.parametrize(
    ("resource", "namespace", "told"),
    [
        (None, "", ["a pod", "another's pod", "a deployment", "a namespace"]),
        (PODS, "", ["a pod", "another's pod"]),
        (PODS, "a", ["a pod"]),
        (DEPLOYMENTS, "b", []),
        (NAMESPACES, "", ["a namespace"]),
    ],
)
def test_a_change_is_told_once_to_each_who_asked_for_it(
    resource: Resource | None, namespace: str, told: list[str]
) -> None:
    store, heard = Store(), []
    store.subscribe(lambda change: heard.append(change.object["metadata"]["name"]), resource, namespace)

    store.put(PODS, _object("a", "a pod"))
    store.put(PODS, _object("b", "another's pod"))
    store.put(DEPLOYMENTS, _object("a", "a deployment"))
    store.put(NAMESPACES, _object("", "a namespace"))

    assert heard == told


def test_who_has_ended_it_is_told_no_more() -> None:
    store, heard = Store(), []
    end = store.subscribe(lambda change: heard.append(change.version), PODS, "a")
    store.put(PODS, _object("a"))

    end()
    store.put(PODS, _object("a"))

    assert len(heard) == 1


def test_what_is_new_is_cleaned_and_what_is_shared_with_the_stored_object_is_left_as_it_is() -> None:
    stored: Object = {"metadata": {"name": "one", "labels": {"app": "one"}}, "spec": {"template": {"a": 1}}}
    new = {**stored, "metadata": {**stored["metadata"], "annotations": {}, "finalizers": None}}

    found = cleaned(new, stored)

    assert found == stored
    assert found["spec"] is stored["spec"]
    assert found["metadata"]["labels"] is stored["metadata"]["labels"]
