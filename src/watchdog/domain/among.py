"""Which of the open watches a sighting or a switch is about."""

from collections.abc import Iterable, Sequence

from watchdog.domain.live import Sighting
from watchdog.domain.rollout import SwitchKind, Target, TrafficSwitch
from watchdog.domain.state import Phase, Watch
from watchdog.domain.waiting import concerns

_JOIN_WITHIN = 60.0


def open_of(watches: Iterable[Watch], target: Target) -> list[Watch]:
    """Those of the target that have not ended."""
    return [watch for watch in watches if watch.switch.target == target and not watch.phase.terminal]


def superseded_by(watches: Sequence[Watch], switch: TrafficSwitch) -> list[Watch]:
    """Open watches that end with this switch: of the target, flips to what rolls out now, rollouts of what is given
    a weight now.
    """
    return [
        *open_of(watches, switch.target),
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


def watched_already(open_watches: Iterable[Watch], switch: TrafficSwitch) -> bool:
    """Whether this is what one of the target's open watches is about, seen again: one that was resumed, or a relist."""
    return any(watch.switch.is_same(switch) and not _after_the_put_back(watch, switch) for watch in open_watches)


def _after_the_put_back(watch: Watch, switch: TrafficSwitch) -> bool:
    """Whether somebody switched to it once more; what a cache shows late was switched to before."""
    if watch.phase is not Phase.RECOVERING or watch.acted_at is None or watch.left:
        return False
    # The API server stamps what it is given with whole seconds.
    return switch.at > watch.switch.at and switch.at >= watch.acted_at.replace(microsecond=0)


def brought_back(open_watches: Iterable[Watch], switch: TrafficSwitch) -> str:
    """Why the watch of this switch may only tell: it brings back what was put back a moment ago. Nobody fights."""
    for watch in open_watches:
        if watch.phase is Phase.RECOVERING and watch.switch.candidate == switch.candidate:
            who = switch.by or "somebody"
            return f"{who} brought back what was put back at {watch.acted_at:%H:%M:%S} UTC; it is not put back again"
    return ""


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
