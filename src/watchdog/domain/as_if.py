"""A moment, judged as if a switch had happened then: whatever served before it is stable, what came after is judged.

Nothing needs to be known of what was deployed: all pods of the target count, before the moment as the baseline, after
it as the candidate's. What leaves no past (probes, pod signs) is not judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watchdog.domain.judge.habits import Calibration
from watchdog.domain.live import Destination, Live, Pod
from watchdog.domain.part import of_traffic
from watchdog.domain.rollout import (
    RUNNER,
    Revision,
    ServiceFlip,
    Stable,
    SwitchKind,
    Target,
    TargetKind,
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
    whom: str = ""  # whose pods are judged, where that is not plain


def whoever(workloads: Sequence[str], pods: str = "", kind: TargetKind = RUNNER) -> Revision:
    """All pods of these workloads, of whatever revision, now's first. `pods`: what their names are like."""
    return Revision(workloads[0], "", pods=pods or either([any_pods_of(one) for one in workloads]), kind=kind)


def as_if_switched(
    target: Target, guard: Guard, served: Revision, at: datetime, habits: Mapping[str, Calibration], whom: str = ""
) -> AsIf:
    """The watch of a switch of `target` at `at`: `served` is all that served it, before and after."""
    # A flip: from one moment to the next everything is the candidate's.
    switch = TrafficSwitch(target, SwitchKind.SELECTOR, served, served, at, flips=(_flip(target),))
    return _as_if(switch, guard, served, habits, whom)


def as_if_weighted(
    target: Target,
    guard: Guard,
    candidate: Revision,
    stable: Revision,
    part: float,
    at: datetime,
    habits: Mapping[str, Calibration],
) -> AsIf:
    """The same where it is known who had which part of a route's traffic then: one is judged beside the other."""
    switch = TrafficSwitch(target, SwitchKind.ROUTE, candidate, stable, at, flips=(_flip(target),), part=part)
    whom = f"by the records {candidate} had {of_traffic(part)} then, and is judged beside {stable}"
    return _as_if(switch, guard, stable, habits, whom)


def _flip(target: Target) -> ServiceFlip:
    return ServiceFlip(target.name, {_NAME: "before"}, {_NAME: "after"})


def _as_if(switch: TrafficSwitch, guard: Guard, before: Revision, habits: Mapping[str, Calibration], whom: str) -> AsIf:
    left_out = tuple(rule for rule in guard.rules if isinstance(rule.check, Probe | Signs))
    bake = min(guard.bake, BLOCKS * guard.interval)
    judged = replace(guard, rules=tuple(rule for rule in guard.rules if rule not in left_out), bake=bake)
    stable = Stable(before, switch.at - guard.baseline, switch.at)
    watch = open_watch(switch, judged, stable, calibrations=habits, now=switch.at)
    return AsIf(watch, left_out, bake < guard.bake, whom)


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
