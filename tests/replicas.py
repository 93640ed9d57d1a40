"""Two watchdogs in one town, each a process that can be killed, ended, stopped, and cut off from the API server."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from stopping import Process, run_stoppable
from town import OWN, RULES, Town, town
from watchdog.app import Watchdog
from watchdog.settings import Listen, load
from watchdog.simulator.faults import Fault


class Replica:
    """One watchdog of several. Its name is its user at the API server, in all its lives."""

    def __init__(self, here: Town, name: str, seed: int = 1, *, shards: int = 1, dry_run: bool = False) -> None:
        self._town = here
        self.shards = shards
        self.dry_run = dry_run
        self._token = here.cluster.user(name)
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._rng = random.Random(f"{seed} {name}")
        self.name = name
        self.process = Process()
        self.watchdog: Watchdog | None = None
        self.half_sent = False  # it was stopped: what was on its way to the API server may still arrive

    @property
    def running(self) -> Watchdog:
        assert self.watchdog is not None
        return self.watchdog

    @property
    def alive(self) -> bool:
        return self._task is not None

    @property
    def valid(self) -> bool:
        """Whether it would find, at this instant, that it leads."""
        return self.alive and self.running._leads()

    @property
    def leads(self) -> set[int]:
        """The shards of which it would find, at this instant, that it leads them."""
        terms = self.running._terms if self.alive else None
        return {shard.number for shard in terms.valid} if terms is not None else set()

    @property
    def works(self) -> bool:
        """Whether it leads and has taken up what the one before left."""
        return self.alive and not self.process.stopped and self.valid and self.running._resumed()

    @property
    def stands_by(self) -> bool:
        return self.alive and self.running.supervisor is None

    def start(self) -> None:
        """A new process of this name."""
        settings = load(
            rules=self._town.rules_path,
            kubeconfig=self._town.cluster.kubeconfig(self._town.folder / f"kubeconfig-{self.name}", self._token),
            prometheus_url=self._town.prometheus.url,
            namespace=OWN,
            listen=Listen("127.0.0.1", 0),
            shards=self.shards,
            dry_run=self.dry_run,
        )
        self.process, self._stop = Process(), asyncio.Event()
        self.watchdog = Watchdog(settings, clock=self._town.clock, build=self._town._build, rng=self._rng)
        self._task = self.process.begin(self.watchdog.run(self._stop), self.name)

    async def kill(self) -> None:
        """SIGKILL: nothing is given back."""
        if self._task is None:
            return
        self.process.go_on()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def terminate(self) -> None:
        """SIGTERM; returns when it has ended."""
        assert self._task is not None
        self._stop.set()
        await self._task
        self._task = None

    def cut_off(self, how: str) -> Fault:
        """From the API server alone; Prometheus and the channels still answer."""
        add: Callable[..., Fault] = getattr(self._town.cluster.faults, how)
        for stream in self._town.cluster.watches():
            if stream.asked.user == self.name:
                stream.close()
        return add(path="", user=self.name, count=None)

    def failed(self) -> None:
        """Raise what ended it, where it ended by itself."""
        if self._task is not None and self._task.done():
            self._task.result()


@dataclass
class Pair:
    """A town with two watchdogs."""

    town: Town
    replicas: list[Replica] = field(default_factory=list)

    @property
    def leader(self) -> Replica:
        """The one that works."""
        [found] = [one for one in self.replicas if one.works]
        return found

    def other(self, than: Replica) -> Replica:
        [found] = [one for one in self.replicas if one is not than]
        return found

    async def passes(self, seconds: float) -> None:
        """Time goes by, and at no instant two replicas lead."""
        clock = self.town.clock
        end = clock.monotonic() + seconds
        while clock.monotonic() < end:
            await clock.sleep(min(0.25, end - clock.monotonic()))
            self.check()

    def check(self) -> None:
        """Neither has failed, and not both lead."""
        for one in self.replicas:
            one.failed()
        assert sum(one.valid for one in self.replicas) <= 1

    async def until(self, holds: Callable[[], object], within: float) -> float:
        """How many seconds it took."""
        began = self.town.clock.monotonic()
        while not holds():
            await self.passes(0.1)
            assert self.town.clock.monotonic() - began <= within, f"not within {within} s: {self.town.summaries()}"
        return self.town.clock.monotonic() - began


@asynccontextmanager
async def pair(furnish: Callable[[Town], None], *, seed: int = 1, **given: Any) -> AsyncIterator[Pair]:
    """Two watchdogs, `one` of which leads and `two` stands by."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(town(furnish, start=False, **given))
        both = Pair(here)
        for name in ("one", "two"):
            replica = Replica(here, name, seed)
            both.replicas.append(replica)
            replica.start()
            stack.push_async_callback(replica.kill)
            if name == "one":
                await both.until(lambda: both.replicas[0].works, 30)
        await both.passes(3)
        yield both


def tell_of_two(
    body: Callable[[Pair], Awaitable[None]],
    furnish: Callable[[Town], None] = lambda here: here.furnish("research", "brand"),
    *,
    rules: str = RULES,
    scrape_interval: float = 15.0,
    seed: int = 1,
) -> None:
    """Run a story of two watchdogs on simulated time."""

    async def main() -> None:
        async with pair(furnish, seed=seed, rules=rules, scrape_interval=scrape_interval) as both:
            await body(both)

    run_stoppable(main())
