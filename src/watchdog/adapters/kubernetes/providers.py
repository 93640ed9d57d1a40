"""The table of traffic providers: a new kind of target is one more line."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from watchdog.adapters.kubernetes.daemonsets import DaemonSetProvider
from watchdog.adapters.kubernetes.deployments import DeploymentProvider
from watchdog.adapters.kubernetes.services import ServiceProvider
from watchdog.adapters.kubernetes.sightings import Guarded
from watchdog.adapters.kubernetes.statefulsets import StatefulSetProvider
from watchdog.domain.rollout import Target, TargetKind, any_pods_of, pods_named
from watchdog.ports import TrafficProvider


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
    }
)


def pods_of(target: Target) -> str:
    """A regular expression of the names of all pods that a workload ever had, of whatever revision."""
    rest: str = getattr(PROVIDERS[target.kind], "pods", "")
    return pods_named(target.name, rest) if rest else any_pods_of(target.name)
