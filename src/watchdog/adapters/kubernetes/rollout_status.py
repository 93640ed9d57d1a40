"""What an Argo Rollout says of itself, read as its controller writes it: what serves, what is stable, what is done."""

from typing import Any

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.pods import created, to_pod
from watchdog.adapters.kubernetes.workload import Workload
from watchdog.domain.live import Pod
from watchdog.domain.rollout import Revision, TargetKind

Json = dict[str, Any]

HASH = TargetKind.ROLLOUT.keeping.label
REVISION = "rollout.argoproj.io/revision"


def serving_hash(rollout: Json) -> str:
    """The hash of what live traffic reaches, or is about to."""
    status = rollout["status"]
    current, stable = str(status.get("currentPodHash") or ""), str(status.get("stableRS") or "")
    if rollout["strategy"] == "blueGreen":
        return str((status.get("blueGreen") or {}).get("activeSelector") or stable or current)
    return stable if status.get("abort") and stable else current


def is_observed(rollout: Json) -> bool:
    """Whether the controller has seen the present spec; it says so in a text."""
    return str(rollout["status"].get("observedGeneration") or "") == str(rollout["metadata"].get("generation", ""))


def is_complete(found: Workload) -> bool:
    """All steps are done; or, after an abort, none but stable serves."""
    rollout, status = found.deployment, found.deployment["status"]
    if not status.get("abort"):
        return is_observed(rollout) and status.get("phase") == "Healthy"
    aborted = [pod for pod in pods_of(found, str(status.get("currentPodHash"))) if not pod.gone]
    weights = (status.get("canary") or {}).get("weights") or {}
    weight = int((weights.get("canary") or {}).get("weight") or 0)
    blue_green = rollout["strategy"] == "blueGreen"
    left = weight > 0 if rollout["routed"] else bool(aborted) and not blue_green
    ready = sum(pod.ready for pod in pods_of(found, serving_hash(rollout)))
    return not left and serving_hash(rollout) == status.get("stableRS") and ready >= workloads.desired(rollout)


def unreached(found: Workload, to: Revision, kept: Json) -> str:
    """Why an abort would not give the traffic back to `to`; "" where it would. Read in its controller (1.10)."""
    rollout, template = found.deployment, str(found.deployment["status"].get("currentPodHash") or "")
    if rollout["status"].get("stableRS") != workloads.labels(kept).get(HASH):
        # Where all is promoted it takes the abort off again.
        return f"{to} is not what its controller holds for stable, so an abort would not go there"
    ready = sum(pod.ready for pod in pods_of(found, template))
    if rollout["strategy"] == "blueGreen" and serving_hash(rollout) == template and ready < workloads.desired(rollout):
        # The active Service is moved, either way, only while the newest ReplicaSet is available as a whole.
        pods = f"not all of its pods are ready ({ready} of {workloads.desired(rollout)})"
        return f"{pods}, and an abort moves the active Service back only while they are"
    return ""


def kept(found: Workload, template: object) -> Json | None:
    """The ReplicaSet of a pod hash."""
    return next((one for one in found.replicasets if workloads.labels(one).get(HASH) == template), None)


def pods_of(found: Workload, template: str) -> tuple[Pod, ...]:
    """The pods of a pod hash."""
    there = kept(found, template)
    return tuple(to_pod(one) for one in found.pods.get(there["metadata"]["uid"], ())) if there else ()


def pods(found: Workload, revision: Revision | None) -> tuple[Pod, ...]:
    """The pods of a revision of this Rollout."""
    return pods_of(found, revision.template) if revision is not None and revision.workload == found.name else ()


def number(replicaset: Json) -> int:
    """The revision number that stands on it; 0 where none does."""
    text = workloads.annotations(replicaset).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def revision_of(name: str, replicaset: Json) -> Revision:
    """The revision that a ReplicaSet is."""
    return Revision(
        workload=name,
        template=workloads.labels(replicaset)[HASH],
        uid=str(replicaset["metadata"].get("uid", "")),
        number=number(replicaset),
        images=tuple(replicaset["template"]["images"]),
        created=created(replicaset),
        kind=TargetKind.ROLLOUT,
    )
