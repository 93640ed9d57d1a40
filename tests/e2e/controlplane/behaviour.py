"""How a release behaves: what its pods do, and what its metrics and health checks say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, Self

PREFIX = "e2e.example/"
BY_VERSION = f"{PREFIX}behaviour-by-version"
# Pods with this label are the stand-in's: it answers for their metrics and health checks.
STAND_IN_LABEL = {f"{PREFIX}stand-in": "true"}

Dialect = Literal["fastapi", "express", "opentelemetry"]
PodLife = Literal["ready", "crash-loop", "crash-late", "oom-loop", "never-ready", "unready-late", "image-pull"]


@dataclass(frozen=True)
class Behaviour:
    """Of each pod of a release. The defaults are a healthy one.

    With `after`, the pod is healthy for that many seconds from its readiness; `errors`, `latency`, `cpu`,
    `memory`, `leak`, `health`, and the fate of a `-late` pod, come then.
    """

    rps: float = 20.0  # requests per second that reach this pod while it gets traffic
    errors: float = 0.0  # share of them answered 5xx
    latency: float = 0.05  # median, in seconds; p95 is 2.3 times as much
    cpu: float = 0.1  # cores
    memory: float = 100.0  # MiB
    leak: float = 0.0  # MiB more each second
    health: int | Literal["hang", "reset"] = 200  # what GET /health answers
    pod: PodLife = "ready"  # stages.yaml says what each does
    ready_after: float = 0.0  # seconds from scheduled to ready
    after: float = 0.0
    dialect: Dialect = "fastapi"  # how its metrics are called

    def at(self, age: float) -> Behaviour:
        """What shows when the pod has been ready for `age` seconds."""
        return self if age >= self.after else Behaviour(rps=self.rps, dialect=self.dialect)

    def annotations(self, behind: str | None = None) -> dict[str, str | None]:
        """For a pod template. `behind`: the Service without which the pods get no traffic.

        None removes an annotation by a merge patch: an earlier release of the Deployment may have left it.
        """
        return {
            f"{PREFIX}behaviour": json.dumps(asdict(self)),
            f"{PREFIX}pod": self.pod,
            f"{PREFIX}ready-after": f"{self.ready_after}s",
            f"{PREFIX}after": f"{self.after}s",
            f"{PREFIX}behind": behind,
        }

    @classmethod
    def of(cls, annotations: Mapping[str, str], version: str = "") -> Self:
        """Of a pod whose image has this tag: what its template says of the tag, else of every release."""
        by_version = json.loads(annotations.get(BY_VERSION, "{}"))
        return cls(**by_version.get(version, json.loads(annotations.get(f"{PREFIX}behaviour", "{}"))))


def by_version(behaviours: Mapping[str, Behaviour]) -> dict[str, str]:
    """For a pod template whose image somebody else will change: how the releases of these tags will behave."""
    return {BY_VERSION: json.dumps({version: asdict(one) for version, one in behaviours.items()})}


GOOD = Behaviour()
