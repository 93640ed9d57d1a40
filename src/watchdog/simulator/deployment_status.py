"""The status of a Deployment: what is counted, and the conditions that say how its rollout goes. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from watchdog.simulator import rollouts
from watchdog.simulator.objects import Object, condition_of, parse_timestamp, timestamp

FAILURE = "ReplicaFailure"
TIMED_OUT, COMPLETE, PAUSED = "ProgressDeadlineExceeded", "NewReplicaSetAvailable", "DeploymentPaused"


def counted(deployment: Object, owned: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The status with its numbers and its availability, and the progress as it was noted before."""
    replicas = deployment["spec"]["replicas"]
    available = rollouts.total(owned, "availableReplicas")
    counts = {
        "replicas": rollouts.total(owned, "replicas"),
        "updatedReplicas": rollouts.total([new] if new else [], "replicas"),
        "readyReplicas": rollouts.total(owned, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, rollouts.total_wanted(owned) - available),
    }
    if available >= replicas - rollouts.fenceposts(deployment)[1]:
        said = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        said = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "terminatingReplicas": rollouts.total(owned, "terminatingReplicas"),
        **{name: count for name, count in counts.items() if count},
        "conditions": set_condition(conditions_of(deployment), condition("Available", *said, now)),
    }


def with_progress(deployment: Object, status: Object, new: Object | None, now: datetime) -> Object:
    """The status of a rollout, with how it progresses."""
    current = condition_of(deployment, "Progressing")
    conditions: list[Object] = status["conditions"]
    if not has_deadline(deployment):
        conditions = [each for each in conditions if each["type"] != "Progressing"]
    elif not _is_over(status, current):
        conditions = _progressed(deployment, status, new, now)
    return {**status, "conditions": conditions}


def with_failure(status: Object, owned: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The status with why no pods can be made, for the new ReplicaSet or else for any."""
    conditions = [each for each in status["conditions"] if each["type"] != FAILURE]
    for rs in [*([new] if new else []), *owned]:
        failure = condition_of(rs, FAILURE)
        if failure is not None:
            said = condition(FAILURE, failure["status"], failure["reason"], failure["message"], now)
            conditions = set_condition(status["conditions"], said)
            break
    return {**status, "conditions": conditions}


def _progressed(deployment: Object, status: Object, new: Object | None, now: datetime) -> list[Object]:
    conditions, current = status["conditions"], condition_of(deployment, "Progressing")
    subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    if rollouts.is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        return set_condition(conditions, progressing("True", COMPLETE, message, now))
    if rollouts.is_progressing(deployment["status"], status):
        # The one condition whose lastUpdateTime moves on with the same reason: the deadline counts from there.
        said = progressing("True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        if current is not None and current["status"] == "True":
            said["lastTransitionTime"] = current["lastTransitionTime"]
        return [*(each for each in conditions if each["type"] != "Progressing"), said]
    if _is_late(deployment, current, now):
        message = f"{subject} has timed out progressing."
        return set_condition(conditions, progressing("False", TIMED_OUT, message, now))
    return list(conditions)


def _is_late(deployment: Object, current: Object | None, now: datetime) -> bool:
    if current is None or current["reason"] == COMPLETE:
        return False
    return current["reason"] == TIMED_OUT or deadline_of(deployment, current) < now


def _is_over(status: Mapping[str, Any], current: Mapping[str, Any] | None) -> bool:
    """No rollout is under way: what changes now is no progress to be judged."""
    same = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return bool(same and current is not None and current["reason"] == COMPLETE)


def has_deadline(deployment: Mapping[str, Any]) -> bool:
    """Whether its progress is judged at all."""
    deadline = deployment["spec"].get("progressDeadlineSeconds")
    return deadline is not None and deadline != 2**31 - 1


def deadline_of(deployment: Mapping[str, Any], current: Mapping[str, Any]) -> datetime:
    """When a rollout that gets no further counts as failed."""
    seconds = deployment["spec"]["progressDeadlineSeconds"]
    return parse_timestamp(current["lastUpdateTime"]) + timedelta(seconds=seconds)


def conditions_of(deployment: Mapping[str, Any]) -> list[Object]:
    """The conditions as they stand in the status; a list of its own."""
    return list(deployment["status"].get("conditions") or ())


def condition(kind: str, status: str, reason: str, message: str, now: datetime) -> Object:
    """A condition that begins now."""
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": timestamp(now),
        "lastTransitionTime": timestamp(now),
        "reason": reason,
        "message": message,
    }


def progressing(status: str, reason: str, message: str, now: datetime) -> Object:
    """The condition that says how a rollout goes, from now on."""
    return condition("Progressing", status, reason, message, now)


def set_condition(conditions: Sequence[Object], new: Object) -> list[Object]:
    """The conditions with one set; the same status and reason change nothing."""
    for old in conditions:
        if old["type"] != new["type"]:
            continue
        if (old["status"], old["reason"]) == (new["status"], new["reason"]):
            return list(conditions)
        if old["status"] == new["status"]:
            new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
    return [*(each for each in conditions if each["type"] != new["type"]), new]
