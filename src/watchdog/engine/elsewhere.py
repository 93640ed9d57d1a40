"""The targets of other shards, as their leaders have journalled them: an untouched one is a peer, whoever leads it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from watchdog.domain.codec import Unreadable
from watchdog.domain.memory import Memory
from watchdog.domain.record import memory_of
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard
from watchdog.domain.shards import WHOLE, Shard
from watchdog.domain.state import is_id_of
from watchdog.ports import Clock, Kept, OutOfReach

log = logging.getLogger(__name__)

_FRESH = 15.0  # seconds for which a look is believed
_DEADLINE = 3.0  # seconds: it stands between a breach and the act

Labels = Callable[[Target], Mapping[str, str] | None]
"""The labels of an object of any namespace, as the cluster shows it; None where there is none."""


class Elsewhere:
    """What is known of the other shards' targets, looked up where peers are wanted; nothing, where there is one."""

    def __init__(self, kept: Kept, labels: Labels, clock: Clock, shard: Shard = WHOLE) -> None:
        self._kept = kept
        self._labels = labels
        self._clock = clock
        self._shard = shard
        self._known: dict[str, tuple[float, tuple[Memory, ...]]] = {}  # by guard
        self._looking = asyncio.Lock()

    async def look(self, guard: Guard) -> None:
        """Find out anew, where the last look is old. Never raises: who cannot be looked up is no peer."""
        namespaces = {*guard.namespaces, *(target.namespace for target in guard.targets)}
        others = {namespace for namespace in namespaces if not self._shard.has(namespace)}
        if not others:
            return
        async with self._looking:
            known, now = self._known.get(guard.name), self._clock.monotonic()
            if known is not None and now - known[0] < _FRESH:
                return
            try:
                async with asyncio.timeout(_DEADLINE):
                    documents, watched = await asyncio.gather(self._kept.memories_in(others), self._kept.open_watches())
            except (OutOfReach, TimeoutError) as error:
                why = str(error) or f"no answer within {_DEADLINE:.0f} s"
                log.warning("other shards' targets not looked up", extra={"facts": {"guard": guard.name, "why": why}})
                self._known.pop(guard.name, None)
                return
            self._known[guard.name] = self._clock.monotonic(), _unwatched(_read(documents), watched)

    def memories_of(self, guard: Guard) -> tuple[Memory, ...]:
        """Of those that the guard, as it is in force, covers and no open watch is about; as of the last look."""
        known = self._known.get(guard.name, (0.0, ()))[1]
        named = [memory for memory in known if self._covers(guard, memory.target)]
        through = {memory.runner for memory in named if memory.target.kind.routes}
        # A serving colour is guarded by the Service that selects it.
        colours = [memory for memory in known if memory not in named and memory.target in through]
        return (*named, *colours)

    def _covers(self, guard: Guard, target: Target) -> bool:
        labels = self._labels(target)
        return labels is not None and guard.covers(target, labels)


def _read(documents: Mapping[Target, Mapping[str, object]]) -> list[Memory]:
    memories = []
    for target, document in documents.items():
        try:
            memories.append(memory_of(document))
        except Unreadable as error:
            log.info("memory not understood", extra={"facts": {"target": str(target), "why": str(error)}})
    return memories


def _unwatched(memories: Sequence[Memory], watches: Sequence[str]) -> tuple[Memory, ...]:
    """Those that run nothing that is being watched: a Service and its colour are one."""
    touched = {
        memory.runner for memory in memories if any(is_id_of(ident, memory.target, memory.serving) for ident in watches)
    }
    return tuple(one for one in memories if one.runner not in touched)
