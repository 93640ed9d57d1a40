"""Which of the open watches a sighting or a switch is about."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from watchdog.domain.live import Sighting
from watchdog.domain.memory import Memory
from watchdog.domain.rollout import SwitchKind, Target, TrafficSwitch
from watchdog.domain.state import Phase, Watch
from watchdog.domain.waiting import concerns

_JOIN_WITHIN = 60.0


def open_of(watches: Iterable[Watch], target: Target) -> list[Watch]:
    """Those of the target that have not ended."""
    return [watch for watch in watches if watch.switch.target == target and not watch.phase.terminal]


def superseded_by(watches: Sequence[Watch], switch: TrafficSwitch) -> list[Watch]:
    """Open watches that end with this switch: of the target, flips to what rolls out now, rollouts of what is given
    a weight now, and what put back a Service that is brought back now, if only as one of several.
    """
    about = _open_about(watches, switch.target)
    back = brought_back(about, switch)
    return [
        *(watch for watch in about if watch.switch.target == switch.target or watch is back),
        *(watch for watch in watches if not watch.phase.terminal and _gives_way(watch.switch, switch)),
    ]


def _gives_way(earlier: TrafficSwitch, switch: TrafficSwitch) -> bool:
    """Whether a watch of another target is about what is switched to now, so that two would act on one release."""
    if earlier.target.namespace != switch.target.namespace:
        return False
    if switch.kind is SwitchKind.ROLLOUT:
        return earlier.kind.at_once and earlier.candidate.workload == switch.candidate.workload
    # Rolled out while nothing went there; from now on the weights decide how much does.
    return switch.kind.in_parts and earlier.kind is SwitchKind.ROLLOUT and earlier.candidate == switch.candidate


def _open_about(watches: Iterable[Watch], target: Target) -> list[Watch]:
    """Those that have not ended and are about a switch of the target, be it one that joined another's."""
    return [watch for watch in watches if concerns(watch, target) and not watch.phase.terminal]


def watched_already(watches: Iterable[Watch], switch: TrafficSwitch, memory: Memory) -> bool:
    """Whether an open watch about its target has it already: it was resumed, or all was listed anew."""
    about = _open_about(watches, switch.target)
    return any(watch.switch.is_same(switch) and not _once_more(watch, switch, memory) for watch in about)


def _once_more(watch: Watch, switch: TrafficSwitch, memory: Memory) -> bool:
    """Whether somebody switched to it again after it was put back; what a cache shows late was switched to before."""
    if watch.phase is not Phase.RECOVERING or watch.remedy is None or switch.target.name in watch.left:
        return False
    seen_back = switch.previous == watch.remedy.to and any(bad.watch == watch.id for bad in memory.bad)
    return seen_back or _is_later(watch, switch)


def _is_later(watch: Watch, switch: TrafficSwitch) -> bool:
    if watch.acted_at is None:
        return False
    # The API server stamps what it is given with whole seconds.
    return switch.at > watch.switch.at and switch.at >= watch.acted_at.replace(microsecond=0)


def brought_back(open_watches: Iterable[Watch], switch: TrafficSwitch) -> Watch | None:
    """The watch that put this back a moment ago. Nobody fights: who brings it back is only told of."""
    return next(
        (one for one in open_watches if one.phase is Phase.RECOVERING and one.switch.candidate == switch.candidate),
        None,
    )


def not_fought(watch: Watch, switch: TrafficSwitch) -> str:
    """Why the watch of a switch that brings back what this one put back may only tell."""
    who = switch.by or "somebody"
    return f"{who} brought back what was put back at {watch.acted_at:%H:%M:%S} UTC; it is not put back again"


def dated_after(watch: Watch, switch: TrafficSwitch, now: datetime) -> TrafficSwitch:
    """The switch, with a moment after the put-back that it undoes: of pods that were never replaced some are older."""
    return switch if _is_later(watch, switch) else replace(switch, at=now, at_is_bound=True)


def joined_by(watches: Iterable[Watch], switch: TrafficSwitch) -> Watch | None:
    """The open watch of the same release: a flip between the same two Deployments, a moment ago."""
    for watch in watches:
        first = watch.switch
        if (
            switch.kind.at_once
            and first.target.kind is switch.target.kind
            and watch.phase.before_acting
            and first.target != switch.target
            and first.target.namespace == switch.target.namespace
            and first.candidate == switch.candidate
            and first.previous is not None
            and switch.previous is not None
            and first.previous.workload == switch.previous.workload
            and abs((switch.at - first.at).total_seconds()) <= _JOIN_WITHIN
        ):
            return watch
    return None


def makes_serve(watches: Iterable[Watch], sighting: Sighting) -> bool:
    """Whether what is sighted is where a watch is putting the traffic back to."""
    acting = (Phase.ACTING, Phase.RECOVERING, Phase.ROLLED_BACK)
    return put_back_by([watch for watch in watches if watch.phase in acting or watch.left], sighting)


def put_back_by(watches: Iterable[Watch], sighting: Sighting) -> bool:
    """Whether one of these is the rollback that made what is sighted serve."""
    return any(
        watch.remedy is not None and watch.remedy.to == sighting.serving and concerns(watch, sighting.target)
        for watch in watches
    )
