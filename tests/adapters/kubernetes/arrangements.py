"""How a switch of each kind comes about, for the contract that every line of `PROVIDERS` is held to: `Arrangement`.

It says how a switch of its kind is made, and undone by a person. Kinds without one fail.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from adapters.kubernetes.building import (
    AGENT,
    BLUE,
    BRAND,
    DATABASE,
    GATEWAY,
    GREEN,
    HTTPROUTE,
    INGRESS,
    ROLLOUT,
    SHOP,
    VIRTUALSERVICE,
    Connected,
    a_canary_ingress,
    a_cluster,
    a_database,
    a_flip,
    a_gateway,
    a_rollout,
    a_search,
    a_set,
    a_stable,
    a_virtualservice,
    a_weighing,
    an_agent,
    an_httproute,
    connected,
    only,
    passes,
    two_colours,
    weigh_httproute,
    weigh_ingress,
    weigh_virtualservice,
)
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.adapters.kubernetes.sightings import Sightings
from watchdog.domain.effects import PutBackAnswer, Remedy, ServicePutBack
from watchdog.domain.live import Live, Sighting
from watchdog.domain.rollout import Revision, Target, TargetKind, TrafficSwitch
from watchdog.ports import TrafficProvider
from watchdog.simulator.access import Rule
from watchdog.simulator.cluster import SimulatedCluster


@dataclass(frozen=True)
class Arrangement:
    """How a switch of one kind comes about."""

    target: Target
    resource: str
    prepare: Callable[[SimulatedCluster], Awaitable[None]]
    switch: Callable[[SimulatedCluster], object]
    back: Callable[[SimulatedCluster], object]
    described: Callable[[Revision, Revision], TrafficSwitch]
    pods: int = 2
    scale: Callable[[SimulatedCluster, str], object] = lambda cluster, workload: cluster.scale(SHOP, workload, 4)
    written: str = ""  # the subresource that a put-back writes


ARRANGEMENTS = {
    TargetKind.DEPLOYMENT: Arrangement(
        GATEWAY,
        "deployments",
        a_gateway,
        lambda cluster: cluster.deploy(SHOP, "gateway", "gateway:v2"),
        lambda cluster: cluster.undo(SHOP, "gateway"),
        a_rollout,
    ),
    TargetKind.SERVICE: Arrangement(
        BRAND,
        "services",
        two_colours,
        lambda cluster: cluster.flip(SHOP, "brand", GREEN),
        lambda cluster: cluster.flip(SHOP, "brand", BLUE),
        a_flip,
    ),
}


def _sets(
    target: Target, prepare: Callable[[SimulatedCluster], Awaitable[None]], pods: int, other: dict[str, int]
) -> Arrangement:
    """A StatefulSet or DaemonSet."""
    resource, name = f"{target.kind}s", target.name
    return Arrangement(
        target,
        resource,
        prepare,
        lambda cluster: cluster.roll(resource, SHOP, name, f"{name}:v2"),
        lambda cluster: cluster.roll_back(resource, SHOP, name),
        lambda candidate, previous: a_set(target, candidate, previous),
        pods,
        lambda cluster, workload: cluster.patch(resource, SHOP, workload, {"spec": other}),
    )


ARRANGEMENTS[TargetKind.STATEFULSET] = _sets(DATABASE, a_database, 2, {"replicas": 4})
ARRANGEMENTS[TargetKind.DAEMONSET] = _sets(AGENT, an_agent, 3, {"minReadySeconds": 1})  # it has no size


ARRANGEMENTS[TargetKind.ROLLOUT] = Arrangement(
    ROLLOUT,
    "rollouts",
    a_search,
    lambda cluster: cluster.release(SHOP, "search", "search:v2"),
    lambda cluster: cluster.take_back(SHOP, "search"),
    lambda candidate, previous: a_set(ROLLOUT, candidate, previous),
    scale=lambda cluster, workload: cluster.patch("rollouts", SHOP, workload, {"spec": {"replicas": 4}}),
    written="/status",
)


def _weights(
    target: Target,
    resource: str,
    prepare: Callable[[SimulatedCluster], Awaitable[None]],
    weigh: Callable[[SimulatedCluster, int, int], None],
    backends: tuple[str, str],
) -> Arrangement:
    """A route, whose blue had all of the traffic."""
    return Arrangement(
        target,
        resource,
        prepare,
        lambda cluster: weigh(cluster, 25, 75),
        lambda cluster: weigh(cluster, 100, 0),
        lambda candidate, previous: a_weighing(target, candidate, previous, backends),
    )


ARRANGEMENTS[TargetKind.HTTPROUTE] = _weights(
    HTTPROUTE, "httproutes", an_httproute, weigh_httproute, ("0/brand-blue:80", "0/brand-green:80")
)


ARRANGEMENTS[TargetKind.VIRTUALSERVICE] = _weights(
    VIRTUALSERVICE,
    "virtualservices",
    a_virtualservice,
    weigh_virtualservice,
    ("all/brand-all.shop.svc.cluster.local(blue)", "all/brand-all.shop.svc.cluster.local(green)"),
)


ARRANGEMENTS[TargetKind.INGRESS] = _weights(
    INGRESS, "ingresses", a_canary_ingress, weigh_ingress, ("0/primary", "0/brand-green:80")
)


kinds = pytest.mark.parametrize("kind", list(PROVIDERS), ids=str)


@dataclass
class Stage:
    """A cluster on which a switch has just happened, and the provider that saw it."""

    at: Connected
    arranged: Arrangement
    kind: TargetKind
    provider: Sightings
    before: Sighting
    after: Sighting

    @property
    def traffic(self) -> TrafficProvider:
        provider = self.provider
        assert isinstance(provider, (PROVIDERS[self.kind],))
        return provider  # type: ignore[return-value]  # that it fits is what these tests show

    @property
    def switch(self) -> TrafficSwitch:
        assert self.after.serving is not None
        assert self.before.serving is not None
        return self.arranged.described(self.after.serving, self.before.serving)

    async def look(self, *, fresh: bool = True) -> Live:
        assert self.before.serving is not None
        return await self.traffic.live(self.switch, a_stable(self.before.serving), fresh=fresh)

    def remedy(self, live: Live, watch: str = "w-1") -> Remedy:
        flips = self.switch.flips
        services = tuple(
            ServicePutBack(flip.service, *live.services[flip.service][:2], selector=flip.before) for flip in flips
        )
        to = self.before.serving
        assert to is not None
        return Remedy(
            watch,
            self.arranged.target,
            self.switch.kind,
            self.switch.candidate,
            to,
            live.uid,
            live.resource_version,
            services,
        )

    async def put_back(self, live: Live, watch: str = "w-1") -> PutBackAnswer:
        return await self.traffic.put_back(self.remedy(live, watch))

    @property
    def written(self) -> list[str]:
        """The writes to workloads over HTTP, as `METHOD path`."""
        return [f"{one.method} {one.path}" for one in self.at.cluster.writes() if one.code < 300]


@asynccontextmanager
async def a_stage(kind: TargetKind, **given: str) -> AsyncIterator[Stage]:
    arranged = ARRANGEMENTS[kind]
    async with a_cluster() as cluster:
        await arranged.prepare(cluster)
        await passes(60)
        token = cluster.user("watchdog", [Rule(["*"], ["*"])])
        async with connected(cluster, only(str(arranged.target)), token=given.get("token", token)) as at:
            (before,) = at.seen[kind].of(arranged.target)
            arranged.switch(cluster)
            await passes(30)
            after = at.seen[kind].of(arranged.target)[-1]
            yield Stage(at, arranged, kind, at.seen[kind].provider, before, after)
