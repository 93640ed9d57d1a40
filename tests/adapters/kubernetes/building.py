"""A simulated cluster, the adapters connected to it, and what happens there, for the tests of the adapters."""

import asyncio
import json
import random
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from watchdog.adapters.kubernetes import workload
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient, connect
from watchdog.adapters.kubernetes.kinds import Resource
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.adapters.kubernetes.sightings import Guarded, Sightings
from watchdog.domain.live import Sighting
from watchdog.domain.rollout import Revision, ServiceFlip, Stable, SwitchKind, Target, TargetKind, TrafficSwitch
from watchdog.simulator.clock import SimulatedClock
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pod_behaviour import PodBehaviour

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHOP = "shop"
GATEWAY = Target.parse("shop/deployment/gateway")
BRAND = Target.parse("shop/service/brand")
DATABASE = Target.parse("shop/statefulset/db")
ROLLOUT = Target.parse("shop/rollout/search")
AGENT = Target.parse("shop/daemonset/agent")
HTTPROUTE = Target.parse("shop/httproute/brand")
VIRTUALSERVICE = Target.parse("shop/virtualservice/brand")
INGRESS = Target.parse("shop/ingress/brand")
BLUE = {"app": "brand", "colour": "blue"}
GREEN = {"app": "brand", "colour": "green"}
TRANSCRIPTS = Path(__file__).resolve().parents[4] / "shared" / "kube-transcripts"


def a_cluster(**behaviours: PodBehaviour) -> SimulatedCluster:
    """A cluster at noon whose pods behave by the tags of their images."""

    def behaviour_of(pod: dict[str, Any]) -> PodBehaviour:
        tag = pod["spec"]["containers"][0]["image"].rpartition(":")[2]
        return behaviours.get(tag, PodBehaviour())

    return SimulatedCluster(SimulatedClock(NOON), behaviour_of=behaviour_of)


@asynccontextmanager
async def a_client(cluster: SimulatedCluster, token: str = "", **given: Any) -> AsyncIterator[KubeClient]:
    """The adapters' client, with a token of the cluster's (the administrator's by default)."""
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = cluster.kubeconfig(Path(folder) / "config", token)
        client = await connect(SimulatedClock(cluster.now()), kubeconfig=str(kubeconfig), **given)
        try:
            yield client
        finally:
            await client.close()


async def passes(seconds: float) -> None:
    """Simulated time goes by."""
    await SimulatedClock(NOON).sleep(seconds)


@dataclass
class Seen:
    """What a provider has told so far."""

    provider: Sightings
    all: list[Sighting] = field(default_factory=list)

    async def collect(self) -> None:
        async for sighting in self.provider.switches():
            self.all.append(sighting)

    def of(self, target: Target) -> list[Sighting]:
        return [sighting for sighting in self.all if sighting.target == target]

    def forget(self) -> None:
        self.all.clear()


@dataclass
class Connected:
    """The adapters, at work on a cluster."""

    cluster: SimulatedCluster
    clock: SimulatedClock
    client: KubeClient
    cache: ClusterCache
    seen: dict[TargetKind, Seen]

    @property
    def rollouts(self) -> Seen:
        return self.seen[TargetKind.DEPLOYMENT]

    @property
    def flips(self) -> Seen:
        return self.seen[TargetKind.SERVICE]

    def revision(self, deployment: str) -> Revision:
        """The revision that the Deployment runs now."""
        found = workload.cached(self.cache, SHOP, deployment)
        assert found is not None
        assert found.serving is not None
        return found.serving


def everything(target: Target, labels: Mapping[str, str]) -> bool:
    return True


def only(*names: str) -> Guarded:
    return lambda target, labels: str(target) in names


@asynccontextmanager
async def connected(
    cluster: SimulatedCluster,
    guarded: Guarded = everything,
    *,
    token: str = "",
    namespaces: Iterable[str] = (SHOP,),
) -> AsyncIterator[Connected]:
    """Cache and providers at work; entered once the cache is synced and what is there was told."""
    clock = SimulatedClock(cluster.now())
    async with a_client(cluster, token) as client:
        all_kinds = dict.fromkeys(namespaces, frozenset(TargetKind))
        cache = ClusterCache(client, clock=clock, rng=random.Random(1), namespaces=all_kinds, kinds=all_kinds)
        providers = {kind: make(client, cache, clock=clock, guarded=guarded) for kind, make in PROVIDERS.items()}
        seen = {kind: Seen(provider) for kind, provider in providers.items()}
        tasks = [asyncio.create_task(cache.run()), *(asyncio.create_task(one.collect()) for one in seen.values())]
        try:
            await clock.sleep(1)
            yield Connected(cluster, clock, client, cache, seen)
            for task in tasks:
                assert not task.done(), task  # none may have ended by itself
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def a_gateway(cluster: SimulatedCluster, tag: str = "v1", **given: Any) -> None:
    cluster.deploy(SHOP, "gateway", f"gateway:{tag}", replicas=2, **given)
    await cluster.until(lambda: cluster.rolled_out(SHOP, "gateway"))


async def a_database(cluster: SimulatedCluster) -> None:
    cluster.roll("statefulsets", SHOP, "db", "db:v1", spec={"replicas": 2})
    await cluster.until(lambda: cluster.has_rolled("statefulsets", SHOP, "db"))


async def an_agent(cluster: SimulatedCluster) -> None:
    cluster.roll("daemonsets", SHOP, "agent", "agent:v1")
    await cluster.until(lambda: cluster.has_rolled("daemonsets", SHOP, "agent"))


async def a_search(cluster: SimulatedCluster) -> None:
    """A Rollout whose canary is not promoted by itself."""
    cluster.release(SHOP, "search", "search:v1", replicas=2, steps=[{"setWeight": 100}, {"pause": {}}])
    await cluster.until(lambda: cluster.phase(SHOP, "search") == "Healthy")


async def two_colours(cluster: SimulatedCluster) -> None:
    """`brand` in blue and green, with the Service on blue."""
    cluster.deploy(SHOP, "brand-blue", "brand:v1", replicas=2, pod_labels=BLUE)
    cluster.deploy(SHOP, "brand-green", "brand:v2", replicas=2, pod_labels=GREEN)
    cluster.service(SHOP, "brand", BLUE)
    await cluster.until(lambda: all(cluster.rolled_out(SHOP, f"brand-{colour}") for colour in ("blue", "green")))


async def two_weights(cluster: SimulatedCluster) -> None:
    """`brand` in blue and green, each with a Service of its own, that a route shares its traffic among."""
    await two_colours(cluster)
    cluster.service(SHOP, "brand-blue", BLUE)
    cluster.service(SHOP, "brand-green", GREEN)


async def an_httproute(cluster: SimulatedCluster) -> None:
    """All of its traffic goes to blue."""
    await two_weights(cluster)
    backends = [{"name": f"brand-{colour}", "port": 80} for colour in ("blue", "green")]
    rules = [{"backendRefs": [{**backends[0], "weight": 100}, {**backends[1], "weight": 0}]}]
    cluster.create("httproutes", SHOP, {"metadata": {"name": "brand"}, "spec": {"rules": rules}})


def weigh_httproute(cluster: SimulatedCluster, blue: int, green: int, manager: str = "kubectl") -> None:
    steps = [
        {"op": "add", "path": f"/spec/rules/0/backendRefs/{place}/weight", "value": weight}
        for place, weight in enumerate((blue, green))
    ]
    cluster.patch("httproutes", SHOP, "brand", steps, manager)


async def a_virtualservice(cluster: SimulatedCluster) -> None:
    """All of its traffic goes to the subset blue of one Service."""
    await two_colours(cluster)
    cluster.service(SHOP, "brand-all", {"app": "brand"})
    colours = ("blue", "green")
    subsets = [{"name": colour, "labels": {"colour": colour}} for colour in colours]
    rule = {"metadata": {"name": "brand"}, "spec": {"host": "brand-all", "subsets": subsets}}
    cluster.create("destinationrules", SHOP, rule)
    route = [
        {"destination": {"host": "brand-all.shop.svc.cluster.local", "subset": colour}, "weight": weight}
        for colour, weight in zip(colours, (100, 0), strict=True)
    ]
    spec = {"hosts": ["brand"], "http": [{"name": "all", "route": route}]}
    cluster.create("virtualservices", SHOP, {"metadata": {"name": "brand"}, "spec": spec})


def weigh_virtualservice(cluster: SimulatedCluster, blue: int, green: int, manager: str = "kubectl") -> None:
    steps = [
        {"op": "add", "path": f"/spec/http/0/route/{place}/weight", "value": weight}
        for place, weight in enumerate((blue, green))
    ]
    cluster.patch("virtualservices", SHOP, "brand", steps, manager)


def an_ingress_to(service: str, name: str, **canary: str) -> dict[str, Any]:
    notes = {f"nginx.ingress.kubernetes.io/{key}": value for key, value in canary.items()}
    backend = {"service": {"name": service, "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec = {"ingressClassName": "nginx", "rules": [{"host": "brand.example", "http": {"paths": [path]}}]}
    return {"metadata": {"name": name, "annotations": notes}, "spec": spec}


async def a_canary_ingress(cluster: SimulatedCluster) -> None:
    await two_weights(cluster)
    cluster.create("ingresses", SHOP, an_ingress_to("brand-blue", "brand-main"))
    canary = {"canary": "true", "canary-weight": "0"}
    cluster.create("ingresses", SHOP, an_ingress_to("brand-green", "brand", **canary))


def weigh_ingress(cluster: SimulatedCluster, blue: int, green: int, manager: str = "kubectl") -> None:
    del blue
    notes = {"nginx.ingress.kubernetes.io/canary-weight": str(green)}
    cluster.patch("ingresses", SHOP, "brand", {"metadata": {"annotations": notes}}, manager)


def a_rollout(candidate: Revision, previous: Revision | None = None, at: datetime = NOON) -> TrafficSwitch:
    return TrafficSwitch(GATEWAY, SwitchKind.ROLLOUT, candidate, previous, at)


def a_set(target: Target, candidate: Revision, previous: Revision) -> TrafficSwitch:
    return TrafficSwitch(target, SwitchKind.ROLLOUT, candidate, previous, NOON)


def a_flip(candidate: Revision, previous: Revision, *services: str) -> TrafficSwitch:
    flips = tuple(ServiceFlip(name, BLUE, GREEN) for name in services or ("brand",))
    return TrafficSwitch(BRAND, SwitchKind.SELECTOR, candidate, previous, NOON, flips=flips)


def a_weighing(target: Target, candidate: Revision, previous: Revision, keys: tuple[str, str]) -> TrafficSwitch:
    blue, green = keys
    flip = ServiceFlip(target.name, {blue: "100", green: "0"}, {blue: "25", green: "75"})
    return TrafficSwitch(target, SwitchKind.ROUTE, candidate, previous, NOON, flips=(flip,), part=0.75)


def a_stable(revision: Revision) -> Stable:
    return Stable(revision, NOON - timedelta(hours=1), NOON)


# Transcripts


def transcript(name: str) -> list[dict[str, Any]]:
    """The exchanges with a real API server that were recorded under a name; skips where they are not at hand."""
    path = TRANSCRIPTS / f"{name}.json"
    if not path.exists():
        pytest.skip("the transcripts of a real API server are not beside this repository (shared/kube-transcripts)")
    exchanges: list[dict[str, Any]] = json.loads(path.read_text())
    return exchanges


def stream(name: str, resource: Resource) -> list[dict[str, Any]]:
    """The events of the watch of a resource in a transcript."""
    for exchange in transcript(name):
        if "stream" in exchange["response"] and exchange["request"]["path"].endswith(resource.plural):
            events: list[dict[str, Any]] = exchange["response"]["stream"]
            return events
    raise LookupError(f"no watch of {resource.plural} in {name}")


def answer(name: str, exchange: str) -> dict[str, Any]:
    """The body of one recorded answer."""
    found: dict[str, Any] = next(one for one in transcript(name) if one["name"] == exchange)["response"]["body"]
    return found
