"""The only match over effects: what the domain names is done here, intents journalled first."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import assert_never

from watchdog.domain.effects import (
    Effect,
    Emit,
    Look,
    PutBack,
    PutBackConflicted,
    PutBackDone,
    PutBackUnsure,
    Record,
    Remedy,
    Remember,
    Tell,
)
from watchdog.domain.events import Event, Looked, LookFailed, PutBackAnswered
from watchdog.domain.rollout import TargetKind, TrafficSwitch
from watchdog.domain.state import Phase, Watch
from watchdog.domain.telling import undelivered
from watchdog.engine.braking import Brakeman
from watchdog.engine.journalling import journalled
from watchdog.engine.observing import Observer
from watchdog.engine.recording import room
from watchdog.ports import Clock, EventSink, Journal, OutOfReach, Owners, TrafficProvider

log = logging.getLogger(__name__)

RememberTarget = Callable[[TrafficSwitch, Remember, Watch], Awaitable[None]]


class Performer:
    """Does one effect at a time for any watch. Remembers only which intents it has journalled."""

    def __init__(
        self,
        *,
        providers: Mapping[TargetKind, TrafficProvider],
        journal: Journal,
        events: EventSink,
        clock: Clock,
        observer: Observer,
        remember: RememberTarget,
        brakeman: Brakeman,
        owners: Owners,
    ) -> None:
        self._providers = providers
        self._journal = journal
        self._events = events
        self._clock = clock
        self._observer = observer
        self._remember = remember
        self._brakeman = brakeman
        self._owners = owners
        self._intents: dict[str, Remedy] = {}
        self.aside = room()

    async def perform(self, effect: Effect, watch: Watch, uid: str) -> Event | None:
        """Do it; the answer is an event for `advance`, or None. Raises `OutOfReach` where a record is not written.

        `Tell` is not done here: notices travel with the record and are sent by `delivering`, so that a dead channel
        never delays an act.
        """
        match effect:
            case Look():
                return await self._look(watch)
            case PutBack():
                return await self._put_back(effect, watch)
            case Record():
                await self.record(watch)
            case Remember():
                await self._remember(watch.switch, effect, watch)
            case Emit(reason, note, warning):
                await self._events.emit(watch.switch.target, uid, reason=reason, note=note, warning=warning)
            case Tell():
                pass
            case _:
                assert_never(effect)
        return None

    async def record(self, watch: Watch) -> None:
        """Write the watch's record; raises `OutOfReach`."""
        if watch.phase is not Phase.ACTING:
            self._intents.pop(watch.id, None)  # from here on the record does not say any more that an act is made
        still_open = not watch.phase.terminal or bool(undelivered(watch.tellings))
        await journalled(self._journal, watch, open_watch=still_open)

    async def _intend(self, watch: Watch, remedy: Remedy) -> None:
        """Intent first: a crash after the write must not look like no write.

        A conflict planned anew is the same intent on a newer version; an object that changes all the time must not
        make us write a record each time.
        """
        intent = _same_but_version(remedy)
        if self._intents.get(watch.id) != intent:
            await self.record(watch)
            self._intents[watch.id] = intent

    async def _look(self, watch: Watch) -> Event:
        """All that an act depends on, read anew; what does not depend on one another side by side."""
        target = watch.switch.target
        try:
            live, around, runner = await asyncio.gather(
                self._providers[target.kind].live(watch.switch, watch.stable, fresh=True),
                self._brakeman.around(watch),
                self._owners.runner(target),
            )
        except OutOfReach as error:
            return LookFailed(str(error))
        owner = None if live.owner is None else await self._owners.known(live.owner)
        return Looked(replace(live, around=around, owner=owner, runner=live.runner or runner))

    async def _put_back(self, effect: PutBack, watch: Watch) -> Event:
        remedy = effect.remedy
        try:
            if not await self._brakeman.begin(watch):
                others = PutBackConflicted(self._clock.now(), "others were rolled back in the same moment")
                return PutBackAnswered(others)
            await self._intend(watch, remedy)
            if remedy.suspends and remedy.owner is not None:
                why_not = await self._owners.suspend(remedy.owner, watch.id)
                if why_not:
                    return PutBackAnswered(PutBackConflicted(self._clock.now(), why_not))
        except OutOfReach as error:
            unsure = PutBackUnsure(self._clock.now(), f"before the write: {error}")
            return PutBackAnswered(unsure)
        log.warning(
            "putting back",
            extra={
                "facts": {
                    "watch": watch.id,
                    "target": str(remedy.target),
                    "from": str(remedy.candidate),
                    "to": str(remedy.to),
                    "uid": remedy.uid,
                    "resource_version": remedy.resource_version,
                }
            },
        )
        answer = await self._providers[remedy.target.kind].put_back(remedy)
        log.warning(
            "put back answered",
            extra={"facts": {"watch": watch.id, "answer": type(answer).__name__, "detail": _detail(answer)}},
        )
        if not isinstance(answer, PutBackConflicted | PutBackUnsure):
            self._intents.pop(watch.id, None)
        scaling = remedy.scale_to is not None
        self._observer.acted(watch, answer, scaling=scaling)
        return PutBackAnswered(answer)


def _same_but_version(remedy: Remedy) -> Remedy:
    services = tuple(replace(service, resource_version="") for service in remedy.services)
    return replace(remedy, resource_version="", services=services)


def _detail(answer: object) -> str:
    if isinstance(answer, PutBackDone):
        return "; ".join(f"{service}: {why}" for service, why in answer.left.items())
    return str(getattr(answer, "detail", ""))
