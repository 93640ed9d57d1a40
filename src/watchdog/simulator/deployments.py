"""The deployment controller: new templates become ReplicaSets, and those are rolled over one another."""

from collections.abc import Sequence

from watchdog.simulator import rollouts
from watchdog.simulator.deployment_status import (
    COMPLETE,
    PAUSED,
    TIMED_OUT,
    conditions_of,
    counted,
    deadline_of,
    has_deadline,
    progressing,
    set_condition,
    with_failure,
    with_progress,
)
from watchdog.simulator.objects import Object, condition_of, controller_of, key_of, replaced, with_metadata
from watchdog.simulator.pods import is_over
from watchdog.simulator.registry import CONTROLLER_STATUS, Registry
from watchdog.simulator.resources import DEPLOYMENTS, PODS, REPLICASETS
from watchdog.simulator.revisions import Revisions, current_of
from watchdog.simulator.timeline import Timeline, Timer


class DeploymentController:
    """Reconciles one Deployment at a time."""

    def __init__(self, registry: Registry, timeline: Timeline) -> None:
        self._registry = registry
        self._timeline = timeline
        self._revisions = Revisions(registry)
        self._deadlines: dict[tuple[str, str], Timer] = {}

    def sync(self, namespace: str, name: str) -> None:
        """Bring one Deployment a step nearer to its spec, and its status up to date."""
        deployment = self._registry.store.get(DEPLOYMENTS, namespace, name)
        if deployment is None:
            return
        owned = self._revisions.owned(deployment)
        if "deletionTimestamp" in deployment["metadata"]:
            new = current_of(deployment, owned)
            self._report(deployment, counted(deployment, owned, new, self._registry.now()))
            return
        deployment = self._note_pause(deployment)
        if deployment["spec"].get("paused") or self._was_scaled(deployment, owned):
            self._resize(deployment)
        elif rollouts.is_rolling(deployment):
            self._roll(deployment)
        else:
            self._recreate(deployment)

    # Rolling, recreating, resizing

    def _roll(self, deployment: Object) -> None:
        deployment, new, old = self._revisions.revise(deployment, create=True)
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
        deployment, new, old = self._revisions.revise(deployment, create=False)
        owned = [*old, *([new] if new else [])]
        dropped = [self._scale(deployment, rs, 0) for rs in rollouts.active(old)]
        if any(dropped) or self._old_pods_live(deployment, new):
            self._settle(deployment, owned, new)
            return
        deployment, new, old = self._revisions.revise(deployment, create=True)
        assert new is not None
        self._scale(deployment, new, deployment["spec"]["replicas"])
        self._forget(deployment, old)
        self._settle(deployment, [*old, new], new)

    def _old_pods_live(self, deployment: Object, new: Object | None) -> bool:
        uids = {rs["metadata"]["uid"] for rs in self._revisions.owned(deployment)}
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
        deployment, new, old = self._revisions.revise(deployment, create=False)
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
        self._revisions.write(replaced(with_metadata(current, annotations=annotations), spec=spec))
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
        said = progressing("Unknown", reason, message, self._registry.now())
        conditions = set_condition(conditions_of(deployment), said)
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

    def _write_status(self, deployment: Object) -> Object:
        return self._registry.update(DEPLOYMENTS, *key_of(deployment), deployment, CONTROLLER_STATUS)
