"""Weighted delivery: which revision a change of weights is about, and whether it is a switch, a step or the way back.

A route's weights stand where a Service's selector does, in sightings, memories and flips: by backend, as text. A
revision is found again by its workload: a new template of what has traffic already is a rollout of its own.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from watchdog.domain import noticing
from watchdog.domain.live import Sighting
from watchdog.domain.memory import Memory
from watchdog.domain.noticing import Noticed
from watchdog.domain.rollout import Backend, Revision, ServiceFlip, TrafficSwitch

Shares = Mapping[str, float]
"""The part of a route's traffic that each workload gets, from 0 to 1; of several rules, the mean over them."""


def shares(backends: Sequence[Backend], weights: Mapping[str, str] | None = None) -> Shares:
    """Who gets which part by these weights (the backends' own, if none are given); of no weight at all, nobody.

    One below 0 counts as 0.
    """
    rules: dict[str, list[tuple[Backend, int]]] = defaultdict(list)
    for one in backends:
        weight = one.weight if weights is None else int(weights.get(one.at, "0"))
        rules[one.rule].append((one, max(0, weight)))
    found: dict[str, float] = defaultdict(float)
    serving = [rule for rule in rules.values() if any(weight for _, weight in rule)]
    for rule in serving:
        whole = sum(weight for _, weight in rule)
        for one, weight in rule:
            if one.revision is not None:
                found[one.revision.workload] += weight / whole / len(serving)
    return dict(found)


def mostly(backends: Sequence[Backend]) -> Revision | None:
    """What gets most of the traffic; None where nothing that is known gets any."""
    parts = shares(backends)
    serving = [one.revision for one in backends if one.revision is not None and parts.get(one.revision.workload)]
    return max(serving, key=lambda one: parts[one.workload], default=None)


def stopped(memory: Memory | None, sighting: Sighting, *, bake: timedelta, now: datetime) -> Noticed | None:
    """What follows from a route whose weights are all nothing. None: it is no such route, or nothing was on its way.

    A candidate that has not proved good has lost its traffic by that, so the weights from before its first step are the
    last ones that served: what rises from here is compared with them, and goes back to them.
    """
    if memory is None or not sighting.backends or any(one.weight > 0 for one in sighting.backends):
        return None
    settled = memory.settled
    if settled is None or not memory.before or memory.is_good(memory.serving):
        return None
    back = replace(sighting, serving=settled, selector=memory.before)
    noticed = noticing.notice(memory, back, bake=bake, rollback_window=timedelta(0), idle=False, now=now)
    assert noticed is not None  # it serves
    after = replace(noticed.memory, before={}, settled=None, colours=memory.colours)
    after = replace(after, unweighted=_idle(after.colours, shares(sighting.backends)))
    return Noticed(after, quiet="no backend has any traffic", over=True)


def resolved(memory: Memory | None, sighting: Sighting) -> Sighting:
    """The sighting of a route with what serves it as far as a watch is concerned: the candidate, once there is one."""
    if memory is None or not sighting.backends:
        return sighting
    serving = _meant(memory, sighting.backends)
    return sighting if serving is None else replace(sighting, serving=serving)


def released(memory: Memory | None, backends: Sequence[Backend], weights: Mapping[str, str]) -> Revision | None:
    """What the newest release of a route is about, however little it gets; of what nobody remembers, what gets most.

    None while the watchdog has not seen the weights as they are: they may be a step that nothing watches yet.
    """
    if memory is None:
        return mostly(backends)
    return None if dict(memory.selector) != dict(weights) else _meant(memory, backends) or mostly(backends)


def _meant(memory: Memory, backends: Sequence[Backend]) -> Revision | None:
    """What a change of weights is about: what rose from nothing, else what is on its way already, else what is back."""
    now, then, before = shares(backends), shares(backends, memory.selector), shares(backends, memory.before)
    revisions = {one.revision.workload: one.revision for one in backends if one.revision is not None}
    last, settled = memory.serving.workload, memory.settled
    carries = now.get(last, 0.0) > 0.0
    # Known bad is nothing to step back to: given weight again, it is a candidate again.
    is_back = settled is not None and settled in revisions.values() and not memory.is_bad(settled)
    risen = [
        revision
        for workload, revision in revisions.items()
        if now.get(workload, 0.0) > 0.0
        and not then.get(workload, 0.0)
        and workload != last
        and not (carries and is_back and revision == settled)  # a step back from all of the traffic
    ]
    if is_back and settled is not None and not carries and now.get(settled.workload, 0.0) > 0.0:
        # What carried the release is out: what had its part before the first step only has it again.
        risen = [one for one in risen if not before.get(one.workload, 0.0) or memory.is_bad(one)] or [settled]
    if risen:
        return max(risen, key=lambda one: now[one.workload])
    return revisions[last] if carries else None


def notice(
    memory: Memory | None,
    sighting: Sighting,
    *,
    bake: timedelta,
    rollback_window: timedelta,
    idle: bool,
    now: datetime,
) -> Noticed | None:
    """What follows from a sighting that is `resolved`, of whatever kind of switch: the one to be called.

    See `watchdog.domain.noticing.notice`, which it goes on from where the sighting is of a route.
    """
    noticed = noticing.notice(memory, sighting, bake=bake, rollback_window=rollback_window, idle=idle, now=now)
    serving = sighting.serving
    if noticed is None or serving is None or not sighting.backends:
        return noticed
    colours = tuple(dict.fromkeys(one.revision.workload for one in sighting.backends if one.revision is not None))
    parts = shares(sighting.backends)
    noticed = replace(noticed, memory=replace(noticed.memory, colours=colours, unweighted=_idle(colours, parts)))
    if memory is None:
        return noticed
    then = shares(sighting.backends, memory.selector).get(serving.workload, 0.0)
    if serving.workload == memory.serving.workload:
        return _stepped(memory, sighting, noticed, then, 2 * bake, now)
    if then > 0.0:
        back = replace(noticed.memory, before={}, settled=None)
        return Noticed(back, quiet="it had a part of the traffic all along", over=True)
    return _first_step(memory, sighting, noticed)


def _idle(colours: Sequence[str], parts: Shares) -> tuple[str, ...]:
    return tuple(name for name in colours if not parts.get(name))


def _first_step(memory: Memory, sighting: Sighting, noticed: Noticed) -> Noticed:
    """A switch, with its way back: past a candidate that had only a part so far, and has none any more."""
    assert sighting.serving is not None
    left = shares(sighting.backends).get(memory.serving.workload, 0.0) <= 0.0
    had_nothing = shares(sighting.backends, memory.before).get(sighting.serving.workload, 0.0) <= 0.0
    passes_over = bool(memory.before) and left and had_nothing and not noticed.memory.is_good(memory.serving)
    before = memory.before if passes_over else memory.selector
    settled = memory.settled if passes_over else memory.serving
    switch = noticed.switch
    if switch is not None:
        switch = replace(
            switch,
            flips=tuple(replace(flip, before=before) for flip in switch.flips),
            part=shares(sighting.backends)[switch.candidate.workload],
        )
    after = replace(noticed.memory, before=before, settled=settled)
    if left and sighting.serving == memory.settled and not noticed.memory.is_good(memory.serving):
        # Put back, by whomever: what came to nothing is nothing to step back to, and the next release begins here.
        after = replace(after, before={}, settled=None)
    return replace(noticed, memory=after, switch=switch)


def _stepped(
    memory: Memory, sighting: Sighting, noticed: Noticed, then: float, too_late: timedelta, now: datetime
) -> Noticed:
    """More or less for what is on its way already; more of it is to be watched, if nothing watches it."""
    serving = sighting.serving
    assert serving is not None
    share = shares(sighting.backends).get(serving.workload, 0.0)
    if share == then or not memory.before:
        return noticed
    if share < then or now - sighting.since >= too_late:
        return replace(noticed, step=share)
    flip = ServiceFlip(sighting.target.name, memory.before, sighting.selector)
    switch = TrafficSwitch(
        sighting.target,
        sighting.kind,
        serving,
        memory.settled,
        sighting.since,
        sighting.since_is_bound,
        sighting.by,
        (flip,),
        share,
    )
    return replace(noticed, switch=switch, stable=noticed.memory.stable_for(serving, sighting.since), step=share)
