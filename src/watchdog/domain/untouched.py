"""Who is a peer: guarded targets of the same guard that nobody touched in the same time.

Left out are those with an open watch of their own, those that began to serve less than a bake before the switch, those
that serve in spite of a breach (they fail for a reason of their own), idle colours, and all that call the candidate,
directly or through others, as the guard's `callers` says: a bad backend takes its callers along.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watchdog.domain.memory import Memory
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.state import Watch

MOST = 12
"""Peers that are compared at most: those of the candidate's own namespace first."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A target that nobody touched, what serves it and since when."""

    target: Target
    revision: Revision
    since: datetime


def untouched(watch: Watch, memories: Iterable[Memory], watches: Iterable[Watch]) -> tuple[Peer, ...]:
    """The peers of a watch, of what is remembered of its guard's targets. What runs the same pods counts once."""
    namespace = watch.switch.target.namespace
    memories = tuple(memories)
    touched = _released(watch).union(*(_released(other) for other in watches if not other.phase.terminal))
    callers = _callers(watch, memories)
    together: dict[Target, list[Memory]] = {}  # by what runs their pods
    for memory in memories:
        if not memory.idle:
            together.setdefault(memory.runner, []).append(memory)
    peers = [
        _peer(known)
        for workload, known in together.items()
        if workload not in touched
        and not _names(workload, known) & callers
        and not any(memory.doubted or memory.is_bad(memory.serving) for memory in known)
    ]
    old_enough = [peer for peer in peers if peer.since <= watch.switch.at - watch.guard.bake]
    return tuple(sorted(old_enough, key=lambda peer: (peer.target.namespace != namespace, peer.target))[:MOST])


def _peer(known: Sequence[Memory]) -> Peer:
    """A Service and its colour are one: named as the Service, serving since the later of both."""
    target = min((memory.target for memory in known), key=lambda one: (not one.kind.routes, one))
    newest = max(known, key=lambda memory: (memory.since, memory.target))
    return Peer(target, newest.serving, newest.since)


def _released(watch: Watch) -> set[Target]:
    """The workloads that a watch is about: what was switched to, and what served before."""
    switch = watch.switch
    revisions = (switch.candidate, switch.previous, watch.stable.revision if watch.stable else None)
    return {one.workload_in(switch.target.namespace) for one in revisions if one is not None}


def _names(workload: Target, known: Sequence[Memory]) -> set[str]:
    """All names under which a peer may be written: its Services, what runs its pods, the other colours."""
    colours = {workload.name}.union(*(memory.colours for memory in known))
    workloads = {str(replace(workload, name=name)) for name in colours}
    return workloads | {str(memory.target) for memory in known}


def _callers(watch: Watch, memories: Sequence[Memory]) -> set[str]:
    """All that call the candidate, directly or not; whether `callers` names its Service or its Deployment."""
    switch, released = watch.switch, _released(watch)
    services = {str(replace(switch.target, name=flip.service)) for flip in switch.flips}
    own = [memory for memory in memories if memory.runner in released]
    names = services.union(*(_names(one, own) for one in released))
    known: Mapping[str, tuple[str, ...]] = watch.guard.callers
    left, found = [str(switch.target), *names], set[str]()
    while left:
        for caller in known.get(left.pop(), ()):
            if caller not in found:
                found.add(caller)
                left.append(caller)
    return found
