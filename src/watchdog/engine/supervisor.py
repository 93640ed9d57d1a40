"""Switches in, one task a watch: compares sightings with what is remembered, opens, joins, supersedes and resumes."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from watchdog.domain.effects import Notice
from watchdog.domain.events import Event, Joined, Resumed, Superseded
from watchdog.domain.live import Sighting
from watchdog.domain.memory import Memory, Noticed, brought_back, notice
from watchdog.domain.record import record_of
from watchdog.domain.rollout import SwitchKind, Target, TrafficSwitch
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.state import Phase, Watch, open_watch
from watchdog.domain.step import Step
from watchdog.domain.telling import undelivered
from watchdog.domain.untouched import Peer, untouched
from watchdog.domain.waiting import concerns
from watchdog.domain.watch import opening
from watchdog.engine import by_hand
from watchdog.engine.elsewhere import Elsewhere
from watchdog.engine.exempting import Exemptions
from watchdog.engine.guarding import Guarding
from watchdog.engine.memories import Memories
from watchdog.engine.observing import Observer
from watchdog.engine.reminding import Reminding
from watchdog.engine.unread import Unread
from watchdog.engine.watching import WatchDriver
from watchdog.ports import Clock, Journal, OutOfReach, TrafficProvider

log = logging.getLogger(__name__)

_JOIN_WITHIN = 60.0
_RETRY = 2.0
_RETRY_FAILED = 30.0
_ADOPT_EVERY = 15.0
_THEIRS = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Running:
    driver: WatchDriver
    task: asyncio.Task[None]


class Supervisor:
    """Holds what is remembered of each target and the open watches."""

    def __init__(
        self,
        *,
        rulebook: Rulebook,
        providers: Sequence[TrafficProvider],
        journal: Journal,
        clock: Clock,
        observer: Observer,
        driver: Callable[[Watch], WatchDriver],
        tell: Callable[[Notice, Guard], None],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._providers = providers
        self._journal = journal
        self._clock = clock
        self._observer = observer
        self._driver = driver
        self.memories = Memories(journal, clock)
        self._guarding = Guarding(rulebook, self.memories)
        self._elsewhere = elsewhere
        self._running: dict[str, _Running] = {}
        self._unread = Unread()
        self._left_alone: dict[Target, Sighting] = {}  # as last sighted, for when that ends
        self._exemptions = Exemptions(clock=clock, observer=observer, tell=tell)
        self._reminding = Reminding(clock, memory=self.memories.of, quiet=self._quiet, begin=self._remind)
        self._scope: asyncio.TaskGroup | None = None
        self.resumed = asyncio.Event()

    @property
    def watches(self) -> tuple[Watch, ...]:
        """The open watches, and ended ones of which someone is still to be told."""
        return tuple(running.driver.watch for running in self._running.values())

    async def peers(self, watch: Watch) -> tuple[Peer, ...]:
        """Targets of the watch's guard that nobody touched in the same time, of whichever shard."""
        guard = self.rulebook.guard(watch.guard.name)
        others: tuple[Memory, ...] = ()
        if self._elsewhere is not None and guard is not None:
            await self._elsewhere.look(guard)
            others = self._elsewhere.memories_of(guard)
        known = [one for one in self._guarding.memories_of(watch.guard) if not self._unread.of(one.target)]
        return untouched(watch, (*known, *others), self.watches)

    def undisturbed(self) -> Mapping[Target, Guard]:
        """The guarded targets that no open watch is about: their past may be looked at."""
        watched = {watch.switch.target for watch in self.watches}
        return {
            target: guard
            for target, guard in self._guarding.guarded()
            if target not in watched and not self._unread.of(target)
        }

    def guards(self, target: Target, labels: Mapping[str, str]) -> bool:
        """Whether the rules in force guard the object."""
        return self._guarding.guards(target, labels)

    async def run(self) -> None:
        """Resume what the journal holds, then follow the providers until cancelled."""
        async with asyncio.TaskGroup() as scope:
            self._scope = scope
            await self._resume(scope)
            self.resumed.set()
            for provider in self._providers:
                scope.create_task(self._follow(provider), name=f"follow {provider.kind}")
            scope.create_task(self.memories.keep_writing(), name="write memories")
            scope.create_task(self._exemptions.keep_expiring(), name="expire exemptions")
            scope.create_task(self._adopting(scope), name="adopt records")
            scope.create_task(self._reminding.run(), name="remind")

    # -- what was there before -----------------------------------------------------------------------------------

    async def _resume(self, scope: asyncio.TaskGroup) -> None:
        records, memories = await self._read_journal()
        self.memories.load(memories)
        for watch in self._unread.sort_out(records):
            if _is_by_hand(watch):
                continue  # adopted as soon as its target is seen
            if not watch.phase.terminal or undelivered(watch.tellings):
                log.info("resumed", extra={"facts": {"watch": watch.id, "phase": str(watch.phase)}})
                self._start(watch, None, scope, *self._guarding.ended_right(watch), Resumed())
            else:
                self._reminding.learn(watch)

    async def _read_journal(
        self,
    ) -> tuple[Sequence[Mapping[str, object]], Mapping[Target, Mapping[str, object]]]:
        while True:
            try:
                return await self._journal.records(), await self._journal.memories()
            except OutOfReach as error:
                log.warning("journal not read", extra={"facts": {"why": str(error)}})
                await self._clock.sleep(_RETRY)

    def _start(self, watch: Watch, first: Step | None, scope: asyncio.TaskGroup, *events: Event) -> None:
        driver = self._driver(watch)
        task = scope.create_task(self._drive(driver, first, events), name=f"watch {watch.id}")
        self._running[watch.id] = _Running(driver, task)
        self._count()

    async def _drive(self, driver: WatchDriver, first: Step | None, events: tuple[Event, ...]) -> None:
        """Run the driver; one that fails by a fault of ours is started again where it stood, and harms no other."""
        watch_id = driver.watch.id
        try:
            while True:
                try:
                    await driver.run(first, *events)
                except Exception:  # the log tells of it, the watch goes on
                    log.exception("watch failed", extra={"facts": {"watch": watch_id}})
                    await self._clock.sleep(_RETRY_FAILED)
                    driver = self._driver(driver.watch)
                    self._running[watch_id] = _Running(driver, self._running[watch_id].task)
                    first, events = None, (Resumed(),)
                else:
                    return
        finally:
            self._running.pop(watch_id, None)
            self._reminding.learn(driver.watch)
            self._count()

    def _quiet(self, target: Target) -> bool:
        """Whether a target is guarded and no watch is about it."""
        watched = any(concerns(watch, target) for watch in self.watches)
        return not watched and self._guarding.guard_of_target(target) is not None

    def _remind(self, watch: Watch, step: Step) -> None:
        assert self._scope is not None
        log.info("reminding", extra={"facts": {"watch": watch.id}})
        self._start(watch, step, self._scope)

    async def last_words(self) -> None:
        """Write what the records do not say yet of what was told, so that it is not told again after a restart."""
        await asyncio.gather(*(running.driver.last_words() for running in self._running.values()))

    # -- rollbacks by hand ---------------------------------------------------------------------------------------

    async def _adopting(self, scope: asyncio.TaskGroup) -> None:
        while True:
            await self._clock.sleep(_ADOPT_EVERY)
            await self._adopt(scope)
            await self._take_again()

    async def _take_again(self) -> None:
        """Look at what was left alone, once nothing of another version stands open any more."""
        for target, sighting in tuple(self._left_alone.items()):
            if not self._unread.of(target):
                del self._left_alone[target]
                self._exemptions.take_again(target)
                await self._sighted(sighting)

    async def _adopt(self, scope: asyncio.TaskGroup) -> tuple[Watch, ...]:
        """Take over open records that somebody else made: rollbacks by hand, from a laptop.

        Returns those that are left for now, as whoever made them may still be at it.
        """
        theirs: list[Watch] = []
        try:
            records = await self._journal.records(open_only=True)
        except OutOfReach as error:
            log.info("records not looked through", extra={"facts": {"why": str(error)}})
            return ()
        ours = self._running
        for watch in self._unread.sort_out([one for one in records if one.get("watch") not in ours]):
            if _is_by_hand(watch) and self._is_theirs(watch):
                theirs.append(watch)
            elif _is_by_hand(watch):
                self._take_over(watch, scope)
        return tuple(theirs)

    def _is_theirs(self, watch: Watch) -> bool:
        """Whether whoever began to act may still be at it."""
        began = watch.first_attempt_at
        return watch.phase is Phase.ACTING and began is not None and self._clock.now() - began < _THEIRS

    def _take_over(self, watch: Watch, scope: asyncio.TaskGroup) -> None:
        target = watch.switch.target
        guard = self._guarding.guard_of_target(target)
        if guard is None:
            return
        for other in self._open_of(target):
            self._post(other, Superseded(watch.remedy.to if watch.remedy else watch.switch.candidate, watch.by_hand))
        log.info("adopted", extra={"facts": {"watch": watch.id, "by": watch.by_hand}})
        self._start(by_hand.adopted(watch, guard), None, scope, Resumed())

    def _count(self) -> None:
        self._observer.watches_open(sum(1 for watch in self.watches if not watch.phase.terminal))

    # -- sightings -----------------------------------------------------------------------------------------------

    async def _follow(self, provider: TrafficProvider) -> None:
        async for sighting in provider.switches():
            await self._sighted(sighting)

    async def _sighted(self, sighting: Sighting) -> None:
        target = sighting.target
        guard = self._guarding.guard_of(sighting)
        if guard is None or sighting.serving is None:
            return
        if self._guarding.saw(sighting):
            self._end_lost_rights(self._open_of(target))  # the rules may have been edited while nobody watched
        if self._leave_alone(sighting, guard):
            return
        memory = self.memories.of(target)
        noticed = notice(
            memory,
            sighting,
            bake=guard.bake,
            rollback_window=guard.rollback_window,
            idle=self._guarding.idle(sighting) or (memory is None and self._guarding.was_idle(sighting)),
            now=self._clock.now(),
        )
        exempt = self._exemptions.unwatched(sighting, guard)
        if noticed is None:
            return
        # Known at once, lest something that is learnt meanwhile be lost; journalled last: see `_switched`.
        self.memories.hold(noticed.memory)
        theirs: tuple[Watch, ...] = ()
        if noticed.switch is not None and self._scope is not None and not self._our_own(sighting):
            theirs = await self._adopt(self._scope)  # perhaps somebody has just rolled back by hand
            if self._leave_alone(sighting, guard):
                self._supersede(self._open_of(target), noticed.switch, sighting)
                return
        if noticed.switch is not None and (self._our_own(sighting) or _put_back(theirs, sighting)):
            noticed = replace(noticed, switch=None, quiet="put back by the watchdog, or by hand")
        if noticed.switch is not None and not exempt:
            await self._switched(noticed, noticed.switch, guard, sighting)
        elif noticed.quiet and memory is not None:
            facts = {"target": str(target), "serving": str(sighting.serving), "why": noticed.quiet}
            log.info("not watched", extra={"facts": facts})
        if noticed.memory != memory:
            await self.memories.write(target)

    def _leave_alone(self, sighting: Sighting, guard: Guard) -> bool:
        """Whether the target's open watch is another version's, to whom it is left."""
        why = self._unread.of(sighting.target)
        if why:
            self._left_alone[sighting.target] = sighting
            self._exemptions.leave(sighting.target, "is not watched", why, guard)
        elif unread := self.memories.unread(sighting.target):
            self._exemptions.leave(sighting.target, "is judged but not put back", unread, guard)
        return bool(why)

    def _our_own(self, sighting: Sighting) -> bool:
        """Whether what is sighted is where a watch is putting the traffic back to."""
        return any(
            watch.remedy is not None
            and watch.remedy.to == sighting.serving
            and (watch.phase in (Phase.ACTING, Phase.RECOVERING, Phase.ROLLED_BACK) or watch.left)
            for watch in self._watches_of(sighting.target)
        )

    def _watches_of(self, target: Target) -> list[Watch]:
        return [watch for watch in self.watches if concerns(watch, target)]

    async def _switched(self, noticed: Noticed, switch: TrafficSwitch, guard: Guard, sighting: Sighting) -> None:
        if any(watch.switch.candidate == switch.candidate for watch in self._open_of(switch.target)):
            return  # resumed from the journal: the same switch, seen again
        self._observer.switch_seen(switch.kind)
        superseded = self._superseded_by(switch)
        self._supersede(superseded, switch, sighting)
        joined = self._joined(switch)
        if joined is not None:
            self._post(joined, Joined(switch.flips[0]))
            return
        now = self._clock.now()
        notify_only = (
            noticed.notify_only
            or self._guarding.contested(sighting)
            or brought_back(superseded, switch)
            or self.memories.unread(switch.target)
        )
        habits = noticed.memory.calibrations
        watch = open_watch(switch, guard, noticed.stable, notify_only=notify_only, calibrations=habits, now=now)
        if self._unread.has(watch.id):
            return  # another version watched it to its end
        facts = {
            "watch": watch.id,
            "target": str(switch.target),
            "candidate": str(switch.candidate),
            "stable": str(noticed.stable.revision) if noticed.stable else "",
            "at": switch.at.isoformat(),
            "by": switch.by,
        }
        log.info("switch", extra={"facts": facts})
        # The record first: if the memory were first, a crash in between would lose the watch.
        await self._journalled(watch)
        assert self._scope is not None
        self._start(watch, opening(watch, now), self._scope)

    async def _journalled(self, watch: Watch) -> None:
        while True:
            try:
                await self._journal.write(watch.id, record_of(watch), open_watch=True)
            except OutOfReach as error:
                log.warning("watch not journalled yet", extra={"facts": {"watch": watch.id, "why": str(error)}})
                await self._clock.sleep(_RETRY)
            else:
                return

    def _supersede(self, watches: Sequence[Watch], switch: TrafficSwitch, sighting: Sighting) -> None:
        for watch in watches:
            self._post(watch, Superseded(switch.candidate, sighting.by))

    def _open_of(self, target: Target) -> list[Watch]:
        return [watch for watch in self.watches if watch.switch.target == target and not watch.phase.terminal]

    def _superseded_by(self, switch: TrafficSwitch) -> list[Watch]:
        """Open watches that end with this switch: of the target, and flips to the colour that rolls out now."""
        flipped_to = [
            watch
            for watch in self.watches
            if switch.kind is SwitchKind.ROLLOUT
            and watch.switch.kind is SwitchKind.SELECTOR
            and watch.switch.target.namespace == switch.target.namespace
            and watch.switch.candidate.workload == switch.candidate.workload
            and not watch.phase.terminal
        ]
        return [*self._open_of(switch.target), *flipped_to]

    def _joined(self, switch: TrafficSwitch) -> Watch | None:
        """The open watch of the same release: a flip between the same two Deployments, a moment ago."""
        for watch in self.watches:
            first = watch.switch
            if (
                switch.kind is SwitchKind.SELECTOR
                and first.kind is SwitchKind.SELECTOR
                and watch.phase in (Phase.WATCHING, Phase.DECIDING, Phase.HOLDING)
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

    def _post(self, watch: Watch, event: Event) -> None:
        running = self._running.get(watch.id)
        if running is not None:
            running.driver.post(event)

    # -- rules ---------------------------------------------------------------------------------------------------

    @property
    def rulebook(self) -> Rulebook:
        """The rules in force."""
        return self._guarding.rulebook

    def rules_changed(self, rulebook: Rulebook) -> None:
        """Take up new rules: open watches keep the limits they began with, but a lost right ends at once."""
        self._guarding.rulebook = rulebook
        self._end_lost_rights(self.watches)

    def _end_lost_rights(self, watches: Sequence[Watch]) -> None:
        for watch in watches:
            for event in self._guarding.ended_right(watch):
                self._post(watch, event)


def _is_by_hand(watch: Watch) -> bool:
    """Whether a person made the record, and nobody has adopted it yet."""
    return bool(watch.by_hand) and watch.guard.name == by_hand.GUARD.name


def _put_back(by_hand_watches: Sequence[Watch], sighting: Sighting) -> bool:
    """Whether one of these is the rollback that made what is sighted serve."""
    return any(
        watch.remedy is not None and watch.remedy.to == sighting.serving and concerns(watch, sighting.target)
        for watch in by_hand_watches
    )
