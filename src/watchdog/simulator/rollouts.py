"""The arithmetic of a rolling update, as the deployment controller does it. Pure: no store, no clock."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from watchdog.simulator.objects import Object, fnv1a, safe_encoded

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH = "pod-template-hash"

_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        HISTORY,
        DESIRED,
        MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)


def template_hash(template: Mapping[str, Any]) -> str:
    """A stable pod-template-hash. Looks like the real one; its value differs, for that hashes Go's memory layout."""
    canonical = json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
    return safe_encoded(str(fnv1a(canonical)))


def without_hash(template: Mapping[str, Any], hash_label: str = HASH) -> Object:
    """The template without the label that the controller adds."""
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != hash_label}
    if labels:
        metadata["labels"] = labels
    else:
        metadata.pop("labels", None)
    return {**template, "metadata": metadata}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """The annotations; empty where there are none."""
    return obj["metadata"].get("annotations") or {}


def revision_of(replicaset: Mapping[str, Any]) -> int:
    """The revision number that stands on it; 0 where none does."""
    text = annotations_of(replicaset).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def wanted(replicaset: Mapping[str, Any]) -> int:
    """How many pods the ReplicaSet is to have."""
    return int(replicaset["spec"]["replicas"])


def available(replicaset: Mapping[str, Any]) -> int:
    """How many of its pods are available."""
    return int(replicaset["status"].get("availableReplicas", 0))


def total_wanted(replicasets: Iterable[Object]) -> int:
    """How many pods they are to have together."""
    return sum(wanted(rs) for rs in replicasets)


def total(replicasets: Iterable[Object], field: str) -> int:
    """The sum of one number of their status."""
    return sum(int(rs["status"].get(field) or 0) for rs in replicasets)


def active(replicasets: Iterable[Object]) -> list[Object]:
    """Those that are to have pods."""
    return [rs for rs in replicasets if wanted(rs) > 0]


def by_age(replicasets: Iterable[Object]) -> list[Object]:
    """Oldest first."""
    return sorted(replicasets, key=lambda rs: (rs["metadata"]["creationTimestamp"], rs["metadata"]["name"]))


def is_rolling(deployment: Mapping[str, Any]) -> bool:
    """Whether the Deployment replaces pods little by little."""
    return bool(deployment["spec"]["strategy"]["type"] == "RollingUpdate")


def _scaled(value: Any, replicas: int, *, up: bool) -> int:
    if isinstance(value, str):
        share = int(value.rstrip("%")) * replicas / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value)


def fenceposts(deployment: Mapping[str, Any]) -> tuple[int, int]:
    """(most pods above the wanted number, most unavailable ones); at least one of them is not 0."""
    if not is_rolling(deployment):
        return 0, 0
    rolling, replicas = deployment["spec"]["strategy"]["rollingUpdate"], deployment["spec"]["replicas"]
    surge = _scaled(rolling["maxSurge"], replicas, up=True)
    unavailable = _scaled(rolling["maxUnavailable"], replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas)


def new_size(deployment: Mapping[str, Any], replicasets: Sequence[Object], new: Object | None) -> int:
    """How many pods the new ReplicaSet may have now; `replicasets` holds the new one, if it is there."""
    replicas, current = int(deployment["spec"]["replicas"]), wanted(new) if new else 0
    if not is_rolling(deployment):
        return replicas
    room = replicas + fenceposts(deployment)[0] - total_wanted(replicasets)
    return current if room <= 0 else current + min(room, replicas - current)


def copied_annotations(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The annotations of a Deployment that its ReplicaSet carries too."""
    return {key: value for key, value in annotations_of(deployment).items() if key not in _NOT_COPIED}


def replica_annotations(deployment: Mapping[str, Any]) -> dict[str, str]:
    """What the controller notes on a ReplicaSet of the size it is part of."""
    replicas = int(deployment["spec"]["replicas"])
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + fenceposts(deployment)[0])}


def revised_annotations(deployment: Mapping[str, Any], replicaset: Object, revision: int) -> dict[str, str]:
    """The annotations of the current ReplicaSet; one that is taken up again remembers its former numbers."""
    annotations = {**annotations_of(replicaset), **copied_annotations(deployment)}
    former = annotations.get(REVISION)
    if former is not None and int(former) < revision:
        earlier = [part for part in annotations.get(HISTORY, "").split(",") if part]
        annotations[HISTORY] = ",".join([*earlier, former])
    if former is None or int(former) < revision:
        annotations[REVISION] = str(revision)
    return annotations


def is_complete(deployment: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Whether the rollout is complete, as `kubectl rollout status` says it."""
    replicas = int(deployment["spec"]["replicas"])
    counts = (status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas"))
    observed = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return observed and all(count == replicas for count in counts)


def is_progressing(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether anything got better between two statuses."""

    def outdated(status: Mapping[str, Any]) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    better = any(new.get(n, 0) > old.get(n, 0) for n in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return better or outdated(new) < outdated(old)


def proportions(deployment: Mapping[str, Any], replicasets: Sequence[Object]) -> dict[str, int]:
    """Sizes by name when a Deployment is scaled in the middle of a rollout."""
    replicas = int(deployment["spec"]["replicas"])
    surge = fenceposts(deployment)[0]
    allowed = replicas + surge if replicas > 0 else 0
    to_add = allowed - total_wanted(replicasets)
    newest_first = sorted(replicasets, key=lambda rs: str(rs["metadata"]["creationTimestamp"]), reverse=to_add > 0)
    ordered = sorted(newest_first, key=lambda rs: -wanted(rs))
    added, sizes = 0, {}
    for rs in ordered:
        share = _share(deployment, rs, allowed, to_add - added) if to_add else 0
        sizes[rs["metadata"]["name"]] = wanted(rs) + share
        added += share
    if ordered and to_add:
        largest = ordered[0]["metadata"]["name"]
        sizes[largest] = max(0, sizes[largest] + to_add - added)
    return sizes


def _share(deployment: Mapping[str, Any], rs: Object, allowed: int, left: int) -> int:
    if left == 0 or wanted(rs) == 0:
        return 0
    if deployment["spec"]["replicas"] == 0:
        return -wanted(rs)
    before = int(annotations_of(rs).get(MAXIMUM, 0)) or int(deployment["status"].get("replicas", 0))
    if not before:
        return 0
    share = math.floor(wanted(rs) * allowed / before + 0.5) - wanted(rs)
    return min(share, left) if left > 0 else max(share, left)
