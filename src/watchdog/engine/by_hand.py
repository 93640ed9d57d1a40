"""A person's emergency rollback: the same checks, record and preconditions as the daemon's own, from a laptop.

It stops where the act is answered: the watchdog in the cluster finds the record open, adopts it, tells the channels
and sees whether it helped.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from watchdog.domain.codec import Unreadable
from watchdog.domain.effects import Look, PutBack, PutBackUnsure
from watchdog.domain.events import Event, PutBackAnswered
from watchdog.domain.live import Sighting
from watchdog.domain.marks import is_false_alarm
from watchdog.domain.memory import Memory
from watchdog.domain.record import memory_of, watch_of
from watchdog.domain.rollout import Revision, Stable, Target, TrafficSwitch
from watchdog.domain.rules import Guard
from watchdog.domain.state import Phase, Refusal, RefusalReason, Watch, open_watch
from watchdog.domain.watch import advance
from watchdog.domain.weights import resolved
from watchdog.engine.performing import Performer
from watchdog.ports import Clock, Journal, TrafficProvider, in_full

GUARD = Guard("by-hand", (), ())
"""Stands for the target's own guard until the watchdog in the cluster adopts the record."""

_ATTEMPTS = 5
_PATIENCE = 20.0
_THEIRS = timedelta(seconds=30)


class NothingKnown(Exception):
    """There is no such target, or no way back is known."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for. `to` names a revision (its pod-template-hash, or NAME-HASH) instead of the stable one."""

    target: Target
    who: str
    reason: str
    to: str = ""
    overridden: tuple[str, ...] = ()


async def considered(wish: Wish, provider: TrafficProvider, journal: Journal, clock: Clock) -> Watch:
    """The watch that the rollback would be: from what serves to where it would go. Writes nothing.

    Raises `NothingKnown` and `OutOfReach`.
    """
    seen = await _sighted(wish.target, provider)
    past = await past_of(wish.target, journal)
    sighting = resolved(past.memory, seen)  # of a route its candidate, however little it gets
    serving = sighting.serving
    if serving is None:
        raise NothingKnown(f"what serves {wish.target} cannot be told")
    switch, stable = past.switch_to(wish.target, sighting, serving)
    if wish.to:
        name = wish.to.removeprefix(f"{serving.workload}-")
        stable = Stable(_other(serving, name), switch.at, switch.at)
    watch = open_watch(switch, GUARD, stable, now=clock.now())
    moment = clock.now().strftime("%Y%m%dt%H%M%S")
    watch = replace(
        watch,
        id=f"{watch.id}-by-hand-{moment}",
        phase=Phase.DECIDING,
        by_hand=f"{wish.who}: {wish.reason}",
        overridden=wish.overridden,
    )
    known_bad = RefusalReason.KNOWN_BAD
    why = past.why_bad(stable.revision) if stable is not None and known_bad.value not in wish.overridden else ""
    if why:
        refusal = Refusal(known_bad, f"{why}; if you know better, add --override {known_bad.value}")
        return replace(watch, phase=Phase.HOLDING, refusal=refusal)
    return watch


def _other(serving: Revision, template: str) -> Revision:
    """Another revision of the same workload."""
    return replace(serving, template=template, uid="", number=0, images=(), created=None)


async def _sighted(target: Target, provider: TrafficProvider) -> Sighting:
    try:
        async with asyncio.timeout(_PATIENCE), aclosing(cast("AsyncGenerator[Sighting]", provider.switches())) as seen:
            async for sighting in seen:
                if sighting.target == target:
                    return sighting
    except TimeoutError:
        pass
    raise NothingKnown(f"{target} was not found, or nothing can be told of what serves it")


@dataclass(frozen=True, slots=True)
class Past:
    """What the records, and the memory of a target, say."""

    watches: Sequence[Watch]  # newest first
    memory: Memory | None
    false_alarms: frozenset[str] = frozenset()  # watches that a person marked so

    def is_bad(self, revision: Revision) -> bool:
        """Whether it was rolled back and has not passed since."""
        return bool(self.why_bad(revision))

    def why_bad(self, revision: Revision) -> str:
        """By which watch it was rolled back, without having passed since; "" where it was not.

        A rollback by hand may not be remembered yet.
        """
        if self.memory is not None:
            bad = self.memory.with_false_alarms(self.false_alarms).badness(revision)
            if bad is not None:
                known = next((watch for watch in self.watches if watch.id == bad.watch), None)
                return _rolled_back(revision, bad.watch, bad.at, known)
        for watch in self.watches:
            if watch.switch.candidate == revision:
                if watch.phase is Phase.PASSED:
                    return ""
                if watch.acted_at is not None and watch.id not in self.false_alarms:
                    return _rolled_back(revision, watch.id, watch.acted_at, watch)
        return ""

    def switch_to(self, target: Target, sighting: Sighting, serving: Revision) -> tuple[TrafficSwitch, Stable | None]:
        """The switch to what serves now: from its record, else (a rollout) from what the cluster remembers."""
        for watch in self.watches:
            if watch.switch.target == target and watch.switch.candidate == serving and not watch.by_hand:
                return self._latest(watch.switch), watch.stable
        if sighting.kind.at_once:
            raise NothingKnown(f"no switch of {target} to {serving} is on record: where it came from is not known")
        stable = self.memory.stable_for(serving, sighting.since) if self.memory is not None else None
        if stable is None and sighting.previous is not None:
            stable = Stable(sighting.previous, sighting.previous_since or sighting.since, sighting.since)
        switch = TrafficSwitch(target, sighting.kind, serving, sighting.previous, sighting.since, by=sighting.by)
        return self._latest(switch), stable

    def _latest(self, switch: TrafficSwitch) -> TrafficSwitch:
        """The switch as it was last made: a rollback may have brought its candidate back since, and by whom is known.

        What the cluster tells of the revision is of its first switch: its ReplicaSet keeps its age and its author.
        """
        back = [
            (watch.acted_at, _author(watch))
            for watch in self.watches
            if watch.switch.target == switch.target
            and watch.acted_at is not None
            and watch.remedy is not None
            and watch.remedy.to == switch.candidate
            and watch.acted_at > switch.at
        ]
        if not back:
            return switch
        at, by = max(back)
        return replace(switch, at=at, at_is_bound=False, by=by)


def _author(watch: Watch) -> str:
    """Who put the traffic back in this watch."""
    return watch.by_hand.partition(": ")[0] or "the watchdog"


def _rolled_back(revision: Revision, watch_id: str, at: datetime, watch: Watch | None) -> str:
    how = f" by hand ({watch.by_hand})" if watch is not None and watch.by_hand else ""
    return f"{revision} was rolled back itself{how} at {at:%Y-%m-%d %H:%M:%S} UTC, in watch {watch_id}"


async def past_of(target: Target, journal: Journal) -> Past:
    """What is on record, and what is remembered of the target. Raises `OutOfReach`."""
    records = await journal.records(in_full)
    marked = frozenset(str(record.get("watch")) for record in records if is_false_alarm(record))
    return Past(watches_of(records), remembered(target, await journal.memories()), marked)


def watches_of(records: Sequence[Mapping[str, Any]]) -> list[Watch]:
    """The watches of the records that this version can read, in their order."""
    found = []
    for record in records:
        try:
            found.append(watch_of(record))
        except Unreadable:  # of another version: of no use here
            continue
    return found


def remembered(target: Target, memories: Mapping[Target, Mapping[str, Any]]) -> Memory | None:
    """What is remembered of the target; None where that is nothing, or not to be read."""
    document = memories.get(target)
    try:
        return None if document is None else memory_of(document)
    except Unreadable:
        return None


async def carried_out(watch: Watch, performer: Performer, clock: Clock, *, rehearse: bool = False) -> Watch:
    """Look, plan and, unless `rehearse`, act; returns the watch as it stands then.

    `RECOVERING`: it was put back. `HOLDING`: refused, and nothing was written. Else it says itself.
    """
    event: Event | None = await performer.perform(Look(), watch, "")
    unsure = 0
    while event is not None and watch.phase in (Phase.DECIDING, Phase.ACTING):
        step = advance(watch, event, clock.now())
        watch, event = step.watch, None
        for effect in step.effects:
            if rehearse and isinstance(effect, PutBack):
                return watch
            if isinstance(effect, Look | PutBack):
                event = await performer.perform(effect, watch, "")
        if isinstance(event, PutBackAnswered) and isinstance(event.answer, PutBackUnsure):
            unsure += 1
            if unsure >= _ATTEMPTS:
                return watch
            await clock.sleep(1.0)
    if watch.attempts:
        await performer.record(watch)
    return watch


def adopted(watch: Watch, guard: Guard) -> Watch:
    """A rollback by hand under the target's own guard: its rules see whether it helped, its channels are told."""
    fresh = open_watch(watch.switch, guard, watch.stable, now=watch.opened)
    return replace(
        watch,
        guard=guard,
        tracks=fresh.tracks,
        recovery_tracks=fresh.tracks if watch.phase is Phase.RECOVERING else (),
    )


def is_made_by_hand(watch: Watch) -> bool:
    """Whether a person made the record, and nobody has adopted it yet."""
    return bool(watch.by_hand) and watch.guard.name == GUARD.name


def is_still_theirs(watch: Watch, now: datetime) -> bool:
    """Whether whoever began to act may still be at it."""
    began = watch.first_attempt_at
    return watch.phase is Phase.ACTING and began is not None and now - began < _THEIRS
