"""Argo Rollouts: their controller moves the traffic; it is told to abort, as `kubectl argo rollouts abort` tells it.

What serves is read off the status that the controller writes: the hash of what is rolled out, and of what is stable.
After an abort the Rollout's own template stays that of the bad release, and its controller goes on serving stable.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes import beginnings, workload, workloads
from watchdog.adapters.kubernetes import rollout_status as status
from watchdog.adapters.kubernetes.acting import ConditionalWrite
from watchdog.adapters.kubernetes.client import MERGE_PATCH
from watchdog.adapters.kubernetes.deployments import who
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import NAME, REPLICASETS, ROLLOUTS
from watchdog.adapters.kubernetes.objects import controller_uid
from watchdog.adapters.kubernetes.particulars import description
from watchdog.adapters.kubernetes.pods import condition, created, instant
from watchdog.adapters.kubernetes.rolling import Rolling
from watchdog.adapters.kubernetes.sightings import Known
from watchdog.adapters.kubernetes.workload import Workload
from watchdog.domain.changes import Description
from watchdog.domain.effects import PutBackAnswer, Remedy
from watchdog.domain.live import Destination, Live, Sighting
from watchdog.domain.rollout import Revision, Stable, Target, TargetKind, TrafficSwitch

Json = dict[str, Any]

_LONGEST = 24 * 3600.0  # seconds: a pause between two steps may wait for a person


class _Abort(ConditionalWrite):
    """`status.abort: true` through the status subresource; where the CRD has none, on the object, as the plugin does.

    Who aborted stands in the managed fields: a mark of ours would not be taken by the status subresource.
    """

    async def _patch(self, live: Json, operations: Callable[[Json], Sequence[Json]], *, dry_run: bool = False) -> None:
        del live, operations
        body = {"metadata": {"resourceVersion": self.resource_version}, "status": {"abort": True}}
        for subresource in ("status", ""):
            try:
                await self.client.patch(
                    self.resource,
                    self.namespace,
                    self.name,
                    body,
                    content_type=MERGE_PATCH,
                    subresource=subresource,
                    dry_run=dry_run,
                )
            except ApiError as error:
                if error.status != 404 or not subresource:
                    raise
            else:
                return

    def _marked(self, live: Json, watch: str) -> bool:
        del watch
        fields = live["metadata"].get("managedFields") or []
        ours = [one for one in fields if one.get("manager") == NAME]
        by_us = any("f:abort" in ((one.get("fieldsV1") or {}).get("f:status") or {}) for one in ours)
        return bool(live["metadata"]["uid"] == self.uid and (live.get("status") or {}).get("abort") and by_us)


class RolloutProvider(Rolling[Workload]):
    """The traffic provider of Rollouts. RBAC: get, list, watch of rollouts and what it reads, patch of their status."""

    carries = TargetKind.ROLLOUT
    act = _Abort

    def _cached(self, target: Target) -> Workload | None:
        return workload.cached(self._cache, target.namespace, target.name, ROLLOUTS)

    async def _fresh(self, target: Target) -> Workload | None:
        return await workload.fresh(self._client, target.namespace, target.name, ROLLOUTS)

    def _current(self, found: Workload, *, over: bool) -> Json | None:
        del over
        serving = status.kept(found, status.serving_hash(found.deployment))
        return serving if status.is_observed(found.deployment) else None  # the ReplicaSet is an event as well

    def _since(self, found: Workload, serving: Json, known: Known, *, over: bool) -> datetime | None:
        """An abort says when; pods of blue and green are older than the moment at which they begin to serve."""
        rollout = found.deployment
        if (aborted := instant(rollout["status"].get("abortedAt"))) is not None:
            return aborted
        earlier = [created(one) for one in found.replicasets if status.number(one) < status.number(serving)]
        if rollout["strategy"] == "blueGreen" and not known.late:
            return known.began
        pods = found.pods.get(serving["metadata"]["uid"], ())
        return beginnings.since_made(known, rollout, serving, pods, earlier, over=over)

    def _sighting(self, target: Target, found: Workload, serving: Json, known: Known) -> Sighting:
        rollout, others = found.deployment, [one for one in found.replicasets if one is not serving]
        stable = status.kept(found, rollout["status"].get("stableRS"))
        newest = max(others, key=status.number, default=None)
        before = newest if stable is None or stable is serving else stable
        assert known.since is not None  # the caller waits for it
        return Sighting(
            target=target,
            kind=self.kind,
            uid=str(rollout["metadata"]["uid"]),
            labels=dict(workloads.labels(rollout)),
            annotations=workloads.own_annotations(rollout),
            serving=status.revision_of(found.name, serving),
            since=known.since,
            complete=status.is_complete(found),
            previous=status.revision_of(found.name, before) if before else None,
            previous_since=created(before) if before else None,
            by=who(rollout),
            live=not known.owed,
        )

    def _as_seen(self, switch: TrafficSwitch, stable: Stable | None, found: Workload, version: int) -> Live:
        rollout = found.deployment
        serving = status.kept(found, status.serving_hash(rollout))
        progressing = condition(rollout, "Progressing")
        return Live(
            target=switch.target,
            at=self._clock.now(),
            version=version,
            exists=not rollout["metadata"].get("deletionTimestamp"),
            uid=str(rollout["metadata"]["uid"]),
            resource_version=str(rollout["metadata"]["resourceVersion"]),
            serving=status.revision_of(found.name, serving) if serving else None,
            candidate_pods=status.pods(found, switch.candidate),
            stable_pods=status.pods(found, stable.revision if stable else None),
            desired=workloads.desired(rollout),
            complete=status.is_complete(found),
            deadline_exceeded=progressing.get("reason") == "ProgressDeadlineExceeded",
            progress_deadline=_LONGEST,
            annotations=workloads.own_annotations(rollout),
            managers=workloads.managers(rollout),
            unbroken_since=self._cache.unbroken_since(switch.target.namespace),
        )

    async def _destination(self, switch: TrafficSwitch, to: Revision, found: Workload) -> Destination:
        """Stable: is it there, does the controller still hold it for stable, has it all it needs, is it allowed."""
        kept, rollout = status.kept(found, to.template), found.deployment
        if kept is None:
            return Destination(to, exists=False)
        namespace = switch.target.namespace
        template = found.templates[kept["metadata"]["uid"]]["spec"]["template"]
        unreached, abort = status.unreached(found, to, kept), None
        if unreached:
            number = f" --to-revision={status.number(kept)}" if status.number(kept) else ""
            unreached += f": kubectl argo rollouts undo {found.name} -n {namespace}{number}"
        else:
            abort = _nothing_more
        gone, refused = await self._checked(switch.target, found.whole, template, abort)
        return Destination(
            revision=status.revision_of(found.name, kept),
            exists=True,
            unreached=unreached,
            replicas=workloads.desired(rollout),
            ready_pods=sum(pod.ready for pod in status.pods(found, to)),
            missing=gone,
            refused=refused,
        )

    async def _act(self, remedy: Remedy) -> PutBackAnswer:
        """Abort it, in one conditional patch: its controller gives the traffic back to stable. Idempotent."""
        write = self._write(remedy.target, remedy.uid, remedy.resource_version)
        return await write.perform(_nothing_more, remedy.watch)

    async def _described(self, target: Target, revision: Revision, commits: str) -> Description:
        """Number, age, change-cause and writer of a revision, and what its pods are made of."""
        found = self._cached(target)
        kept = status.kept(found, revision.template) if found else None
        if found is None or kept is None:
            return Description({"revision": str(revision)})
        current = found.deployment["status"].get("currentPodHash") == revision.template
        notes = workloads.notes(revision, kept, status.number(kept), who(found.deployment) if current else "")
        labels, uid = f"{status.HASH}={revision.template}", found.deployment["metadata"]["uid"]
        listed = await self._client.list(REPLICASETS, target.namespace, labels=labels)
        whole = next((one for one in listed if controller_uid(one) == uid), {})
        template = (whole.get("spec") or {}).get("template") or {}
        annotations = [workloads.annotations(whole)] if whole else []
        return description(notes, template, annotations, commits)


def _nothing_more(_: Json) -> list[Json]:
    """An abort is all in what the write itself does."""
    return []
