"""What is remembered of each target, in memory and in the journal."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from watchdog.domain.codec import Unreadable
from watchdog.domain.effects import Judgement, Remember
from watchdog.domain.memory import Memory
from watchdog.domain.record import OtherSchema, document_of, memory_of
from watchdog.domain.rollout import Target, TrafficSwitch
from watchdog.domain.state import Watch
from watchdog.ports import Clock, Document, Journal, Keeping, OutOfReach

T = TypeVar("T")

log = logging.getLogger(__name__)

_RETRY = 2.0


class Memories:
    """The memories of all targets; a change is journalled at once, and again until the journal takes it."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._memories: dict[Target, Memory] = {}
        self._in: dict[str, dict[Target, Memory]] = {}  # the same, by namespace
        self._unwritten: set[Target] = set()
        self._others: dict[Target, str] = {}  # why: the journal's is of another version

    def load(self, documents: Mapping[Target, Document]) -> None:
        """Take up what the journal holds; what cannot be read is begun anew.

        What another version wrote stays as it is: what is learnt meanwhile is forgotten with this process.
        """
        for target, document in documents.items():
            try:
                self._keep(target, memory_of(document))
            except Unreadable as error:
                log.warning("memory not understood", extra={"facts": {"target": str(target), "why": str(error)}})
                if isinstance(error, OtherSchema):
                    self._others[target] = str(error)

    def unread(self, target: Target) -> str:
        """Why nobody may act on the target: what is known good or bad of it, another version knows; "" else."""
        why = self._others.get(target)
        return f"what is remembered of it cannot be read by this version: {why}" if why else ""

    def of(self, target: Target) -> Memory | None:
        """What is remembered of the target."""
        return self._memories.get(target)

    def all(self) -> tuple[Memory, ...]:
        """What is remembered of every target."""
        return tuple(self._memories.values())

    def within(self, namespace: str) -> tuple[Memory, ...]:
        """What is remembered of the targets in a namespace."""
        return tuple(self._in.get(namespace, {}).values())

    def is_colour(self, workload: Target) -> bool:
        """Whether a guarded Service selects the workload, or selected it before its last flip."""
        return any(
            workload.name in memory.colours and memory.serving.kind is workload.kind
            for target, memory in self._in.get(workload.namespace, {}).items()
            if target.kind.routes
        )

    def gets_traffic(self, workload: Target, rolled_out: datetime) -> bool:
        """Whether the workload stood behind a weight of more than nothing in a guarded route as it was rolled out.

        Where the weights moved after that, they are the switch.
        """
        return any(
            memory.target.kind.switch.in_parts
            and memory.since <= rolled_out
            and workload.name in set(memory.colours) - set(memory.unweighted)
            and memory.serving.kind is workload.kind
            for memory in self.within(workload.namespace)
        )

    def gets_nothing(self, workload: Target) -> bool:
        """Whether the workload stands behind a weight of nothing in a guarded route."""
        return any(
            workload.name in memory.unweighted and memory.serving.kind is workload.kind
            for memory in self.within(workload.namespace)
        )

    def hold(self, memory: Memory) -> None:
        """Remember this; `write` journals it."""
        self._keep(memory.target, memory)

    def _keep(self, target: Target, memory: Memory) -> None:
        self._memories[target] = memory
        self._in.setdefault(target.namespace, {})[target] = memory

    async def learn(self, switch: TrafficSwitch, effect: Remember, watch: Watch) -> None:
        """What a watch found out of its candidate."""
        known = [memory for target in self._learners(switch) if (memory := self._memories.get(target)) is not None]
        for memory in known:  # all of them before the first is written: a switch may be noticed meanwhile
            self.hold(_learnt(memory, effect, watch, self._clock.now()))
        for memory in known:
            await self.write(memory.target)

    def _learners(self, switch: TrafficSwitch) -> set[Target]:
        """The watch's targets, and those to whom the same revision is known: its colour, the Services on it."""
        workload = switch.candidate.workload_in(switch.target.namespace)
        flipped = {replace(switch.target, name=flip.service) for flip in switch.flips}
        if switch.kind.at_once:
            return {switch.target, *flipped, workload}
        return {switch.target}.union(
            target
            for target, memory in self._in.get(workload.namespace, {}).items()
            if target.kind.routes and memory.runner == workload
        )

    async def keep_writing(self) -> None:
        """Write again what could not be written; until cancelled."""
        while True:
            await self._clock.sleep(_RETRY)
            for target in tuple(self._unwritten):
                await self.write(target)

    async def write(self, target: Target) -> None:
        """Journal what is remembered of the target, now or as soon as the journal takes it."""
        if target in self._others:
            return
        try:
            await self._journal.remember(target, document_of(self._memories[target]))
            self._unwritten.discard(target)
        except OutOfReach as error:
            self._unwritten.add(target)
            log.warning("memory not written", extra={"facts": {"target": str(target), "why": str(error)}})


async def all_of(journal: Journal, clock: Clock, kept: Keeping[T]) -> tuple[Sequence[T], Mapping[Target, Document]]:
    """All records, or what is `kept` of each, and all memories, as soon as the journal can be read."""
    while True:
        try:
            return await journal.records(kept), await journal.memories()
        except OutOfReach as error:
            log.warning("journal not read", extra={"facts": {"why": str(error)}})
            await clock.sleep(_RETRY)


def _learnt(memory: Memory, effect: Remember, watch: Watch, now: datetime) -> Memory:
    revision = effect.revision
    match effect.what:
        case Judgement.PASSED:
            return memory.with_good(revision, watch.switch.at, now)
        case Judgement.SERVED:
            return memory.with_good(revision, watch.switch.at, None)
        case Judgement.DOUBTED:
            return memory.with_doubt(revision)
        case Judgement.REVERTED:
            return memory.with_reverted(revision)
        case Judgement.BAD:
            return memory.with_bad(revision, watch.id, now, watch.remedy.to if watch.remedy else None)
