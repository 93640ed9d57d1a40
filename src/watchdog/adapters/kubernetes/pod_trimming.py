"""What is kept of a pod, of which there are most: what `pods` reads of it, and the containers of alike ones once."""

from typing import Any

from watchdog.adapters.kubernetes.once import once
from watchdog.adapters.kubernetes.picking import conditions_of, filled, metadata_of, picked

Json = dict[str, Any]

_POD_CONDITIONS = frozenset({"Ready", "ContainersReady", "PodScheduled"})


def trim_pod(full: Json) -> Json:
    """A pod's ports, limits, conditions and container states; neither its environment nor its volumes."""
    spec, status = full.get("spec") or {}, full.get("status") or {}
    return {
        "metadata": metadata_of(full, "ownerReferences"),
        "spec": once(
            filled(
                nodeName=spec.get("nodeName"),
                hostNetwork=bool(spec.get("hostNetwork")),
                containers=once([_container(container) for container in spec.get("containers") or []]),
                initContainers=once([_container(container) for container in spec.get("initContainers") or []]),
            )
        ),
        "status": filled(
            phase=status.get("phase"),
            reason=status.get("reason"),
            podIP=status.get("podIP"),
            conditions=conditions_of(status, _POD_CONDITIONS),
            containerStatuses=once([_status(one) for one in status.get("containerStatuses") or []]),
            initContainerStatuses=once([_status(one) for one in status.get("initContainerStatuses") or []]),
        ),
    }


def _container(full: Json) -> Json:
    return picked(full, ("name", "ports", "restartPolicy")) | _resources(full)


def _resources(full: Json) -> Json:
    """The CPU and memory limits, of a container or of its status; that it says nothing of them is kept too."""
    resources = full.get("resources")
    if not resources:
        return {}
    limits = resources.get("limits") or {}
    kept = {name: limits[name] for name in ("cpu", "memory") if name in limits}
    return {"resources": {"limits": kept}}


def _status(full: Json) -> Json:
    """Messages are left out: a crash loop rewrites them, and nothing is read from them; nor from one that runs."""
    kept: Json = {**picked(full, ("name",)), "restartCount": full.get("restartCount", 0)} | _resources(full)
    for field in ("state", "lastState"):
        states = {
            state: picked(details, ("reason", "exitCode", "finishedAt"))
            for state, details in (full.get(field) or {}).items()
            if state != "running"
        }
        if states:
            kept[field] = states
    return kept
