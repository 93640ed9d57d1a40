"""What is kept of an object: the watchdog holds thousands of them, and needs little of each.

Pod templates become digests: what is asked of them in memory is only whether two are equal. Whoever needs a whole
template (a put-back) reads it fresh. Trimming is done at the door, before anything is stored; what is the same in many
objects (names, labels, digests, who owns what, the containers of a workload's pods) is there once for all of them, and
what is empty is left out. So nobody changes what is kept.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from sys import intern
from typing import Any

from watchdog.adapters.kubernetes.errors import UNREADABLE
from watchdog.adapters.kubernetes.kinds import (
    CONTROLLERREVISIONS,
    DAEMONSETS,
    DEPLOYMENTS,
    DESTINATIONRULES,
    HTTPROUTES,
    INGRESSES,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    STATEFULSETS,
    VIRTUALSERVICES,
    Resource,
)
from watchdog.adapters.kubernetes.once import once
from watchdog.adapters.kubernetes.picking import conditions_of, metadata_of, words
from watchdog.adapters.kubernetes.pod_trimming import trim_pod
from watchdog.adapters.kubernetes.references import Kind, references

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
_ROLLOUT_STATUS = (
    "abort",
    "abortedAt",
    "blueGreen",
    "canary",
    "conditions",
    "currentPodHash",
    "observedGeneration",
    "phase",
    "stableRS",
)
_WORKLOAD_CONDITIONS = frozenset({"Progressing", "ReplicaFailure"})


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
    whole = hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())
    return intern(whole.hexdigest()[:32])  # a workload's and its revision's are the same


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
        "metadata": metadata_of(full, "annotations", "ownerReferences"),
        "spec": {key: spec[key] for key in _SPEC if key in spec},
        "status": _workload_status(full.get("status") or {}),
        "template": trim_template(spec.get("template") or {}),
        "writers": writers(full, "f:template"),
    }


def trim_rollout(full: Json) -> Json:
    """A Rollout without its template and its steps: `strategy` is which of the two it has, `routed` by weights."""
    spec = full.get("spec") or {}
    strategy, status = spec.get("strategy") or {}, full.get("status") or {}
    kept = trim_workload(full)
    kept["status"] = {key: status[key] for key in _ROLLOUT_STATUS if key in status}
    kept["strategy"] = "blueGreen" if "blueGreen" in strategy else "canary"
    kept["routed"] = bool((strategy.get("canary") or {}).get("trafficRouting"))
    return kept


def trim_replicaset(full: Json) -> Json:
    """A ReplicaSet without its template."""
    return {
        "metadata": metadata_of(full, "annotations", "ownerReferences"),
        "spec": once({"replicas": (full.get("spec") or {}).get("replicas", 1)}),
        "template": trim_template((full.get("spec") or {}).get("template") or {}),
    }


def trim_revision(full: Json) -> Json:
    """A ControllerRevision without the template that it keeps."""
    return {
        "metadata": metadata_of(full, "annotations", "ownerReferences"),
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
    kept: Json = {
        "digest": digest(template),
        "unannotated": digest(template, annotations=False),
        "labels": words({key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}),
        "configs": _configs(spec),
        "images": tuple(intern(str(container.get("image", ""))) for container in spec.get("containers") or []),
    }
    return once(kept)


def _configs(spec: Json) -> dict[str, tuple[str, ...]]:
    """The ConfigMaps that a pod reads, with the keys of each that it reads; none: all."""
    found: dict[str, tuple[str, ...]] = {}
    for one in references(spec):
        if one.kind is Kind.CONFIGMAP:
            whole = not one.keys or found.get(one.name) == ()
            found[one.name] = () if whole else tuple(sorted({*found.get(one.name, ()), *one.keys}))
    return found


def trim_service(full: Json) -> Json:
    """A Service's selector and who wrote it."""
    spec = full.get("spec") or {}
    return {
        "metadata": metadata_of(full, "annotations", "ownerReferences"),
        "spec": {"type": spec.get("type", "ClusterIP"), "selector": spec.get("selector") or {}},
        "writers": writers(full, "f:selector"),
    }


def trim_route(weights: str | tuple[str, ...], *within: str) -> Callable[[Json], Json]:
    """What routes by weights, with its spec: there are few of them. `weights`: as `writers` looks for them."""

    def trim(full: Json) -> Json:
        kept = {"metadata": metadata_of(full, "annotations"), "spec": full.get("spec") or {}}
        return {**kept, "writers": writers(full, weights, *within)}

    return trim


def trim_subsets(full: Json) -> Json:
    """A DestinationRule's subsets, in full: each VirtualService of the namespace reads them."""
    spec = full.get("spec") or {}
    subsets = [
        {"name": str(one.get("name") or ""), "labels": dict(one.get("labels") or {})}
        for one in spec.get("subsets") or []
    ]
    kept = {"host": str(spec.get("host") or ""), "subsets": subsets}
    return {"metadata": metadata_of(full), "spec": kept}


def _workload_status(full: Json) -> Json:
    """The numbers, and the conditions that are read."""
    kept = {key: value for key, value in full.items() if key != "conditions"}
    conditions = conditions_of(full, _WORKLOAD_CONDITIONS)
    return kept | {"conditions": conditions} if conditions else kept


def writers(full: Json, field: str | tuple[str, ...], *within: str) -> list[tuple[str, str]]:
    """Who wrote a field (or one of several) of `spec` (or `within` another), newest first: (manager, time).

    From managedFields, which is dropped.
    """
    entries = (full.get("metadata") or {}).get("managedFields") or []
    fields = (field,) if isinstance(field, str) else field
    found = [
        (intern(str(entry.get("manager", ""))), str(entry.get("time", "")))
        for entry in entries
        if not _owned(entry.get("fieldsV1") or {}, within or ("f:spec",)).keys().isdisjoint(fields)
    ]
    return sorted(found, key=lambda writer: writer[1], reverse=True)


def _owned(fields: Json, path: Iterable[str]) -> Json:
    for step in path:
        fields = fields.get(step) or {}
    return fields


def legible(resource: Resource, objects: Iterable[Json]) -> Iterator[Json]:
    """Whole objects as the cache keeps them, which leaves out what has not the shape of its kind."""
    for one in objects:
        with suppress(*UNREADABLE):
            yield TRIMS[resource](one)


_CANARY = ("canary", "canary-weight")

TRIMS: dict[Resource, Callable[[Json], Json]] = {
    DEPLOYMENTS: trim_workload,
    STATEFULSETS: trim_workload,
    DAEMONSETS: trim_workload,
    CONTROLLERREVISIONS: trim_revision,
    REPLICASETS: trim_replicaset,
    ROLLOUTS: trim_rollout,
    PODS: trim_pod,
    SERVICES: trim_service,
    HTTPROUTES: trim_route("f:rules"),
    VIRTUALSERVICES: trim_route("f:http"),
    DESTINATIONRULES: trim_subsets,
    INGRESSES: trim_route(
        tuple(f"f:nginx.ingress.kubernetes.io/{one}" for one in _CANARY), "f:metadata", "f:annotations"
    ),
}
