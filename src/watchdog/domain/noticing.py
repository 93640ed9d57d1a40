"""When a sighting is a traffic switch: it is compared with what is remembered of its target."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watchdog.domain.live import Sighting
from watchdog.domain.memory import Good, Memory
from watchdog.domain.rollout import Revision, ServiceFlip, Stable, SwitchKind, TrafficSwitch


@dataclass(frozen=True, slots=True)
class Noticed:
    """What follows from a sighting: what to remember, and the switch to watch, if it is one.

    `quiet` says why a change of what serves is not watched (an idle colour, a bake long ended). `step`: the part of the
    traffic that moved; then `switch` is for when no watch is open. `over`: what is watched has no traffic any more.
    """

    memory: Memory
    switch: TrafficSwitch | None = None
    stable: Stable | None = None
    notify_only: str = ""  # why the watch may only tell
    quiet: str = ""
    step: float | None = None
    over: bool = False


def notice(
    memory: Memory | None,
    sighting: Sighting,
    *,
    bake: timedelta,
    rollback_window: timedelta,
    idle: bool,
    now: datetime,
) -> Noticed | None:
    """Compare a sighting with what is remembered. None: nothing to remember and nothing to watch.

    `idle` says that the target is a workload that is an idle colour of a guarded Service.
    """
    if sighting.serving is None:
        return None
    if memory is None:
        return _first_sight(sighting, sighting.serving, bake, idle=idle, now=now)
    memory = _matured(memory, sighting, bake, now)
    if not _switched(memory, sighting, sighting.serving):
        return _same(memory, sighting, sighting.serving, idle=idle, now=now)
    return _switch(memory, sighting, sighting.serving, bake, rollback_window, idle=idle, now=now)


def _first_sight(sighting: Sighting, serving: Revision, bake: timedelta, *, idle: bool, now: datetime) -> Noticed:
    colours = (serving.workload,) if sighting.kind.at_once else ()
    memory = Memory(sighting.target, serving, sighting.since, idle=idle, selector=sighting.selector, colours=colours)
    previous, since = sighting.previous, sighting.previous_since
    if previous is not None and since is not None and sighting.since - since >= bake:
        # Of an idle colour nobody can say when it served: it may be gone back to, but is no baseline.
        memory = replace(memory, good=(Good(previous, since, since if idle else sighting.since),))
    if previous is None:
        first = memory.with_good(serving, sighting.since, None) if sighting.complete else replace(memory, first=True)
        return Noticed(first, quiet="first seen")
    if sighting.complete and now - sighting.since >= bake:
        return Noticed(memory.with_good(serving, sighting.since, None), quiet="first seen, and long since switched")
    if idle:
        return Noticed(memory, quiet="an idle colour")
    switch = TrafficSwitch(
        sighting.target, sighting.kind, serving, previous, sighting.since, sighting.since_is_bound, sighting.by
    )
    return Noticed(memory, switch, memory.stable_for(serving, sighting.since))


def _matured(memory: Memory, sighting: Sighting, bake: timedelta, now: datetime) -> Memory:
    """The target's first revision is good once rolled out; another once it served for `bake` unharmed."""
    if memory.first and sighting.serving == memory.serving and sighting.complete:
        return replace(memory, first=False).with_good(memory.serving, memory.since, None)
    ended = sighting.since if sighting.serving != memory.serving else now
    known = any(good.revision == memory.serving for good in memory.good)
    unharmed = not (memory.doubted or memory.first or memory.is_bad(memory.serving))
    watched_elsewhere = sighting.kind is SwitchKind.ROLLOUT and not known
    if unharmed and not known and not watched_elsewhere and ended - memory.since >= bake:
        return memory.with_good(memory.serving, memory.since, None)
    return memory


def _switched(memory: Memory, sighting: Sighting, serving: Revision) -> bool:
    if sighting.kind.at_once:
        # A new template of the serving colour is a rollout of its own, not a flip.
        return dict(memory.selector) != dict(sighting.selector) and serving.workload != memory.serving.workload
    return serving != memory.serving


def _same(memory: Memory, sighting: Sighting, serving: Revision, *, idle: bool, now: datetime) -> Noticed:
    if serving == memory.serving:
        return Noticed(replace(_turned(memory, now, idle=idle), selector=sighting.selector))
    # A Service's colour rolled out: what serves is new, and since when.
    closed = _closed(memory, sighting.since)
    now_serving = replace(closed, serving=serving, since=sighting.since, selector=sighting.selector, doubted=False)
    return Noticed(replace(now_serving, good=_serving_again(closed.good, serving, sighting.since)))


def _turned(memory: Memory, now: datetime, *, idle: bool) -> Memory:
    """A flip took the traffic to this colour, or away from it: it serves, and is a baseline, only in between."""
    if idle == memory.idle:
        return memory
    if idle:
        return replace(_closed(memory, now), idle=True, turned=None)
    return replace(memory, idle=False, since=now, turned=now, good=_serving_again(memory.good, memory.serving, now))


def _closed(memory: Memory, at: datetime) -> Memory:
    """What served until now stops to serve at `at`."""
    good = tuple(replace(entry, until=at) if entry.until is None else entry for entry in memory.good)
    return replace(memory, good=good)


def _serving_again(good: tuple[Good, ...], serving: Revision, at: datetime) -> tuple[Good, ...]:
    """What serves again is the newest."""
    again = tuple(entry.again(at) for entry in good if entry.revision == serving)
    return (*(entry for entry in good if entry.revision != serving), *again)


def _switch(
    memory: Memory,
    sighting: Sighting,
    serving: Revision,
    bake: timedelta,
    rollback_window: timedelta,
    *,
    idle: bool,
    now: datetime,
) -> Noticed:
    at = sighting.since
    closed = _closed(memory, at)
    colours = (serving.workload, memory.serving.workload) if sighting.kind.at_once else ()
    after = replace(
        closed,
        good=closed.good if idle else _serving_again(closed.good, serving, at),
        idle=idle,
        serving=serving,
        since=at,
        first=False,
        doubted=False,
        turned=None,
        selector=sighting.selector,
        colours=colours,
    )
    if idle:
        return Noticed(after, quiet="an idle colour")
    if memory.idle or (memory.turned is not None and at <= memory.turned):
        return Noticed(after, quiet="rolled out as an idle colour, flipped to since: the flip is watched")
    if memory.put_back_to(serving):
        # However late it is seen, and by whichever process: it is the end of a watch, not the begin of another.
        return Noticed(after, quiet="put back by the watchdog")
    if sighting.complete and now - at >= 2 * bake:
        unharmed = after if after.is_bad(serving) else after.with_good(serving, at, None)
        return Noticed(unharmed, quiet="seen only after its bake had long ended")
    flips: tuple[ServiceFlip, ...] = ()
    if sighting.kind.at_once:
        flips = (ServiceFlip(sighting.target.name, memory.selector, sighting.selector),)
    switch = TrafficSwitch(
        sighting.target, sighting.kind, serving, memory.serving, at, sighting.since_is_bound, sighting.by, flips
    )
    returned = next((good for good in closed.good if good.revision == serving and good.passed_at), None)
    notify_only = ""
    if returned is not None and returned.passed_at is not None and now - returned.passed_at <= rollback_window:
        notify_only = f"a return to a revision that passed at {returned.passed_at:%Y-%m-%d %H:%M} UTC"
    return Noticed(after, switch, closed.stable_for(serving, at), reverted(closed, serving) or notify_only)


def reverted(memory: Memory, revision: Revision) -> str:
    """Why a watch of what was put back and brought back before may only tell; "" where it was not."""
    again = any(bad.revision == revision and bad.reverted for bad in memory.bad)
    return "it was put back and brought back before, and is not fought over" if again else ""


def before(memory: Memory, switch: TrafficSwitch, stable: Stable | None) -> Memory:
    """What was remembered before this switch, so that it is noticed once more."""
    if switch.previous is None or memory.serving != switch.candidate:
        return memory  # something else was seen to serve since, or nothing before
    selector = next((flip.before for flip in switch.flips if flip.service == memory.target.name), memory.selector)
    same = stable is not None and stable.revision == switch.previous
    since = stable.since if stable is not None and same else switch.at
    return replace(memory, serving=switch.previous, since=since, selector=selector, doubted=not same)
