"""Decorators of ports for one shard of several: its term sees and writes what is of its own targets alone."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.observer import MetricsObserver
from watchdog.domain.effects import PutBackAnswer
from watchdog.domain.judge import Verdict
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.shards import Shard
from watchdog.domain.state import Watch
from watchdog.ports import Document, Journal, Keeping

T = TypeVar("T")


class ShardedJournal:
    """A journal of which only the documents of the shard's own targets are handed out.

    A namespace is one shard's: no ConfigMap of memories has two writers. `one_by_one` is shared by the shards of a
    process: all records at once are large, and are not held once for each.
    """

    def __init__(self, inner: Journal, shard: Shard, one_by_one: asyncio.Lock) -> None:
        self._inner = inner
        self._shard = shard
        self._one_by_one = one_by_one

    async def records(self, kept: Keeping[T], *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[T]:
        def own(document: Document) -> T | None:
            return kept(document) if self._is_own(document) else None

        async with self._one_by_one:
            return await self._inner.records(own, open_only=open_only, but=but)

    async def write(self, watch_id: str, document: Document, *, open_watch: bool) -> None:
        await self._inner.write(watch_id, document, open_watch=open_watch)

    async def memories(self) -> Mapping[Target, Document]:
        async with self._one_by_one:
            found = await self._inner.memories()
            return {target: document for target, document in found.items() if self._shard.has(target.namespace)}

    async def remember(self, target: Target, document: Document) -> None:
        await self._inner.remember(target, document)

    def _is_own(self, document: Document) -> bool:
        return self._shard.has(namespace_of(document))


class ShardedObserver:
    """Tells the one observer of the process; of open watches there is a count for each shard."""

    def __init__(self, inner: MetricsObserver, metrics: Metrics, shard: Shard) -> None:
        self._inner = inner
        self._metrics = metrics
        self._shard = shard

    def switch_seen(self, kind: SwitchKind) -> None:
        self._inner.switch_seen(kind)

    def watches_open(self, count: int) -> None:
        self._metrics.watches_of_shard(self._shard, count)

    def stepped(self, watch: Watch) -> None:
        self._inner.stepped(watch)

    def judged(self, target: Target, verdict: Verdict) -> None:
        self._inner.judged(target, verdict)

    def acted(self, watch: Watch, answer: PutBackAnswer, *, scaling: bool) -> None:
        self._inner.acted(watch, answer, scaling=scaling)

    def ended(self, watch: Watch, now: datetime) -> None:
        self._inner.ended(watch, now)

    def delivery(self, channel: str, result: str) -> None:
        self._inner.delivery(channel, result)

    def unguarded(self, target: Target, marks: tuple[str, ...]) -> None:
        self._inner.unguarded(target, marks)


def namespace_of(document: Document) -> str:
    """Of the target that a record is about; "" where it does not say."""
    return str(document.get("target", "")).partition("/")[0]
