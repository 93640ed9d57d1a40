"""How an application behaves, over the seconds since one of its pods became ready. Values only, no state."""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Dialect = Literal["fastapi", "express"]
HealthAnswer = int | Literal["hang", "refused"]

# The 95th percentile of the standard normal distribution.
_Z95: Final = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Course:
    """A value over the seconds of a pod's life: `base`, and from `after` until `until` a fault.

    In the fault the value is `fault` (`base` if None), growing by `growth` per second up to `ceiling`.
    """

    base: float
    fault: float | None = None
    after: float = math.inf
    until: float = math.inf
    growth: float = 0.0
    ceiling: float = math.inf

    @classmethod
    def constant(cls, value: float) -> "Course":
        """Always the same."""
        return cls(value)

    @classmethod
    def step(cls, base: float, fault: float, *, after: float, until: float = math.inf) -> "Course":
        """`base`, and `fault` from `after` seconds on."""
        return cls(base, fault, after, until)

    @classmethod
    def ramp(
        cls, base: float, growth: float, *, after: float = 0.0, ceiling: float = math.inf, until: float = math.inf
    ) -> "Course":
        """`base`, from `after` seconds on growing by `growth` per second, up to `ceiling`."""
        return cls(base, None, after, until, growth, ceiling)

    def at(self, age: float) -> float:
        """The value at `age` seconds."""
        if not self.after <= age < self.until:
            return self.base
        began = self.base if self.fault is None else self.fault
        return min(self.ceiling, began + self.growth * (age - self.after))

    def mean(self, begin: float, end: float) -> float:
        """The mean over the seconds `[begin, end]`, exactly."""
        if end <= begin or (self.until <= begin or end <= self.after):
            return self.at(begin)
        edges = sorted({begin, end, *(edge for edge in self._edges() if begin < edge < end)})
        # Linear between two edges, so the value in the middle is the mean.
        area = sum(self.at((left + right) / 2) * (right - left) for left, right in itertools.pairwise(edges))
        return area / (end - begin)

    def _edges(self) -> list[float]:
        edges = [self.after, self.until]
        if self.growth > 0 and math.isfinite(self.ceiling):
            began = self.base if self.fault is None else self.fault
            edges.append(self.after + (self.ceiling - began) / self.growth)
        return edges


@dataclass(frozen=True, slots=True)
class Latency:
    """A lognormal distribution of response times, by its median and 95th percentile in seconds."""

    median: float = 0.05
    p95: float = 0.2

    def share_below(self, seconds: float) -> float:
        """The share of requests that take at most `seconds`."""
        mu, sigma = self.parameters()
        return _normal((math.log(seconds) - mu) / sigma) if seconds > 0 else 0.0

    def seconds_below(self, seconds: float) -> float:
        """What the requests that take at most `seconds` add to the mean."""
        mu, sigma = self.parameters()
        mean = math.exp(mu + sigma * sigma / 2)
        return mean * _normal((math.log(seconds) - mu) / sigma - sigma) if seconds > 0 else 0.0

    def parameters(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm."""
        return math.log(self.median), max(1e-9, math.log(self.p95 / self.median) / _Z95)


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


@lru_cache(maxsize=256)
def cells(latency: Latency, bounds: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """For each bucket between `bounds` (the last is open): its share of requests, and their mean in seconds."""
    shares, means = [], []
    below = seconds = 0.0
    _, sigma = latency.parameters()
    total = latency.median * math.exp(sigma * sigma / 2)
    for bound in (*bounds, math.inf):
        now_below = latency.share_below(bound) if bound < math.inf else 1.0
        now_seconds = latency.seconds_below(bound) if bound < math.inf else total
        share = now_below - below
        shares.append(share)
        means.append((now_seconds - seconds) / share if share > 1e-12 else 0.0)
        below, seconds = now_below, now_seconds
    return shares, means


@dataclass(frozen=True, slots=True)
class Health:
    """What GET /health answers: a status, `"hang"` or `"refused"`; another one from `after` until `until` seconds."""

    base: HealthAnswer = 200
    fault: HealthAnswer = 503
    after: float = math.inf
    until: float = math.inf

    @classmethod
    def constant(cls, answer: HealthAnswer) -> "Health":
        """Always the same answer."""
        return cls(answer)

    @classmethod
    def fails(cls, *, after: float, answer: HealthAnswer = 503, until: float = math.inf) -> "Health":
        """200, and `answer` from `after` seconds on."""
        return cls(200, answer, after, until)

    def at(self, age: float) -> HealthAnswer:
        """The answer at `age` seconds."""
        return self.fault if self.after <= age < self.until else self.base


@dataclass(frozen=True, slots=True)
class Route:
    """One route of an application, with its share of the requests; `errors` are its own where given."""

    method: str
    handler: str
    share: float = 1.0
    errors: Course | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the pods of one revision behave.

    The times of all faults are seconds since the pod became ready or, where `since = "traffic"` (a green that waits
    idle for its flip), since traffic last began to reach it.

    `requests_per_second` come from each Service that selects the pod, shared among all the pods it sends traffic to.
    `errors` is the share of requests answered with 500. `graphql_errors` is the share of the others that carry
    GraphQL errors in a 200 (dialect `express` only). `latency` is replaced by `slow` from `slow_after` seconds
    until `slow_until`. `cpu` is in cores while traffic is served (`idle_cpu` otherwise), `memory` in bytes.
    `routes` take the requests by their shares (dialect `fastapi` only; what they are is asked at a pod's birth).
    """

    dialect: Dialect = "fastapi"
    requests_per_second: float = 10.0
    errors: Course = Course(0.0)
    graphql_errors: Course = Course(0.0)
    latency: Latency = Latency()
    slow: Latency | None = None
    slow_after: float = math.inf
    slow_until: float = math.inf
    cpu: Course = Course(0.1)
    idle_cpu: float = 0.01
    memory: Course = Course(128 * 2**20)
    health: Health = Health()
    ready: Health | None = None
    queue_depth: Course | None = None
    since: Literal["ready", "traffic"] = "ready"
    routes: tuple[Route, ...] = (Route("GET", "/api/items"),)

    def latency_at(self, age: float) -> Latency:
        """The distribution of response times at `age` seconds."""
        if self.slow is not None and self.slow_after <= age < self.slow_until:
            return self.slow
        return self.latency

    def health_at(self, path: str, age: float) -> HealthAnswer:
        """The answer to a probe of `path` (`/ready` has its own where `ready` is given)."""
        health = self.ready if path == "/ready" and self.ready is not None else self.health
        return health.at(age)
