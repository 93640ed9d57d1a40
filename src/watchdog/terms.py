"""The terms of this process: one for each lease that it holds. Without shards there is one lease."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from watchdog.adapters.kubernetes.shard_leases import ShardLeases
from watchdog.adapters.sharded import ShardedJournal, ShardedObserver, namespace_of
from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.observer import MetricsObserver
from watchdog.domain.effects import Notice
from watchdog.domain.record import is_about, outline_of, record_of
from watchdog.domain.rules import Rulebook
from watchdog.domain.shards import WHOLE, Shard
from watchdog.domain.state import Watch
from watchdog.engine.leading import lead
from watchdog.engine.supervisor import Supervisor
from watchdog.ports import Document, Leadership, of_watch
from watchdog.reach import Reach
from watchdog.term import Outside, Term


@dataclass
class Seat:
    """One lease, and the term that it gives while it is held."""

    shard: Shard
    leadership: Leadership
    outside: Outside
    term: Term | None = None

    @property
    def resumed(self) -> bool:
        """Whether it leads, and has taken up what the one before left."""
        return self.term is not None and self.term.supervisor.resumed.is_set()

    async def work(self, rulebook: Callable[[], Rulebook]) -> None:
        """One term, by the rules in force."""
        self.term = Term(rulebook(), self.outside, self.leadership.alone_since)
        try:
            await self.term.run()
        finally:
            self.term = None


class Terms:
    """All seats of this process. `leases`: where there are shards."""

    def __init__(self, seats: Sequence[Seat], metrics: Metrics, leases: ShardLeases | None = None) -> None:
        self._seats = seats
        self._metrics = metrics
        self._leases = leases

    def work(self, rulebook: Callable[[], Rulebook]) -> Mapping[str, Coroutine[Any, Any, None]]:
        """What there is to run, by name."""
        work = {_named("leadership", seat): self._lead(seat, rulebook) for seat in self._seats}
        if self._leases is not None:
            work |= {"layout": self._leases.layout.run(), "balance": self._leases.balance()}
        return work

    async def tried(self) -> None:
        """Return once it was tried to lead, with or without success: what is listed from then on is listed once."""
        if self._leases is not None:
            await self._leases.layout.tried.wait()
        for seat in self._seats:
            await seat.leadership.tried.wait()

    def _lead(self, seat: Seat, rulebook: Callable[[], Rulebook]) -> Coroutine[Any, Any, None]:
        def leads(leading: bool) -> None:
            self._metrics.leads_shard(seat.shard, leading)

        return lead(seat.leadership, lambda: seat.work(rulebook), leads)

    @property
    def _held(self) -> list[Seat]:
        return [seat for seat in self._seats if seat.term is not None]

    @property
    def supervisors(self) -> tuple[Supervisor, ...]:
        """Of the terms that run."""
        return tuple(seat.term.supervisor for seat in self._seats if seat.term is not None)

    @property
    def valid(self) -> tuple[Shard, ...]:
        """What it leads at this very instant."""
        return tuple(seat.shard for seat in self._seats if seat.leadership.valid())

    @property
    def resumed(self) -> bool:
        """Whether it leads something, and has taken up all that those before left."""
        return bool(self._held) and all(seat.resumed for seat in self._held)

    @property
    def all_led(self) -> bool:
        """Whether somebody leads each shard, as far as is known; or all of them, with another number of shards."""
        if self._leases is not None and not self._leases.layout.valid():
            return bool(self._leases.layout.holder)
        return all(seat.term is not None or seat.leadership.holder for seat in self._seats)

    @property
    def role(self) -> str:
        """Leader, or standby of whom; one line."""
        if self._leases is None:
            [seat] = self._seats
            return "leader" if seat.term is not None else f"standby; {seat.leadership.holder or 'nobody'} leads"
        layout = self._leases.layout
        if not layout.valid():
            return f"standby; {layout.holder or 'nobody'} leads, and with another WATCHDOG_SHARDS"
        others = ", ".join(
            f"{seat.leadership.holder or 'nobody'} leads {seat.shard}" for seat in self._seats if seat.term is None
        )
        mine = ", ".join(str(seat.shard.number) for seat in self._held)
        led = f"leader of shards {mine} of {len(self._seats)}" if mine else "standby"
        return f"{led}; {others}" if others else led

    @property
    def troubles(self) -> list[str]:
        """Why the leads cannot be found out, or kept up, at present."""
        found = [seat.leadership.trouble for seat in self._seats]
        if self._leases is not None:
            found.append(self._leases.layout.trouble)
        return [trouble for trouble in found if trouble]

    async def watches(self, reach: Reach) -> Sequence[Document]:
        """The open ones: its own as they stand, those of other leaders as they are journalled."""
        return [*(reach.document(record_of(one)) for one in self._own), *await self._others(reach)]

    async def outlines(self, reach: Reach) -> Sequence[Document]:
        """The same, its own as outlines."""
        return [*(reach.document(outline_of(one)) for one in self._own), *await self._others(reach)]

    @property
    def _own(self) -> list[Watch]:
        return [one for supervisor in self.supervisors for one in supervisor.watches]

    async def _others(self, reach: Reach) -> list[Document]:
        """The open watches of other leaders, as they are journalled."""
        held = [seat.shard for seat in self._held]
        if len(held) == len(self._seats):
            return []

        def theirs(one: Document) -> Document | None:
            return None if any(shard.has(namespace_of(one)) for shard in held) else one

        return list(await reach.journal.records(theirs, open_only=True))

    async def open_watch(self, reach: Reach, watch_id: str) -> Document | None:
        """The record of one open watch."""
        own = next((one for one in self._own if one.id == watch_id), None)
        if own is not None:
            return reach.document(record_of(own))
        return next((one for one in await self._others(reach) if one.get("watch") == watch_id), None)

    async def watch(self, reach: Reach, watch_id: str) -> Document | None:
        """One record: as it stands, else as it was kept."""
        record = await self.open_watch(reach, watch_id)
        if record is not None:
            return record
        return next(iter(await reach.journal.records(of_watch(watch_id))), None)

    async def of_target(self, reach: Reach, target: str) -> Sequence[Document]:
        """The records of the target's watches: open ones as they stand, ended ones as they were kept."""
        own = (reach.document(record_of(one)) for one in self._own)
        stand = [one for one in (*own, *await self._others(reach)) if is_about(one, target)]
        known = {record["watch"] for record in stand}

        def ended(one: Document) -> Document | None:
            return one if is_about(one, target) and one.get("watch") not in known else None

        return [*stand, *await reach.journal.records(ended)]

    def rules_changed(self, rulebook: Rulebook) -> None:
        """Take up new rules; where another one leads, the caches alone."""
        for seat in self._seats:
            if seat.term is None:
                seat.outside.cache.watch_namespaces(rulebook.namespaces, seat.shard.has, rulebook.kinds)
            else:
                seat.term.rules_changed(rulebook)

    def announce(self, notice: Notice) -> None:
        """Tell of something that belongs to no watch, once for all shards: by the leader of the first."""
        first = self._seats[0].term
        if first is not None:
            first.announce(notice)

    async def last_words(self, seconds: float) -> None:
        """Write what the records do not say yet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(seat.term.last_words() for seat in self._seats if seat.term is not None))

    async def release(self) -> None:
        """Give back what is held; to be called when all work has ended."""
        await asyncio.gather(*(seat.leadership.release() for seat in self._seats))


def whole(leadership: Leadership, outside: Outside, metrics: Metrics) -> Terms:
    """One lease for all targets."""
    return Terms([Seat(WHOLE, leadership, outside)], metrics)


def sharded(
    leases: ShardLeases,
    outside: Outside,
    reach: Callable[[Callable[[], bool]], Reach],
    observer: MetricsObserver,
    metrics: Metrics,
) -> Terms:
    """A lease for each shard, which fences whatever its term writes (`reach` of that fence) or tells."""
    seats, one_by_one = [], asyncio.Lock()
    for lease in leases.leases:
        own = reach(lease.valid)
        seat = replace(
            outside,
            reach=replace(own, journal=ShardedJournal(own.journal, lease.shard, one_by_one)),
            notifiers=outside.channels.fenced(lease.valid),
            observer=ShardedObserver(observer, metrics, lease.shard),
            shard=lease.shard,
        )
        seats.append(Seat(lease.shard, lease, seat))
    return Terms(seats, metrics, leases)


def _named(what: str, seat: Seat) -> str:
    return what if seat.shard.is_all else f"{what} of shard {seat.shard}"
