"""The scraper: what each target shows at its turn, put into the `Tsdb` as a Prometheus scraping it would."""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from watchdog.simulator.dialects import Counters, Values, shape_of
from watchdog.simulator.traffic import Pod, TrafficModel, uid_of
from watchdog.simulator.tsdb import METRIC_NAME, STALE, Series, Tsdb, milliseconds

_CADVISOR_JOB: Final = "kubernetes-cadvisor"
_FORGET_EVERY: Final = timedelta(minutes=1)

Samples = Iterable[tuple[str, Mapping[str, str], float | None]]


@dataclass(slots=True)
class _Loss:
    pods: re.Pattern[str]
    times: int | None
    fails: bool


@dataclass(slots=True)
class ScrapeFaults:
    """Scrapes that go wrong. `pods` is a regular expression of whole pod names."""

    _losses: list[_Loss] = field(default_factory=list)

    def miss(self, pods: str = ".*", times: int | None = 1) -> None:
        """The next `times` scrapes (None: until `clear`) are not made: no sample, no stale marker."""
        self._losses.append(_Loss(re.compile(pods), times, fails=False))

    def fail(self, pods: str = ".*", times: int | None = 1) -> None:
        """The next `times` scrapes (None: until `clear`) are refused: `up` is 0, all series go stale."""
        self._losses.append(_Loss(re.compile(pods), times, fails=True))

    def clear(self) -> None:
        """All scrapes succeed again."""
        self._losses.clear()

    def take(self, pod: str) -> str | None:
        """What happens to this scrape of `pod`: `"missed"`, `"failed"` or, all being well, None."""
        for loss in self._losses:
            if loss.pods.fullmatch(pod):
                if loss.times is not None:
                    loss.times -= 1
                    if loss.times <= 0:
                        self._losses.remove(loss)
                return "failed" if loss.fails else "missed"
        return None


@dataclass(slots=True)
class Target:
    """One target of one job: the same series in the same order at each scrape, each made at its first value."""

    tsdb: Tsdb
    common: dict[str, str]
    names: Sequence[tuple[str, Mapping[str, str]]]
    up: Series | None = None
    """None where the target is not the pod itself: cAdvisor's `up` is of a node."""
    series: list[Series | None] = field(init=False)
    present: list[bool] = field(init=False)

    def __post_init__(self) -> None:
        self.series = [None] * len(self.names)
        self.present = [False] * len(self.names)

    def append(self, at: int, values: Values) -> None:
        """A scrape that succeeded: one sample of each series, staleness where one is gone."""
        self._report(at, 1.0)
        for i, value in enumerate(values):
            if value is None:
                if self.present[i]:
                    self._end(i, at)
                continue
            series = self.series[i]
            if series is None:
                name, labels = self.names[i]
                series = self.series[i] = self.tsdb.series({METRIC_NAME: name, **labels, **self.common})
            series.append(at, value)
            self.present[i] = True

    def fail(self, at: int) -> None:
        """A scrape that failed: `up` is 0, and everything else ends."""
        self._report(at, 0.0)
        self._end_all(at)

    def vanish(self, at: int) -> None:
        """The target is no longer found: everything ends, `up` too."""
        self._report(at, STALE)
        self._end_all(at)

    def _report(self, at: int, up: float) -> None:
        if self.up is not None:
            self.up.append(at, up)

    def _end_all(self, at: int) -> None:
        for i, present in enumerate(self.present):
            if present:
                self._end(i, at)

    def _end(self, i: int, at: int) -> None:
        series = self.series[i]
        assert series is not None
        series.append(at, STALE)
        self.present[i] = False


@dataclass(slots=True)
class _Pod:
    phase: int
    apps: list[Target]
    cadvisor: Target


@dataclass(slots=True, eq=False)
class Scraper:
    """Scrapes each pod once in `phases` ticks; a pod's phase is fixed by its name and the seed.

    `jobs`: each pod is scraped once for each (two of them give every series twice, as a doubled configuration does).
    """

    tsdb: Tsdb
    traffic: TrafficModel
    faults: ScrapeFaults
    phases: int
    jobs: Sequence[str]
    seed: int
    _targets: dict[str, _Pod] = field(default_factory=dict)
    _forgot_at: datetime | None = None

    def tick(self, phase: int, pods: Iterable[Pod], now: datetime) -> None:
        """Scrape the targets whose turn it is. The traffic model must have observed `pods` at `now`."""
        at = milliseconds(now)
        living = {uid_of(pod): pod for pod in pods if _is_target(pod)}
        for uid, pod in living.items():
            target = self._target(uid, pod)
            if target.phase == phase:
                self._scrape(target, pod, now, at)
        for uid in [uid for uid, target in self._targets.items() if target.phase == phase and uid not in living]:
            target = self._targets.pop(uid)
            for job in (*target.apps, target.cadvisor):
                job.vanish(at)
        if self._forgot_at is None or now - self._forgot_at >= _FORGET_EVERY:
            self.tsdb.forget(now)
            self._forgot_at = now

    def _target(self, uid: str, pod: Pod) -> _Pod:
        target = self._targets.get(uid)
        if target is not None:
            return target
        behaviour = self.traffic.behaviour_of(pod)
        metadata = pod["metadata"]
        place = {"namespace": str(metadata.get("namespace")), "pod": str(metadata["name"])}
        names = [*shape_of(behaviour).series, ("queue_depth", {})]
        instance = f"{pod['status']['podIP']}:{port_of(pod)}"
        apps = []
        for job in self.jobs:
            common = {**place, "job": job, "instance": instance}
            apps.append(Target(self.tsdb, common, names, self.tsdb.series({METRIC_NAME: "up", **common})))
        node = str((pod.get("spec") or {}).get("nodeName") or "node-1")
        cadvisor = Target(self.tsdb, {"job": _CADVISOR_JOB, "instance": node}, _cadvisor_names(pod, place))
        phase = zlib.crc32(f"{self.seed}/{metadata['name']}".encode()) % self.phases
        target = self._targets[uid] = _Pod(phase, apps, cadvisor)
        return target

    def _scrape(self, target: _Pod, pod: Pod, now: datetime, at: int) -> None:
        loss = self.faults.take(str(pod["metadata"]["name"]))
        if loss == "missed":
            return
        counters = self.traffic.counters(pod, now)
        refused = not is_running(pod) or self.traffic.health(pod, "/metrics", now) == "refused"
        if loss == "failed" or refused:
            for job in target.apps:
                job.fail(at)
        else:
            values = app_values(self.traffic, pod, counters, now)
            for job in target.apps:
                job.append(at, values)
        if is_running(pod):
            cpu, memory = counters.cpu_seconds, self.traffic.memory(pod, now)
            target.cadvisor.append(at, [cpu, memory, cpu, memory])
        else:
            target.cadvisor.append(at, [None, None, None, None])


def app_values(traffic: TrafficModel, pod: Pod, counters: Counters, now: datetime) -> Values:
    """The values that the application shows: those of its dialect's series, and its queue."""
    life = traffic.life(pod)
    assert life is not None
    depth = life.behaviour.queue_depth
    queue = None if depth is None else depth.at(life.age(now.timestamp()))
    return [*life.shape.values(counters), queue]


def _cadvisor_names(pod: Pod, place: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The container's series, and those of the pod's whole cgroup, which have no container."""
    container = {**place, "container": container_of(pod)}
    cpu, memory = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
    return [(cpu, container), (memory, container), (cpu, dict(place)), (memory, dict(place))]


def container_of(pod: Pod) -> str:
    """The name of the pod's first container."""
    containers = (pod.get("spec") or {}).get("containers") or [{}]
    return str(containers[0].get("name") or "app")


def port_of(pod: Pod) -> int:
    """The port of the pod's application: the one named `http`, else the first; 8080 where none is declared."""
    containers = (pod.get("spec") or {}).get("containers") or []
    ports: list[dict[str, Any]] = [port for container in containers for port in container.get("ports") or []]
    named = [port for port in ports if port.get("name") == "http"]
    return int((named or ports or [{"containerPort": 8080}])[0]["containerPort"])


def _is_target(pod: Pod) -> bool:
    """Whether a usual configuration scrapes the pod: it has an address, and has not ended for good."""
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in {"Succeeded", "Failed"}


def is_running(pod: Pod) -> bool:
    """Whether the pod's application runs now (a container that waits for its restart does not)."""
    status = pod.get("status") or {}
    statuses = status.get("containerStatuses")
    if statuses:
        return all("running" in (container.get("state") or {}) for container in statuses)
    return status.get("phase") == "Running"
