"""Clusters and clients for the tests of the simulated cluster."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from kubernetes_asyncio import client

from watchdog.simulator.clock import SimulatedClock
from watchdog.simulator.cluster import SimulatedCluster
from watchdog.simulator.pod_behaviour import PodBehaviour

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHOP = "shop"


def by_tag(behaviours: Mapping[str, PodBehaviour]) -> Callable[[dict[str, Any]], PodBehaviour]:
    """The behaviour that stands under the tag of a pod's image; the default one under any other tag."""

    def behaviour_of(pod: dict[str, Any]) -> PodBehaviour:
        tag = pod["spec"]["containers"][0]["image"].rpartition(":")[2]
        return behaviours.get(tag, PodBehaviour())

    return behaviour_of


def a_cluster(**behaviours: PodBehaviour) -> SimulatedCluster:
    """A cluster at noon whose pods behave by the tags of their images."""
    return SimulatedCluster(SimulatedClock(NOON), behaviour_of=by_tag(behaviours))


@asynccontextmanager
async def a_client(cluster: SimulatedCluster, token: str = "") -> AsyncIterator[client.ApiClient]:
    """The client library that the watchdog uses."""
    configuration = client.Configuration(host=cluster.url)
    configuration.api_key = {"BearerToken": f"Bearer {token or cluster.token}"}
    async with client.ApiClient(configuration) as api:
        yield api
