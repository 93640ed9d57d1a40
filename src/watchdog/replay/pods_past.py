"""What was told of single pods of the past, and what they must have looked like at a moment."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from watchdog.domain.live import Container, Pod
from watchdog.replay.asking_past import moment

_LOST = 300.0  # seconds without a sample after which a pod is gone

Samples = list[tuple[float, float]]


@dataclass(slots=True)
class ContainerPast:
    """All that was told of one container."""

    restarts: Samples = field(default_factory=list)
    waiting: dict[str, Samples] = field(default_factory=dict)
    oom: Samples = field(default_factory=list)
    ended: Samples = field(default_factory=list)
    cpu: float | None = None
    memory: float | None = None


@dataclass(slots=True)
class PodPast:
    """All that was told of one pod."""

    name: str
    created: datetime
    uid: str
    ready: Samples = field(default_factory=list)
    ready_times: Samples = field(default_factory=list)  # when told, and the moment that it told
    deleted: float | None = None
    replaced: datetime | None = None  # when another pod of its name was made
    unschedulable: Samples = field(default_factory=list)
    containers: dict[str, ContainerPast] = field(default_factory=dict)
    told: list[float] = field(default_factory=list)  # when anything was told of it


def hear(pod: PodPast, metric: str, labels: Mapping[str, str], values: Samples) -> None:
    """Take in the samples of one series of kube-state-metrics."""
    pod.told = sorted({*pod.told, *(at for at, _ in values)})
    container = pod.containers.setdefault(labels["container"], ContainerPast()) if labels.get("container") else None
    match metric.removeprefix("kube_pod_"):
        case "status_ready" if labels.get("condition") == "true":
            pod.ready = added(pod.ready, values)
        case "status_ready_time":
            pod.ready_times = added(pod.ready_times, values)
        case "deletion_timestamp":
            pod.deleted = values[-1][1]
        case "status_unschedulable":
            pod.unschedulable = added(pod.unschedulable, values)
        case "container_status_restarts_total" if container:
            container.restarts = added(container.restarts, values)
        case "container_status_waiting_reason" if container:
            reason = labels.get("reason", "")
            container.waiting[reason] = added(container.waiting.get(reason, []), values)
        case "container_status_last_terminated_reason" if container and labels.get("reason") == "OOMKilled":
            container.oom = added(container.oom, values)
        case "container_status_last_terminated_timestamp" if container:
            container.ended = added(container.ended, values)
        case "container_resource_limits" if container:
            if labels.get("resource") == "cpu":
                container.cpu = values[-1][1]
            elif labels.get("resource") == "memory":
                container.memory = values[-1][1]


def added(known: Samples, more: Samples) -> Samples:
    """The samples of both, in order of time."""
    return sorted({**dict(known), **dict(more)}.items())


def last_told(values: Samples, now: float) -> float | None:
    """The value that was told last, while it is not too old."""
    index = bisect_right(values, (now, math.inf)) - 1
    return values[index][1] if index >= 0 and now - values[index][0] <= _LOST else None


def first_ready(pod: PodPast) -> float | None:
    """When it was ready for the first time, in Unix seconds."""
    exact = [value for _, value in pod.ready_times]
    seen = [at for at, value in pod.ready if value == 1.0]
    return min([*exact, *seen], default=None)


def pod_at(past: PodPast, now: datetime) -> Pod | None:
    """The pod at a moment; None before it was created."""
    at = now.timestamp()
    if past.created > now:
        return None
    ready, unready = _readiness(past, at)
    heard = [one for one in past.told if one <= at]
    deleted = past.deleted is not None and past.deleted <= at
    replaced = past.replaced is not None and past.replaced <= now
    lost = bool(heard) and bool(past.told) and at - heard[-1] > _LOST
    return Pod(
        name=past.name,
        uid=past.uid,
        created=past.created,
        ready_since=None if ready is None else moment(ready),
        unready_since=None if unready is None else moment(unready),
        gone=deleted or replaced or lost,
        unschedulable_since=_since_when(past.unschedulable, at),
        containers=tuple(_container(name, one, at) for name, one in sorted(past.containers.items())),
    )


def _readiness(past: PodPast, at: float) -> tuple[float | None, float | None]:
    """Since when the pod is ready, or else unready; a moment that was told is exact, a sample comes late."""
    exact = max((value for _, value in past.ready_times if value <= at), default=None)
    seen = [(time, value) for time, value in past.ready if time <= at]
    unready = next((time for time, value in reversed(seen) if value == 0.0), None)
    if exact is not None and (unready is None or unready < exact):
        return exact, None
    if seen and seen[-1][1] == 1.0:
        since = next(time for time, value in seen if value == 1.0 and (unready is None or time > unready))
        return since, None
    began = None
    for time, value in reversed(seen):
        if value == 1.0:
            break
        began = time
    return None, began


def _since_when(values: Samples, at: float) -> datetime | None:
    began: float | None = None
    for time, value in values:
        if time > at:
            break
        began = (began if began is not None else time) if value == 1.0 else None
    return None if began is None else moment(began)


def _container(name: str, past: ContainerPast, at: float) -> Container:
    waiting = next((reason for reason, values in sorted(past.waiting.items()) if last_told(values, at) == 1.0), None)
    killed = last_told(past.oom, at) == 1.0
    ended = last_told(past.ended, at)
    if killed and ended is None:
        ended = next(time for time, value in past.oom if value == 1.0)
    return Container(
        name=name,
        restarts=int(last_told(past.restarts, at) or 0),
        waiting=waiting,
        oom_killed_at=moment(ended) if killed and ended is not None else None,
        cpu_limit=past.cpu,
        memory_limit=past.memory,
    )
