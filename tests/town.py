"""A simulated town for stories: a cluster, its Prometheus, a channel, and the whole watchdog, on simulated time.

    def test_an_error_spike_is_undone_once():
        @story()
        async def _(town: Town) -> None:
            town.deploy("research", "research:bad")
            watch = await town.outcome("research")
            assert watch["outcome"] == "rolled-back"

The watchdog is the real one, composed by `watchdog.app`, and talks real HTTP to everything but its channels.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fake_channel import FakeChannel
from outcomes import Outcomes
from rights_used import ACCOUNT, granted, in_table, used
from six_rules import six_rules
from watchdog.app import Watchdog
from watchdog.domain.rules import Rulebook
from watchdog.ports import Notifier
from watchdog.settings import Listen, load
from watchdog.simulator.addresses import free_octet
from watchdog.simulator.calls import LoggedRequest, WriteAttempt
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.pods_http import SimulatedApplications
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.traffic import Behaviour, Course, Latency

NAMESPACE = "production"
OWN = "watchdog"
START = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
PART_OF = {"app.kubernetes.io/part-of": "plasma-engine"}

RULES = f"""
version = 1

[guards.services]
namespaces = ["production"]
selector   = "app.kubernetes.io/part-of=plasma-engine"
rules      = ["error-rate", "latency", "cpu", "memory", "health", "crash"]
channels   = ["releases", "oncall"]

{six_rules()}
[channels.releases]
url = "{{{{ secret.SLACK_URL }}}}"
on = ["switch", "passed", "breach", "rolled-back", "recovered", "not-recovered", "held", "failed", "notified",
      "inconclusive", "superseded", "rules-invalid", "unguarded"]
[channels.oncall]
url = "{{{{ secret.PAGER_URL }}}}"
on = ["rolled-back", "not-recovered", "held", "failed"]
"""

UNBRAKED = RULES.replace("version = 1\n", 'version = 1\n[brakes]\nall = "100 in 10m"\ntarget = "100 in 1h"\n')
"""For stories that are about other things and roll back often."""

GOOD = Behaviour(
    dialect="fastapi",
    requests_per_second=20,
    errors=Course.constant(0.004),
    latency=Latency(0.05, 0.15),
    cpu=Course.constant(0.2),
    memory=Course.constant(200 * 2.0**20),
)


class Town(Outcomes):
    """The world of one story."""

    def __init__(self, clock: SimulatedClock, folder: Path, octet: int, rules: str, scrape_interval: float) -> None:
        self.own = OWN
        self.clock = clock
        self.folder = folder
        self.rules_path = folder / "rules.toml"
        self.rules_path.write_text(rules, encoding="utf-8")
        self.behaviours: dict[str, Behaviour] = {}
        self.on_node: dict[tuple[str, str], Behaviour] = {}
        self.lives: dict[str, PodBehaviour] = {}
        self.channels: dict[str, FakeChannel] = {}
        self.records_kept = 200
        self.environ: dict[str, str] = {}
        self.cluster = SimulatedCluster(clock, octet, self._life, past=timedelta(hours=1))
        self.prometheus = SimulatedPrometheus(
            clock, self.cluster, self._behaviour, scrape_interval=scrape_interval, seed=3, phases=1
        )
        self.watchdog: Watchdog | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._performed: list[WriteAttempt] = []
        self.cluster.after_write(self._performed.append)
        self.cluster.create("namespaces", "", {"metadata": {"name": OWN}})
        self.account = self.cluster.user(ACCOUNT, granted(OWN))

    # -- the world ----------------------------------------------------------------------------------------------

    def _behaviour(self, pod: Mapping[str, Any]) -> Behaviour:
        image = image_of(pod)
        there = self.on_node.get((image, pod["spec"].get("nodeName", "")))
        return there or self.behaviours.get(image, GOOD)

    def _life(self, pod: Mapping[str, Any]) -> PodBehaviour:
        return self.lives.get(image_of(pod), PodBehaviour(ready_after=1.0))

    def behaves(self, image: str, **changes: Any) -> None:
        """The application in that image behaves like a good one but for these changes."""
        self.behaviours[image] = replace(GOOD, **changes)

    def behaves_on(self, node: str, image: str, **changes: Any) -> None:
        """Those of its pods that run on that node behave like good ones but for these changes."""
        self.on_node[image, node] = replace(GOOD, **changes)

    def lives_as(self, image: str, life: PodBehaviour) -> None:
        """The pods of that image live so."""
        self.lives[image] = life

    def furnish(self, *names: str, replicas: int = 2) -> None:
        """Deployments with a Service each that have served for the past hour."""
        for name in names:
            self.cluster.deploy(NAMESPACE, name, f"{name}:v1", replicas=replicas, labels=PART_OF)
            self.cluster.service(NAMESPACE, name)

    def furnish_colours(self, name: str = "gateway", *, blue: int = 2, green: int = 2) -> None:
        """A guarded Service on blue, with a green beside it."""
        for colour, replicas, tag in (("blue", blue, "v1"), ("green", green, "v2")):
            self.cluster.deploy(
                NAMESPACE,
                f"{name}-{colour}",
                f"{name}:{tag}",
                replicas=replicas,
                labels=PART_OF,
                pod_labels={"app": name, "colour": colour},
            )
        self.cluster.service(NAMESPACE, name, {"app": name, "colour": "blue"}, labels=PART_OF)

    def deploy(self, name: str, image: str, **more: Any) -> None:
        """Someone deploys."""
        self.cluster.deploy(NAMESPACE, name, image, **more)

    def flip(self, name: str = "gateway", colour: str = "green", manager: str = "kubectl") -> None:
        """Someone flips the Service."""
        self.cluster.flip(NAMESPACE, name, {"app": name, "colour": colour}, manager=manager)

    def serving_image(self, name: str) -> str:
        """The image in the Deployment's template."""
        template = self.cluster.get("deployments", NAMESPACE, name)["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    def colour(self, name: str = "gateway") -> str:
        """The colour that the Service selects."""
        return str(self.cluster.get("services", NAMESPACE, name)["spec"]["selector"]["colour"])

    def writes(self, kind: str) -> list[WriteAttempt]:
        """What the API server carried out for the watchdog on `deployments` or `services`; answered or not."""
        return [write for write in self._performed if write.resource == kind and not write.dry_run]

    def written(self) -> list[LoggedRequest]:
        """All writes that were asked of the API server, but for the lease: that is renewed for ever."""
        return [request for request in self.cluster.writes() if "/leases" not in request.path]

    def acts(self, *, refused: bool = False) -> list[str]:
        """What the watchdog changed (or was refused to) among the workloads, in order, as `deployments/research`."""
        place = f"/namespaces/{NAMESPACE}/"
        return [
            request.path.split(place, 1)[1]
            for request in self.cluster.writes()
            if place in request.path and not request.path.endswith("/events") and (request.code >= 300) is refused
        ]

    # -- the watchdog -------------------------------------------------------------------------------------------

    def edit_rules(self, text: str) -> None:
        """Someone edits rules.toml in place."""
        self.rules_path.write_text(text, encoding="utf-8")

    def _build(self, rulebook: Rulebook) -> Mapping[str, Notifier]:
        for channel in rulebook.channels:
            known = self.channels.setdefault(channel.name, FakeChannel(channel.name, channel.on))
            known.on = channel.on
        return {channel.name: self.channels[channel.name] for channel in rulebook.channels}

    async def start(self, *, wait: bool = True, dry_run: bool = False, token: str = "", prometheus: str = "") -> None:
        """Start the watchdog, as a new process would begin; its settings name the town's Prometheus, if no other."""
        settings = load(
            rules=self.rules_path,
            kubeconfig=self.cluster.kubeconfig(self.folder / "kubeconfig", token or self.account),
            dry_run=dry_run,
            prometheus_url=prometheus or self.prometheus.url,
            namespace=OWN,
            listen=Listen("127.0.0.1", 0),
            records_kept=self.records_kept,
        )
        self._stop = asyncio.Event()
        self.watchdog = Watchdog(settings, clock=self.clock, build=self._build, environ=self.environ)
        self._task = asyncio.create_task(self.watchdog.run(self._stop), name="the watchdog")
        if wait:
            ready = asyncio.create_task(self.watchdog.ready(self.clock))
            await asyncio.wait({ready, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                ready.cancel()
                self._task.result()
            await self.sleep(2)

    @property
    def running(self) -> bool:
        """Whether the watchdog has not ended by itself."""
        return self._task is not None and not self._task.done()

    async def kill(self) -> None:
        """End the watchdog in the middle of whatever it does, as kill -9 would."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def terminate(self) -> float:
        """SIGTERM; returns how many (simulated) seconds it took to end."""
        assert self._task is not None
        began = self.clock.monotonic()
        self._stop.set()
        await self._task
        self._task = None
        return self.clock.monotonic() - began


def image_of(pod: Mapping[str, Any]) -> str:
    """The image of a pod's first container."""
    return str(pod["spec"]["containers"][0]["image"])


@asynccontextmanager
async def town(
    furnish: Callable[[Town], None],
    *,
    rules: str = RULES,
    scrape_interval: float = 5.0,
    start: bool = True,
    begin: datetime = START,
) -> AsyncIterator[Town]:
    """A town after an hour of uneventful service, with the watchdog running in it. `begin`: what its clock says."""
    clock = SimulatedClock(begin)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watchdog-story-")))
        here = Town(clock, folder, stack.enter_context(free_octet()), rules, scrape_interval)
        furnish(here)
        await stack.enter_async_context(here.cluster)
        here.prometheus.backfill(3600, step=15)
        await stack.enter_async_context(here.prometheus)
        await stack.enter_async_context(SimulatedApplications(here.prometheus))
        stack.push_async_callback(here.kill)
        if start:
            await here.start()
        yield here
        beyond = used(here.cluster.requests, OWN) - in_table()
        assert not beyond, f"asked for beyond the table of rights: {beyond}"


def tell(
    body: Callable[[Town], Awaitable[None]],
    furnish: Callable[[Town], None] = lambda here: here.furnish("research", "brand"),
    *,
    rules: str = RULES,
    scrape_interval: float = 5.0,
    start: bool = True,
    begin: datetime = START,
) -> None:
    """Run a story on simulated time."""

    async def main() -> None:
        async with town(furnish, rules=rules, scrape_interval=scrape_interval, start=start, begin=begin) as here:
            await body(here)

    run_simulated(main())
