"""The deployment controller: new templates become ReplicaSets, and those are rolled over one another."""

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.simulator import rollouts
from watchdog.simulator.deployment_status import (
    COMPLETE,
    PAUSED,
    TIMED_OUT,
    condition,
    conditions_of,
    counted,
    deadline_of,
    has_deadline,
    set_condition,
    with_failure,
    with_progress,
)
from watchdog.simulator.objects import (
    Object,
    condition_of,
    controller_of,
    key_of,
    owner_reference,
    replaced,
    with_metadata,
)
from watchdog.simulator.pods import is_over
from watchdog.simulator.registry import CONTROLLER, CONTROLLER_STATUS, Registry
from watchdog.simulator.resources import DEPLOYMENTS, PODS, REPLICASETS
from watchdog.simulator.rollouts import HASH, REVISION
from watchdog.simulator.selectors import matches
from watchdog.simulator.timeline import Timeline, Timer


class DeploymentController:
    """Reconciles one Deployment at a time."""

    def __init__(self, registry: Registry, timeline: Timeline) -> None:
        self._registry = registry
        self._timeline = timeline
        self._deadlines: dict[tuple[str, str], Timer] = {}

    def sync(self, namespace: str, name: str) -> None:
        """Bring one Deployment a step nearer to its spec, and its status up to date."""
        deployment = self._registry.store.get(DEPLOYMENTS, namespace, name)
        if deployment is None:
            return
        owned = self._owned(deployment)
        if "deletionTimestamp" in deployment["metadata"]:
            new = _current(deployment, owned)
            self._report(deployment, counted(deployment, owned, new, self._registry.now()))
            return
        deployment = self._note_pause(deployment)
        if deployment["spec"].get("paused") or self._was_scaled(deployment, owned):
            self._resize(deployment)
        elif rollouts.is_rolling(deployment):
            self._roll(deployment)
        else:
            self._recreate(deployment)

    def _owned(self, deployment: Object) -> list[Object]:
        metadata, selector = deployment["metadata"], deployment["spec"]["selector"]
        adopts, owned = "deletionTimestamp" not in metadata, []
        for rs in self._registry.store.all(REPLICASETS, metadata["namespace"]):
            owner = controller_of(rs)
            if owner is not None and owner["uid"] == metadata["uid"]:
                owned.append(rs)
            elif owner is None and adopts and matches(selector, rs["metadata"].get("labels") or {}):
                owned.append(self._write_rs(with_metadata(rs, ownerReferences=[owner_reference(deployment)])))
        return owned

    # Revisions

    def _revise(self, deployment: Object, *, create: bool) -> tuple[Object, Object | None, list[Object]]:
        """(the Deployment, its current ReplicaSet, the others), with the revision annotations put right."""
        owned = self._owned(deployment)
        new = _current(deployment, owned)
        old = [rs for rs in owned if rs is not new]
        revision = max((rollouts.revision_of(rs) for rs in old), default=0) + 1
        if new is not None:
            return self._take_up(deployment, new, old, revision)
        if create:
            return self._make(deployment, old, revision)
        return deployment, None, old

    def _take_up(
        self, deployment: Object, new: Object, old: list[Object], revision: int
    ) -> tuple[Object, Object | None, list[Object]]:
        annotations = rollouts.revised_annotations(deployment, new, revision)
        ready = deployment["spec"].get("minReadySeconds", 0)
        if annotations != rollouts.annotations_of(new) or ready != new["spec"].get("minReadySeconds", 0):
            spec = {**new["spec"], **({"minReadySeconds": ready} if ready else {})}
            new = self._write_rs(replaced(with_metadata(new, annotations=annotations), spec=spec))
            return deployment, new, old
        number = rollouts.annotations_of(new)[REVISION]
        found = None
        if has_deadline(deployment) and condition_of(deployment, "Progressing") is None:
            message = f'Found new replica set "{new["metadata"]["name"]}"'
            found = self._progressing("True", "FoundNewReplicaSet", message)
        return self._mark(deployment, number, found), new, old

    def _make(self, deployment: Object, old: list[Object], revision: int) -> tuple[Object, Object | None, list[Object]]:
        metadata, spec = deployment["metadata"], deployment["spec"]
        suffix = rollouts.template_hash(spec["template"])
        name = f"{metadata['name']}-{suffix}"
        labels = {**spec["template"]["metadata"]["labels"], HASH: suffix}
        selector = spec["selector"]
        selector = {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH: suffix}}
        template = {**spec["template"], "metadata": {**spec["template"]["metadata"], "labels": labels}}
        annotations = {**rollouts.copied_annotations(deployment), **rollouts.replica_annotations(deployment)}
        body: Object = {
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": labels,
                "annotations": {**annotations, REVISION: str(revision)},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": rollouts.new_size(deployment, old, None),
                "selector": selector,
                "template": template,
            },
        }
        if ready := spec.get("minReadySeconds"):
            body["spec"]["minReadySeconds"] = ready
        new = self._registry.create(REPLICASETS, metadata["namespace"], body, CONTROLLER)
        created = None
        if has_deadline(deployment):
            message = f'Created new replica set "{name}"'
            created = self._progressing("True", "NewReplicaSetCreated", message)
        return self._mark(deployment, str(revision), created), new, old

    def _mark(self, deployment: Object, revision: str, progress: Object | None) -> Object:
        annotations = {**rollouts.annotations_of(deployment), REVISION: revision}
        status = deployment["status"]
        if progress is not None:
            status = {**status, "conditions": set_condition(conditions_of(deployment), progress)}
        marked = replaced(with_metadata(deployment, annotations=annotations), status=status)
        return self._write_status(marked)

    # Rolling, recreating, resizing

    def _roll(self, deployment: Object) -> None:
        deployment, new, old = self._revise(deployment, create=True)
        assert new is not None
        owned = [*old, new]
        if not self._grow(deployment, owned, new) and not self._shrink(deployment, owned, old, new):
            self._forget(deployment, old)
        self._settle(deployment, owned, new)

    def _grow(self, deployment: Object, owned: Sequence[Object], new: Object) -> bool:
        replicas = deployment["spec"]["replicas"]
        size = replicas if rollouts.wanted(new) >= replicas else rollouts.new_size(deployment, owned, new)
        return self._scale(deployment, new, size)

    def _shrink(self, deployment: Object, owned: Sequence[Object], old: Sequence[Object], new: Object) -> bool:
        old = rollouts.active(old)
        if not old:
            return False
        least = deployment["spec"]["replicas"] - rollouts.fenceposts(deployment)[1]
        unavailable = rollouts.wanted(new) - rollouts.available(new)
        most = rollouts.total_wanted(owned) - least - unavailable
        if most <= 0:
            return False
        old, cleaned = self._drop_unhealthy(deployment, old, most)
        spare = rollouts.total([*old, new], "availableReplicas") - least
        return self._drop(deployment, old, spare) + cleaned > 0

    def _drop_unhealthy(self, deployment: Object, old: Sequence[Object], most: int) -> tuple[list[Object], int]:
        """Pods of old revisions that serve nobody go first."""
        done, left = 0, []
        for rs in rollouts.by_age(old):
            count = min(most - done, rollouts.wanted(rs) - rollouts.available(rs))
            if count > 0:
                self._scale(deployment, rs, rollouts.wanted(rs) - count)
                rs = {**rs, "spec": {**rs["spec"], "replicas": rollouts.wanted(rs) - count}}  # noqa: PLW2901
                done += count
            left.append(rs)
        return left, done

    def _drop(self, deployment: Object, old: Sequence[Object], spare: int) -> int:
        done = 0
        for rs in rollouts.by_age(old):
            count = min(rollouts.wanted(rs), spare - done)
            if count > 0 and self._scale(deployment, rs, rollouts.wanted(rs) - count):
                done += count
        return done

    def _recreate(self, deployment: Object) -> None:
        deployment, new, old = self._revise(deployment, create=False)
        owned = [*old, *([new] if new else [])]
        dropped = [self._scale(deployment, rs, 0) for rs in rollouts.active(old)]
        if any(dropped) or self._old_pods_live(deployment, new):
            self._settle(deployment, owned, new)
            return
        deployment, new, old = self._revise(deployment, create=True)
        assert new is not None
        self._scale(deployment, new, deployment["spec"]["replicas"])
        self._forget(deployment, old)
        self._settle(deployment, [*old, new], new)

    def _old_pods_live(self, deployment: Object, new: Object | None) -> bool:
        uids = {rs["metadata"]["uid"] for rs in self._owned(deployment)}
        if new is not None:
            uids.discard(new["metadata"]["uid"])
        for pod in self._registry.store.all(PODS, deployment["metadata"]["namespace"]):
            owner = controller_of(pod)
            if owner and owner["uid"] in uids and not is_over(pod):
                return True
        return False

    def _was_scaled(self, deployment: Object, owned: Sequence[Object]) -> bool:
        replicas = str(deployment["spec"]["replicas"])
        desired = (rollouts.annotations_of(rs).get(rollouts.DESIRED) for rs in rollouts.active(owned))
        return any(value is not None and value != replicas for value in desired)

    def _resize(self, deployment: Object) -> None:
        """A paused Deployment, or one whose number of replicas was changed."""
        deployment, new, old = self._revise(deployment, create=False)
        owned = [*old, *([new] if new else [])]
        sizes = self._sizes(deployment, new, old)
        for rs in owned:
            size = sizes.get(rs["metadata"]["name"], rollouts.wanted(rs))
            self._scale(deployment, rs, size, annotate=rollouts.wanted(rs) > 0)
        if deployment["spec"].get("paused"):
            self._forget(deployment, old)
        self._report(deployment, counted(deployment, owned, new, self._registry.now()))

    def _sizes(self, deployment: Object, new: Object | None, old: Sequence[Object]) -> dict[str, int]:
        replicas = deployment["spec"]["replicas"]
        living = rollouts.active([*old, *([new] if new else [])])
        if len(living) <= 1:
            latest = living[0] if living else new or (rollouts.by_age(old)[-1] if old else None)
            return {latest["metadata"]["name"]: replicas} if latest else {}
        if new is not None and rollouts.wanted(new) == replicas == rollouts.available(new):
            return {rs["metadata"]["name"]: 0 for rs in rollouts.active(old)}
        return rollouts.proportions(deployment, living) if rollouts.is_rolling(deployment) else {}

    def _scale(self, deployment: Object, rs: Object, size: int, *, annotate: bool = False) -> bool:
        current = self._registry.get(REPLICASETS, rs["metadata"]["namespace"], rs["metadata"]["name"])
        resized = rollouts.wanted(current) != size
        annotations = {**rollouts.annotations_of(current), **rollouts.replica_annotations(deployment)}
        if not resized and not (annotate and annotations != rollouts.annotations_of(current)):
            return False
        spec = {**current["spec"], "replicas": size}
        self._write_rs(replaced(with_metadata(current, annotations=annotations), spec=spec))
        return resized

    def _forget(self, deployment: Object, old: Sequence[Object]) -> None:
        """Delete the oldest ReplicaSets that the history has no room for."""
        paused = deployment["spec"].get("paused")
        if not paused and not rollouts.is_complete(deployment, deployment["status"]):
            return
        limit = deployment["spec"].get("revisionHistoryLimit")
        if limit is None:
            return
        alive = [rs for rs in old if "deletionTimestamp" not in rs["metadata"]]
        for rs in sorted(alive, key=rollouts.revision_of)[: max(0, len(alive) - limit)]:
            status, metadata = rs["status"], rs["metadata"]
            observed = status.get("observedGeneration", 0) >= metadata["generation"]
            if status.get("replicas") == 0 == rollouts.wanted(rs) and observed:
                self._registry.delete(REPLICASETS, *key_of(rs))

    # Status and conditions

    def _note_pause(self, deployment: Object) -> Object:
        current = condition_of(deployment, "Progressing")
        if not has_deadline(deployment) or (current and current["reason"] == TIMED_OUT):
            return deployment
        known, paused = bool(current and current["reason"] == PAUSED), bool(deployment["spec"].get("paused"))
        if known == paused:
            return deployment
        reason = PAUSED if paused else "DeploymentResumed"
        message = "Deployment is paused" if paused else "Deployment is resumed"
        conditions = set_condition(conditions_of(deployment), self._progressing("Unknown", reason, message))
        return self._write_status(replaced(deployment, status={**deployment["status"], "conditions": conditions}))

    def _settle(self, deployment: Object, owned: Sequence[Object], new: Object | None) -> None:
        """Write the status of a rollout with how it progresses."""
        now = self._registry.now()
        status = with_progress(deployment, counted(deployment, owned, new, now), new, now)
        self._report(deployment, with_failure(status, owned, new, now))

    def _report(self, deployment: Object, status: Object) -> None:
        if status != deployment["status"]:
            self._write_status(replaced(deployment, status=status))
            return
        current = condition_of(deployment, "Progressing")
        if current is None or not has_deadline(deployment) or current["reason"] in (COMPLETE, TIMED_OUT):
            return
        if not deployment["spec"].get("paused") and not rollouts.is_complete(deployment, status):
            self._look_again(deployment, current)

    def _look_again(self, deployment: Object, current: Object) -> None:
        """Nothing will change by itself, so look again when the deadline has passed."""
        wait = max(1.0, (deadline_of(deployment, current) - self._registry.now()).total_seconds() + 1)
        namespace, name = key_of(deployment)
        if (earlier := self._deadlines.get((namespace, name))) is not None:
            earlier.cancel()
        self._deadlines[namespace, name] = self._timeline.after(wait, lambda: self.sync(namespace, name))

    def _progressing(self, status: str, reason: str, message: str) -> Object:
        return condition("Progressing", status, reason, message, self._registry.now())

    def _write_rs(self, rs: Object) -> Object:
        metadata = rs["metadata"]
        return self._registry.update(REPLICASETS, metadata["namespace"], metadata["name"], rs, CONTROLLER)

    def _write_status(self, deployment: Object) -> Object:
        metadata = deployment["metadata"]
        return self._registry.update(
            DEPLOYMENTS, metadata["namespace"], metadata["name"], deployment, CONTROLLER_STATUS
        )


def _current(deployment: Mapping[str, Any], owned: Sequence[Object]) -> Object | None:
    """The ReplicaSet that has the Deployment's template; the oldest, should there be two."""
    template = rollouts.without_hash(deployment["spec"]["template"])
    for rs in rollouts.by_age(owned):
        if rollouts.without_hash(rs["spec"]["template"]) == template:
            return rs
    return None
