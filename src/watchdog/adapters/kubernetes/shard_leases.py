"""The leases of several shards: at any instant at most one process leads each, and all agree on how many there are.

How many is said by the lease that they all hold together (`layout`). A process leads a shard only while both hold: the
shard's own lease, kept as every lease is, and its belief in the layout, without a break since it took the shard.

Which is led by whom: whoever holds no shard bids at once for one that is free, the others a little later. Whoever has
two fewer than another asks for one of its shards, by a note on the layout; the other one ends its work there and gives
it back.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import NAME
from watchdog.adapters.kubernetes.layout import Layout
from watchdog.adapters.kubernetes.lease import KubernetesLease, Timing
from watchdog.domain.shards import Shard
from watchdog.ports import Clock

log = logging.getLogger(__name__)

_NEVER = float("-inf")
_PATIENCE = 1.5  # seconds that who holds a shard leaves a free one to those who hold none
_GAVE = 10.0  # seconds for which it does not bid for one that it gave away
_BALANCE_EVERY = 5.0
_ASK_EVERY = 15.0


def lease_name(shard: Shard, base: str = NAME) -> str:
    """Of one shard of several; the only one has the lease `base` itself."""
    return base if shard.is_all else f"{base}-shard-{shard.number}"


class ShardLease(KubernetesLease):
    """The `Leadership` of one shard: its own lease, and the layout's beside it.

    `others()` says how many shards this process holds, or bids for, apart from this one.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        *,
        shard: Shard,
        layout: Layout,
        others: Callable[["ShardLease"], int],
        identity: str,
        clock: Clock,
        rng: random.Random,
        name: str = NAME,
        timing: Timing | None = None,
    ) -> None:
        name = lease_name(shard, name)
        super().__init__(client, namespace, identity=identity, clock=clock, rng=rng, name=name, timing=timing)
        self.shard = shard
        self.bids = False
        self._layout = layout
        self._others = others
        self._since = -1  # the layout's, when this was taken
        self._free_since: float | None = None
        self._leaving = False
        self._gave = _NEVER

    def valid(self) -> bool:
        return super().valid() and not self._leaving and self._layout.valid() and self._layout.since == self._since

    @property
    def alone_since(self) -> float:
        """Without the layout somebody leads who knows nothing of this shard's lease."""
        return max(super().alone_since, self._layout.alone_since)

    @property
    def is_free(self) -> bool:
        """Whether nobody holds it, as far as is known."""
        return self._known and not self._held_by_another() and self.holder != self._identity

    def leave(self) -> None:
        """Stop leading it, in good order; the next `acquire` gives it back."""
        self._leaving = True

    async def acquire(self) -> None:
        if self._leaving:
            await self._handed_over()
        self._free_since = None
        await super().acquire()

    async def _handed_over(self) -> None:
        """Give it back, now that all work has ended."""
        await self._give_up()
        self._gave = self._clock.monotonic()
        self._leaving = False

    async def _take(self) -> bool:
        if self.valid():
            return await super()._take()
        await self._look()
        if not self._may_bid():
            return False
        since = self._layout.since  # before the bid: whatever lapses meanwhile makes it void
        self.bids = True
        try:
            if await super()._take():
                self._since = since
        finally:
            self.bids = False
        return self.valid()

    def _may_bid(self) -> bool:
        if not self._layout.valid() or self._held_by_another():
            self._free_since = None
            return False
        if self._free_since is None:
            self._free_since = self._clock.monotonic()
        return self._patience_left() <= 0

    def _patience_left(self) -> float:
        """Seconds that a free one is still left to others."""
        now, free = self._clock.monotonic(), self._free_since or 0.0
        patience = free + _PATIENCE - now if self._others(self) else 0.0
        return max(patience, self._gave + _GAVE - now)

    def _wait(self) -> float:
        wait = super()._wait()
        if self._free_since is None or self.valid() or (left := self._patience_left()) <= 0:
            return wait
        return min(wait, left + 0.01)

    def _left(self) -> float:
        return min(super()._left(), self._layout.left) if self.valid() else 0.0

    def _why_lost(self) -> str:
        if self._leaving:
            return "given to another replica, which has fewer"
        if not self._layout.valid() or self._layout.since != self._since:
            return f"the layout was not held: {self._layout.trouble or self._layout.holder or 'nobody holds it'}"
        return super()._why_lost()


class ShardLeases:
    """All of them, as one process bids for them, and gives of them where it has too many."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        *,
        shards: int,
        identity: str,
        clock: Clock,
        rng: random.Random,
        name: str = NAME,
        timing: Timing | None = None,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._identity = identity
        self.layout = Layout(
            client, namespace, shards=shards, process=identity, clock=clock, rng=rng, name=name, timing=timing
        )
        self.layout.on_wish = self._wished
        self.leases: Sequence[ShardLease] = tuple(
            ShardLease(
                client,
                namespace,
                shard=Shard(number, shards),
                layout=self.layout,
                others=self._beside,
                identity=identity,
                clock=clock,
                rng=rng,
                name=name,
                timing=timing,
            )
            for number in range(shards)
        )

    def _beside(self, lease: ShardLease) -> int:
        return sum(1 for other in self.leases if other is not lease and (other.valid() or other.bids))

    def _wished(self, number: int) -> None:
        """Somebody has fewer shards. Who has but one keeps it."""
        for lease in self.leases:
            if lease.shard.number == number and lease.valid() and self._beside(lease):
                lease.leave()

    async def balance(self) -> None:
        """Ask for a shard of whoever has two more than this process; until cancelled."""
        while True:
            await self._clock.sleep(_BALANCE_EVERY * self._rng.uniform(0.8, 1.2))
            number = self._wanted()
            if number is not None:
                log.info("asks for a shard", extra={"facts": {"shard": number}})
                self.layout.wish(number)
                await self._clock.sleep(_ASK_EVERY)

    def _wanted(self) -> int | None:
        """The last shard of whoever has most, if that is two more than this process has; not while one is free."""
        if not self.layout.valid() or any(not lease.holder or lease.is_free for lease in self.leases):
            return None
        held = Counter(lease.holder for lease in self.leases)
        richest, most = max(held.items(), key=lambda entry: (entry[1], entry[0]))
        if most < held[self._identity] + 2:
            return None
        return max(lease.shard.number for lease in self.leases if lease.holder == richest)
