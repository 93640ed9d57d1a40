"""Switches in, one task a watch: compares sightings with what is remembered, and resumes."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from watchdog.domain.among import makes_serve, open_of, put_back_by
from watchdog.domain.effects import Notice
from watchdog.domain.events import Resumed
from watchdog.domain.live import Sighting
from watchdog.domain.noticing import Noticed, reverted
from watchdog.domain.rollout import Target, TrafficSwitch
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.state import Watch
from watchdog.domain.step import Step
from watchdog.domain.telling import undelivered
from watchdog.domain.untouched import Peer
from watchdog.domain.waiting import concerns
from watchdog.domain.weights import notice, resolved, stopped
from watchdog.engine import by_hand
from watchdog.engine.adopting import ADOPT_EVERY, Adopting
from watchdog.engine.bursts import Once, bursts
from watchdog.engine.configuring import Configuring
from watchdog.engine.elsewhere import Elsewhere
from watchdog.engine.exempting import Exemptions
from watchdog.engine.guarding import Guarding
from watchdog.engine.memories import Memories, all_of
from watchdog.engine.neighbours import Neighbours
from watchdog.engine.observing import Observer
from watchdog.engine.opening import Opening
from watchdog.engine.reminding import Reminding
from watchdog.engine.running import Running
from watchdog.engine.stepping import told_of_weights
from watchdog.engine.unread import LeftAlone, Sealed, Unread, read
from watchdog.engine.watching import WatchDriver
from watchdog.ports import Clock, Configurations, Journal, TrafficProvider

log = logging.getLogger(__name__)


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
        configurations: Configurations | None = None,
    ) -> None:
        self._providers = providers
        self._journal = journal
        self._clock = clock
        self._observer = observer
        self.memories = Memories(journal, clock)
        self._guarding = Guarding(rulebook, self.memories)
        self._unread = Unread()
        self._neighbours = Neighbours(self._guarding, self._unread, elsewhere)
        self._exemptions = Exemptions(clock=clock, observer=observer, tell=tell)
        self._left_alone = LeftAlone(self._unread, self.memories, self._exemptions)
        self._reminding = Reminding(clock, memory=self.memories.of, quiet=self._quiet, begin=self._remind)
        self._running = Running(driver, clock=clock, observer=observer, ended=self._reminding.learn)
        self._adoption = Adopting(
            journal=journal, clock=clock, guarding=self._guarding, unread=self._unread, running=self._running
        )
        self._opening = Opening(
            journal=journal,
            clock=clock,
            observer=observer,
            memories=self.memories,
            guarding=self._guarding,
            unread=self._unread,
            running=self._running,
        )
        self._configuring = (
            None
            if configurations is None
            else Configuring(
                configurations,
                guarding=self._guarding,
                memories=self.memories,
                clock=clock,
                watches=lambda: self.watches,
                unwatched=self._unwatched,
                switched=self._switched,
                post=self._running.post,
            )
        )
        self._scope: asyncio.TaskGroup | None = None
        self.resumed = asyncio.Event()

    @property
    def watches(self) -> tuple[Watch, ...]:
        """The open watches, and ended ones of which someone is still to be told."""
        return self._running.watches

    async def peers(self, watch: Watch) -> tuple[Peer, ...]:
        """Targets of the watch's guard that nobody touched in the same time, of whichever shard."""
        return await self._neighbours.of(watch, self.watches)

    def undisturbed(self) -> Mapping[Target, Guard]:
        """The guarded targets that no open watch is about: their past may be looked at."""
        watched = {watch.switch.target for watch in self.watches}
        guarded = self._guarding.guarded()
        return {one: guard for one, guard in guarded if one not in watched and not self._unread.of(one)}

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
            if self._configuring is not None:
                scope.create_task(self._configuring.run(), name="configurations")

    # -- what was there before -----------------------------------------------------------------------------------

    async def _resume(self, scope: asyncio.TaskGroup) -> None:
        records: Sequence[Watch | Sealed]
        records, memories = await all_of(self._journal, self._clock, read)
        self.memories.load(memories)
        for watch in self._unread.sort_out(records):
            if by_hand.is_made_by_hand(watch):
                continue  # adopted as soon as its target is seen
            if not watch.phase.terminal or undelivered(watch.tellings):
                log.info("resumed", extra={"facts": {"watch": watch.id, "phase": str(watch.phase)}})
                self._running.start(watch, None, scope, *self._guarding.ended_right(watch), Resumed())
            else:
                self._reminding.learn(watch)

    def _quiet(self, target: Target) -> bool:
        """Whether a target is guarded and no watch is about it."""
        watched = any(concerns(watch, target) for watch in self.watches)
        return not watched and self._guarding.guard_of_target(target) is not None

    async def last_words(self) -> None:
        """Write what the records do not say yet of what was told, so that it is not told again after a restart."""
        await self._running.last_words()

    def _remind(self, watch: Watch, step: Step) -> None:
        assert self._scope is not None
        log.info("reminding", extra={"facts": {"watch": watch.id}})
        self._running.start(watch, step, self._scope)

    async def _adopting(self, scope: asyncio.TaskGroup) -> None:
        while True:
            await self._clock.sleep(ADOPT_EVERY)
            await self._adoption.look_through(scope)
            for sighting in self._left_alone.taken_again():
                await self._taken_up([sighting])

    # -- sightings -----------------------------------------------------------------------------------------------

    async def _follow(self, provider: TrafficProvider) -> None:
        async with aclosing(bursts(provider.switches())) as found:
            async for burst in found:
                await self._taken_up(burst)

    async def _taken_up(self, burst: Sequence[Sighting]) -> None:
        adopted, unwritten = Once(self._adopted), set[Target]()
        for sighting in burst:
            await self._sighted(sighting, adopted, unwritten)
        # Last, and in one write where they lie together: see `_switched`.
        await asyncio.gather(*(self.memories.write(target) for target in sorted(unwritten)))

    async def _adopted(self) -> tuple[Watch, ...]:
        assert self._scope is not None
        return await self._adoption.look_through(self._scope)

    async def _sighted(self, sighting: Sighting, adopted: Once[tuple[Watch, ...]], unwritten: set[Target]) -> None:
        """Take up one sighting; `adopted` looks through the records once, after all of its burst were sighted."""
        target, guard = sighting.target, self._guarding.guard_of(sighting)
        near = partial(self._running.near, target)
        if guard is None or self._exemptions.unreadable(sighting, guard) or self._stopped(sighting, guard, unwritten):
            return
        if self._guarding.saw(sighting):
            self._end_lost_rights(open_of(near(), target))  # the rules may have been edited while nobody watched
        if self._left_alone.leave(sighting, guard):
            return
        memory = self.memories.of(target)
        sighting = resolved(memory, sighting)
        idle = self._guarding.idle(sighting) or (memory is None and self._guarding.was_idle(sighting))
        now, window = self._clock.now(), guard.rollback_window
        noticed = notice(memory, sighting, bake=guard.bake, rollback_window=window, idle=idle, now=now)
        exempt = self._exemptions.unwatched(sighting, guard)
        if noticed is None:
            return
        # Known at once, lest something that is learnt meanwhile be lost; journalled last: see `_switched`.
        self.memories.hold(noticed.memory)
        noticed = told_of_weights(noticed, sighting, near(), self._running.post)
        theirs: Sequence[Watch] = ()
        if noticed.switch is not None and self._scope is not None and not makes_serve(near(), sighting):
            theirs = await adopted()  # perhaps somebody has just rolled back by hand
            if self._left_alone.leave(sighting, guard):
                self._opening.supersede(open_of(near(), target), noticed.switch, sighting)
                return
        if noticed.switch is not None and (makes_serve(near(), sighting) or put_back_by(theirs, sighting)):
            noticed = replace(noticed, switch=None, quiet="put back by the watchdog, or by hand")
        if noticed.switch is not None and not exempt:
            learnt = reverted(self.memories.of(target) or noticed.memory, noticed.switch.candidate)  # meanwhile
            told_only = replace(noticed, notify_only=noticed.notify_only or learnt)
            await self._switched(told_only, noticed.switch, guard, sighting)
        elif noticed.quiet and memory is not None:
            facts = {"target": str(target), "serving": str(sighting.serving), "why": noticed.quiet}
            log.info("not watched", extra={"facts": facts})
        if noticed.memory != memory:
            unwritten.add(target)

    def _stopped(self, sighting: Sighting, guard: Guard, unwritten: set[Target]) -> bool:
        """Whether nothing serves; where a route's weights are all nothing, that ends what was on its way."""
        if sighting.serving is not None:
            return False
        noticed = stopped(self.memories.of(sighting.target), sighting, bake=guard.bake, now=self._clock.now())
        if noticed is not None and not self._left_alone.leave(sighting, guard):
            self.memories.hold(noticed.memory)
            told_of_weights(noticed, sighting, self._running.near(sighting.target), self._running.post)
            unwritten.add(sighting.target)
        return True

    async def _switched(self, noticed: Noticed, switch: TrafficSwitch, guard: Guard, sighting: Sighting) -> None:
        assert self._scope is not None
        await self._opening.switched(noticed, switch, guard, sighting, self._scope)

    def _unwatched(self, sighting: Sighting, guard: Guard) -> bool:
        return self._left_alone.leave(sighting, guard) or self._exemptions.unwatched(sighting, guard)

    # -- rules ---------------------------------------------------------------------------------------------------

    @property
    def rulebook(self) -> Rulebook:
        """The rules in force."""
        return self._guarding.rulebook

    def rules_changed(self, rulebook: Rulebook) -> None:
        """Take up new rules: open watches keep the limits they began with, but a lost right ends at once."""
        self._guarding.rulebook = rulebook
        self._exemptions.rules_changed(lambda sighting: self._guarding.guard_of(sighting) is not None)
        self._end_lost_rights(self.watches)

    def _end_lost_rights(self, watches: Sequence[Watch]) -> None:
        for watch in watches:
            for event in self._guarding.ended_right(watch):
                self._running.post(watch, event)
