"""The simulated Prometheus: applications that count, a scraper that visits them, and the HTTP API over it all.

clock = SimulatedClock(start)
async with SimulatedPrometheus(clock, cluster, behaviour_of, scrape_interval=5.0) as prometheus:
    prometheus.backfill(3600)
    ...  # httpx.get(prometheus.url + "/api/v1/query", params={"query": "up"})
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from random import Random
from types import TracebackType
from typing import Any, Self

from watchdog.ports import Clock
from watchdog.simulator.alerting import Alerting
from watchdog.simulator.background import beside
from watchdog.simulator.prometheus_api import PrometheusApi, Request
from watchdog.simulator.prometheus_faults import Faults
from watchdog.simulator.promql import Semantics
from watchdog.simulator.routing import ROUTING
from watchdog.simulator.scraping import ScrapeFaults, Scraper
from watchdog.simulator.traffic import BehaviourOf, Cluster, Pod, TrafficModel
from watchdog.simulator.tsdb import Tsdb


class SimulatedPrometheus:
    """A Prometheus on loopback that scrapes the pods of `cluster`, whose applications behave as `behaviour_of` says.

    `scrape_interval` and `jitter` (how much later than its turn a scrape may be made) are in seconds. Targets take
    turns in `phases` equal parts of the interval; 1 scrapes all at once. `noise=False` makes traffic its exact
    expectation. `carries_traffic` may exclude a Service (a preview one) from sending requests. `jobs`: each pod is
    scraped once for each of these. `left_open` reads windows as Prometheus 3 does.
    """

    def __init__(
        self,
        clock: Clock,
        cluster: Cluster,
        behaviour_of: BehaviourOf,
        *,
        scrape_interval: float = 5.0,
        seed: int = 0,
        phases: int = 4,
        jitter: float = 0.0,
        noise: bool = True,
        carries_traffic: Callable[[Mapping[str, Any]], bool] = lambda _service: True,
        jobs: Sequence[str] = ("kubernetes-pods",),
        retention: timedelta = timedelta(hours=24),
        left_open: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.clock = clock
        self.cluster = cluster
        self.tsdb = Tsdb(retention)
        self.traffic = TrafficModel(behaviour_of, seed, noise, carries_traffic)
        self.scrapes = ScrapeFaults()
        self.faults = Faults()
        semantics = Semantics(left_open=left_open)
        self._api = PrometheusApi(self.tsdb, clock, self.faults, semantics, "3.5.0" if left_open else "2.42.0")
        self.alerting = Alerting(self.tsdb, semantics)
        self._scraper = Scraper(self.tsdb, self.traffic, self.scrapes, phases, jobs, seed)
        self._slot = scrape_interval / phases
        self._phases = phases
        self._jitter = jitter
        self._random = Random(f"{seed}/jitter")  # noqa: S311 - a simulation, repeatable on purpose
        self._address = (host, port)
        self._observers: list[Callable[[], object]] = []
        self._stack = AsyncExitStack()
        self._turn = 0
        self._away = False
        self.url = ""
        self.pods: list[dict[str, Any]] = []
        """The cluster's pods when it was last looked at."""

    @property
    def requests(self) -> list[Request]:
        """Every request to the API so far, in order."""
        return self._api.requests

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.url = await stack.enter_async_context(self._api.serving(*self._address))
            await stack.enter_async_context(beside(self._scrape_for_ever(), "simulated scraper"))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def go_down(self) -> None:
        """Be away as a Prometheus that was stopped: connections are refused, nothing is scraped."""
        self._away = True
        await self._api.go_down()

    async def come_back(self) -> None:
        """Be there again, on the same port. What happened meanwhile was not scraped; the counters have gone on."""
        await self._api.come_back()
        self._away = False

    def after_each_tick(self, observer: Callable[[], object]) -> None:
        """Call `observer` after each of the scraper's ticks, `phases` of them in an interval."""
        self._observers.append(observer)

    def no_longer_after_each_tick(self, observer: Callable[[], object]) -> None:
        """Undo `after_each_tick`."""
        self._observers.remove(observer)

    def observe(self) -> None:
        """Look at the cluster now, not only at the next tick: pods that became ready get traffic from this moment."""
        self.pods = self.cluster.pods()
        self.traffic.observe(self.pods, self._services(self.pods), self.clock.now())

    def scrape(self) -> None:
        """Scrape the targets whose turn it is, now."""
        self.observe()
        self._tick(self.pods, self.clock.now())
        for observer in self._observers:
            observer()

    def backfill(
        self,
        seconds: float,
        existed: Callable[[datetime], Iterable[Pod]] | None = None,
        *,
        step: float | None = None,
    ) -> None:
        """Put the last `seconds` into the store, before anything was scraped, a scrape each `step` seconds.

        `step` is the scrape interval unless given. `existed(at)` are the pods of that time: by default those of now,
        as ready as they are now. A pod that is ready in this past before its own Ready condition says so is as old
        as this past; applications of now go on from these counts.
        """
        self.traffic.begin_again()
        now = self.clock.now()
        slot = timedelta(seconds=self._slot if step is None else step / self._phases)
        pods: list[Pod] = list(self.cluster.pods())
        services = self._services(pods)
        at = now - timedelta(seconds=seconds)
        while at < now:
            if existed is not None:
                pods = list(existed(at))
            self.traffic.observe(pods, services, at)
            self._tick(pods, at)
            at += slot

    def _tick(self, pods: Iterable[Pod], now: datetime) -> None:
        if not self._away:
            self._scraper.tick(self._turn % self._phases, pods, now)
            self.alerting.evaluate(now)
        self._turn += 1

    def _services(self, pods: Iterable[Pod]) -> list[dict[str, Any]]:
        namespaces = sorted({str(pod["metadata"].get("namespace")) for pod in pods})
        return [one for namespace in namespaces for kind in ROUTING for one in self.cluster.list(kind, namespace)]

    async def _scrape_for_ever(self) -> None:
        turn_at = self.clock.monotonic()
        while True:
            turn_at += self._slot
            late = self._random.uniform(0, self._jitter) if self._jitter else 0.0
            await self.clock.sleep(turn_at + late - self.clock.monotonic())
            self.scrape()
