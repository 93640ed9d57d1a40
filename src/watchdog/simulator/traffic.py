"""The simulated applications: which pods receive requests, and what they count.

The model is told what the cluster looks like (`observe`) and asked what a pod has counted (`counters`). Between
two such moments nothing is simulated: counters are moved on by the rates that held in between, so that an hour
costs as much as the scrapes in it.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, Protocol

from watchdog.simulator.behaviour import Behaviour, Course, Health, HealthAnswer, Latency, cells
from watchdog.simulator.dialects import Counters, Outcomes, Requests, Shape, shape_of
from watchdog.simulator.noise import binomial, multinomial, poisson
from watchdog.simulator.routing import streams

Pod = Mapping[str, Any]
"""A pod as the Kubernetes API writes it."""
BehaviourOf = Callable[[Pod], Behaviour]
"""How a pod's application behaves. Asked again and again: it may change its mind, but for the dialect."""

_CPU_NOISE: Final = 0.03
_MEMORY_NOISE: Final = 0.01


class Cluster(Protocol):
    """What the simulated metrics need to know of a cluster."""

    def pods(self) -> list[dict[str, Any]]:
        """All pods, terminating ones too."""
        ...

    def list(self, kind: str, namespace: str, /) -> list[dict[str, Any]]:
        """The objects of one kind in a namespace; only the kinds of `ROUTING` are asked for."""
        ...


@dataclass(slots=True)
class Life:
    """One run of one pod's container."""

    behaviour: Behaviour
    counters: Counters
    shape: Shape
    random: Random
    restarts: int
    at: float
    ready_since: float | None = None
    traffic_since: float | None = None
    share: float = 0.0
    """The sum, over the Services that select the pod, of its share of their requests."""

    def age(self, now: float) -> float:
        """Seconds of the pod's life that `Behaviour` counts; 0 before it began."""
        since = self.ready_since if self.behaviour.since == "ready" else self.traffic_since
        return 0.0 if since is None else max(0.0, now - since)


@dataclass(slots=True, eq=False)
class TrafficModel:
    """The applications of all pods. `noise=False` makes counts the exact expectation instead of random ones."""

    behaviour_of: BehaviourOf
    seed: int = 0
    noise: bool = True
    carries_traffic: Callable[[Mapping[str, Any]], bool] = lambda _service: True
    _lives: dict[str, Life] = field(default_factory=dict)
    _observed_at: float = 0.0

    def observe(self, pods: Iterable[Pod], services: Iterable[Mapping[str, Any]], now: datetime) -> None:
        """Take notice of pods that came, went, restarted, became ready, or are selected by other Services."""
        at = now.timestamp()
        living = {uid_of(pod): pod for pod in pods}
        for gone in self._lives.keys() - living.keys():
            del self._lives[gone]
        shares = _shares(living, [s for s in services if self.carries_traffic(s)])
        for uid, pod in living.items():
            self._take_notice(uid, pod, shares.get(uid, 0.0), at)
        self._observed_at = at

    def begin_again(self) -> None:
        """Forget all pods and what they counted."""
        self._lives.clear()
        self._observed_at = 0.0

    def life(self, pod: Pod) -> Life | None:
        """The pod's running container; None before it was observed."""
        return self._lives.get(uid_of(pod))

    def counters(self, pod: Pod, now: datetime) -> Counters:
        """What the pod's container has counted by `now`; the pod must have been observed."""
        life = self._lives[uid_of(pod)]
        self._advance(life, now.timestamp())
        return life.counters

    def memory(self, pod: Pod, now: datetime) -> float:
        """The working set in bytes."""
        life = self._lives[uid_of(pod)]
        bytes_used = life.behaviour.memory.at(life.age(now.timestamp()))
        return float(round(bytes_used * (1 + life.random.gauss(0, _MEMORY_NOISE)))) if self.noise else bytes_used

    def health(self, pod: Pod, path: str, now: datetime) -> HealthAnswer:
        """The answer of the pod's container to GET `path`."""
        life = self._lives.get(uid_of(pod))
        if life is None:
            return self.behaviour_of(pod).health_at(path, 0.0)
        return life.behaviour.health_at(path, life.age(now.timestamp()))

    def _take_notice(self, uid: str, pod: Pod, share: float, at: float) -> None:
        life = self._lives.get(uid)
        behaviour, restarts = self.behaviour_of(pod), restarts_of(pod)
        known = life is not None
        if life is None or life.restarts != restarts:
            life = self._lives[uid] = self._born(pod, behaviour, restarts, at)
        if life.share != share or life.behaviour != behaviour:
            self._advance(life, at)
            if share and not life.share:
                life.traffic_since = at
            life.share, life.behaviour = share, behaviour
        if life.ready_since is None:
            since = ready_since(pod)
            if since is not None:
                # A transition is written in whole seconds: one seen to happen is no older than the last look.
                life.ready_since = min(at, max(since, self._observed_at) if known else since)

    def _born(self, pod: Pod, behaviour: Behaviour, restarts: int, at: float) -> Life:
        name = f"{pod['metadata'].get('namespace')}/{pod['metadata']['name']}"
        shape = shape_of(behaviour)
        counters = Counters(len(shape.bounds) + 1, len(behaviour.routes))
        return Life(behaviour, counters, shape, Random(f"{self.seed}/{name}/{restarts}"), restarts, at)  # noqa: S311

    def _advance(self, life: Life, at: float) -> None:
        behaviour, begin = life.behaviour, life.at
        if at <= begin:
            return
        life.at = at
        birth = at - life.age(at)
        breaks = [birth + edge for edge in (behaviour.slow_after, behaviour.slow_until)]
        edges = [begin, *sorted(edge for edge in breaks if begin < edge < at), at]
        for left, right in itertools.pairwise(edges):
            self._count(life, left, right)

    def _count(self, life: Life, begin: float, end: float) -> None:
        """Count the requests between two times, over which the distribution of latency stays the same."""
        behaviour, counters, random = life.behaviour, life.counters, life.random
        seconds, age, old_age = end - begin, life.age(begin), life.age(end)
        cores = behaviour.cpu.mean(age, old_age) if life.share else behaviour.idle_cpu
        if self.noise:
            cores *= max(0.0, 1 + random.gauss(0, _CPU_NOISE))
        counters.cpu_seconds += cores * seconds
        expected = behaviour.requests_per_second * life.share * seconds
        if not expected:
            return
        latency = cells(behaviour.latency_at((age + old_age) / 2), life.shape.bounds)
        graphql = behaviour.graphql_errors.mean(age, old_age)
        for route, outcomes in zip(behaviour.routes, counters.of_route, strict=True):
            errors = (behaviour.errors if route.errors is None else route.errors).mean(age, old_age)
            answered = self._answer(outcomes, random, expected * route.share, errors, latency)
            counters.graphql_errors += binomial(random, int(answered), graphql) if self.noise else answered * graphql

    def _answer(
        self,
        outcomes: Outcomes,
        random: Random,
        expected: float,
        errors: float,
        latency: tuple[list[float], list[float]],
    ) -> float:
        """Count the requests of one route; returns how many did not fail."""
        shares, means = latency
        if not self.noise:
            answered = expected * (1 - errors)
            _add(outcomes.good, [answered * share for share in shares], means)
            _add(outcomes.bad, [expected * errors * share for share in shares], means)
            return answered
        requests = poisson(random, expected)
        failed = binomial(random, requests, errors)
        _add(outcomes.good, multinomial(random, requests - failed, shares), means)
        _add(outcomes.bad, multinomial(random, failed, shares), means)
        return requests - failed


def _add(requests: Requests, counts: list[int] | list[float], means: list[float]) -> None:
    for i, count in enumerate(counts):
        if count:
            requests.cells[i] += count
            requests.count += count
            requests.seconds += count * means[i]


def _shares(pods: Mapping[str, Pod], services: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """By pod, the sum of its shares of the Services that select it and find it ready."""
    ready = [
        (uid, pod["metadata"].get("namespace"), (pod["metadata"].get("labels") or {}).items())
        for uid, pod in pods.items()
        if ready_since(pod) is not None and not pod["metadata"].get("deletionTimestamp")
    ]
    shares: dict[str, float] = {}
    for namespace, wanted, share in streams(services):
        chosen = [uid for uid, within, labels in ready if within == namespace and wanted.items() <= labels]
        for uid in chosen:
            shares[uid] = shares.get(uid, 0.0) + share / len(chosen)
    return shares


def uid_of(pod: Pod) -> str:
    """The pod's identity."""
    metadata = pod["metadata"]
    return str(metadata.get("uid") or f"{metadata.get('namespace')}/{metadata['name']}")


def restarts_of(pod: Pod) -> int:
    """How often the pod's containers have restarted."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return sum(status.get("restartCount") or 0 for status in statuses)


def ready_since(pod: Pod) -> float | None:
    """When the pod became ready, in seconds since the epoch; None where it is not ready now."""
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Ready" and condition.get("status") == "True":
            written = condition.get("lastTransitionTime")
            return datetime.fromisoformat(written).astimezone(UTC).timestamp() if written else 0.0
    return None


__all__ = [
    "Behaviour",
    "BehaviourOf",
    "Cluster",
    "Course",
    "Health",
    "Latency",
    "Life",
    "Pod",
    "TrafficModel",
    "ready_since",
    "restarts_of",
    "uid_of",
]
