"""Rollouts: a Deployment's new revision, and the way back to an old one, as `kubectl rollout undo` goes it."""

import asyncio
import copy
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from watchdog.adapters.kubernetes import beginnings, workload, workloads
from watchdog.adapters.kubernetes.acting import CHANGE_CAUSE, to_template, unread
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, PREFIX, REPLICASETS, SERVICES
from watchdog.adapters.kubernetes.news import Place
from watchdog.adapters.kubernetes.objects import controller_uid
from watchdog.adapters.kubernetes.particulars import description
from watchdog.adapters.kubernetes.pods import created
from watchdog.adapters.kubernetes.rolling import Rolling
from watchdog.adapters.kubernetes.sightings import Known, Later
from watchdog.adapters.kubernetes.trimming import HASH_LABEL
from watchdog.adapters.kubernetes.workload import Workload
from watchdog.domain.changes import Description
from watchdog.domain.effects import PutBackAnswer, PutBackRefused, Remedy
from watchdog.domain.live import Destination, Live, Sighting
from watchdog.domain.rollout import Revision, Stable, Target, TargetKind, TrafficSwitch
from watchdog.ports import OutOfReach

Json = dict[str, Any]

SWITCHED_BY = PREFIX + "switched-by"


class DeploymentProvider(Rolling[Workload]):
    """The traffic provider of `rollout` switches. RBAC: get, list, watch, patch of deployments and what it reads."""

    carries = TargetKind.DEPLOYMENT

    def _places(self, changed: Mapping[TargetKind, set[Place]]) -> set[Place]:
        # A Service that changed may select another Deployment now, or make it a colour.
        namespaces = {place[0] for place in changed.get(TargetKind.SERVICE, ())}
        beside = {(namespace, name) for namespace in namespaces for name in self._names(namespace)}
        return changed.get(TargetKind.DEPLOYMENT, set()) | beside

    def _is_there(self, place: Place) -> bool:
        deployment = self._cache.all(DEPLOYMENTS, place[0]).get(place[1])
        return deployment is not None and self._is_guarded(place[0], deployment)

    def _is_guarded(self, namespace: str, deployment: Json) -> bool:
        """By itself, or because a guarded Service selects its pods."""
        target = Target(namespace, TargetKind.DEPLOYMENT, deployment["metadata"]["name"])
        if self._guarded(target, workloads.labels(deployment)):
            return True
        services = self._cache.all(SERVICES, namespace)
        return any(
            self._guarded(service, workloads.labels(services[service.name]))
            for service in self._services(namespace, deployment, workloads.selects)
        )

    def _services(
        self, namespace: str, deployment: Json, relation: Callable[[Mapping[str, str], Mapping[str, str]], bool]
    ) -> tuple[Target, ...]:
        """The Services whose selector stands in a relation to the labels of the Deployment's pods."""
        pod_labels = deployment["template"]["labels"]
        services = self._cache.all(SERVICES, namespace)
        names = sorted(name for name, one in services.items() if relation(one["spec"]["selector"], pod_labels))
        return tuple(Target(namespace, TargetKind.SERVICE, name) for name in names)

    def _cached(self, target: Target) -> Workload | None:
        return workload.cached(self._cache, target.namespace, target.name)

    async def _fresh(self, target: Target) -> Workload | None:
        return await workload.fresh(self._client, target.namespace, target.name)

    def _current(self, found: Workload, *, over: bool) -> Json | Later | None:
        serving = workloads.current(found.deployment, found.replicasets)
        if serving is None or not workloads.is_observed(found.deployment):
            return None
        return serving if over or workloads.is_settled(found.deployment, serving) else Later()

    def _since(self, found: Workload, serving: Json, known: Known, *, over: bool) -> datetime | None:
        pods = found.pods.get(serving["metadata"]["uid"], ())
        again = workloads.HISTORY in workloads.annotations(serving)
        became = (workloads.written_at(found.deployment) or known.began) if again else created(serving)
        earliest = workloads.not_before(serving, found.replicasets)
        return beginnings.since(known, pods, became=became, not_before=earliest, over=over)

    def _sighting(self, target: Target, found: Workload, serving: Json, known: Known) -> Sighting:
        deployment = found.deployment
        before = workloads.before(serving, found.replicasets)
        assert known.since is not None  # the caller waits for it
        colour_of = self._services(target.namespace, deployment, workloads.looks_like_a_colour)
        selected_by = self._services(target.namespace, deployment, workloads.selects)
        services = self._cache.all(SERVICES, target.namespace)
        return Sighting(
            target=target,
            kind=self.kind,
            uid=str(deployment["metadata"]["uid"]),
            labels=dict(workloads.labels(deployment)),
            annotations=workloads.own_annotations(deployment),
            serving=workloads.revision_of(target.name, serving),
            since=known.since,
            complete=workloads.is_complete(deployment),
            previous=workloads.revision_of(target.name, before) if before else None,
            previous_since=workloads.not_before(before, found.replicasets) if before else None,
            colour_of=colour_of,
            selected_by=selected_by,
            service_labels={one: dict(workloads.labels(services[one.name])) for one in (*colour_of, *selected_by)},
            by=who(deployment),
            live=not known.owed,
        )

    def _as_seen(self, switch: TrafficSwitch, stable: Stable | None, found: Workload, version: int) -> Live:
        deployment = found.deployment
        return Live(
            target=switch.target,
            at=self._clock.now(),
            version=version,
            exists=not deployment["metadata"].get("deletionTimestamp"),
            uid=str(deployment["metadata"]["uid"]),
            resource_version=str(deployment["metadata"]["resourceVersion"]),
            serving=found.serving,
            candidate_pods=found.pods_of(switch.candidate),
            stable_pods=found.pods_of(stable.revision if stable else None),
            desired=workloads.desired(deployment),
            complete=workloads.is_complete(deployment),
            completed_at=workloads.completed_at(deployment),
            deadline_exceeded=workloads.deadline_exceeded(deployment),
            blocked=workloads.blocked(deployment),
            progress_deadline=workloads.progress_deadline(deployment),
            paused=workloads.is_paused(deployment),
            annotations=workloads.own_annotations(deployment),
            managers=workloads.managers(deployment),
            owner=workloads.owner(deployment),
            unbroken_since=self._cache.unbroken_since(switch.target.namespace),
            runner=workloads.runner(deployment),
        )

    async def _destination(self, switch: TrafficSwitch, to: Revision, found: Workload) -> Destination:
        """The ReplicaSet to go back to: is it there, would it change anything, has it all it needs, is it allowed."""
        there = workloads.replicaset_of(to, found.replicasets)
        if there is None:
            return Destination(to, exists=False)
        whole = found.templates[there["metadata"]["uid"]]
        differs = bool(there["template"]["unannotated"] != found.deployment["template"]["unannotated"])
        back = partial(undo, replicaset=whole, to=to, watch="dry-run")
        template = whole["spec"]["template"]
        gone, refused = await self._checked(switch.target, found.whole, template, back if differs else None)
        return Destination(
            revision=workloads.revision_of(found.name, there),
            exists=True,
            differs=differs,
            replicas=workloads.desired(found.deployment),
            ready_pods=sum(pod.ready for pod in found.pods_of(to)),
            missing=gone,
            refused=refused,
        )

    async def _act(self, remedy: Remedy) -> PutBackAnswer:
        """Give the Deployment the template of `remedy.to`'s ReplicaSet, in one conditional patch. Idempotent."""
        write = self._write(remedy.target, remedy.uid, remedy.resource_version)
        try:
            whole, now = await asyncio.gather(
                replicaset_of(self._client, remedy.target.namespace, remedy.uid, remedy.to), write.read()
            )
        except (OutOfReach, ApiError) as error:
            return unread(error, self._clock.now())
        if whole is None:
            return PutBackRefused(self._clock.now(), f"the ReplicaSet of {remedy.to} is gone")
        operations = partial(undo, replicaset=whole, to=remedy.to, watch=remedy.watch)
        return await write.perform(operations, remedy.watch, now)

    async def _described(self, target: Target, revision: Revision, commits: str) -> Description:
        """Number, age, change-cause and writer of a revision, and what its pods are made of."""
        return await described(self._client, self._cache, target.namespace, revision, commits)


def undo(live: Json, replicaset: Json, to: Revision, *, watch: str) -> list[Json]:
    """The operations that put a Deployment back, beside the patch's conditions.

    kubectl brings back the old ReplicaSet's copies of annotations too; they stay as they are.
    """
    template = copy.deepcopy(replicaset["spec"]["template"])
    (template.get("metadata") or {}).get("labels", {}).pop(HASH_LABEL, None)
    cause = (replicaset["metadata"].get("annotations") or {}).get(CHANGE_CAUSE)
    return to_template(live, template, cause, to, watch=watch)


def who(one: Json) -> str:
    """Who made the switch: the `switched-by` annotation, else the newest field manager."""
    return workloads.annotations(one).get(SWITCHED_BY) or next(iter(workloads.managers(one)), "")


async def replicaset_of(client: KubeClient, namespace: str, deployment_uid: str, revision: Revision) -> Json | None:
    """The whole ReplicaSet of a revision; None if it is gone."""
    for one in await client.list(REPLICASETS, namespace, labels=f"{HASH_LABEL}={revision.template}"):
        if controller_uid(one) == deployment_uid:
            return one
    return None


async def described(
    client: KubeClient, cache: ClusterCache, namespace: str, revision: Revision, commits: str
) -> Description:
    """What people may want to know of a revision: notes from the cache, its template as the API server has it."""
    found = workload.cached(cache, namespace, revision.workload)
    there = workloads.replicaset_of(revision, found.replicasets) if found else None
    if found is None or there is None:
        return Description({"revision": str(revision)})
    by = who(found.deployment) if found.serving == revision else ""
    notes = workloads.notes(revision, there, workloads.number(there), by)
    whole = await replicaset_of(client, namespace, found.deployment["metadata"]["uid"], revision) or {}
    template = (whole.get("spec") or {}).get("template") or {}
    annotations = [workloads.annotations(whole)] if whole else []
    return description(notes, template, annotations, commits)
