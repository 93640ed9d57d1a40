"""At any instant at most one leads, whatever fails; who is gone is followed soon, who says goodbye at once."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.kubernetes.building import a_client, a_cluster
from adapters.notifiers.standin import a_notice
from stopping import Process, run_stoppable
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import Fenced
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS
from watchdog.adapters.kubernetes.lease import KubernetesLease, Timing
from watchdog.adapters.notifiers.tracked import InFlight, TrackedNotifier
from watchdog.engine.leading import lead
from watchdog.ports import NotDelivered
from watchdog.simulator.access import Rule
from watchdog.simulator.clock import SimulatedClock
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.faults import Fault

OWN = "watchdog"
NAME = "rollback-watchdog"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OWN}/leases"
RENEW, TAKEOVER = 7.0, 15.0


class WrongClock:
    """A machine's clock: its time of day is wrong, and may jump or stand still; its monotonic clock is right."""

    def __init__(self, inner: SimulatedClock, skew: float) -> None:
        self._inner = inner
        self.skew = timedelta(seconds=skew)
        self.stands_at: datetime | None = None

    def now(self) -> datetime:
        return self.stands_at or self._inner.now() + self.skew

    def monotonic(self) -> float:
        return self._inner.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


@dataclass
class Candidate:
    """One process that would lead. What it does while it leads, it notes."""

    name: str
    lease: KubernetesLease
    clock: WrongClock
    process: Process = field(default_factory=Process)
    task: "asyncio.Task[None] | None" = None
    works: bool = False
    terms: int = 0
    gained: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)

    async def _work(self) -> None:
        self.terms += 1
        self.works = True
        try:
            await asyncio.Event().wait()
        finally:
            self.works = False

    def _leads(self, leads: bool) -> None:
        (self.gained if leads else self.lost).append(self.clock.monotonic())

    def start(self) -> None:
        self.task = self.process.begin(lead(self.lease, self._work, self._leads), self.name)

    async def kill(self) -> None:
        """As SIGKILL: nothing is given back."""
        assert self.task is not None
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.task = None

    async def terminate(self) -> None:
        """As SIGTERM: the work ends, then the lease is given back."""
        await self.kill()
        await self.lease.release()


@dataclass
class Election:
    """Some candidates for one lease."""

    cluster: SimulatedCluster
    clock: SimulatedClock
    candidates: list[Candidate]

    @property
    def valid(self) -> list[str]:
        return [one.name for one in self.candidates if one.lease.valid()]

    @property
    def working(self) -> list[str]:
        """Those whose work goes on, at this instant."""
        return [one.name for one in self.candidates if one.works and not one.process.stopped]

    async def passes(self, seconds: float) -> None:
        """Time goes by, and at no instant two lead."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            await self.clock.sleep(0.05)
            assert len(self.valid) <= 1, self.valid
            assert len(self.working) <= 1, self.working

    async def until(self, name: str, within: float) -> float:
        """Seconds until that one works."""
        began = self.clock.monotonic()
        while self.working != [name]:
            assert self.clock.monotonic() - began <= within, f"{self.working} after {within} s"
            await self.passes(0.05)
        return self.clock.monotonic() - began

    def fault(self, candidate: Candidate, kind: str, **where: Any) -> Fault:
        where = {"path": LEASE, "user": candidate.name, "count": None, **where}
        add: Callable[..., Fault] = getattr(self.cluster.faults, kind)
        return add(**where)

    def record(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.cluster.get("leases", OWN, NAME)["spec"]
        return spec

    @asynccontextmanager
    async def join(self, name: str, *, skew: float = 0.0, seed: int = 1) -> AsyncIterator[Candidate]:
        """One more candidate; the context ends with its death."""
        async with a_client(self.cluster, self.cluster.user(name)) as client:
            clock = WrongClock(self.clock, skew)
            rng = random.Random(f"{name}{seed}")
            lease = KubernetesLease(client, OWN, identity=f"{name}_1", clock=clock, rng=rng)
            candidate = Candidate(name, lease, clock)
            self.candidates.append(candidate)
            candidate.start()
            yield candidate
            if candidate.task is not None:
                candidate.process.go_on()
                await candidate.kill()


Story = Callable[..., Awaitable[None]]


def elect(story: Story, *names: str, skew: float = 0.0) -> None:
    """Tell the story of these candidates, of which the first leads."""

    async def main() -> None:
        async with a_cluster() as cluster, AsyncExitStack() as stack:
            cluster.create("namespaces", "", {"metadata": {"name": OWN}})
            election = Election(cluster, SimulatedClock(cluster.now()), [])
            joined: list[Candidate] = []
            for name in names or ("ann", "bob"):
                joined.append(await stack.enter_async_context(election.join(name, skew=skew * len(joined))))
                if len(joined) == 1:
                    await election.until(name, 1)
            await election.passes(5)
            await story(election, *joined)

    run_stoppable(main())


def test_the_first_leads_at_once_and_the_others_stand_by() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate, cid: Candidate) -> None:
        await election.passes(120)
        assert election.working == ["ann"]
        assert (ann.terms, bob.terms, cid.terms) == (1, 0, 0)
        assert {bob.lease.holder, cid.lease.holder} == {"ann_1"}
        record = election.record()
        assert (record["holderIdentity"], record["leaseDurationSeconds"], record["leaseTransitions"]) == (
            "ann_1",
            10,
            0,
        )
        assert record["acquireTime"] < record["renewTime"]

    elect(story, "ann", "bob", "cid")


def test_who_was_killed_is_followed_in_time_and_not_before_its_lease_is_over() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        await ann.kill()
        took = await election.until("bob", TAKEOVER)
        assert took >= 10 - 1.5 * 1.2  # it may have renewed that long ago
        assert election.record()["holderIdentity"] == "bob_1"
        assert election.record()["leaseTransitions"] == 1

    elect(story)


def test_who_ends_well_is_followed_at_once() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        await ann.terminate()
        record = election.record()
        assert (record["holderIdentity"], record["leaseDurationSeconds"]) == ("", 1)
        assert await election.until("bob", 2) <= 1.5 * 1.2 + 0.2
        assert election.record()["leaseTransitions"] == 1

    elect(story)


def test_a_release_while_the_server_hangs_ends_soon_and_the_lease_runs_out() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        election.fault(ann, "hang")
        await ann.kill()
        began = election.clock.monotonic()
        await ann.lease.release()
        assert election.clock.monotonic() - began < 1
        assert not ann.lease.valid()
        await election.until("bob", TAKEOVER)

    elect(story)


@pytest.mark.parametrize("how", ["hang", "reset", "answer", "truncate"])
def test_who_is_cut_off_stops_before_another_can_lead_and_stands_by_when_it_is_back(how: str) -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        cut_off = election.clock.monotonic()
        fault = election.fault(ann, how)
        await election.until("bob", TAKEOVER)
        [lost], [gained] = ann.lost, bob.gained
        assert lost - cut_off <= RENEW
        assert gained - lost >= 10 - RENEW - 1.8
        assert ann.task is not None
        assert not ann.task.done()
        assert ann.lease.trouble
        fault.remove()
        await election.passes(30)
        assert election.working == ["bob"]
        assert ann.lease.trouble == ""
        await bob.terminate()
        await election.until("ann", 3)
        assert ann.terms == 2

    elect(story)


def test_a_connection_that_died_without_a_word_costs_no_lead() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        for _ in range(5):
            hanging = election.fault(ann, "hang", count=1)
            await election.passes(20)
            assert hanging.hits == 1
        assert (ann.terms, bob.terms) == (1, 0)

    elect(story)


def test_answers_that_are_lost_are_found_out() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        for count in (1, 2):
            lost = election.fault(ann, "lose_answer", count=count, method="PUT")
            await election.passes(20)
            assert lost.hits == count
        assert (ann.terms, bob.terms) == (1, 0)
        # Of one that takes over: it has the lease, and learns of it only by looking again.
        await ann.kill()
        lost = election.fault(bob, "lose_answer", count=1, method="PUT")
        await election.until("bob", TAKEOVER)
        assert lost.hits == 1
        assert election.record()["leaseTransitions"] == 1

    elect(story)


def test_the_lost_answer_to_the_very_first_write_is_found_out() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.create("namespaces", "", {"metadata": {"name": OWN}})
            election = Election(cluster, SimulatedClock(cluster.now()), [])
            lost = cluster.faults.lose_answer(path=LEASE, method="POST", count=1)
            async with election.join("ann"):
                await election.until("ann", 3)
                assert lost.hits == 1

    run_stoppable(main())


def test_somebody_who_edits_the_lease_takes_no_lead_away() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        for n in range(20):
            election.cluster.patch("leases", OWN, NAME, {"metadata": {"annotations": {"looked": str(n)}}})
            await election.passes(0.7)
        assert (ann.terms, bob.terms) == (1, 0)

    elect(story)


def test_whoever_writes_itself_into_the_lease_has_it() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        election.cluster.patch("leases", OWN, NAME, {"spec": {"holderIdentity": "somebody"}})
        await election.passes(3)
        assert election.working == []
        assert ann.lease.holder == "somebody"
        await election.passes(12)
        assert len(election.working) == 1

    elect(story)


def test_a_lease_that_is_deleted_is_not_free_before_its_holder_knows() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        for _ in range(10):
            election.cluster.delete("leases", OWN, NAME)
            await election.passes(7.3)
        assert (ann.terms, bob.terms) == (1, 0)
        election.fault(ann, "reset")
        election.cluster.delete("leases", OWN, NAME)
        await election.until("bob", TAKEOVER)

    elect(story)


@pytest.mark.parametrize("skew", [3600.0, -3600.0, 30.0])
def test_clocks_that_differ_by_an_hour_change_nothing(skew: float) -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        await election.passes(60)
        assert (ann.terms, bob.terms) == (1, 0)
        await ann.kill()
        assert await election.until("bob", TAKEOVER) >= 8

    elect(story, skew=skew)


def test_a_clock_that_stands_still_or_jumps_is_no_sign_of_death() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        ann.clock.stands_at = ann.clock.now()
        await election.passes(60)
        ann.clock.stands_at = None
        for jump in (86400, -86400, 5, -5):
            ann.clock.skew += timedelta(seconds=jump)
            bob.clock.skew -= timedelta(seconds=jump)
            await election.passes(20)
        assert (ann.terms, bob.terms) == (1, 0)

    elect(story)


@pytest.mark.parametrize("seconds", [7.5, 30.0, 60.0])
def test_who_was_stopped_and_goes_on_knows_at_once_that_it_leads_no_more(seconds: float) -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        ann.process.stop()
        await election.passes(seconds)
        assert not ann.lease.valid()
        asked = len(election.cluster.writes("ann"))
        ann.process.go_on()
        await election.passes(0.3)
        assert len(ann.lost) == 1
        if seconds < 10:  # nobody could take it yet: it leads again, and begins its work anew
            assert (ann.terms, bob.terms) == (2, 0)
        else:
            assert election.working == ["bob"]
            await election.passes(30)
            # Not one write of its own: it looked first.
            assert len(election.cluster.writes("ann")) == asked

    elect(story)


def test_a_short_stop_costs_nothing() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        for _ in range(10):
            ann.process.stop()
            await election.passes(4)
            ann.process.go_on()
            await election.passes(4)
        assert (ann.terms, bob.terms) == (1, 0)

    elect(story)


def test_a_standby_that_was_stopped_looks_before_it_takes() -> None:
    async def story(election: Election, ann: Candidate, bob: Candidate) -> None:
        bob.process.stop()
        await election.passes(60)
        bob.process.go_on()
        await election.passes(30)
        assert (ann.terms, bob.terms) == (1, 0)

    elect(story)


def test_work_that_ends_slowly_is_fenced_and_the_lead_is_not_sought_before_its_end() -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.create("namespaces", "", {"metadata": {"name": OWN}})
            clock = SimulatedClock(cluster.now())
            async with a_client(cluster, cluster.user("ann")) as client:
                lease = KubernetesLease(client, OWN, identity="ann_1", clock=clock, rng=random.Random(1))
                began: list[float] = []

                async def work() -> None:
                    began.append(clock.monotonic())
                    try:
                        await asyncio.Event().wait()
                    finally:
                        await clock.sleep(30)

                task = asyncio.create_task(lead(lease, work))
                await clock.sleep(3)
                fault = cluster.faults.reset(path=LEASE, count=None)
                await clock.sleep(8)
                fault.remove()
                assert not lease.valid()
                with pytest.raises(Fenced):
                    await client.fenced(lease.valid).delete(CONFIGMAPS, OWN, "x")
                await clock.sleep(20)
                assert len(began) == 1
                await clock.sleep(12)
                assert len(began) == 2
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    run_stoppable(main())


def test_work_that_fails_ends_it_all() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            cluster.create("namespaces", "", {"metadata": {"name": OWN}})
            clock = SimulatedClock(cluster.now())
            lease = KubernetesLease(client, OWN, identity="ann_1", clock=clock, rng=random.Random(1))
            told: list[bool] = []

            async def work() -> None:
                raise RuntimeError("a fault of ours")

            with pytest.raises(ExceptionGroup) as failed:
                await lead(lease, work, told.append)
            assert failed.group_contains(RuntimeError, match="a fault of ours")
            assert told == [True, False]

    run_stoppable(main())


def test_a_namespace_that_is_not_there_is_named(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            clock = SimulatedClock(cluster.now())
            lease = KubernetesLease(client, "nowhere", identity="ann_1", clock=clock, rng=random.Random(1))
            task = asyncio.create_task(lead(lease, asyncio.Event().wait))  # type: ignore[arg-type]
            await clock.sleep(30)
            said = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
            assert len(said) == 1
            assert 'namespaces "nowhere" not found' in said[0]
            assert 'namespaces "nowhere" not found' in lease.trouble
            assert not lease.valid()
            task.cancel()

    run_stoppable(main())


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_a_right_that_is_missing_is_named_once_and_tried_again(verb: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with a_cluster() as cluster:
            cluster.create("namespaces", "", {"metadata": {"name": OWN}})
            clock = SimulatedClock(cluster.now())
            verbs = tuple({"get", "create", "update"} - {verb})
            rights = [Rule(groups=("coordination.k8s.io",), resources=("leases",), verbs=verbs)]
            async with a_client(cluster, cluster.user("ann", rights)) as client:
                lease = KubernetesLease(client, OWN, identity="ann_1", clock=clock, rng=random.Random(1))
                task = asyncio.create_task(lead(lease, asyncio.Event().wait))  # type: ignore[arg-type]
                await clock.sleep(60)
                said = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
                assert f"the watchdog may not {verb} leases in namespace {OWN}; grant it in a Role" in said[0]
                assert len(said) == 1
                assert said[0].endswith(lease.trouble)
                cluster.user("ann")
                await clock.sleep(12)
                assert lease.valid()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    with caplog.at_level(logging.INFO):
        run_stoppable(main())


def test_a_fence_that_does_not_hold_lets_reads_through_and_no_write() -> None:
    async def main() -> None:
        async with a_cluster() as cluster, a_client(cluster) as client:
            cluster.create("namespaces", "", {"metadata": {"name": OWN}})
            open_ = [True]
            fenced: KubeClient = client.fenced(lambda: open_[0])
            await fenced.create(CONFIGMAPS, OWN, {"metadata": {"name": "x"}})
            open_[0] = False
            body = await fenced.get(CONFIGMAPS, OWN, "x")
            for write in (
                fenced.create(CONFIGMAPS, OWN, {"metadata": {"name": "y"}}),
                fenced.replace(CONFIGMAPS, OWN, "x", body),
                fenced.patch(CONFIGMAPS, OWN, "x", {}, content_type="application/merge-patch+json"),
                fenced.delete(CONFIGMAPS, OWN, "x"),
            ):
                with pytest.raises(Fenced, match="does not lead any more"):
                    await write
            assert len(cluster.writes()) == 1

    run_stoppable(main())


def test_a_fence_that_does_not_hold_lets_no_notice_through() -> None:
    class Inner:
        name = "releases"
        sent = 0

        async def send(self, _notice: object, *, possible_repeat: bool) -> None:
            del possible_repeat
            self.sent += 1

        async def close(self) -> None: ...

    async def main() -> None:
        inner = Inner()
        open_ = [True]
        notifier = TrackedNotifier(inner, InFlight(), None, fence=lambda: open_[0])
        await notifier.send(a_notice(), possible_repeat=False)
        open_[0] = False
        with pytest.raises(NotDelivered) as refused:
            await notifier.send(a_notice(), possible_repeat=False)
        assert not refused.value.unsure
        assert inner.sent == 1

    run_stoppable(main())


def test_timing_that_could_not_be_safe_is_refused() -> None:
    for wrong in ((5.0, 7.0, 1.5), (10.0, 10.0, 1.5), (10.0, 1.5, 1.5), (10.5, 7.0, 1.5)):
        with pytest.raises(ValueError, match="is needed"):
            Timing(*wrong)


_TROUBLE: Sequence[str] = ("hang", "reset", "answer", "truncate", "lose_answer")


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_at_random_never_two_lead_and_soon_one_does(seed: int) -> None:
    rng = random.Random(seed)

    async def story(election: Election, *candidates: Candidate) -> None:
        for _ in range(25):
            one = rng.choice(candidates)
            match rng.choice(["cut", "spoil", "stop", "kill", "end", "delete", "jump"]):
                case "cut":
                    fault = election.fault(one, rng.choice(_TROUBLE))
                    await election.passes(rng.uniform(1, 20))
                    fault.remove()
                case "spoil":
                    election.fault(one, rng.choice(_TROUBLE), count=rng.randint(1, 3))
                    await election.passes(rng.uniform(0.1, 5))
                case "stop":
                    one.process.stop()
                    await election.passes(rng.uniform(1, 40))
                    one.process.go_on()
                case "kill" | "end" as how:
                    await (one.kill() if how == "kill" else one.terminate())
                    await election.passes(rng.uniform(0.1, 12))
                    one.start()
                case "delete":
                    with suppress(Exception):
                        election.cluster.delete("leases", OWN, NAME)
                case "jump":
                    one.clock.skew += timedelta(seconds=rng.uniform(-1e5, 1e5))
            await election.passes(rng.uniform(0, 3))
        election.cluster.faults.clear()
        await election.passes(TAKEOVER)
        assert len(election.working) == 1

    elect(story, "ann", "bob", "cid")
