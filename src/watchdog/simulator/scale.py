"""The scale subresource: what a HorizontalPodAutoscaler sees of a workload."""

from collections.abc import Mapping
from typing import Any

from watchdog.simulator.objects import Object, with_metadata
from watchdog.simulator.refusals import bad_request
from watchdog.simulator.selectors import as_text


def as_scale(obj: Object) -> Object:
    """The Scale object of a workload."""
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: obj["metadata"][key] for key in kept},
        "spec": {"replicas": obj["spec"]["replicas"]},
        "status": {
            "replicas": obj["status"].get("replicas", 0),
            "selector": as_text(obj["spec"]["selector"]),
        },
    }


def unscaled(obj: Object, scale: Mapping[str, Any]) -> Object:
    """The workload with the size, and the precondition, of a Scale."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request("json: cannot unmarshal value into Go struct field ScaleSpec.spec.replicas of type int32")
    version = (scale.get("metadata") or {}).get("resourceVersion")
    return with_metadata({**obj, "spec": {**obj["spec"], "replicas": replicas}}, resourceVersion=version)
