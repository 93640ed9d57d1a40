"""Plasma Engine on the simulator: five services, their traffic, and the releases of the demo."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from watchdog.ports import Clock
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.pods_http import SimulatedApplications
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.traffic import Behaviour, Course, Latency

NAMESPACE = "production"
PAST = timedelta(hours=1)
PART_OF = MappingProxyType({"app.kubernetes.io/part-of": "plasma-engine"})
FASTAPI = MappingProxyType({"research": 8000, "brand": 8001, "content": 8002, "agent": 8003})
GATEWAY_PORT = 3000

_QUICK = Latency(0.040, 0.120)
_SERVICE = Behaviour(
    dialect="fastapi",
    requests_per_second=40,
    errors=Course.constant(0.003),
    latency=_QUICK,
    cpu=Course.constant(0.12),
    memory=Course.constant(180 * 2.0**20),
)
_GATEWAY = Behaviour(
    dialect="express",
    requests_per_second=60,
    errors=Course.constant(0.002),
    graphql_errors=Course.constant(0.004),
    latency=_QUICK,
    cpu=Course.constant(0.2),
    memory=Course.constant(150 * 2.0**20),
    since="traffic",
)
_BY_IMAGE: Mapping[str, Behaviour] = MappingProxyType(
    {
        "plasma/research:2.4.0": Behaviour(
            dialect="fastapi",
            requests_per_second=40,
            errors=Course.step(0.003, 0.9, after=10),
            latency=_QUICK,
            cpu=Course.constant(0.12),
            memory=Course.constant(180 * 2.0**20),
        ),
        "plasma/gateway:5.0.0": Behaviour(
            dialect="express",
            requests_per_second=60,
            errors=Course.constant(0.002),
            graphql_errors=Course.constant(0.004),
            latency=Latency(0.700, 2.400),
            cpu=Course.constant(0.2),
            memory=Course.constant(150 * 2.0**20),
            since="traffic",
        ),
    }
)


def behaviour_of(pod: Mapping[str, Any]) -> Behaviour:
    """How the application in a pod behaves: by its image."""
    image = str(pod["spec"]["containers"][0]["image"])
    return _BY_IMAGE.get(image, _GATEWAY if "gateway" in image else _SERVICE)


@dataclass
class World:
    """The cluster, its Prometheus and its applications, running."""

    cluster: SimulatedCluster
    prometheus: SimulatedPrometheus

    def release(self) -> None:
        """The releases of the demo, side by side: a good one, a bad one, and a flip to a slow colour."""
        cluster = self.cluster
        cluster.deploy(NAMESPACE, "brand", "plasma/brand:1.8.0", cause="brand 1.8.0", manager="deploy-bot")
        cluster.deploy(NAMESPACE, "research", "plasma/research:2.4.0", cause="research 2.4.0", manager="deploy-bot")
        cluster.flip(NAMESPACE, "gateway", {"app": "gateway", "colour": "green"}, manager="deploy-bot")


EXPECTED = MappingProxyType({"brand": "passed", "research": "rolled-back", "gateway": "rolled-back"})


def _furnish(cluster: SimulatedCluster) -> None:
    for name, port in FASTAPI.items():
        labels = {**PART_OF, "app.kubernetes.io/name": name}
        cluster.deploy(
            NAMESPACE, name, f"plasma/{name}:{_first(name)}", replicas=2, labels=labels, port=port, cause="first"
        )
        cluster.service(NAMESPACE, name, labels={"app": name})
    labels = {**PART_OF, "app.kubernetes.io/name": "gateway"}
    for colour, tag in (("blue", "4.9.2"), ("green", "5.0.0")):
        cluster.deploy(
            NAMESPACE,
            f"gateway-{colour}",
            f"plasma/gateway:{tag}",
            replicas=2,
            labels=labels,
            pod_labels={"app": "gateway", "colour": colour},
            port=GATEWAY_PORT,
        )
    cluster.service(NAMESPACE, "gateway", {"app": "gateway", "colour": "blue"}, labels=labels)


def _first(name: str) -> str:
    return {"research": "2.3.1", "brand": "1.7.4"}.get(name, "3.1.0")


@asynccontextmanager
async def plasma_engine(clock: Clock, *, octet: int) -> AsyncIterator[World]:
    """Plasma Engine after an hour of uneventful service. `octet`: pods live at 127.OCTET.x.y."""
    cluster = SimulatedCluster(clock, octet, lambda _pod: PodBehaviour(ready_after=1.0), past=PAST, seed=octet)
    cluster.create("namespaces", "", {"metadata": {"name": "watchdog"}})
    _furnish(cluster)
    async with cluster:
        prometheus = SimulatedPrometheus(clock, cluster, behaviour_of, scrape_interval=1.0, seed=7)
        prometheus.backfill(PAST.total_seconds(), step=15)
        async with prometheus, SimulatedApplications(prometheus):
            yield World(cluster, prometheus)
