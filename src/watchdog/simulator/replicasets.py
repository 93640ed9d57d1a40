"""The replicaset controller: as many pods as are wanted, and a status that counts them."""

from collections.abc import Sequence
from datetime import timedelta

from watchdog.simulator.objects import (
    Object,
    condition_of,
    is_true,
    key_of,
    owner_reference,
    parse_timestamp,
    replaced,
    timestamp,
)
from watchdog.simulator.pods import is_ending, is_over, pods_of
from watchdog.simulator.refusals import Refusal
from watchdog.simulator.registry import CONTROLLER, CONTROLLER_STATUS, Registry
from watchdog.simulator.resources import PODS, REPLICASETS
from watchdog.simulator.timeline import Timeline

_FIRST_WAIT, _LONGEST_WAIT = 0.005, 1000.0
_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


class ReplicaSetController:
    """Reconciles one ReplicaSet at a time."""

    def __init__(self, registry: Registry, timeline: Timeline) -> None:
        self._registry = registry
        self._timeline = timeline
        self._failures: dict[tuple[str, str], int] = {}  # how often in a row no pod could be made

    def sync(self, namespace: str, name: str) -> None:
        """Create or delete pods, then write the status of what was there before, as the real controller does."""
        rs = self._registry.store.get(REPLICASETS, namespace, name)
        if rs is None:
            return
        pods = pods_of(self._registry.store, rs)
        living = [pod for pod in pods if not is_ending(pod) and not is_over(pod)]
        failure = None if "deletionTimestamp" in rs["metadata"] else self._manage(rs, living)
        self._try_again(namespace, name, failure)
        self._report(rs, living, len([pod for pod in pods if is_ending(pod)]), failure)

    def _try_again(self, namespace: str, name: str, failure: Refusal | None) -> None:
        """What was refused is tried again, each time after twice the wait."""
        if failure is None:
            self._failures.pop((namespace, name), None)
            return
        times = self._failures[namespace, name] = self._failures.get((namespace, name), -1) + 1
        wait = min(_FIRST_WAIT * 2 ** min(times, 30), _LONGEST_WAIT)
        self._timeline.after(wait, lambda: self.sync(namespace, name))

    def _manage(self, rs: Object, living: Sequence[Object]) -> Refusal | None:
        """Make or delete pods; why the first that was refused was refused."""
        namespace, missing = rs["metadata"]["namespace"], rs["spec"]["replicas"] - len(living)
        for _ in range(missing):
            try:
                self._registry.create(PODS, namespace, _new_pod(rs), CONTROLLER)
            except Refusal as refusal:
                return refusal
        if missing < 0:
            # Pods are ranked so that the one that is missed least goes first.
            for pod in sorted(living, key=self._worth)[:-missing]:
                self._registry.delete(PODS, *key_of(pod))
        return None

    def _worth(self, pod: Object) -> tuple[object, ...]:
        metadata, ready = pod["metadata"], condition_of(pod, "Ready")
        is_ready = is_true(pod, "Ready")
        since = -parse_timestamp(ready["lastTransitionTime"]).timestamp() if is_ready and ready else 0.0
        restarts = max((c.get("restartCount", 0) for c in pod["status"].get("containerStatuses") or ()), default=0)
        return (
            bool(pod["spec"].get("nodeName")),
            _PHASES.get(pod["status"].get("phase", ""), 0),
            is_ready,
            int((metadata.get("annotations") or {}).get(_COST, 0)),
            since,
            -restarts,
            -parse_timestamp(metadata["creationTimestamp"]).timestamp(),
            metadata["name"],
        )

    def _report(self, rs: Object, living: Sequence[Object], terminating: int, failure: Refusal | None) -> None:
        ready = [pod for pod in living if is_true(pod, "Ready")]
        labels = rs["spec"]["template"]["metadata"].get("labels") or {}
        full = [pod for pod in living if labels.items() <= (pod["metadata"].get("labels") or {}).items()]
        counts = {
            "fullyLabeledReplicas": len(full),
            "readyReplicas": len(ready),
            "availableReplicas": self._available(rs, ready),
        }
        status = {
            "replicas": len(living),
            **{name: count for name, count in counts.items() if count},
            "terminatingReplicas": terminating,
            "observedGeneration": rs["metadata"]["generation"],
            **self._conditions(rs, failure),
        }
        if status == rs["status"]:
            return
        newest = self._registry.get(REPLICASETS, *key_of(rs))
        self._registry.update(REPLICASETS, *key_of(rs), replaced(newest, status=status), CONTROLLER_STATUS)

    def _conditions(self, rs: Object, failure: Refusal | None) -> Object:
        """The first refusal stands for all that follow it, until a sync meets none."""
        if failure is None:
            return {}
        known = condition_of(rs, "ReplicaFailure")
        said = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": timestamp(self._registry.now()),
            "reason": "FailedCreate",
            "message": failure.message,
        }
        return {"conditions": [known or said]}

    def _available(self, rs: Object, ready: Sequence[Object]) -> int:
        wait = timedelta(seconds=rs["spec"].get("minReadySeconds", 0))
        if not wait:
            return len(ready)
        count, now = 0, self._registry.now()
        namespace, name = key_of(rs)
        for pod in ready:
            condition = condition_of(pod, "Ready")
            assert condition is not None
            left = parse_timestamp(condition["lastTransitionTime"]) + wait - now
            if left.total_seconds() <= 0:
                count += 1
            else:
                self._timeline.after(left.total_seconds(), lambda: self.sync(namespace, name))
        return count


def _new_pod(rs: Object) -> Object:
    template = rs["spec"]["template"]
    metadata = {
        "generateName": f"{rs['metadata']['name']}-",
        "ownerReferences": [owner_reference(rs)],
        **{key: template["metadata"][key] for key in ("labels", "annotations") if template["metadata"].get(key)},
    }
    return {"metadata": metadata, "spec": template["spec"]}
