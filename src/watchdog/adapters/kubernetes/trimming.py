"""What is kept of an object: the watchdog holds thousands of them, and needs little of each.

Pod templates become digests: what is asked of them in memory is only whether two are equal. Whoever needs a whole
template (a put-back) reads it fresh. Trimming is done at the door, before anything is stored.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from watchdog.adapters.kubernetes.kinds import (
    CONTROLLERREVISIONS,
    DAEMONSETS,
    DEPLOYMENTS,
    DESTINATIONRULES,
    HTTPROUTES,
    INGRESSES,
    PODS,
    REPLICASETS,
    SERVICES,
    STATEFULSETS,
    VIRTUALSERVICES,
    Resource,
)

Json = dict[str, Any]

HASH_LABEL = "pod-template-hash"
_SPEC = (
    "replicas",
    "paused",
    "progressDeadlineSeconds",
    "selector",
    "updateStrategy",
    "podManagementPolicy",
    "ordinals",
)
_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")


def digest(template: Json, *, annotations: bool = True) -> str:
    """A fingerprint of a pod template, as the deployment controller compares them.

    The pod-template-hash label does not count, and nothing is the same as empty. Without `annotations` two templates
    that differ only by a `kubectl rollout restart` are equal.
    """
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    if not annotations:
        metadata.pop("annotations", None)
    plain = _without_empties({"metadata": metadata, "spec": template.get("spec")})
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]


def _without_empties(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empties(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, {}, [])}
    if isinstance(value, list):
        return [_without_empties(inner) for inner in value]
    return value


def trim_workload(full: Json) -> Json:
    """A Deployment, StatefulSet or DaemonSet without its template."""
    spec = full.get("spec") or {}
    return {
        "metadata": _metadata(full, "annotations"),
        "spec": {key: spec[key] for key in _SPEC if key in spec},
        "status": full.get("status") or {},
        "template": trim_template(spec.get("template") or {}),
        "writers": writers(full, "f:template"),
    }


def trim_replicaset(full: Json) -> Json:
    """A ReplicaSet without its template."""
    return {
        "metadata": _metadata(full, "annotations", "ownerReferences"),
        "spec": {"replicas": (full.get("spec") or {}).get("replicas", 1)},
        "template": trim_template((full.get("spec") or {}).get("template") or {}),
    }


def trim_revision(full: Json) -> Json:
    """A ControllerRevision without the template that it keeps."""
    return {
        "metadata": _metadata(full, "annotations", "ownerReferences"),
        "revision": int(full.get("revision") or 0),
        "template": trim_template(kept_template(full)),
    }


def kept_template(full: Json) -> Json:
    """The pod template that a ControllerRevision keeps: its data are a patch that replaces a workload's own by it."""
    template = ((full.get("data") or {}).get("spec") or {}).get("template") or {}
    return {key: value for key, value in template.items() if key != "$patch"}


def trim_template(template: Json) -> Json:
    """A pod template's fingerprints, labels and images."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    return {
        "digest": digest(template),
        "unannotated": digest(template, annotations=False),
        "labels": {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL},
        "images": tuple(str(container.get("image", "")) for container in spec.get("containers") or []),
    }


def trim_service(full: Json) -> Json:
    """A Service's selector and who wrote it."""
    spec = full.get("spec") or {}
    return {
        "metadata": _metadata(full, "annotations"),
        "spec": {"type": spec.get("type", "ClusterIP"), "selector": spec.get("selector") or {}},
        "writers": writers(full, "f:selector"),
    }


def trim_route(*weights: str) -> Callable[[Json], Json]:
    """What routes by weights, with its spec: there are few of them. `weights`: where they are, in managedFields."""

    def trim(full: Json) -> Json:
        kept = {"metadata": _metadata(full, "annotations"), "spec": full.get("spec") or {}}
        return {**kept, "writers": writers(full, *weights)}

    return trim


def trim_pod(full: Json) -> Json:
    """A pod's ports, limits, conditions and container states; neither its environment nor its volumes."""
    spec, status = full.get("spec") or {}, full.get("status") or {}
    return {
        "metadata": _metadata(full, "ownerReferences"),
        "spec": {
            "nodeName": spec.get("nodeName"),
            "hostNetwork": bool(spec.get("hostNetwork")),
            "containers": [_container(container) for container in spec.get("containers") or []],
            "initContainers": [_container(container) for container in spec.get("initContainers") or []],
        },
        "status": {
            "phase": status.get("phase"),
            "reason": status.get("reason"),
            "podIP": status.get("podIP"),
            "conditions": [
                {key: condition.get(key) for key in ("type", "status", "reason", "lastTransitionTime")}
                for condition in status.get("conditions") or []
            ],
            "containerStatuses": [_status(one) for one in status.get("containerStatuses") or []],
            "initContainerStatuses": [_status(one) for one in status.get("initContainerStatuses") or []],
        },
    }


def _container(full: Json) -> Json:
    kept = {key: full[key] for key in ("name", "ports", "restartPolicy") if key in full}
    return kept | _resources(full)


def _resources(full: Json) -> Json:
    """The CPU and memory limits, of a container or of its status; that it says nothing of them is kept too."""
    resources = full.get("resources")
    if not resources:
        return {}
    limits = resources.get("limits") or {}
    kept = {name: limits[name] for name in ("cpu", "memory") if name in limits}
    return {"resources": {"limits": kept}}


def _status(full: Json) -> Json:
    """Messages are left out: a crash loop rewrites them, and nothing is read from them."""
    kept: Json = {"name": full.get("name"), "restartCount": full.get("restartCount", 0)}
    kept |= _resources(full)
    for field in ("state", "lastState"):
        kept[field] = {
            state: {key: details[key] for key in ("reason", "exitCode", "startedAt", "finishedAt") if key in details}
            for state, details in (full.get(field) or {}).items()
        }
    return kept


def _metadata(full: Json, *also: str) -> Json:
    metadata = full.get("metadata") or {}
    return {key: metadata[key] for key in (*_METADATA, "labels", *also) if key in metadata}


def writers(full: Json, field: str, *within: str) -> list[tuple[str, str]]:
    """Who wrote a field of `spec` (or `within` another), newest first: (manager, time).

    From managedFields, which is dropped.
    """
    entries = (full.get("metadata") or {}).get("managedFields") or []
    found = [
        (str(entry.get("manager", "")), str(entry.get("time", "")))
        for entry in entries
        if field in _owned(entry.get("fieldsV1") or {}, within or ("f:spec",))
    ]
    return sorted(found, key=lambda writer: writer[1], reverse=True)


def _owned(fields: Json, path: Iterable[str]) -> Json:
    for step in path:
        fields = fields.get(step) or {}
    return fields


TRIMS: dict[Resource, Callable[[Json], Json]] = {
    DEPLOYMENTS: trim_workload,
    STATEFULSETS: trim_workload,
    DAEMONSETS: trim_workload,
    CONTROLLERREVISIONS: trim_revision,
    REPLICASETS: trim_replicaset,
    PODS: trim_pod,
    SERVICES: trim_service,
    HTTPROUTES: trim_route("f:rules"),
    VIRTUALSERVICES: trim_route("f:http"),
    DESTINATIONRULES: trim_route("f:subsets"),
    INGRESSES: trim_route("f:nginx.ingress.kubernetes.io/canary-weight", "f:metadata", "f:annotations"),
}
