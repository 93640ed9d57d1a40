"""Judges a moment as if a switch had happened then: the same watch, moved through the past block by block."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from watchdog.adapters.dry_run import MemoryBraking, MemoryJournal, NoEvents, NoOwners
from watchdog.adapters.past import PastClock, PastProvider
from watchdog.domain.as_if import AsIf, as_if_switched, as_if_weighted, whoever
from watchdog.domain.codec import Unreadable
from watchdog.domain.judge.habits import Calibration
from watchdog.domain.record import memory_of
from watchdog.domain.rollout import RUNNER, Target
from watchdog.domain.standing import LATE, baselines_known, up_to_date
from watchdog.domain.state import Watch
from watchdog.domain.watch import opening
from watchdog.engine.braking import Brakeman
from watchdog.engine.peering import Peering, nobody
from watchdog.engine.performing import Performer
from watchdog.engine.watching import WatchDriver
from watchdog.rehearsal.connecting import Rehearsal
from watchdog.rehearsal.following import Shown, observer_of
from watchdog.rehearsal.weights_then import Weighed, weighed_then

_PATIENCE = 30.0  # seconds that Prometheus is given for a step
_STEPS = 120  # in which a past bake is gone through, at most
_POLL = 0.005


async def as_if(rehearsal: Rehearsal, target: Target, at: datetime) -> AsIf:
    """The watch of a switch of `target` at `at`. Raises `NoSuchTarget` and `OutOfReach`."""
    place, guard = await rehearsal.find(target)
    habits, whom = _habits(rehearsal, target), ""
    if target.kind.switch.in_parts:
        then = await weighed_then(rehearsal, target, at)
        if isinstance(then, Weighed):
            return as_if_weighted(target, guard, then.candidate, then.stable, then.part, at, habits)
        whom = f"{'; '.join((*place.notes, then))}: all pods behind it count, {' and '.join(place.workloads)}"
    kind = target.kind if place.pods else RUNNER
    return as_if_switched(target, guard, whoever(place.workloads, place.pods, kind), at, habits, whom)


def _habits(rehearsal: Rehearsal, target: Target) -> Mapping[str, Calibration]:
    try:
        return memory_of(rehearsal.memories[target]).calibrations
    except (KeyError, Unreadable):
        return {}


async def look_back(rehearsal: Rehearsal, case: AsIf, shown: Shown, stop: asyncio.Event, *, once: bool = False) -> None:
    """Judge it as live, each block at its time; what is still to come is waited for, unless `once`."""
    watch = case.watch
    clock = PastClock(rehearsal.clock, watch.switch.at)
    latest = [watch]

    def stepped(after: Watch) -> None:
        latest[0] = after
        shown(after)

    async def until(holds: Callable[[Watch], bool]) -> None:
        end = rehearsal.clock.monotonic() + _PATIENCE
        while not (holds(latest[0]) or driving.done() or stop.is_set()) and rehearsal.clock.monotonic() < end:
            await rehearsal.clock.sleep(_POLL)

    async with asyncio.TaskGroup() as scope:
        driver = _driver(rehearsal, watch, clock, stepped)
        driving = scope.create_task(driver.run(opening(watch, clock.now())), name=f"look back {watch.id}")
        await until(lambda now: now.pods is not None)
        clock.move(watch.switch.at + timedelta(seconds=1))
        # Live, it is known long before the first block is judged.
        await until(baselines_known)
        blocks = round(watch.guard.bake / watch.guard.interval)
        step = max(1, blocks // _STEPS) * watch.guard.interval
        moment, end = watch.switch.at, watch.switch.at + watch.guard.bake + watch.guard.interval
        while not driving.done() and moment < end:
            moment = min(moment + step, end)
            if not await _comes(rehearsal, moment + LATE, stop, once=once):
                break
            clock.move(moment + LATE)
            await until(lambda now: up_to_date(now, clock.now()))
        driving.cancel()


async def _comes(rehearsal: Rehearsal, due: datetime, stop: asyncio.Event, *, once: bool) -> bool:
    """Wait for a moment that is still to come; whether it came."""
    while (left := (due - rehearsal.clock.now()).total_seconds()) > 0 and not (once or stop.is_set()):
        await rehearsal.clock.sleep(min(0.5, left))
    return left <= 0 and not stop.is_set()


def _driver(rehearsal: Rehearsal, watch: Watch, clock: PastClock, stepped: Shown) -> WatchDriver:
    provider, observer = PastProvider(clock), observer_of(stepped)

    async def remember(_switch: object, _effect: object, _watch: object) -> None:
        """Nothing is learnt of a switch that did not happen."""

    return WatchDriver(
        watch,
        provider=provider,
        sampler=rehearsal.sampler,
        prober=rehearsal.prober,
        performer=Performer(
            providers={watch.switch.target.kind: provider},
            journal=MemoryJournal({}),
            events=NoEvents(),
            clock=clock,
            observer=observer,
            remember=remember,
            brakeman=Brakeman(MemoryBraking(None, strict=False), clock, lambda: rehearsal.rulebook.brakes),
            owners=NoOwners(),
        ),
        notifiers=dict,
        wants=lambda _name, _watch, _topic: False,
        observer=observer,
        clock=clock,
        peering=Peering(
            peers=nobody,
            sampler=rehearsal.sampler,
            prober=rehearsal.prober,
            providers={watch.switch.target.kind: provider},
            clock=rehearsal.clock,
        ),
    )
