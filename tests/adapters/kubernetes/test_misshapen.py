"""What is said of an object that cannot be read: where in it, and what would be right, without names of Python."""

from typing import Any

import pytest

from watchdog.adapters.kubernetes.errors import UNREADABLE, strange
from watchdog.adapters.kubernetes.misshapen import misshapen
from watchdog.adapters.kubernetes.trimming import trim_workload


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("x", "spec is text, not a map"),
        ({"rules": "nope"}, "spec.rules is text, not a list"),
        ({"rules": {"a": 1}}, "spec.rules is a map, not a list"),
        ({"rules": ["x", None]}, "spec.rules[0] is text, not a map"),
        ({"rules": [{"backendRefs": [{}, None]}]}, "spec.rules[0].backendRefs[0] has no name"),
        ({"rules": [None]}, "spec.rules[0] is empty, not a map"),
        (
            {"rules": [{"backendRefs": [{"name": "a"}, {"name": "b", "weight": "x"}]}]},
            'spec.rules[0].backendRefs[1].weight is "x", not a whole number',
        ),
        (
            {"http": [{"route": [{"destination": "x", "weight": 1}]}]},
            "spec.http[0].route[0].destination is text, not a map",
        ),
        ({"replicas": []}, "spec.replicas is a list, not a whole number"),
        ({"rules": None, "replicas": "3"}, ""),
        ({}, ""),
    ],
)
def test_the_first_place_that_is_of_another_shape_is_named(spec: Any, said: str) -> None:
    assert misshapen({"metadata": {"name": "a"}, "spec": spec}) == said


@pytest.mark.parametrize("one", [None, "x", 3, [], {"spec": {"template": {"spec": {"containers": {"a": 1}}}}}])
def test_whatever_it_is_it_is_said_without_names_of_python(one: Any) -> None:
    try:
        trim_workload(one)
    except UNREADABLE as error:
        for said in (strange(error, one), strange(error)):
            assert said.startswith("not the shape of its kind (")
            assert not any(word in said for word in ("Error", "object has no attribute", "'", "NoneType"))
    else:
        pytest.fail("it could be read")


def test_a_part_that_is_missing_is_named() -> None:
    assert strange(KeyError("uid")) == "not the shape of its kind (it has no uid)"
