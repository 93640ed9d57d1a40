"""Steps of weights and their end, told to the watch that is open."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from watchdog.domain.among import open_of
from watchdog.domain.events import Event, Stepped, Superseded
from watchdog.domain.live import Sighting
from watchdog.domain.noticing import Noticed
from watchdog.domain.rollout import WeightStep
from watchdog.domain.state import Watch
from watchdog.domain.superseding import nobody_serves
from watchdog.domain.waiting import concerns

Post = Callable[[Watch, Event], None]


def told_of_weights(noticed: Noticed, sighting: Sighting, watches: Sequence[Watch], post: Post) -> Noticed:
    """What is left to be done: a step is no switch where a watch goes on with it."""
    serving, target = sighting.serving, sighting.target
    if serving is None:
        for watch in open_of(watches, target) if noticed.over else ():
            if watch.phase.before_acting:
                post(watch, Superseded(noticed.memory.serving, what=nobody_serves(sighting.by)))
        return noticed
    if noticed.over:
        for watch in open_of(watches, target):
            post(watch, Superseded(serving, sighting.by))
    if noticed.step is None:
        return noticed
    going = [one for one in watches if concerns(one, target) and not one.phase.terminal]
    same = [one for one in going if one.switch.candidate == serving]
    step = WeightStep(sighting.since, noticed.step, target.name, sighting.by)
    for watch in same:
        post(watch, Stepped(step, sighting.selector))
    return replace(noticed, switch=None) if same else noticed
