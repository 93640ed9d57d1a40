"""What of a pod template people may see: names, never values."""

import copy
from contextlib import suppress
from typing import Any

from hypothesis import given

from fuzz.mutating import mutants
from watchdog.adapters.kubernetes.errors import NoAnswer
from watchdog.adapters.kubernetes.particulars import REVISION, SOURCE, description, parts_of
from watchdog.domain.changes import changes

CANARY = "hunter2"
TEMPLATE: dict[str, Any] = {
    "metadata": {"annotations": {SOURCE: "https://git.example.com/shop", REVISION: "ABCDEF1234"}},
    "spec": {
        "serviceAccountName": "api",
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [
            {"name": "a", "configMap": {"name": "settings"}},
            {"name": "b", "secret": {"secretName": "certificate"}},
            {"name": "c", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
            {"name": "d", "emptyDir": {}},
        ],
        "initContainers": [{"name": "migrate", "image": "migrate:1", "args": [CANARY]}],
        "containers": [
            {
                "name": "api",
                "image": "shop:v1@sha256:0123",
                "command": ["serve", CANARY],
                "env": [
                    {"name": "PASSWORD", "value": CANARY},
                    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "one"}}},
                ],
                "envFrom": [{"configMapRef": {"name": "flags"}}],
                "ports": [{"containerPort": 8000}],
                "resources": {"limits": {"memory": "64Mi", "cpu": "1"}},
                "readinessProbe": {
                    "httpGet": {"path": "/ready", "port": 8000, "httpHeaders": [{"name": "X", "value": CANARY}]},
                    "periodSeconds": 5,
                },
                "livenessProbe": {"exec": {"command": ["check", CANARY]}, "failureThreshold": 3},
                "startupProbe": {"grpc": {"port": 9000}},
            }
        ],
    },
}


def test_each_part_is_named_and_no_value_is_told() -> None:
    parts = parts_of(TEMPLATE)
    assert parts == {
        "migrate image": "migrate:1",
        "api image": "shop:v1@sha256:0123",
        "api environment": ("PASSWORD", "KEY"),
        "api ports": ("8000",),
        "api limits": "cpu 1, memory 64Mi",
        "api readiness probe": "GET /ready on 8000, every 5 s",
        "api liveness probe": "a command, 3 failures",
        "api startup probe": "gRPC on 9000",
        "configmaps": ("flags", "settings"),
        "secrets": ("certificate", "keys", "projected", "registry"),
        "service account": "api",
    }
    assert CANARY not in str(parts)


def test_source_and_commit_come_from_the_nearest_annotation() -> None:
    own = description({}, TEMPLATE, [{REVISION: "1111111"}])
    assert (own.source, own.commit) == ("https://git.example.com/shop", "abcdef1234")
    bare = description({}, {"spec": {}}, [{}, {REVISION: "1111111"}])
    assert (bare.source, bare.commit) == ("", "1111111")


def test_the_annotation_of_the_guards_choice_names_the_commit_before_the_usual_one() -> None:
    own = description({}, TEMPLATE, [{"example.org/commit": "2222222AB"}], "example.org/commit")
    assert (own.source, own.commit) == ("https://git.example.com/shop", "2222222ab")
    page = "https://git.example.com/shop/commit/ABC"
    assert description({}, TEMPLATE, [{"example.org/commit": page}], "example.org/commit").commit == page
    assert description({}, TEMPLATE, [{}], "example.org/commit").commit == "abcdef1234"


def test_that_a_value_or_an_argument_differs_is_said_and_not_which() -> None:
    other = copy.deepcopy(TEMPLATE)
    container = other["spec"]["containers"][0]
    container["env"][0]["value"] = "hunter3"
    container["command"].append("--token=hunter3")
    other["spec"]["nodeSelector"] = {"pool": "spot"}
    said = changes(description({}, TEMPLATE, []), description({}, other, [])).lines
    assert said == ("scheduling: another one", "api value of PASSWORD: another one", "api command: another one")


def test_what_is_compared_in_no_other_way_is_not_passed_over() -> None:
    other = copy.deepcopy(TEMPLATE)
    other["spec"]["terminationGracePeriodSeconds"] = 5
    said = changes(description({}, TEMPLATE, []), description({}, other, [])).lines
    assert said == ("something else in the pod template",)


@given(mutants(TEMPLATE, most=3))
def test_a_template_of_another_shape_is_described_or_is_no_answer(template: dict[str, Any]) -> None:
    with suppress(NoAnswer):
        changes(description({}, TEMPLATE, []), description({}, template, []))
