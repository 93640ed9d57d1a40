"""A moment, judged as if a switch had happened then: whatever served before it is stable, what came after is judged.

Nothing needs to be known of what was deployed: all pods of the target count, before the moment as the baseline, after
it as the candidate's. What leaves no past (probes, pod signs) is not judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watchdog.domain.judge.habits import Calibration
from watchdog.domain.live import Destination, Live, Pod
from watchdog.domain.rollout import (
    Revision,
    ServiceFlip,
    Stable,
    SwitchKind,
    Target,
    TrafficSwitch,
    any_pods_of,
    either,
)
from watchdog.domain.rules import Guard, Probe, Rule, Signs
from watchdog.domain.state import Watch, open_watch

BLOCKS = 600
"""The longest bake that is judged so, in intervals."""

_NAME = "as-if"


@dataclass(frozen=True, slots=True)
class AsIf:
    """The watch of such a switch, and what of its guard it leaves out."""

    watch: Watch
    left_out: tuple[Rule, ...]
    shortened: bool


def as_if_switched(
    target: Target, guard: Guard, workloads: Sequence[str], at: datetime, habits: Mapping[str, Calibration]
) -> AsIf:
    """The watch of a switch of `target` at `at`. `workloads`: the Deployments whose pods serve it, now's first."""
    whoever = Revision(workloads[0], "", pods=either([any_pods_of(workload) for workload in workloads]))
    left_out = tuple(rule for rule in guard.rules if isinstance(rule.check, Probe | Signs))
    bake = min(guard.bake, BLOCKS * guard.interval)
    judged = replace(guard, rules=tuple(rule for rule in guard.rules if rule not in left_out), bake=bake)
    # A flip: from one moment to the next everything is the candidate's.
    flip = ServiceFlip(target.name, {_NAME: "before"}, {_NAME: "after"})
    switch = TrafficSwitch(target, SwitchKind.SELECTOR, whoever, whoever, at, flips=(flip,))
    stable = Stable(whoever, at - guard.baseline, at)
    watch = open_watch(switch, judged, stable, calibrations=habits, now=at)
    return AsIf(watch, left_out, bake < guard.bake)


def seen_then(switch: TrafficSwitch, now: datetime) -> Live:
    """What a look at the target shows: nothing that would be in the way of a rollback, for that nobody can tell."""
    pod = Pod(_NAME, _NAME, created=switch.at, ready_since=switch.at)
    return Live(
        target=switch.target,
        at=now,
        version=0,
        exists=True,
        uid=_NAME,
        resource_version=_NAME,
        serving=switch.candidate,
        candidate_pods=(pod,),
        destination=Destination(switch.candidate, exists=True, replicas=1, ready_pods=1),
        services={flip.service: (_NAME, _NAME, True) for flip in switch.flips},
        fresh=True,
    )
