"""Each shard is led by one process at most, and processes with another number of shards never lead beside them."""

import asyncio
import logging
import random
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import pytest

from adapters.kubernetes.building import a_client, a_cluster
from stopping import Process, run_stoppable
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.layout import WISH
from watchdog.adapters.kubernetes.lease import KubernetesLease
from watchdog.adapters.kubernetes.shard_leases import ShardLeases, lease_name
from watchdog.domain.shards import Shard
from watchdog.engine.leading import lead
from watchdog.ports import Leadership
from watchdog.simulator.clock import SimulatedClock
from watchdog.simulator.cluster import SimulatedCluster

OWN, NAME = "watchdog", "rollback-watchdog"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OWN}/leases"
LAYOUT = re.compile(f"{LEASE}/{NAME}$")
TAKEOVER = 15.0
BALANCED = 60.0


@dataclass
class Voter:
    """One process that bids for all shards. Which it works on, it notes."""

    name: str
    shards: int
    client: KubeClient
    clock: SimulatedClock
    rng: random.Random
    process: Process = field(default_factory=Process)
    works: set[int] = field(default_factory=set)
    terms: int = 0
    task: "asyncio.Task[None] | None" = None
    leases: ShardLeases | None = None
    seats: dict[int, Leadership] = field(default_factory=dict)
    life: int = 0

    @property
    def valid(self) -> set[int]:
        return {number for number, lease in self.seats.items() if lease.valid()} if self.task is not None else set()

    def start(self) -> None:
        self.life += 1
        identity = f"{self.name}_{self.life}"
        self.process = Process()
        if self.shards == 1:
            self.seats = {0: KubernetesLease(self.client, OWN, identity=identity, clock=self.clock, rng=self.rng)}
        else:
            self.leases = ShardLeases(
                self.client, OWN, shards=self.shards, identity=identity, clock=self.clock, rng=self.rng
            )
            self.seats = {lease.shard.number: lease for lease in self.leases.leases}
        self.task = self.process.begin(self._run(), self.name)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number, lease in self.seats.items():
                tasks.create_task(lead(lease, lambda number=number: self._work(number)))  # type: ignore[misc]
            if self.leases is not None:
                tasks.create_task(self.leases.layout.run())
                tasks.create_task(self.leases.balance())

    async def _work(self, number: int) -> None:
        self.terms += 1
        self.works.add(number)
        try:
            await asyncio.Event().wait()
        finally:
            self.works.discard(number)

    async def kill(self) -> None:
        if self.task is None:
            return
        self.process.go_on()
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.task = None

    async def terminate(self) -> None:
        await self.kill()
        await asyncio.gather(*(lease.release() for lease in self.seats.values()))


@dataclass
class Election:
    """Some processes, and what must hold among them at every instant."""

    cluster: SimulatedCluster
    clock: SimulatedClock
    stack: AsyncExitStack
    seed: int
    voters: list[Voter] = field(default_factory=list)

    async def join(self, name: str, shards: int) -> Voter:
        client = await self.stack.enter_async_context(a_client(self.cluster, self.cluster.user(name)))
        voter = Voter(name, shards, client, self.clock, random.Random(f"{name}{self.seed}"))
        self.voters.append(voter)
        voter.start()
        self.stack.push_async_callback(voter.kill)
        return voter

    def check(self) -> None:
        for of in ("valid", "awake"):
            led = [(voter.shards, number) for voter in self.voters for number in getattr(self, f"_{of}")(voter)]
            assert len(led) == len(set(led)), f"{of}: led twice: {led}"
            assert len({shards for shards, _ in led}) <= 1, f"{of}: two numbers of shards at once: {led}"

    def _valid(self, voter: Voter) -> set[int]:
        return voter.valid

    def _awake(self, voter: Voter) -> set[int]:
        return set() if voter.process.stopped else voter.works

    async def passes(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            await self.clock.sleep(0.1)
            self.check()
            for voter in self.voters:
                if voter.task is not None and voter.task.done():
                    voter.task.result()

    async def until(self, holds: Callable[[], object], within: float) -> float:
        began = self.clock.monotonic()
        while not holds():
            assert self.clock.monotonic() - began <= within, [(one.name, one.works) for one in self.voters]
            await self.passes(0.1)
        return self.clock.monotonic() - began

    def guarded(self, shards: int) -> bool:
        """Whether all of so many shards are worked on."""
        awake = [self._awake(voter) for voter in self.voters if voter.shards == shards]
        return set().union(*awake) == set(range(shards))

    def loads(self) -> list[int]:
        return sorted(len(voter.works) for voter in self.voters if voter.task is not None)


def elect(story: Callable[[Election], Awaitable[None]], seed: int = 1) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            cluster = await stack.enter_async_context(a_cluster())
            cluster.create("namespaces", "", {"metadata": {"name": OWN}})
            await story(Election(cluster, SimulatedClock(cluster.now()), stack, seed))

    run_stoppable(main())


def test_one_living_process_leads_all_shards_and_soon() -> None:
    async def story(election: Election) -> None:
        await election.join("ann", 3)
        await election.until(lambda: election.guarded(3), 8)
        names = {lease["metadata"]["name"] for lease in election.cluster.list("leases", OWN)}
        assert names == {"rollback-watchdog", *(f"rollback-watchdog-shard-{number}" for number in range(3))}
        holder = election.cluster.get("leases", OWN, "rollback-watchdog")["spec"]["holderIdentity"]
        assert holder == "3-shards-by-namespace"

    elect(story)


@pytest.mark.parametrize(
    ("shards", "count", "loads"),
    [(3, 2, [1, 2]), (4, 2, [2, 2]), (3, 3, [1, 1, 1]), (2, 3, [0, 1, 1]), (5, 3, [1, 2, 2])],
)
def test_who_comes_later_is_given_its_share_and_then_nothing_moves(shards: int, count: int, loads: list[int]) -> None:
    async def story(election: Election) -> None:
        await election.join("p0", shards)
        await election.until(lambda: election.guarded(shards), 10)
        for number in range(1, count):
            await election.join(f"p{number}", shards)
        await election.until(lambda: election.loads() == loads and election.guarded(shards), BALANCED * count)
        terms = sum(voter.terms for voter in election.voters)
        await election.passes(120)
        assert election.loads() == loads
        assert sum(voter.terms for voter in election.voters) == terms

    elect(story)


def test_a_shard_that_changes_hands_in_good_order_is_unled_for_two_seconds_at_most() -> None:
    async def story(election: Election) -> None:
        await election.join("ann", 2)
        await election.until(lambda: election.guarded(2), 10)
        await election.join("bob", 2)
        await election.until(lambda: not election.guarded(2), BALANCED)
        assert await election.until(lambda: election.guarded(2), 3) <= 2.0
        assert election.loads() == [1, 1]

    elect(story)


@pytest.mark.parametrize("count", [2, 3])
def test_the_shards_of_who_was_killed_are_led_again_within_fifteen_seconds(count: int) -> None:
    async def story(election: Election) -> None:
        for number in range(count):
            await election.join(f"p{number}", 3)
        await election.passes(90)
        for voter in [*election.voters, *election.voters]:
            await voter.kill()
            assert not election.guarded(3)
            assert await election.until(lambda: election.guarded(3), TAKEOVER) > 5
            voter.start()
            await election.passes(60)

    elect(story)


def test_the_shards_of_who_ends_well_are_led_again_at_once() -> None:
    async def story(election: Election) -> None:
        ann = await election.join("ann", 3)
        await election.join("bob", 3)
        await election.passes(90)
        await ann.terminate()
        assert await election.until(lambda: election.guarded(3), 5) <= 4

    elect(story)


def test_a_wish_that_nobody_fulfils_is_granted_once() -> None:
    async def story(election: Election) -> None:
        ann = await election.join("ann", 3)
        await election.until(lambda: election.guarded(3), 10)
        await election.passes(5)
        terms = ann.terms
        election.cluster.patch(
            "leases", OWN, "rollback-watchdog", {"metadata": {"annotations": {WISH: "2 for nobody at noon"}}}
        )
        await election.until(lambda: not election.guarded(3), 5)
        await election.until(lambda: election.guarded(3), TAKEOVER)
        await election.passes(120)
        assert ann.terms == terms + 1

    elect(story)


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 3), (3, 2)])
@pytest.mark.parametrize("how", ["SIGTERM", "kill -9"])
def test_a_rolling_change_of_the_number_never_has_both_and_never_none_for_long(
    before: int, after: int, how: str
) -> None:
    async def story(election: Election) -> None:
        old = [await election.join(f"old{number}", before) for number in range(2)]
        await election.until(lambda: election.guarded(before), 10)
        await election.passes(40)
        new = []
        for number, voter in enumerate(old):
            new.append(await election.join(f"new{number}", after))
            await election.passes(20)
            assert election.guarded(before)
            assert not any(one.works for one in new)
            await (voter.terminate() if how == "SIGTERM" else voter.kill())
            if number == 0:
                await election.until(lambda: election.guarded(before) or election.guarded(after), TAKEOVER)
                if election.guarded(after):
                    break
        await election.until(lambda: election.guarded(after), TAKEOVER + 5)

    elect(story)


def test_a_process_that_slept_through_another_number_does_not_go_on_where_it_stopped() -> None:
    async def story(election: Election) -> None:
        ann = await election.join("ann", 2)
        await election.until(lambda: election.guarded(2), 10)
        terms = ann.terms
        for _ in range(8):
            ann.process.stop()
            bob = await election.join("bob", 1)
            await election.until(lambda: election.guarded(1), TAKEOVER)
            await bob.terminate()
            election.voters.remove(bob)
            ann.process.go_on()
            await election.until(lambda: ann.terms == terms + 2, TAKEOVER)  # noqa: B023
            terms = ann.terms

    elect(story)


def test_a_layout_that_was_not_believed_in_for_a_moment_ends_every_term_whatever_the_shards_own_leases_say() -> None:
    async def story(election: Election) -> None:
        ann = await election.join("ann", 2)
        await election.until(lambda: election.guarded(2), 10)
        terms, leases = ann.terms, ann.leases
        assert leases is not None
        leases.layout._valid_until = float("-inf")
        leases.layout._believe(election.clock.monotonic())
        assert leases.layout.valid()
        assert all(KubernetesLease.valid(lease) for lease in leases.leases)
        assert ann.valid == set()
        await election.until(lambda: ann.terms == terms + 2, 5)

    elect(story)


@pytest.mark.parametrize("how", ["hang", "reset", "stop in the middle"])
def test_who_cannot_keep_the_layout_leads_no_shard_though_its_own_lease_is_renewed(how: str) -> None:
    async def story(election: Election) -> None:
        olds = [await election.join(name, 3) for name in ("ann", "bob")]
        await election.until(lambda: election.guarded(3), 10)
        await election.passes(40)
        new = await election.join("cid", 1)
        for _ in range(4):
            faults = [
                getattr(election.cluster.faults, "reset" if how == "reset" else "hang")(
                    path=LAYOUT, user=voter.name, count=None
                )
                for voter in olds
            ]
            if how == "stop in the middle":
                await election.passes(3)
                olds[0].process.stop()
            await election.until(lambda: new.works, TAKEOVER)
            await election.passes(5)
            assert not any(voter.works and not voter.process.stopped for voter in olds)
            olds[0].process.go_on()
            for fault in faults:
                fault.remove()
            await election.passes(5)
            await new.terminate()
            await election.until(lambda: election.guarded(3), TAKEOVER)
            new.start()
            await election.passes(20)

    elect(story)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_at_random_no_shard_is_led_twice_and_soon_all_are_led(seed: int) -> None:
    rng = random.Random(seed)
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)

    async def story(election: Election) -> None:
        for name, shards in (("ann", 3), ("bob", 3), ("cid", 3), ("dan", 1), ("eve", 2)):
            await election.join(name, shards)
        for _ in range(30):
            voter = rng.choice(election.voters)
            match rng.choice(["kill", "terminate", "stop", "fault", "delete", "nothing"]):
                case "kill":
                    await voter.kill()
                case "terminate" if voter.task is not None:
                    voter.process.go_on()
                    await voter.terminate()
                case "stop" if voter.task is not None:
                    voter.process.stop()
                case "fault":
                    add = getattr(election.cluster.faults, rng.choice(["hang", "reset", "truncate"]))
                    where = LEASE if rng.random() < 0.5 else LAYOUT
                    add(path=where, user=voter.name, count=rng.randint(1, 40))
            await election.passes(rng.uniform(0, 25))
            for one in election.voters:
                if rng.random() < 0.5:
                    one.process.go_on()
                    if one.task is None:
                        one.start()
        election.cluster.faults.clear()
        for one in election.voters:
            one.process.go_on()
            if one.task is None:
                one.start()
        await election.until(lambda: any(election.guarded(shards) for shards in (1, 2, 3)), 45)

    elect(story, seed)


def test_the_only_shard_has_the_lease_of_old() -> None:
    assert lease_name(Shard(0, 1)) == "rollback-watchdog"
    assert lease_name(Shard(2, 3)) == "rollback-watchdog-shard-2"
