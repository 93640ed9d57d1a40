"""A Deployment's ReplicaSets and their revisions: which is the current one, made where there is none."""

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.simulator import rollouts
from watchdog.simulator.deployment_status import conditions_of, has_deadline, progressing, set_condition
from watchdog.simulator.objects import (
    Object,
    condition_of,
    controller_of,
    key_of,
    owner_reference,
    replaced,
    with_metadata,
)
from watchdog.simulator.registry import CONTROLLER, CONTROLLER_STATUS, Registry
from watchdog.simulator.resources import DEPLOYMENTS, REPLICASETS
from watchdog.simulator.rollouts import HASH, REVISION
from watchdog.simulator.selectors import matches


class Revisions:
    """Finds, makes and numbers them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def owned(self, deployment: Object) -> list[Object]:
        """The Deployment's ReplicaSets; those that nobody controls and it selects are adopted."""
        metadata, selector = deployment["metadata"], deployment["spec"]["selector"]
        adopts, owned = "deletionTimestamp" not in metadata, []
        for rs in self._registry.store.all(REPLICASETS, metadata["namespace"]):
            owner = controller_of(rs)
            if owner is not None and owner["uid"] == metadata["uid"]:
                owned.append(rs)
            elif owner is None and adopts and matches(selector, rs["metadata"].get("labels") or {}):
                owned.append(self.write(with_metadata(rs, ownerReferences=[owner_reference(deployment)])))
        return owned

    def revise(self, deployment: Object, *, create: bool) -> tuple[Object, Object | None, list[Object]]:
        """(the Deployment, its current ReplicaSet, the others), with the revision annotations put right."""
        owned = self.owned(deployment)
        new = current_of(deployment, owned)
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
            new = self.write(replaced(with_metadata(new, annotations=annotations), spec=spec))
            return deployment, new, old
        number = rollouts.annotations_of(new)[REVISION]
        found = None
        if has_deadline(deployment) and condition_of(deployment, "Progressing") is None:
            message = f'Found new replica set "{new["metadata"]["name"]}"'
            found = progressing("True", "FoundNewReplicaSet", message, self._registry.now())
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
            created = progressing("True", "NewReplicaSetCreated", message, self._registry.now())
        return self._mark(deployment, str(revision), created), new, old

    def _mark(self, deployment: Object, revision: str, progress: Object | None) -> Object:
        annotations = {**rollouts.annotations_of(deployment), REVISION: revision}
        status = deployment["status"]
        if progress is not None:
            status = {**status, "conditions": set_condition(conditions_of(deployment), progress)}
        marked = replaced(with_metadata(deployment, annotations=annotations), status=status)
        return self._registry.update(DEPLOYMENTS, *key_of(marked), marked, CONTROLLER_STATUS)

    def write(self, rs: Object) -> Object:
        """Put the ReplicaSet in its former state's place."""
        return self._registry.update(REPLICASETS, *key_of(rs), rs, CONTROLLER)


def current_of(deployment: Mapping[str, Any], owned: Sequence[Object]) -> Object | None:
    """The ReplicaSet that has the Deployment's template; the oldest, should there be two."""
    template = rollouts.without_hash(deployment["spec"]["template"])
    for rs in rollouts.by_age(owned):
        if rollouts.without_hash(rs["spec"]["template"]) == template:
            return rs
    return None
