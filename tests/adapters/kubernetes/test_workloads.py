"""Deployments and ReplicaSets, read as the controller and kubectl read them; mostly from recordings of a real one."""

import copy
from typing import Any

from adapters.kubernetes.building import answer, transcript
from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.needs import needs
from watchdog.adapters.kubernetes.trimming import digest, trim_replicaset, trim_service, trim_workload
from watchdog.adapters.kubernetes.workload import label_selector

ROLLING = "rollout-and-undo"
FAILING = "failing-rollouts"


def a_deployment(exchange: str, name: str = ROLLING) -> dict[str, Any]:
    return trim_workload(answer(name, exchange))


def replicasets(exchange: str, name: str = ROLLING) -> list[dict[str, Any]]:
    return [trim_replicaset(one) for one in answer(name, exchange)["items"]]


def test_the_current_replicaset_is_the_one_of_the_deployments_template() -> None:
    before, after = replicasets("replicasets at revision 2"), replicasets("replicasets after the undo")
    second = workloads.current(a_deployment("deployment gateway at revision 2"), before)
    third = workloads.current(
        a_deployment("deployment gateway after the undo: revision 3, same template as revision 1"), after
    )
    assert second is not None
    assert third is not None
    assert (workloads.template_hash(second), workloads.number(second)) == ("688cdd4775", 2)
    assert (workloads.template_hash(third), workloads.number(third)) == ("6cccdbbcc4", 3)
    assert workloads.HISTORY in workloads.annotations(third)
    previous = workloads.before(third, after)
    assert previous is not None
    assert workloads.template_hash(previous) == "688cdd4775"


def test_the_patch_alone_makes_no_revision_current_until_the_controller_has_seen_it() -> None:
    undone = a_deployment("undo to revision 1, guarded by a test of the generation's resourceVersion (json patch)")
    found = workloads.current(undone, replicasets("replicasets at revision 2"))
    assert found is not None
    assert not workloads.is_observed(undone)
    assert not workloads.is_settled(undone, found)
    assert not workloads.is_complete(undone)
    assert workloads.completed_at(undone) is None


def test_a_rollout_is_complete_when_kubectl_says_so() -> None:
    assert not workloads.is_complete(a_deployment("deployment gateway while rolling"))
    done = a_deployment("deployment gateway at revision 2")
    assert workloads.is_complete(done)
    assert str(workloads.completed_at(done)) == "2026-11-23 11:09:44+00:00"


def test_a_missed_progress_deadline_shows() -> None:
    late = a_deployment("deployment past its progress deadline", FAILING)
    assert workloads.deadline_exceeded(late)
    assert workloads.progress_deadline(late) == 10
    assert not workloads.deadline_exceeded(a_deployment("deployment gateway while rolling"))


def test_why_no_pods_can_be_made_is_what_the_controller_was_told_of_the_present_spec() -> None:
    deployment = a_deployment("deployment gateway while rolling")
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded\nquota"}

    def blocked(generation: int = 1, **changes: str) -> str:
        metadata = deployment["metadata"] | {"generation": generation}
        status = {"observedGeneration": 1, "conditions": [failure | changes]}
        return workloads.blocked(deployment | {"metadata": metadata, "status": status})

    assert blocked() == "exceeded\\nquota"
    assert blocked(message="") == "FailedCreate"
    assert len(blocked(message="x" * 5000)) == 300
    assert blocked(status="False") == ""
    assert blocked(generation=2) == ""
    assert workloads.blocked(deployment) == ""


def test_an_edit_of_a_paused_deployment_leaves_its_newest_replicaset_current() -> None:
    paused = a_deployment("a paused deployment", FAILING)
    those = replicasets("replicasets then", FAILING)
    assert workloads.is_paused(paused)
    paused["template"] = paused["template"] | {"digest": "edited since"}  # what it has in common stays as it is
    found, newest = workloads.current(paused, those), workloads.newest(those)
    assert found is newest is not None
    paused["spec"]["paused"] = False
    assert workloads.current(paused, those) is None


def test_who_wrote_the_template_is_kept_of_the_managed_fields() -> None:
    found = a_deployment("deployment gateway at revision 2")
    assert workloads.managers(found) == ("python-httpx",)  # the controller wrote status and annotations alone
    assert str(workloads.written_at(found)) == "2026-11-23 11:09:42+00:00"
    service = next(one for one in transcript("blue-green") if one["name"].startswith("flip to green"))
    assert workloads.managers(trim_service(service["response"]["body"])) == ("python-httpx",)


def test_templates_are_equal_but_for_the_hash_label_and_what_is_empty() -> None:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "app", "resources": {}}]}}
    other = copy.deepcopy(template)
    other["metadata"] = {"labels": {"app": "a", "pod-template-hash": "123"}, "creationTimestamp": None}
    other["spec"] = {"containers": [{"name": "app"}], "securityContext": {}}
    assert digest(template) == digest(other)
    other["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    assert digest(template) != digest(other)
    assert digest(template, annotations=False) == digest(other, annotations=False)
    other["spec"]["containers"] = [{"name": "app", "image": "a:2"}]
    assert digest(template, annotations=False) != digest(other, annotations=False)


def test_a_colour_has_all_labels_of_the_selector_some_with_other_values() -> None:
    labels = {"app": "brand", "colour": "blue", "pod-template-hash": "1"}
    assert workloads.selects({"app": "brand", "colour": "blue"}, labels)
    assert not workloads.selects({}, labels)
    assert workloads.looks_like_a_colour({"app": "brand", "colour": "green"}, labels)
    assert not workloads.looks_like_a_colour({"app": "brand", "colour": "blue"}, labels)
    assert not workloads.looks_like_a_colour({"app": "gateway", "colour": "green"}, labels)
    assert not workloads.looks_like_a_colour({"app": "brand", "tier": "web"}, labels)


def test_selectors_are_asked_for_as_lists_take_them() -> None:
    selector = {
        "matchLabels": {"app": "brand"},
        "matchExpressions": [
            {"key": "colour", "operator": "In", "values": ["blue", "green"]},
            {"key": "tier", "operator": "NotIn", "values": ["batch"]},
            {"key": "a", "operator": "Exists"},
            {"key": "b", "operator": "DoesNotExist"},
        ],
    }
    assert label_selector(selector) == "app=brand,colour in (blue,green),tier notin (batch),a,!b"


def test_what_a_template_needs_leaves_out_secrets_and_what_is_optional() -> None:
    reference = {"name": "settings", "key": "url"}
    optional = {"configMapKeyRef": {"name": "extras", "key": "x", "optional": True}}
    spec = {
        "serviceAccountName": "brand",
        "volumes": [
            {"configMap": {"name": "files", "items": [{"key": "a.conf"}]}},
            {"configMap": {"name": "maybe", "optional": True}},
            {"persistentVolumeClaim": {"claimName": "data"}},
            {"secret": {"secretName": "password"}},
            {"projected": {"sources": [{"configMap": {"name": "more"}}, {"secret": {"name": "token"}}]}},
            {"emptyDir": {}},
        ],
        "containers": [
            {
                "envFrom": [{"configMapRef": {"name": "env"}}, {"secretRef": {"name": "password"}}],
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": reference}},
                    {"name": "B", "valueFrom": optional},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "password", "key": "p"}}},
                    {"name": "D", "value": "plain"},
                ],
            }
        ],
        "initContainers": [{"envFrom": [{"configMapRef": {"name": "init"}}]}],
    }
    assert [(resource.kind, name, key) for resource, name, key in needs({"spec": spec})] == [
        ("ConfigMap", "env", ""),
        ("ConfigMap", "files", "a.conf"),
        ("ConfigMap", "init", ""),
        ("ConfigMap", "more", ""),
        ("ConfigMap", "settings", "url"),
        ("PersistentVolumeClaim", "data", ""),
        ("ServiceAccount", "brand", ""),
    ]
