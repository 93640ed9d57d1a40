"""A person's switch of a Service or route, and what serves a target now: fresh looks and one conditional patch."""

from collections.abc import Callable, Mapping
from typing import Any

from watchdog.adapters.kubernetes import workload, workloads
from watchdog.adapters.kubernetes.acting import ConditionalWrite, annotate
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.deployments import SWITCHED_BY
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, OBJECTS, SERVICES
from watchdog.adapters.kubernetes.providers import serving_now, unwatched
from watchdog.adapters.kubernetes.trimming import trim_service, trim_workload
from watchdog.adapters.kubernetes.weighted import Weighted
from watchdog.domain.effects import PutBackAnswer, PutBackConflicted, PutBackDone
from watchdog.domain.flipping import Colour, Flip, ServiceNow
from watchdog.domain.reweighing import RouteNow
from watchdog.domain.rollout import USUAL, Revision, Target, TargetKind
from watchdog.ports import Clock, OutOfReach

Json = dict[str, Any]


class Flips:
    """Looks and switches with the caller's own rights.

    RBAC: get of services, deployments; list of deployments, replicasets, pods; patch of services.
    """

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def service(self, target: Target) -> ServiceNow | RouteNow:
        """The Service or route as it is. Raises `OutOfReach`, finally where there is none that could be switched."""
        if target.kind.switch.in_parts:
            return await self._weighted(target).now(target)
        return await self._now(target)

    def _weighted(self, target: Target) -> Weighted:
        provider = unwatched(self._client, self._clock, target.kind)
        assert isinstance(provider, Weighted)
        return provider

    async def _now(self, target: Target) -> ServiceNow:
        service = await self._service(target)
        if service["spec"]["type"] == "ExternalName":
            raise OutOfReach(f"{target} is an ExternalName: it has no pods", final=True)
        return ServiceNow(
            target=target,
            uid=str(service["metadata"]["uid"]),
            resource_version=str(service["metadata"]["resourceVersion"]),
            selector=dict(service["spec"]["selector"]),
            labels=dict(workloads.labels(service)),
            deployments=await self._deployments(target.namespace),
        )

    async def colour(self, namespace: str, name: str) -> Colour:
        """The Deployment with the pods of its present template. Raises `OutOfReach`, finally where it is gone."""
        with unanswered(f"looking at {namespace}/deployment/{name}"):
            found = await workload.fresh(self._client, namespace, name)
        if found is None:
            raise OutOfReach(f"there is no {namespace}/deployment/{name}", final=True)
        return Colour(
            workload=name,
            labels=found.deployment["template"]["labels"],
            revision=found.serving,
            desired=workloads.desired(found.deployment),
            complete=workloads.is_complete(found.deployment),
            pods=found.pods_of(found.serving),
        )

    async def serving(self, target: Target) -> Revision | None:
        """What serves the target now; None while that cannot be told. Raises `OutOfReach`."""
        name = target.name
        if target.kind not in USUAL:
            return await serving_now(self._client, self._clock, target)
        if target.kind is TargetKind.SERVICE:
            service = await self._now(target)
            selected = service.selected_by(service.selector)
            if len(selected) != 1:
                return None
            name = selected[0]
        return (await self.colour(target.namespace, name)).revision

    async def flip(self, flip: Flip) -> PutBackAnswer:
        """Give it its new selector or weights in one patch, if it is still as it was seen. Idempotent."""
        in_parts, resource = flip.target.kind.switch.in_parts, OBJECTS[flip.target.kind]
        namespace, name = flip.target.namespace, flip.target.name
        write = ConditionalWrite(self._client, self._clock, resource, namespace, name, flip.uid, flip.resource_version)
        operations = self._weighted(flip.target).steps(flip) if in_parts else _operations(flip)
        answer = await write.perform(operations, "")
        if isinstance(answer, PutBackConflicted) and await self._carried_out(flip):
            return PutBackDone(self._clock.now())
        return answer

    async def _carried_out(self, flip: Flip) -> bool:
        """Whether this very switch was made already, by a request whose answer was lost."""
        try:
            live = await self._client.get(OBJECTS[flip.target.kind], flip.target.namespace, flip.target.name)
            now = await self.service(flip.target)
        except (ApiError, OutOfReach):
            return False  # the conflict stands, and whoever reads it looks again
        marked = (live["metadata"].get("annotations") or {}).get(SWITCHED_BY) == flip.switched_by
        same = live["metadata"]["uid"] == flip.uid and dict(now.selector) == dict(flip.after)
        return bool(marked and same)

    async def _service(self, target: Target) -> Json:
        with unanswered(f"looking at {target}"):
            found = await self._client.find(SERVICES, target.namespace, target.name)
        if found is None:
            raise OutOfReach(f"there is no {target}", final=True)
        return trim_service(found)

    async def _deployments(self, namespace: str) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {}
        with unanswered(f"listing the Deployments of {namespace}"):
            async for page, _ in self._client.pages(DEPLOYMENTS, namespace):
                for one in page:
                    found[one["metadata"]["name"]] = trim_workload(one)["template"]["labels"]
        return found


def _operations(flip: Flip) -> Callable[[Json], list[Json]]:
    def operations(live: Json) -> list[Json]:
        selector = {"op": "replace", "path": "/spec/selector", "value": dict(flip.after)}
        return [selector, *annotate(live, {SWITCHED_BY: flip.switched_by})]

    return operations


async def deployments_behind(client: KubeClient, clock: Clock, target: Target) -> frozenset[str]:
    """The Deployments that a route's weights give traffic to. Raises `OutOfReach`, finally where it has no weights."""
    route = await Flips(client, clock).service(target)
    assert isinstance(route, RouteNow)
    return frozenset(one.revision.workload for one in route.backends if one.revision and one.weight)
