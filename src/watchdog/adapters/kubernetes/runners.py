"""Which Argo Rollout or Flagger Canary rolls a target out by itself. Rights on them are optional.

Whether their kinds are there at all is found out by asking: people install them later, or never.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import UNREADABLE, ApiError
from watchdog.adapters.kubernetes.kinds import CANARIES, ROLLOUTS, Resource
from watchdog.domain.owners import Owner, Tool, copies
from watchdog.domain.rollout import Target
from watchdog.joint import Joint
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

Json = dict[str, Any]
_GATEWAY_API = "argoproj-labs/gatewayAPI"  # a plugin of Argo Rollouts
Runs = frozenset[tuple[str, str]]  # kinds, as Kubernetes spells them, and names

ABSENT_FOR = 60.0  # seconds until a kind that is not installed is asked for again
FORBIDDEN_FOR = 3600.0  # and one that may not be read


@dataclass(slots=True)
class _Known:
    """What was found of one kind in one namespace, when last it could be read."""

    runs: Mapping[str, Runs] = field(default_factory=dict)  # by the name of what runs them
    not_before: float = 0.0  # monotonic


class Runners:
    """Finds them. RBAC, where wanted: list of rollouts and canaries in the guarded namespace."""

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[tuple[Resource, str], _Known] = {}
        self._joint: dict[tuple[Resource, str], Joint[Mapping[str, Runs]]] = {}

    async def of(self, target: Target) -> Owner | None:
        """What rolls the target out, read just now; where that does not answer, as it was read last. Never raises."""
        if target.kind.aborts:
            return None  # its own controller is all there is
        wanted = (target.kind.proper, target.name)
        found = await asyncio.gather(*(self._runs(resource, target.namespace) for resource in _RUNS))
        for (tool, _), of_kind in zip(_RUNS.values(), found, strict=True):
            for name, runs in of_kind.items():
                if wanted in runs:
                    return Owner(tool, name, target.namespace)
        return None

    async def _runs(self, resource: Resource, namespace: str) -> Mapping[str, Runs]:
        place = (resource, namespace)
        if place not in self._joint:
            self._joint[place] = Joint(partial(self._read, resource, namespace), ApiError)
        return await self._joint[place]()

    async def _read(self, resource: Resource, namespace: str) -> Mapping[str, Runs]:
        known = self._known.setdefault((resource, namespace), _Known())
        if self._clock.monotonic() < known.not_before:
            return known.runs
        _, runs_of = _RUNS[resource]
        try:
            found = await self._client.list(resource, namespace)
            known.runs = dict(_readable(resource, namespace, found, runs_of))
            known.not_before = 0.0
        except OutOfReach as error:
            log.info("%s in %s not read: %s", resource.plural, namespace, error)
        except ApiError as error:
            self._refused(known, resource, namespace, error)
        return known.runs

    def _refused(self, known: _Known, resource: Resource, namespace: str, error: ApiError) -> None:
        if error.status == 404:
            known.runs, wait = {}, ABSENT_FOR  # not installed, or not any more: nothing to be said
        else:
            wait = FORBIDDEN_FOR
            if not known.not_before:
                why = "what they roll out is known by the marks on it alone"
                log.info("may not list %s in namespace %s: %s (%s)", resource.plural, namespace, why, error.message)
        known.not_before = self._clock.monotonic() + wait


def _readable(
    resource: Resource, namespace: str, found: Iterable[Json], runs_of: Callable[[Json], Runs]
) -> Iterator[tuple[str, Runs]]:
    """Those that have the shape of their kind: one that has not hides nothing of what the others run."""
    for one in found:
        try:
            yield str(one["metadata"]["name"]), runs_of(one)
        except UNREADABLE as error:
            log.warning("%s in %s: of another shape than known (%s)", resource.plural, namespace, type(error).__name__)


def _of_rollout(one: Json) -> Runs:
    """The Deployment whose template it takes, the Services whose selectors it writes, the routes it reweighs."""
    spec = one.get("spec") or {}
    strategy, workload = spec.get("strategy") or {}, spec.get("workloadRef") or {}
    blue_green, canary = strategy.get("blueGreen") or {}, strategy.get("canary") or {}
    named = [blue_green.get("activeService"), blue_green.get("previewService")]
    named += [canary.get("stableService"), canary.get("canaryService")]
    others = {("Service", str(name)) for name in named if name}
    others |= _routes(canary.get("trafficRouting") or {}, one["metadata"]["name"])
    return frozenset(others | {(str(workload["kind"]), str(workload["name"]))} if workload else others)


def _routes(routing: Json, name: str) -> set[tuple[str, str]]:
    """The routes whose weights the Rollout of that name writes; of ingress-nginx, the canary that it makes itself."""
    istio, nginx = routing.get("istio") or {}, routing.get("nginx") or {}
    gateway = (routing.get("plugins") or {}).get(_GATEWAY_API) or {}
    virtual = [istio.get("virtualService") or {}, *(istio.get("virtualServices") or [])]
    http = [{"name": gateway.get("httpRoute")}, *(gateway.get("httpRoutes") or [])]
    stable = [nginx.get("stableIngress"), *(nginx.get("stableIngresses") or [])]
    found = {("VirtualService", str(each["name"])) for each in virtual if each.get("name")}
    found |= {("HTTPRoute", str(each["name"])) for each in http if each.get("name")}
    return found | {("Ingress", f"{name}-{each}-canary") for each in stable if each}


def _of_canary(one: Json) -> Runs:
    """The workload, its copy that serves, and the Services and routes that Flagger makes for both."""
    spec = one.get("spec") or {}
    workload, name = spec.get("targetRef") or {}, str((spec.get("targetRef") or {}).get("name", ""))
    service = str((spec.get("service") or {}).get("name") or name)
    others = {("Service", service + end) for end in ("", "-primary", "-canary")}
    others |= {("VirtualService", service), ("HTTPRoute", service)}
    ingress = (spec.get("ingressRef") or {}).get("name")
    others |= {("Ingress", f"{ingress}-canary")} if ingress else set()
    return frozenset(others | {(str(workload.get("kind")), copy) for copy in copies(name)})


_RUNS: Mapping[Resource, tuple[Tool, Callable[[Json], Runs]]] = MappingProxyType(
    {ROLLOUTS: (Tool.ROLLOUT, _of_rollout), CANARIES: (Tool.CANARY, _of_canary)}
)
