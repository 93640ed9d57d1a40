"""Drives one watch: waits, looks, measures, probes, hands each event to `advance` and performs what it names."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from watchdog.domain.channels import Topic
from watchdog.domain.effects import Effect, Emit, Look, PutBack, PutBackConflicted, PutBackUnsure, Record, Tell
from watchdog.domain.events import (
    DeliveryMoved,
    Event,
    Looked,
    LookFailed,
    PutBackAnswered,
    Ticked,
)
from watchdog.domain.live import Live
from watchdog.domain.state import Phase, Watch
from watchdog.domain.step import Step
from watchdog.domain.telling import undelivered, with_telling
from watchdog.domain.watch import advance
from watchdog.engine.delivering import Deliverer
from watchdog.engine.inbox import Inbox
from watchdog.engine.measuring import Measuring
from watchdog.engine.observing import Observer
from watchdog.engine.peering import Peering
from watchdog.engine.performing import Performer
from watchdog.engine.recording import RETRY_FIRST, Recorder
from watchdog.engine.sampling import Sampler
from watchdog.engine.senses import Senses
from watchdog.engine.slicing import Slicing
from watchdog.ports import Clock, Notifier, Prober, TrafficProvider

log = logging.getLogger(__name__)

_RETRY_LONGEST = 5.0
_CONFLICT_LONGEST = 4.0
_URGENT = frozenset({Phase.DECIDING, Phase.ACTING})
_ACTED = frozenset(phase for phase in Phase if phase.terminal or phase is Phase.RECOVERING)  # no act is to come


class WatchDriver:
    """The task of one watch, from its opening or its resumption until it has ended and all is told."""

    def __init__(
        self,
        watch: Watch,
        *,
        provider: TrafficProvider,
        sampler: Sampler,
        prober: Prober,
        performer: Performer,
        notifiers: Callable[[], Mapping[str, Notifier]],
        wants: Callable[[str, Watch, Topic], bool],
        observer: Observer,
        clock: Clock,
        peering: Peering,
    ) -> None:
        self.watch = watch
        self._performer = performer
        self._wants = wants
        self._observer = observer
        self._clock = clock
        self._peering = peering
        self._turns = sampler.turns
        self._events: Inbox[Event] = Inbox()
        self._live: Live | None = None
        self._scope: asyncio.TaskGroup | None = None  # while it runs
        self._record = Recorder(watch.id, self._write, clock, performer.aside)
        self._retries = 0
        self._conflicts = 0
        post, now, seen = self.post, self._now, self._seen  # the same for all: there are many watches
        self._measuring = Measuring(sampler, clock, post, now, seen)
        self._perceiving = Senses(
            provider=provider, prober=prober, peering=peering, clock=clock, post=post, watch=now, live=seen
        )
        self._slicing = Slicing(sampler, clock, post, now)
        self._deliverer = Deliverer(
            notifiers=notifiers,
            clock=clock,
            observer=observer,
            moved=self._moved,
            flush=self._flush,
            written=self._record.until_written,
        )

    def post(self, event: Event) -> None:
        """Hand the watch an event; it is dealt with in order."""
        self._events.put(event)

    def _now(self) -> Watch:
        return self.watch

    def _seen(self) -> Live | None:
        return self._live

    async def run(self, first: Step | None, *events: Event) -> Watch:
        """Take the first step, if there is one, then go on until the watch has ended and everyone is told."""
        for event in events:
            self.post(event)
        async with asyncio.TaskGroup() as scope:
            self._scope = scope
            try:
                if first is not None:
                    await self._take(first, scope)
                first, events = None, ()
                self._deliverer.start(self.watch, scope)
                senses = self._senses(scope)
                self._slicing.follow(scope)
                while not self._over():
                    event = await self._events.get()
                    await self._turns.mine(first=self.watch.phase in _URGENT)
                    await self._advance(event, scope)
                    del event  # all that it tells is in the watch
                    if self.watch.phase.terminal:
                        self._end(senses)
            finally:
                self._scope = None
            self._record.stop()
        await self._record.until_written()
        return self.watch

    def _end(self, senses: Sequence[asyncio.Task[None]]) -> None:
        self._perceiving.end()
        self._measuring.end()
        for sense in senses:
            sense.cancel()

    def _senses(self, scope: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """The tasks that look, measure and probe until the watch has ended."""
        if self.watch.phase.terminal:
            return []
        measuring = scope.create_task(self._measuring.run(scope), name=self.watch.id)
        return [*self._perceiving.start(scope), measuring]

    def _over(self) -> bool:
        told = not undelivered(self.watch.tellings) and not self._slicing.busy
        return self.watch.phase.terminal and told and self._events.empty()

    async def _advance(self, event: Event, scope: asyncio.TaskGroup) -> None:
        if isinstance(event, Looked):
            self._live = event.live
            self._slicing.saw(event.live)
            self._measuring.looked(event.live)
        before = self.watch
        now = self._clock.now()
        step = advance(before, event, now)
        if step.watch.changes is not before.changes or step.watch.slices != before.slices:
            self._changed()  # the next write has it; it is worth none of its own
        if step.watch.phase is not before.phase:
            self._log_phase(before, step.watch)
        self._tell_verdicts(before, step.watch)
        if step.watch.phase.terminal and not before.phase.terminal:
            self._observer.ended(step.watch, now)
        self._observer.stepped(step.watch)
        await self._take(step, scope)
        self._slicing.follow(scope)

    def _tell_verdicts(self, before: Watch, watch: Watch) -> None:
        if watch.tracks is before.tracks:
            return
        old = {track.rule.name: track.verdict for track in before.tracks}
        for track in watch.tracks:
            verdict, known = track.verdict, old.get(track.rule.name)
            if verdict is not None and verdict is not known and verdict != known:
                self._observer.judged(watch.switch.target, verdict)

    async def _take(self, step: Step, scope: asyncio.TaskGroup) -> None:
        """Notices first become part of the watch, so that the very record that tells of the act holds them."""
        watch = step.watch
        for effect in step.effects:
            if isinstance(effect, Tell):
                topic = effect.notice.topic
                channels = tuple(
                    name
                    for name in watch.guard.channels
                    if self._wants(name, watch, topic)
                    and not (effect.unless is not None and self._wants(name, watch, effect.unless))
                )
                watch = replace(watch, tellings=with_telling(watch.tellings, effect.notice, channels))
        if any(isinstance(effect, Record) for effect in step.effects):
            for move in self._deliverer.claim(watch):
                watch = advance(watch, move, self._clock.now()).watch
        self.watch = watch
        for effect in step.effects:
            await self._perform(effect, scope)
        self._deliverer.start(self.watch, scope)

    async def _perform(self, effect: Effect, scope: asyncio.TaskGroup) -> None:
        if isinstance(effect, Record):
            self._changed()
            await (self._record.write_aside() if self.watch.phase in _ACTED else self._record.write())
            return
        if isinstance(effect, Look | PutBack) and self._retries:
            await self._clock.sleep(min(_RETRY_LONGEST, RETRY_FIRST * 2 ** min(self._retries, 5)))
        if isinstance(effect, Look) and self._conflicts > 1:
            # One conflict is chance, and looked at again at once; more are someone who writes again and again.
            await self._clock.sleep(min(_CONFLICT_LONGEST, RETRY_FIRST * 2 ** min(self._conflicts - 2, 5)))
        uid = self._live.uid if self._live is not None else ""
        if isinstance(effect, Emit):
            # An Event is for people to read later: a slow API server must not let it delay an act.
            scope.create_task(self._emit(effect, self.watch, uid), name=f"event {effect.reason} {self.watch.id}")
            return
        async with self._record.writing if isinstance(effect, PutBack) else contextlib.nullcontext():
            answer = await self._answer(effect, uid)
        if answer is None:
            return
        put_back = answer.answer if isinstance(answer, PutBackAnswered) else None
        failed = isinstance(answer, LookFailed) or isinstance(put_back, PutBackUnsure)
        self._retries = self._retries + 1 if failed else 0
        if put_back is not None:
            self._conflicts = self._conflicts + 1 if isinstance(put_back, PutBackConflicted) else 0
        self.post(answer)

    async def _answer(self, effect: Effect, uid: str) -> Event | None:
        if not isinstance(effect, Look):
            return await self._performer.perform(effect, self.watch, uid)
        # Side by side, so that a quick Prometheus costs the act no time.
        answer, compared = await asyncio.gather(
            self._performer.perform(effect, self.watch, uid), self._peering.compare(self.watch)
        )
        return replace(answer, compared=compared) if isinstance(answer, Looked) else answer

    async def _emit(self, effect: Emit, watch: Watch, uid: str) -> None:
        await self._performer.perform(effect, watch, uid)

    def let_go(self) -> None:
        """Drop the parts of a run that is over.

        They refer back to this driver, and so would keep all that was measured until the collector of cyclic garbage
        looks at everything, which it seldom does.
        """
        del self._measuring, self._perceiving, self._slicing, self._deliverer, self._record

    # -- the record ----------------------------------------------------------------------------------------------

    def _write(self) -> Awaitable[None]:
        return self._performer.record(self.watch)

    async def _moved(self, event: DeliveryMoved) -> None:
        """A delivery got further: that changes the record, not the course of the watch."""
        step = advance(self.watch, event, self._clock.now())
        self.watch = step.watch
        if step.effects:
            self._changed()
        if self.watch.phase.terminal:
            self.post(Ticked(measured=False))  # perhaps that was the last thing to be told

    async def _flush(self) -> None:
        self._changed()
        await self._record.until_written()

    def _changed(self) -> None:
        self._record.changed(self._scope)

    def last_words(self) -> Awaitable[bool]:
        """Write what the record does not say yet, once: the process is about to end, this watch perhaps before it."""
        return self._record.write()

    def _log_phase(self, before: Watch, after: Watch) -> None:
        facts = {
            "watch": after.id,
            "target": str(after.switch.target),
            "from": str(before.phase),
            "to": str(after.phase),
            "reason": after.reason or (after.refusal.sentence if after.refusal else ""),
        }
        log.info("phase", extra={"facts": facts})
