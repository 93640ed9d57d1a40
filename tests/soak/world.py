"""A town in which everything goes wrong: services that are deployed and flipped, a watchdog that is killed, a storm."""

import asyncio
import json
import random
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from six_rules import six_rules
from soak.channels import ChannelServer, building
from soak.history import History, Window
from soak.invariants import Patience
from soak.people import Person
from soak.weather import USER, LyingClock, Sky
from soak.wire import wires
from town import NAMESPACE, OWN, START, Town
from watchdog.adapters.kubernetes.braking import PAUSE
from watchdog.app import Watchdog
from watchdog.ports import OutOfReach
from watchdog.settings import Listen, load
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.clock import SimulatedClock
from watchdog.simulator.pods_http import SimulatedApplications

BAKE, WARMUP, RECOVERY = 150.0, 5.0, 60.0

RULES = f"""
version = 1

[brakes]
all    = "100 in 1m"
target = "100 in 1m"

[guards.services]
namespaces = ["{NAMESPACE}"]
selector   = "app.kubernetes.io/part-of=plasma-engine"
rules      = ["error-rate", "latency", "health", "crash"]
bake       = "{BAKE:.0f}s"
warmup     = "{WARMUP:.0f}s"
interval   = "5s"
baseline   = "5m"
recovery   = "{RECOVERY:.0f}s"
channels   = ["releases", "oncall"]

{six_rules("error-rate", "latency", "health")}
[rules.crash]
signs = ["crash-loop", "image-pull", "not-ready"]

[channels.releases]
url = "jsons://webhook.invalid/hook"
on = ["switch", "passed", "breach", "rolled-back", "recovered", "not-recovered", "held", "failed", "notified",
      "inconclusive", "superseded"]
[channels.oncall]
pagerduty = {{ routing_key = "{{{{ secret.PAGERDUTY_KEY }}}}" }}
on = ["rolled-back", "not-recovered", "held", "failed"]
"""


@dataclass
class Wear:
    """How roughly the watchdog is treated. Times in seconds; 0 never."""

    gust_every: float = 5.0
    kill_every: float = 240.0
    kill_at_effect: float = 0.006  # of each write
    kill_at_act: float = 0.05  # of each act: just before it, or just after
    race: float = 0.08  # of each act: a person deploys in the same instant
    lose_act: float = 0.06  # of each act: its request or its answer is lost
    pause_every: float = 1500.0
    rollouts: int = 6
    flips: int = 2
    rest: tuple[float, float] = (5.0, 40.0)  # between the end of one switch's watch and the next switch
    hurried: float = 0.25  # of the releases: people do not wait for the watch to end
    bad: float = 0.45  # of the releases
    records_kept: int = 200


@dataclass
class World:
    """One town under one seed."""

    town: Town
    history: History
    sky: Sky
    rng: random.Random
    wear: Wear
    counts: Counter[str] = field(default_factory=Counter)
    watchdog: Watchdog | None = None  # the present one, once started
    _process: asyncio.Task[None] | None = None
    _dies: asyncio.Event = field(default_factory=asyncio.Event)
    _mortal: bool = True
    _paused_until: float = 0.0

    @property
    def patience(self) -> Patience:
        """How long things may take here."""
        return Patience(bake=BAKE, warmup=WARMUP)

    # -- the process ---------------------------------------------------------------------------------------------

    async def keep_alive(self) -> None:
        """Start the watchdog, kill it at random moments and effects, and start it again; as a kubelet would."""
        life_ends: float = 0.0
        while True:
            self._dies.clear()
            began = self.history.now()
            self.watchdog = self._watchdog()
            self._process = asyncio.create_task(self.watchdog.run(asyncio.Event()), name="the watchdog")
            dies = asyncio.create_task(self._dies.wait(), name="death")
            life = self.rng.expovariate(1 / self.wear.kill_every) if self.wear.kill_every and self._mortal else None
            try:
                await asyncio.wait({self._process, dies}, timeout=life, return_when=asyncio.FIRST_COMPLETED)
            finally:
                dies.cancel()
                how = "kill -9 at an effect" if self._dies.is_set() else "kill -9 at a random moment"
                failed = await self._ended()
            down = self.rng.choice((0.5, 3.0, 3.0, 3.0, 20.0, 40.0))
            if failed is not None:
                how, down = "its start failed: the API server was away", 5.0
                if not isinstance(failed, OutOfReach):
                    how = "crash"
                    self.history.crashes.append("".join(traceback.format_exception(failed)))
            self.counts[how] += 1
            now = self.history.now()
            life_ends = max(life_ends, self.sky.clock.monotonic())
            end = now + timedelta(seconds=down + 10)
            self.history.windows.append(Window(now if how.startswith("kill") else began, end, how))
            await self.sky.clock.sleep(down)

    def _watchdog(self) -> Watchdog:
        settings = load(
            rules=self.town.rules_path,
            kubeconfig=self.town.folder / "kubeconfig",
            prometheus_url=self.sky.wires["prometheus"].url,
            namespace=OWN,
            listen=Listen("127.0.0.1", 0),
            records_kept=self.wear.records_kept,
        )
        build = building(self.sky.lying, lambda: self.sky.wires["channels"].url)
        return Watchdog(settings, clock=self.sky.lying, build=build, rng=random.Random(self.rng.random()))

    async def _ended(self) -> BaseException | None:
        """End the process in the middle of whatever it does; what it had failed of, if it had."""
        assert self._process is not None
        if self._process.done():
            return self._process.exception()
        self._process.cancel()
        with suppress(asyncio.CancelledError):
            await self._process
        return None

    def attach(self) -> None:
        """Stand before and after each write and each notice: there the process may die, and people may be quicker."""
        self.town.cluster.before_write(self._before)
        self.town.cluster.after_write(self._after)

    async def _before(self, write: WriteAttempt) -> None:
        if write.user != USER:
            return
        workload = write.resource in ("deployments", "services")
        if workload and write.dry_run and self._mortal and self.rng.random() < self.wear.lose_act:
            self.sky.lose_next_act(write.resource, write.name)
        act = workload and not write.dry_run
        if act and write.resource == "deployments" and self._mortal and self.rng.random() < self.wear.race:
            self.counts["a person deploys in the same instant as the act"] += 1
            self.people[write.name].deploy_now()
        if self._fatal(act=act):
            await asyncio.Event().wait()  # the request dies with the process

    async def _after(self, write: WriteAttempt) -> None:
        act = write.resource in ("deployments", "services") and not write.dry_run
        if write.user == USER and self._fatal(act=act):
            await asyncio.Event().wait()

    def _fatal(self, *, act: bool) -> bool:
        likely = self.wear.kill_at_act if act else self.wear.kill_at_effect
        if self._mortal and not self._dies.is_set() and self.rng.random() < likely:
            self._dies.set()
            return True
        return False

    # -- people --------------------------------------------------------------------------------------------------

    @property
    def people(self) -> dict[str, Person]:
        """Who deploys each service."""
        return self._people

    def populate(self) -> None:
        """Somebody for each service."""
        names = [f"svc{n}" for n in range(self.wear.rollouts)]
        shops = [f"shop{n}" for n in range(self.wear.flips)]
        self._people = {
            name: Person(name, name in shops, self.town, self.history, random.Random(f"{self.rng.random()}"), self.wear)
            for name in (*names, *shops)
        }

    async def pause_now_and_then(self) -> None:
        """Somebody freezes all acts for a minute or two."""
        while self.wear.pause_every:
            await self.sky.clock.sleep(self.rng.expovariate(1 / self.wear.pause_every))
            self.counts["paused"] += 1
            now = self.history.now()
            data = {"reason": "soak", "by": "ada", "since": now.isoformat()}
            self.town.cluster.create("configmaps", OWN, {"metadata": {"name": PAUSE}, "data": data})
            await self.sky.clock.sleep(self.rng.uniform(40, 120))
            self.town.cluster.delete("configmaps", OWN, PAUSE)

    async def settle(self) -> None:
        """No more faults, kills and deploys: everything that is under way may end."""
        self._mortal = False
        self.sky.calm_down()
        deadline = self.sky.clock.monotonic() + BAKE + RECOVERY + 900
        while self.sky.clock.monotonic() < deadline and not self._quiet():
            await self.sky.clock.sleep(5)
        await self.sky.clock.sleep(10)

    def _quiet(self) -> bool:
        return all(
            record.last.outcome is not None and all(settled for *_, settled in record.last.notices)
            for record in self.history.records.values()
        ) and not any(
            switch.until is None and (self.history.now() - switch.at).total_seconds() < BAKE + 20
            for switch in self.history.switches
        )


def furnish(town: Town, wear: Wear) -> None:
    """The services, an hour old."""
    for number in range(wear.rollouts):
        town.furnish(f"svc{number}", replicas=1 + number % 2)
    for number in range(wear.flips):
        town.furnish_colours(f"shop{number}", blue=1, green=1)


@asynccontextmanager
async def world(seed: int, wear: Wear, folder: Path) -> AsyncIterator[World]:
    """The town, its weather and its history; nothing has begun yet."""
    rng = random.Random(seed)
    clock = SimulatedClock(START)
    async with AsyncExitStack() as stack:
        town = Town(clock, folder, stack.enter_context(free_octet()), RULES, scrape_interval=5.0)
        town.prometheus.tsdb._retention_ms = 40 * 60 * 1000
        furnish(town, wear)
        token = town.cluster.user(USER)
        await stack.enter_async_context(town.cluster)
        town.prometheus.backfill(1800, step=15)
        scraped = LyingClock(clock)
        town.prometheus.clock = town.prometheus._api.clock = scraped
        await stack.enter_async_context(town.prometheus)
        await stack.enter_async_context(SimulatedApplications(town.prometheus))
        history = History(town.cluster)
        stack.callback(history.close)
        channels = await stack.enter_async_context(ChannelServer(history, clock).serving())
        ways = await stack.enter_async_context(
            wires(clock, api=town.cluster.url, prometheus=town.prometheus.url, channels=channels.url)
        )
        config: dict[str, Any] = json.loads(town.cluster.kubeconfig(folder / "kubeconfig").read_text())
        config["clusters"][0]["cluster"]["server"] = ways["api"].url
        config["users"][0]["user"] = {"tokenFile": str(folder / "token")}
        (folder / "token").write_text(token)
        (folder / "kubeconfig").write_text(json.dumps(config))
        sky = Sky(
            clock,
            random.Random(rng.random()),
            town.cluster,
            town.prometheus,
            channels,
            ways,
            folder / "token",
            LyingClock(clock),
            scraped,
            history,
        )
        made = World(town, history, sky, rng, wear)
        made.populate()
        made.attach()
        yield made


Check = Callable[[World], None]


async def run(made: World, *, switches: int, hours: float = 0.0, each_hour: Check = lambda _: None) -> None:
    """Let the town live until so many switches were made (and so many hours have passed), then settle."""
    async with AsyncExitStack() as stack:

        def beside(work: Any, name: str) -> asyncio.Task[None]:
            task = asyncio.create_task(work, name=name)
            stack.push_async_callback(_ended, task)
            return task

        process = beside(made.keep_alive(), "keep alive")
        hourly = beside(_hourly(made, each_hour), "hourly")
        weather = beside(made.sky.blow(made.wear.gust_every), "weather") if made.wear.gust_every else None
        pauses = beside(made.pause_now_and_then(), "pauses")
        await made.sky.clock.sleep(8)
        people = [beside(person.live(), f"person of {name}") for name, person in made.people.items()]
        over = made.sky.clock.monotonic() + 3600 * hours
        helpers = [task for task in (process, hourly, weather, pauses, *people) if task is not None]
        while len(made.history.switches) < switches or made.sky.clock.monotonic() < over:
            await made.sky.clock.sleep(2)
            for task in helpers:
                if task.done() and task is not pauses:
                    task.result()
        for task in (*people, pauses, weather):
            if task is not None:
                await _ended(task)
        if made.town.cluster.find("configmaps", OWN, PAUSE):
            made.town.cluster.delete("configmaps", OWN, PAUSE)
        await made.settle()


async def _hourly(made: World, check: Check) -> None:
    while True:
        await made.sky.clock.sleep(3600)
        check(made)


async def _ended(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
    await asyncio.wait({task})
