"""A target as it must have looked, moment by moment, after a switch: made of what kube-state-metrics told of its pods.

They are scraped every half minute or so; the moments that they tell as numbers (created, ready, deleted) are exact.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from watchdog.domain.live import Destination, Live, Pod
from watchdog.domain.measurement import Series
from watchdog.domain.rollout import Revision, SwitchKind, TargetKind, TrafficSwitch
from watchdog.domain.state import Watch
from watchdog.ports import MetricSource
from watchdog.replay.asking_past import moment, samples
from watchdog.replay.courses import SeenPod
from watchdog.replay.pods_past import PodPast, Samples, added, first_ready, hear, last_told, pod_at

PROGRESS = timedelta(minutes=10)
"""Kubernetes's own default for a rollout."""

_LOOK_EVERY = timedelta(seconds=5)  # as the daemon does at least
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


_DESIRED = {
    TargetKind.DEPLOYMENT: "kube_deployment_spec_replicas",
    TargetKind.STATEFULSET: "kube_statefulset_replicas",
    TargetKind.DAEMONSET: "kube_daemonset_status_desired_number_scheduled",
}


class Looks:
    """The looks at one switch's target. `told` is false where only the pods' names are known."""

    def __init__(
        self,
        switch: TrafficSwitch,
        stable: Revision | None,
        *,
        told: bool,
        completed: datetime | None = None,
        patience: timedelta | None = None,
    ) -> None:
        self.switch = switch
        self.stable = stable
        self.told = told
        self.completed = completed
        self.patience = patience or PROGRESS
        self._candidate: dict[str, PodPast] = {}
        self._stable: dict[str, PodPast] = {}
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
        candidate = tuple(pod for one in self._candidate.values() if (pod := pod_at(one, now)) is not None)
        stable = tuple(pod for one in self._stable.values() if (pod := pod_at(one, now)) is not None)
        completed = self._completed_at()
        desired = last_told(self._desired, now.timestamp())
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
            progress_deadline=self.patience.total_seconds(),
            deadline_exceeded=bool(last_told(self._stalled, now.timestamp())),
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
            candidate_pods=tuple(Pod(one.name, one.uid, one.created) for one in self._candidate.values()),
            stable_pods=tuple(Pod(one.name, one.uid, one.created) for one in self._stable.values()),
        )

    def _completed_at(self) -> datetime | None:
        """When all wanted pods were ready and those of before were told to end."""
        if self.switch.kind is not SwitchKind.ROLLOUT:
            return self.switch.at
        if self.completed is not None:
            return self.completed
        ready = sorted(first for pod in self._candidate.values() if (first := first_ready(pod)) is not None)
        wanted = self._desired[-1][1] if self._desired else len(self._candidate)
        if not ready or len(ready) < wanted:
            return None
        enough = ready[max(0, int(wanted) - 1)]
        ended = [
            pod.deleted for pod in self._stable.values() if pod.deleted is not None and pod.deleted > enough - 60.0
        ]
        return moment(max([enough, *ended])) if self.told else moment(enough)

    def _all(self) -> Iterable[PodPast]:
        return (*self._candidate.values(), *self._stable.values())

    # -- what was told -------------------------------------------------------------------------------------------

    def know(self, candidate: Iterable[SeenPod], stable: Iterable[SeenPod]) -> None:
        """Pods that are known from the search."""
        for pods, into in ((candidate, self._candidate), (stable, self._stable)):
            for pod in pods:
                bound = pod.created_is_bound and into is self._candidate
                created = min(self.switch.at, pod.created) if bound else pod.created
                uid = pod.uid or pod.name
                past = into.setdefault(uid, PodPast(pod.name, created, uid))
                guessed = None if self.told or pod.recorded or past.ready_times else pod.created
                if (ready := pod.ready or guessed) is not None:
                    past.ready_times = [(ready.timestamp(), ready.timestamp())]
        named: dict[str, PodPast] = {}
        for past in sorted(self._all(), key=lambda one: one.created):
            before = named.get(past.name)
            if before is not None and before.uid != past.uid:
                before.replaced = past.created
            named[past.name] = past

    def hear(self, series: Iterable[Series]) -> None:
        """What kube-state-metrics told in the time of the watch."""
        for one in series:
            labels = one.labels
            metric = labels.get("__name__", "")
            values = [(at, value) for at, value in one.samples if math.isfinite(value)]
            if metric in _DESIRED.values():
                self._desired = added(self._desired, values)
            elif metric == "kube_deployment_status_condition":
                self._stalled = added(self._stalled, values)
            elif values and (pod := self._told_of(labels)) is not None:
                hear(pod, metric, labels, values)

    def _told_of(self, labels: Mapping[str, str]) -> PodPast | None:
        for key in (labels.get("uid", ""), labels.get("pod", "")):
            if (pod := self._candidate.get(key) or self._stable.get(key)) is not None:
                return pod
        return None


async def looks_of(
    source: MetricSource,
    watch: Watch,
    candidate: Sequence[SeenPod],
    stable: Sequence[SeenPod],
    until: datetime,
    *,
    told: bool,
    completed: datetime | None = None,
    patience: timedelta | None = None,
) -> Looks:
    """Ask for all that the watch would have seen until then. Raises `NotAnswered`."""
    switch, before = watch.switch, watch.stable.revision if watch.stable else None
    looks = Looks(switch, before, told=told, completed=completed, patience=patience)
    looks.know(candidate, stable)
    if told:
        namespace, kind, workload = switch.target.namespace, switch.candidate.kind, switch.candidate.workload
        patterns = [switch.candidate.pods_pattern, *([before.pods_pattern] if before else [])]
        within = f'namespace="{namespace}"'
        pods = f'{{__name__=~"{"|".join(_POD_METRICS)}", {within}, pod=~"{"|".join(patterns)}"}}'
        start = switch.at - timedelta(seconds=1)
        looks.hear(await samples(source, pods, start, until))
        of_workload = f'{within}, {kind}="{workload}"'
        if kind in _DESIRED:
            looks.hear(await samples(source, f"{_DESIRED[kind]}{{{of_workload}}}", start, until))
        if kind is TargetKind.DEPLOYMENT:
            stalled = f'{of_workload}, condition="Progressing", status="false"'
            looks.hear(await samples(source, f"kube_deployment_status_condition{{{stalled}}}", start, until))
    return looks
