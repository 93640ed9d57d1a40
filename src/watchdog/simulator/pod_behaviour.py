"""How a simulated pod behaves, told by whoever builds the cluster."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from watchdog.simulator.objects import Object


@dataclass(frozen=True)
class PodBehaviour:
    """The life of a pod, in seconds of the cluster's clock. The default one starts, is ready after a second, stays so.

    `starts_after` counts from the scheduling, `ready_after` and `exits_after` from each start of the container,
    `unready_after` from readiness, `ready_again_after` from its loss, `evicted_after` from the scheduling,
    `shutdown` from the deletion (never longer than the pod's grace period).
    """

    ready_after: float | None = 1.0
    starts_after: float = 0.0
    schedulable: bool = True
    image_pull_fails: bool = False
    exits_after: float | None = None
    exit_code: int = 1
    exit_reason: str = "Error"
    exits: int | None = None
    unready_after: float | None = None
    ready_again_after: float | None = None
    evicted_after: float | None = None
    shutdown: float = 1.0

    @classmethod
    def never_ready(cls) -> "PodBehaviour":
        """Runs, but its readiness probe never succeeds."""
        return cls(ready_after=None)

    @classmethod
    def crash_loop(cls, after: float = 1.0) -> "PodBehaviour":
        """Exits `after` each start, before it was ever ready."""
        return cls(ready_after=None, exits_after=after)

    @classmethod
    def oom_kills(cls, after: float, ready_after: float | None = 1.0) -> "PodBehaviour":
        """Is killed for its memory `after` each start."""
        return cls(ready_after=ready_after, exits_after=after, exit_code=137, exit_reason="OOMKilled")

    @classmethod
    def cannot_pull(cls) -> "PodBehaviour":
        """Its image is not there."""
        return cls(image_pull_fails=True)

    @classmethod
    def unschedulable(cls) -> "PodBehaviour":
        """No node has room for it."""
        return cls(schedulable=False)

    def but(self, **changes: Any) -> "PodBehaviour":
        """The same with some parts changed."""
        return replace(self, **changes)


BehaviourOf = Callable[[Object], PodBehaviour]


def well_behaved(_pod: Object) -> PodBehaviour:
    """What pods do where nobody says otherwise."""
    return PodBehaviour()
