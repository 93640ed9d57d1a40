"""The table of traffic providers: a new kind of target is one more line."""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.daemonsets import DaemonSetProvider
from watchdog.adapters.kubernetes.deployments import DeploymentProvider
from watchdog.adapters.kubernetes.httproutes import HTTPRouteProvider
from watchdog.adapters.kubernetes.ingresses import IngressProvider
from watchdog.adapters.kubernetes.rollouts import RolloutProvider
from watchdog.adapters.kubernetes.services import ServiceProvider
from watchdog.adapters.kubernetes.sightings import Guarded
from watchdog.adapters.kubernetes.statefulsets import StatefulSetProvider
from watchdog.adapters.kubernetes.virtualservices import VirtualServiceProvider
from watchdog.domain.rollout import Revision, Target, TargetKind, TrafficSwitch, any_pods_of, pods_named
from watchdog.ports import Clock, OutOfReach, TrafficProvider


class Provider(TrafficProvider, Protocol):
    """A traffic provider of this adapter: it can be told that other targets are guarded now."""

    @property
    def waits(self) -> bool:
        """Whether something may be told soon even if nothing changes."""
        ...

    def reguard(self, guarded: Guarded) -> None:
        """Take another predicate, and tell of everything it accepts once more."""
        ...


PROVIDERS: Mapping[TargetKind, Callable[..., Provider]] = MappingProxyType(
    {
        TargetKind.DEPLOYMENT: DeploymentProvider,
        TargetKind.SERVICE: ServiceProvider,
        TargetKind.STATEFULSET: StatefulSetProvider,
        TargetKind.DAEMONSET: DaemonSetProvider,
        TargetKind.ROLLOUT: RolloutProvider,
        TargetKind.HTTPROUTE: HTTPRouteProvider,
        TargetKind.VIRTUALSERVICE: VirtualServiceProvider,
        TargetKind.INGRESS: IngressProvider,
    }
)


def pods_of(target: Target) -> str:
    """A regular expression of the names of all pods that a workload ever had, of whatever revision."""
    rest: str = getattr(PROVIDERS[target.kind], "pods", "")
    return pods_named(target.name, rest) if rest else any_pods_of(target.name)


def unwatched(client: KubeClient, clock: Clock, kind: TargetKind) -> Provider:
    """A provider that only looks, and only when it is asked."""
    cache = ClusterCache(client, clock=clock, rng=random.Random())  # noqa: S311 - jitter, of what is never watched
    return PROVIDERS[kind](client, cache, clock=clock, guarded=lambda *_: False)


async def serving_now(client: KubeClient, clock: Clock, target: Target) -> Revision | None:
    """What serves a workload, read just now. Raises `OutOfReach`, finally where it is not there."""
    provider = unwatched(client, clock, target.kind)
    whoever = TrafficSwitch(target, provider.kind, Revision(target.name, "", kind=target.kind), None, clock.now())
    live = await provider.live(whoever, None, fresh=True)
    if not live.exists:
        raise OutOfReach(f"there is no {target}", final=True)
    return live.serving
