"""What StatefulSets and DaemonSets have in common: rollouts of ControllerRevisions, and their undo."""

import asyncio
from abc import abstractmethod
from datetime import datetime
from functools import partial
from typing import Any

from watchdog.adapters.kubernetes import beginnings, histories, workloads
from watchdog.adapters.kubernetes.acting import CHANGE_CAUSE, to_template, unread
from watchdog.adapters.kubernetes.deployments import who
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.histories import History
from watchdog.adapters.kubernetes.kinds import CONTROLLERREVISIONS, OBJECTS
from watchdog.adapters.kubernetes.objects import controller_uid
from watchdog.adapters.kubernetes.particulars import description
from watchdog.adapters.kubernetes.pods import created
from watchdog.adapters.kubernetes.rolling import Rolling
from watchdog.adapters.kubernetes.sightings import Known
from watchdog.adapters.kubernetes.trimming import kept_template
from watchdog.domain.changes import Description
from watchdog.domain.effects import PutBackAnswer, PutBackRefused, Remedy
from watchdog.domain.live import Destination, Live, Sighting
from watchdog.domain.rollout import Revision, Stable, Target, TrafficSwitch, pods_named
from watchdog.ports import OutOfReach

Json = dict[str, Any]

UNTIL_DELETED = "its updateStrategy is OnDelete, so an undo would change no pod until it is deleted"

_LONGEST = 24 * 3600.0  # seconds that a rollout of many pods is waited for, at most


class RevisedProvider(Rolling[History]):
    """The traffic provider of such rollouts, but for what a kind does in its own way."""

    pods: str  # a regular expression of what follows the workload's name in its pods' names

    def _cached(self, target: Target) -> History | None:
        return histories.cached(self._cache, OBJECTS[self.carries], target.namespace, target.name)

    async def _fresh(self, target: Target) -> History | None:
        return await histories.fresh(self._client, OBJECTS[self.carries], target.namespace, target.name)

    def _current(self, found: History, *, over: bool) -> Json | None:
        del over
        return self._serving(found) if workloads.is_observed(found.owner) else None

    def _since(self, found: History, serving: Json, known: Known, *, over: bool) -> datetime | None:
        pods = found.on(found.hash_of(serving))
        return beginnings.since_made(known, found.owner, serving, pods, found.earlier(serving), over=over)

    def _serving(self, found: History) -> Json | None:
        """The revision that serves, or is about to: the present template's, if any pod has it or will have it.

        Where nothing gives it to a pod (OnDelete, a partition above all ordinals) what served before goes on serving,
        until somebody deletes a pod.
        """
        newest = found.newest
        if newest is None or found.on(found.hash_of(newest)) or self._rolls(found.owner):
            return newest
        served = [one for one in found.revisions if found.on(found.hash_of(one))]
        return max(served, key=lambda one: int(one["revision"]), default=newest)

    def _sighting(self, target: Target, found: History, serving: Json, known: Known) -> Sighting:
        owner, before = found.owner, found.before(serving)
        assert known.since is not None  # the caller waits for it
        return Sighting(
            target=target,
            kind=self.kind,
            uid=str(owner["metadata"]["uid"]),
            labels=dict(workloads.labels(owner)),
            annotations=workloads.own_annotations(owner),
            serving=self._revision(found, serving),
            since=known.since,
            complete=workloads.is_observed(owner) and self._is_complete(owner),
            previous=self._revision(found, before) if before else None,
            previous_since=max([created(before), *found.earlier(before)]) if before else None,
            by=who(owner),
            live=not known.owed,
        )

    def _revision(self, found: History, kept: Json) -> Revision:
        return Revision(
            workload=found.name,
            template=found.hash_of(kept),
            uid=str(kept["metadata"].get("uid", "")),
            number=kept["revision"],
            images=tuple(kept["template"]["images"]),
            created=created(kept),
            pods=pods_named(found.name, self.pods),
            kind=self.carries,
        )

    def _as_seen(self, switch: TrafficSwitch, stable: Stable | None, found: History, version: int) -> Live:
        owner, serving = found.owner, self._serving(found)
        return Live(
            target=switch.target,
            at=self._clock.now(),
            version=version,
            exists=not owner["metadata"].get("deletionTimestamp"),
            uid=str(owner["metadata"]["uid"]),
            resource_version=str(owner["metadata"]["resourceVersion"]),
            serving=self._revision(found, serving) if serving else None,
            candidate_pods=found.pods_of(switch.candidate),
            stable_pods=found.pods_of(stable.revision if stable else None),
            desired=self._desired(owner),
            complete=workloads.is_observed(owner) and self._is_complete(owner),
            stuck=self._stuck(switch.target, found),
            progress_deadline=min(_LONGEST, workloads.PROGRESS_DEADLINE * max(1, self._in_turn(owner))),
            annotations=workloads.own_annotations(owner),
            managers=workloads.managers(owner),
            owner=workloads.owner(owner),
            unbroken_since=self._cache.unbroken_since(switch.target.namespace),
        )

    async def _destination(self, switch: TrafficSwitch, to: Revision, found: History) -> Destination:
        """The revision to go back to: is it there, would it change anything and reach the pods, is it allowed."""
        kept = found.of(to)
        if kept is None:
            return Destination(to, exists=False)
        whole = found.kept[kept["metadata"]["name"]]
        differs = bool(kept["template"]["unannotated"] != found.owner["template"]["unannotated"])
        back = partial(_undo, kept=whole, to=to, watch="dry-run") if differs else None
        gone, refused = await self._checked(switch.target, found.whole, kept_template(whole), back)
        return Destination(
            revision=self._revision(found, kept),
            exists=True,
            differs=differs,
            unreached=self._unreached(switch, to, found),
            replicas=self._all(found.owner),
            ready_pods=sum(pod.ready for pod in found.pods_of(to)),
            missing=gone,
            refused=refused,
        )

    async def _act(self, remedy: Remedy) -> PutBackAnswer:
        """Give the workload the template that the ControllerRevision keeps, in one conditional patch. Idempotent."""
        target = remedy.target
        write = self._write(target, remedy.uid, remedy.resource_version)
        try:
            whole, now = await asyncio.gather(self._kept(target, remedy.uid, remedy.to), write.read())
        except (OutOfReach, ApiError) as error:
            return unread(error, self._clock.now())
        if whole is None:
            return PutBackRefused(self._clock.now(), f"the ControllerRevision of {remedy.to} is gone")
        operations = partial(_undo, kept=whole, to=remedy.to, watch=remedy.watch)
        return await write.perform(operations, remedy.watch, now)

    async def _kept(self, target: Target, uid: str, revision: Revision) -> Json | None:
        """The whole ControllerRevision of a revision; None if it is gone."""
        name = f"{revision.workload}-{revision.template}"
        found = await self._client.find(CONTROLLERREVISIONS, target.namespace, name)
        return found if found and controller_uid(found) == uid and kept_template(found) else None

    async def _described(self, target: Target, revision: Revision, commits: str) -> Description:
        """Number, age, change-cause and writer of a revision, and what its pods are made of."""
        found = self._cached(target)
        kept = found.of(revision) if found else None
        if found is None or kept is None:
            return Description({"revision": str(revision)})
        serving = self._serving(found)
        by = who(found.owner) if serving is kept else ""
        notes = workloads.notes(revision, kept, kept["revision"], by)
        whole = await self._kept(target, found.owner["metadata"]["uid"], revision) or {}
        annotations = [workloads.annotations(whole)] if whole else []
        return description(notes, kept_template(whole), annotations, commits)

    @abstractmethod
    def _rolls(self, owner: Json) -> bool:
        """Whether the controller itself gives the present template to any pod."""

    @abstractmethod
    def _is_complete(self, owner: Json) -> bool:
        """Whether all that the controller does by itself is done: what `kubectl rollout status` waits for."""

    @abstractmethod
    def _desired(self, owner: Json) -> int:
        """How many pods are to have the present template."""

    @abstractmethod
    def _all(self, owner: Json) -> int:
        """How many pods it is to have."""

    @abstractmethod
    def _in_turn(self, owner: Json) -> int:
        """How many pods are replaced one after the other in a rollout."""

    @abstractmethod
    def _unreached(self, switch: TrafficSwitch, to: Revision, found: History) -> str:
        """Why an undo would leave the candidate's pods as they are, with the command that would not; "" for none."""

    def _stuck(self, target: Target, found: History) -> str:
        """Why the controller gets no further without a person, with the command; "" where it does."""
        return ""


def on_delete(owner: Json) -> bool:
    """Whether a pod gets the present template only when somebody deletes it."""
    return (owner["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"


def _undo(live: Json, kept: Json, to: Revision, watch: str) -> list[Json]:
    """As kubectl's undo, whose patch replaces the template by what the revision keeps."""
    cause = workloads.annotations(kept).get(CHANGE_CAUSE)
    return to_template(live, kept_template(kept), cause, to, watch=watch)
