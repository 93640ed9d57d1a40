"""Pods as the API server tells them, read for the domain."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.kubernetes.building import answer
from holding import kept_by
from watchdog.adapters.kubernetes.pod_trimming import trim_pod
from watchdog.adapters.kubernetes.pods import to_pod
from watchdog.adapters.kubernetes.trimming import trim_workload
from watchdog.domain.live import Pod

Json = dict[str, Any]

AT = "2026-01-01T12:00:00Z"
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_pod(
    *conditions: dict[str, Any],
    spec: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    **status: Any,
) -> Pod:
    whole = {
        "metadata": {"name": "a", "uid": "u", "creationTimestamp": AT, **(metadata or {})},
        "spec": {"containers": [{"name": "app"}], **(spec or {})},
        "status": {"phase": "Running", "conditions": list(conditions), **status},
    }
    assert to_pod(trim_pod(whole)) == to_pod(whole)  # trimming drops nothing that is read
    return to_pod(trim_pod(whole))


def condition(kind: str, status: str, reason: str | None = None) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": AT, **({"reason": reason} if reason else {})}


def test_a_ready_pod_is_ready_since_its_condition_says_so() -> None:
    pod = a_pod(condition("Ready", "True"), podIP="10.0.0.1")
    assert (pod.ready, pod.ready_since, pod.unready_since, pod.gone) == (True, MOMENT, None, False)
    assert pod.address == "10.0.0.1"


def test_an_unready_pod_says_since_when() -> None:
    pod = a_pod(condition("Ready", "False", "ContainersNotReady"), condition("ContainersReady", "False"))
    assert (pod.ready_since, pod.unready_since, pod.gone) == (None, MOMENT, False)


@pytest.mark.parametrize(
    "pod",
    [
        a_pod(condition("Ready", "True"), metadata={"deletionTimestamp": AT}),
        a_pod(phase="Failed", reason="Evicted"),
        a_pod(phase="Succeeded"),
        a_pod(condition("Ready", "Unknown", "NodeStatusUnknown")),
        a_pod(condition("Ready", "False", "ContainersNotReady"), reason="NodeLost"),
        a_pod(condition("Ready", "False"), condition("ContainersReady", "True")),
    ],
    ids=["terminating", "evicted", "succeeded", "unknown", "node-lost", "node-not-ready"],
)
def test_a_pod_that_ends_or_lost_its_node_is_gone(pod: Pod) -> None:
    assert pod.gone
    assert not pod.ready


def test_a_pod_without_a_node_is_unschedulable_since() -> None:
    assert a_pod(condition("PodScheduled", "False", "Unschedulable")).unschedulable_since == MOMENT
    assert a_pod(condition("PodScheduled", "False", "SchedulingGated")).unschedulable_since is None


def test_declared_tcp_ports_have_their_name_and_number() -> None:
    ports = [
        {"name": "http", "containerPort": 8000, "protocol": "TCP"},
        {"containerPort": 9000},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
    ]
    pod = a_pod(spec={"containers": [{"name": "app", "ports": ports}], "hostNetwork": True, "nodeName": "node-1"})
    assert pod.ports == {"http": 8000, "8000": 8000, "9000": 9000}
    assert pod.host_network
    assert pod.node == "node-1"


def test_a_port_without_a_number_is_no_port() -> None:
    ports = [{"name": "http"}, {"name": "odd", "containerPort": "80"}, {"containerPort": 8000}]
    assert a_pod(spec={"containers": [{"name": "app", "ports": ports}]}).ports == {"8000": 8000}


def test_an_out_of_memory_kill_has_its_time_before_and_after_the_restart() -> None:
    killed = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": AT}}
    running = {"running": {"startedAt": AT}}
    for state, last in ((killed, {}), (running, killed)):
        (container,) = a_pod(
            containerStatuses=[{"name": "app", "restartCount": 1, "state": state, "lastState": last}]
        ).containers
        assert (container.restarts, container.oom_killed_at) == (1, MOMENT)


def test_init_containers_count_until_they_have_done_their_work_and_sidecars_always() -> None:
    done = {"terminated": {"exitCode": 0}}
    stuck = {"waiting": {"reason": "CrashLoopBackOff"}}
    pod = a_pod(
        spec={"initContainers": [{"name": "migrate"}, {"name": "proxy", "restartPolicy": "Always"}, {"name": "seed"}]},
        initContainerStatuses=[
            {"name": "migrate", "state": done},
            {"name": "proxy", "state": {"running": {}}},
            {"name": "seed", "state": stuck, "restartCount": 4},
        ],
        containerStatuses=[{"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}],
    )
    waiting = [(one.name, one.waiting) for one in pod.containers]
    assert waiting == [("proxy", None), ("seed", "CrashLoopBackOff"), ("app", "PodInitializing")]


def test_recorded_pods_that_cannot_pull_or_keep_crashing_say_why() -> None:
    pulling = answer("failing-rollouts", "pods of the revision that cannot be pulled")["items"]
    crashing = answer("failing-rollouts", "pods of the crashing revision")["items"]
    reasons = {container.waiting for pod in [*pulling, *crashing] for container in to_pod(pod).containers}
    assert {"ImagePullBackOff", "CrashLoopBackOff"} <= reasons


def a_whole_pod(name: str) -> Json:
    """As an API server sends it, without what is the same for all: through JSON, so that no text is shared."""
    states = {"running": {"startedAt": AT}}
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    condition = {"status": "True", "lastProbeTime": None, "lastTransitionTime": AT, "observedGeneration": 1}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-1", "uid": "r", "controller": True}
    whole = {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": name,
            "labels": {"app": "app"},
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": "n",
            "containers": [{"name": "app", "env": [{"name": "KEY"}], "ports": [{"containerPort": 80}]}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.1.2.3",
            "conditions": [{"type": kind, **condition} for kind in kinds],
            "containerStatuses": [{"name": "app", "restartCount": 0, "state": states, "lastState": {}}],
        },
    }
    read: Json = json.loads(json.dumps(whole))
    return read


def test_a_healthy_pod_is_kept_in_four_kilobytes_and_its_words_once_for_all() -> None:
    first, second = trim_pod(a_whole_pod("a")), trim_pod(a_whole_pod("b"))
    assert kept_by(first).bytes < 4096
    assert kept_by([first, second]).objects - kept_by(first).objects < 20
    assert first["metadata"]["labels"]["app"] is second["metadata"]["labels"]["app"]
    assert first["metadata"]["ownerReferences"][0]["uid"] is second["metadata"]["ownerReferences"][0]["uid"]


def test_no_copy_of_the_whole_object_is_kept_in_an_annotation() -> None:
    copy = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "deployment.kubernetes.io/revision": "3"}
    kept = trim_workload({"metadata": {"name": "a", "annotations": copy}})
    assert kept["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "3"}
