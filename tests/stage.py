"""What a story needs that is told both on simulated time and on a real control plane, and nothing only one can do.

A story furnishes a scene, plays people (deploy, flip, hold) and looks at what came of it: the record, the writes that
the API server carried out, what the channels were told. It never asserts how long anything took. Two implement
`Stage`: `simulated_stage.SimulatedStage` and `e2e.real_stage.RealStage`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from e2e.controlplane.behaviour import GOOD, Behaviour
from six_rules import six_rules

Record = Mapping[str, Any]
PART_OF = "app.kubernetes.io/part-of"


@dataclass(frozen=True)
class Rollout:
    """How a Deployment replaces its pods: all at once, or by so many too many and so many too few."""

    recreate: bool = False
    surge: int = 1
    unavailable: int = 0
    ready_for: int = 0  # seconds until a ready pod counts as available
    deadline: int = 600  # seconds without progress until its controller gives it up

    def spec(self) -> dict[str, Any]:
        """What it makes of a Deployment's spec."""
        rolling = {"maxSurge": self.surge, "maxUnavailable": self.unavailable}
        strategy = {"type": "Recreate"} if self.recreate else {"type": "RollingUpdate", "rollingUpdate": rolling}
        return {
            "strategy": strategy,
            "minReadySeconds": self.ready_for,
            "progressDeadlineSeconds": self.deadline,
        }


@dataclass(frozen=True)
class App:
    """A guarded Deployment, at v1. `config`: a ConfigMap that its pods cannot start without."""

    name: str
    config: str = ""
    behaviour: Behaviour = GOOD
    rollout: Rollout | None = None
    cpu: str = ""  # what its containers ask for, where a vertical autoscaler is to change that


@dataclass(frozen=True)
class Colours:
    """A guarded Service (and perhaps others) on its Deployment SERVICE-blue at v1, with SERVICE-green at v2 beside."""

    service: str
    green: Behaviour = GOOD
    also: tuple[str, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        return (self.service, *self.also)


class Stage(Protocol):
    """A namespace under guard, its people, and what the watchdog did there."""

    async def deploy(self, name: str, version: str, behaviour: Behaviour = GOOD, *, config: str = "") -> None:
        """Someone rolls out a version; returns at once."""

    async def rolled_out(self, name: str) -> None:
        """Wait until the rollout is complete."""

    async def flip(self, service: str, colour: str) -> None:
        """Someone points the Service at that colour's pods."""

    async def scale(self, name: str, replicas: int) -> None:
        """An autoscaler resizes the Deployment."""

    async def resize(self, name: str, cpu: str) -> None:
        """A vertical autoscaler gives each pod of the Deployment so much CPU: its pods, not its template."""

    async def pause(self, name: str, *, paused: bool = True) -> None:
        """`kubectl rollout pause`, and `resume` with `paused=False`."""

    async def hold(self, target: str, reason: str) -> None:
        """Someone puts `deployment/NAME` or `service/NAME` on hold; with reason "" the hold is taken off."""

    async def label(self, target: str, **labels: str) -> None:
        """Someone labels the object: it changes, what serves does not."""

    async def configmap(self, name: str, *, there: bool) -> None:
        """Someone makes the ConfigMap, or deletes it."""

    async def quota(self, pods: int | None) -> None:
        """Someone allows the namespace so many pods; None: as many as it likes."""

    async def before_the_put_back(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do `act` once, between the watchdog's last look and its write. Only in stories that `intercept`."""

    async def outcome(self, target: str = "", number: int = 1) -> Record:
        """The record of the target's (or of any) first or later watch, once it has ended."""

    async def phase(self, target: str, phase: str, because: str = "") -> Record:
        """The record of the target's first watch, once it is in that phase, for a reason that has these words."""

    async def records(self) -> list[Record]:
        """All records of this stage, oldest first."""

    async def told(self, channel: str = "releases") -> list[str]:
        """The topics that the channel was told of watches, in order, once there is nothing left to tell."""

    async def acts(self, *, refused: bool = False) -> list[str]:
        """What the watchdog changed (or was refused to) among the workloads, in order, as `services/gateway`."""

    async def version(self, name: str) -> str:
        """The image's tag in the Deployment's template."""

    async def colour(self, service: str) -> str:
        """What the Service selects."""


@dataclass(frozen=True)
class Story:
    """One story, under the guard it needs."""

    tell: Callable[[Stage], Awaitable[None]]
    scene: tuple[App | Colours, ...]
    rules: tuple[str, ...]
    bake: str
    more: str = ""
    probes: bool = False  # needs pods that answer health checks
    intercepts: bool = False  # needs a hand between the watchdog and the API server
    interval: str = "2s"
    warmup: str = "2s"
    recovery: str = "10s"
    baseline: str = "5m"

    @property
    def name(self) -> str:
        return self.tell.__name__

    def guard(self, namespace: str) -> str:
        """The guard of the story's namespace, unless the story says otherwise in a tempo of seconds."""
        rules = ", ".join(f'"{rule}"' for rule in self.rules)
        return f"""
[guards.{namespace}]
namespaces = ["{namespace}"]
selector = "{PART_OF}=e2e"
rules = [{rules}]
bake = "{self.bake}"
interval = "{self.interval}"
warmup = "{self.warmup}"
recovery = "{self.recovery}"
baseline = "{self.baseline}"
channels = ["releases", "oncall"]
{self.more}
"""


@dataclass
class Stories:
    """Collects stories: `@STORIES.told_of(App("research"))`."""

    all: list[Story] = field(default_factory=list)

    def told_of(
        self,
        *scene: App | Colours,
        rules: tuple[str, ...] = ("error-rate", "latency", "cpu", "memory", "crash"),
        bake: str = "60s",
        more: str = "",
        intercepts: bool = False,
        recovery: str = "10s",
    ) -> Callable[[Callable[[Stage], Awaitable[None]]], Callable[[Stage], Awaitable[None]]]:
        def collect(tell: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
            self.all.append(Story(tell, scene, rules, bake, more, "health" in rules, intercepts, recovery=recovery))
            return tell

        return collect


def rules_text(*guards: str) -> str:
    """A whole rules.toml of these guards."""
    return f"""
version = 1
[brakes]  # many stories share one watchdog
all = "1000 in 10m"
target = "1000 in 10m"
{"".join(guards)}
{six_rules(lasting="4s", probed="1s", timeout="1s")}
[channels.releases]
url = "{{{{ secret.RELEASES_URL }}}}"
on = ["switch", "passed", "breach", "rolled-back", "recovered", "not-recovered", "held", "failed", "notified",
      "inconclusive", "superseded", "rules-invalid", "unguarded"]
[channels.oncall]
url = "{{{{ secret.ONCALL_URL }}}}"
on = ["rolled-back", "not-recovered", "held", "failed"]
"""
