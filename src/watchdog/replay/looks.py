"""A target as it must have looked, moment by moment, after a switch: made of what kube-state-metrics told of its pods.

They are scraped every half minute or so; the moments that they tell as numbers (created, ready, deleted) are exact.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchdog.domain.live import Container, Destination, Live, Pod
from watchdog.domain.measurement import Series
from watchdog.domain.rollout import Revision, SwitchKind, TrafficSwitch
from watchdog.domain.state import Watch
from watchdog.ports import MetricSource
from watchdog.replay.asking_past import moment, samples
from watchdog.replay.courses import SeenPod

_LOOK_EVERY = timedelta(seconds=5)  # as the daemon does at least
_LOST = 300.0  # seconds without a sample after which a pod is gone
_POD_METRICS = (
    "kube_pod_created",
    "kube_pod_status_ready",
    "kube_pod_status_ready_time",
    "kube_pod_deletion_timestamp",
    "kube_pod_status_unschedulable",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_waiting_reason",
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_last_terminated_timestamp",
    "kube_pod_container_resource_limits",
)

Samples = list[tuple[float, float]]


@dataclass(slots=True)
class _ContainerPast:
    restarts: Samples = field(default_factory=list)
    waiting: dict[str, Samples] = field(default_factory=dict)
    oom: Samples = field(default_factory=list)
    ended: Samples = field(default_factory=list)
    cpu: float | None = None
    memory: float | None = None


@dataclass(slots=True)
class _PodPast:
    """All that was told of one pod."""

    name: str
    created: datetime
    ready: Samples = field(default_factory=list)
    ready_times: Samples = field(default_factory=list)  # when told, and the moment that it told
    deleted: float | None = None
    unschedulable: Samples = field(default_factory=list)
    containers: dict[str, _ContainerPast] = field(default_factory=dict)
    told: list[float] = field(default_factory=list)  # when anything was told of it


class Looks:
    """The looks at one switch's target. `told` is false where only the pods' names are known."""

    def __init__(self, switch: TrafficSwitch, stable: Revision | None, *, told: bool) -> None:
        self.switch = switch
        self.stable = stable
        self.told = told
        self._candidate: dict[str, _PodPast] = {}
        self._stable: dict[str, _PodPast] = {}
        self._desired: Samples = []
        self._stalled: Samples = []

    @property
    def limits_known(self) -> bool:
        """Whether any container's limit was told."""
        pods = (*self._candidate.values(), *self._stable.values())
        return any(one.cpu or one.memory for pod in pods for one in pod.containers.values())

    def moments(self, until: datetime) -> list[datetime]:
        """When to look: whenever anything is told, and every five seconds."""
        begin, end = self.switch.at, until
        grid = {begin + _LOOK_EVERY * k for k in range(1, math.floor((end - begin) / _LOOK_EVERY) + 1)}
        told = {moment(at) for pod in self._all() for at in (*pod.told, *(value for _, value in pod.ready_times))}
        return sorted(one for one in grid | told if begin < one <= end)

    def at(self, now: datetime, *, fresh: bool = False) -> Live:
        """The target at that moment; the place to go back to is taken to be there, which the past does not tell."""
        candidate = tuple(pod for one in self._candidate.values() if (pod := _pod(one, now)) is not None)
        stable = tuple(pod for one in self._stable.values() if (pod := _pod(one, now)) is not None)
        completed = self._completed_at()
        desired = _last(self._desired, now.timestamp())
        living = sum(1 for pod in candidate if not pod.gone)
        return Live(
            target=self.switch.target,
            at=now,
            version=0,
            exists=True,
            uid="",
            resource_version="",
            serving=self.switch.candidate,
            candidate_pods=candidate,
            stable_pods=stable,
            desired=living if desired is None else int(desired),
            complete=completed is not None and completed <= now,
            completed_at=completed,
            deadline_exceeded=bool(_last(self._stalled, now.timestamp())),
            destination=Destination(self.stable, exists=True, replicas=1, ready_pods=1) if self.stable else None,
            services={flip.service: ("", "", True) for flip in self.switch.flips},
            fresh=fresh,
        )

    def births(self) -> Live:
        """All pods that there ever were, for counting: what was born after the switch counts from 0."""
        return Live(
            target=self.switch.target,
            at=self.switch.at,
            version=0,
            exists=True,
            uid="",
            resource_version="",
            serving=self.switch.candidate,
            candidate_pods=tuple(Pod(one.name, one.name, one.created) for one in self._candidate.values()),
            stable_pods=tuple(Pod(one.name, one.name, one.created) for one in self._stable.values()),
        )

    def _completed_at(self) -> datetime | None:
        """When all wanted pods were ready and those of before were told to end."""
        if self.switch.kind is SwitchKind.SELECTOR:
            return self.switch.at
        ready = sorted(first for pod in self._candidate.values() if (first := _first_ready(pod)) is not None)
        wanted = self._desired[-1][1] if self._desired else len(self._candidate)
        if not ready or len(ready) < wanted:
            return None
        enough = ready[max(0, int(wanted) - 1)]
        ended = [
            pod.deleted for pod in self._stable.values() if pod.deleted is not None and pod.deleted > enough - 60.0
        ]
        return moment(max([enough, *ended])) if self.told else moment(enough)

    def _all(self) -> Iterable[_PodPast]:
        return (*self._candidate.values(), *self._stable.values())

    # -- what was told -------------------------------------------------------------------------------------------

    def know(self, candidate: Iterable[SeenPod], stable: Iterable[SeenPod]) -> None:
        """Pods that are known from the search."""
        for pods, into in ((candidate, self._candidate), (stable, self._stable)):
            for pod in pods:
                created = self.switch.at if pod.created_is_bound and into is self._candidate else pod.created
                past = into.setdefault(pod.name, _PodPast(pod.name, created))
                if not self.told:
                    past.ready_times = [(pod.created.timestamp(), pod.created.timestamp())]

    def hear(self, series: Iterable[Series]) -> None:
        """What kube-state-metrics told in the time of the watch."""
        for one in series:
            labels = one.labels
            metric, name = labels.get("__name__", ""), labels.get("pod", "")
            pod = self._candidate.get(name) or self._stable.get(name)
            values = [(at, value) for at, value in one.samples if math.isfinite(value)]
            if metric == "kube_deployment_spec_replicas":
                self._desired = _with(self._desired, values)
            elif metric == "kube_deployment_status_condition":
                self._stalled = _with(self._stalled, values)
            elif pod is not None and values:
                _hear(pod, metric, labels, values)


async def looks_of(
    source: MetricSource,
    watch: Watch,
    candidate: Sequence[SeenPod],
    stable: Sequence[SeenPod],
    until: datetime,
    *,
    told: bool,
) -> Looks:
    """Ask for all that the watch would have seen until then. Raises `NotAnswered`."""
    switch, before = watch.switch, watch.stable.revision if watch.stable else None
    looks = Looks(switch, before, told=told)
    looks.know(candidate, stable)
    if told:
        namespace, deployment = switch.target.namespace, switch.candidate.workload
        patterns = [switch.candidate.pods_pattern, *([before.pods_pattern] if before else [])]
        within = f'namespace="{namespace}"'
        pods = f'{{__name__=~"{"|".join(_POD_METRICS)}", {within}, pod=~"{"|".join(patterns)}"}}'
        start = switch.at - timedelta(seconds=1)
        looks.hear(await samples(source, pods, start, until))
        of_deployment = f'{within}, deployment="{deployment}"'
        looks.hear(await samples(source, f"kube_deployment_spec_replicas{{{of_deployment}}}", start, until))
        stalled = f'{of_deployment}, condition="Progressing", status="false"'
        looks.hear(await samples(source, f"kube_deployment_status_condition{{{stalled}}}", start, until))
    return looks


def _hear(pod: _PodPast, metric: str, labels: Mapping[str, str], values: Samples) -> None:
    pod.told = sorted({*pod.told, *(at for at, _ in values)})
    container = pod.containers.setdefault(labels["container"], _ContainerPast()) if labels.get("container") else None
    match metric.removeprefix("kube_pod_"):
        case "status_ready" if labels.get("condition") == "true":
            pod.ready = _with(pod.ready, values)
        case "status_ready_time":
            pod.ready_times = _with(pod.ready_times, values)
        case "deletion_timestamp":
            pod.deleted = values[-1][1]
        case "status_unschedulable":
            pod.unschedulable = _with(pod.unschedulable, values)
        case "container_status_restarts_total" if container:
            container.restarts = _with(container.restarts, values)
        case "container_status_waiting_reason" if container:
            reason = labels.get("reason", "")
            container.waiting[reason] = _with(container.waiting.get(reason, []), values)
        case "container_status_last_terminated_reason" if container and labels.get("reason") == "OOMKilled":
            container.oom = _with(container.oom, values)
        case "container_status_last_terminated_timestamp" if container:
            container.ended = _with(container.ended, values)
        case "container_resource_limits" if container:
            if labels.get("resource") == "cpu":
                container.cpu = values[-1][1]
            elif labels.get("resource") == "memory":
                container.memory = values[-1][1]


def _with(known: Samples, more: Samples) -> Samples:
    return sorted({**dict(known), **dict(more)}.items())


def _last(values: Samples, now: float) -> float | None:
    """The value that was told last, while it is not too old."""
    index = bisect_right(values, (now, math.inf)) - 1
    return values[index][1] if index >= 0 and now - values[index][0] <= _LOST else None


def _first_ready(pod: _PodPast) -> float | None:
    exact = [value for _, value in pod.ready_times]
    seen = [at for at, value in pod.ready if value == 1.0]
    return min([*exact, *seen], default=None)


def _pod(past: _PodPast, now: datetime) -> Pod | None:
    at = now.timestamp()
    if past.created > now:
        return None
    ready, unready = _readiness(past, at)
    heard = [one for one in past.told if one <= at]
    deleted = past.deleted is not None and past.deleted <= at
    lost = bool(heard) and bool(past.told) and at - heard[-1] > _LOST
    return Pod(
        name=past.name,
        uid=past.name,
        created=past.created,
        ready_since=None if ready is None else moment(ready),
        unready_since=None if unready is None else moment(unready),
        gone=deleted or lost,
        unschedulable_since=_since_when(past.unschedulable, at),
        containers=tuple(_container(name, one, at) for name, one in sorted(past.containers.items())),
    )


def _readiness(past: _PodPast, at: float) -> tuple[float | None, float | None]:
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


def _container(name: str, past: _ContainerPast, at: float) -> Container:
    waiting = next((reason for reason, values in sorted(past.waiting.items()) if _last(values, at) == 1.0), None)
    killed = _last(past.oom, at) == 1.0
    ended = _last(past.ended, at)
    if killed and ended is None:
        ended = next(time for time, value in past.oom if value == 1.0)
    return Container(
        name=name,
        restarts=int(_last(past.restarts, at) or 0),
        waiting=waiting,
        oom_killed_at=moment(ended) if killed and ended is not None else None,
        cpu_limit=past.cpu,
        memory_limit=past.memory,
    )
