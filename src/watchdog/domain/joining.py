"""What comes to a switch after its first moment: another Service or route of the same release, or a step of weights."""

from dataclasses import replace

from watchdog.domain.effects import Emit, Record
from watchdog.domain.events import Joined, Stepped
from watchdog.domain.part import of_traffic
from watchdog.domain.rollout import WeightStep
from watchdog.domain.state import Watch
from watchdog.domain.step import Step

_STEPS_KEPT = 40


def joined(watch: Watch, event: Joined) -> Step:
    """One more object of the same switch; bake and grid stay."""
    known = {flip.service for flip in watch.switch.flips}
    if not watch.phase.before_acting or event.flip.service in known:
        return Step(watch)
    switch = replace(watch.switch, flips=(*watch.switch.flips, event.flip))
    return Step(replace(watch, switch=switch), (Record(),))


def stepped(watch: Watch, event: Stepped) -> Step:
    """The candidate's part of the traffic moved: what was measured stays, the bake begins anew."""
    now = {flip.service: flip.after for flip in watch.switch.flips}
    if not watch.phase.before_acting or now.get(event.step.route, event.weights) == event.weights:
        return Step(watch)
    flips = tuple(
        replace(flip, after=event.weights) if flip.service == event.step.route else flip for flip in watch.switch.flips
    )
    moved = replace(
        watch,
        switch=replace(watch.switch, flips=flips),
        bake_from=max(event.step.at, watch.bake_from or event.step.at),
        steps=(*watch.steps, event.step)[-_STEPS_KEPT:],
    )
    return Step(moved, (Record(), Emit("WeightsMoved", told_of(event.step))))


def told_of(step: WeightStep) -> str:
    """A step, for people."""
    by = f", by {step.by}" if step.by else ""
    return f"{of_traffic(step.share)} of {step.route} goes to it{by}"
