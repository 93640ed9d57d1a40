"""What the controllers of StatefulSets and DaemonSets keep of each template: ControllerRevisions."""

import json
from collections.abc import Iterable, Mapping, Sequence

from watchdog.simulator.objects import Object, controlled_by, fnv1a, key_of, owner_reference, replaced, safe_encoded
from watchdog.simulator.registry import CONTROLLER, Registry
from watchdog.simulator.resources import CONTROLLERREVISIONS
from watchdog.simulator.rollouts import annotations_of

HASH = "controller-revision-hash"


class Histories:
    """The revisions of workloads of one kind. `label` is the label of a revision that bears its hash."""

    def __init__(self, registry: Registry, label: str) -> None:
        self._registry = registry
        self._label = label

    def of(self, owner: Object) -> list[Object]:
        """The revisions of a workload, oldest number first."""
        found = self._registry.store.all(CONTROLLERREVISIONS, owner["metadata"]["namespace"])
        return sorted(
            controlled_by(owner, found), key=lambda one: (one["revision"], one["metadata"]["creationTimestamp"])
        )

    def current(self, owner: Object) -> Object:
        """The revision of the workload's template: the newest; made, or numbered anew where it is an old one again."""
        revisions, data = self.of(owner), _data(owner)
        number = max((one["revision"] for one in revisions), default=0)
        same = [one for one in revisions if one["data"] == data]
        if not same:
            return self._make(owner, data, number + 1)
        if same[-1]["revision"] == number:
            return same[-1]
        renumbered = replaced(same[-1], revision=number + 1)
        return self._registry.update(CONTROLLERREVISIONS, *key_of(renumbered), renumbered, CONTROLLER)

    def _make(self, owner: Object, data: Object, number: int) -> Object:
        metadata = owner["metadata"]
        digest = hash_of(data)
        body = {
            "metadata": {
                "name": f"{metadata['name']}-{digest}",
                "labels": {**owner["spec"]["template"]["metadata"].get("labels", {}), self._label: digest},
                "annotations": annotations_of(owner) or None,
                "ownerReferences": [owner_reference(owner)],
            },
            "data": data,
            "revision": number,
        }
        return self._registry.create(CONTROLLERREVISIONS, metadata["namespace"], body, CONTROLLER)

    def forget(self, owner: Object, used: Iterable[str]) -> None:
        """Delete the oldest revisions that no pod is on and the history has no room for."""
        kept = set(used)
        idle = [one for one in self.of(owner) if one["metadata"]["name"] not in kept]
        for one in idle[: max(0, len(idle) - owner["spec"]["revisionHistoryLimit"])]:
            self._registry.delete(CONTROLLERREVISIONS, *key_of(one))


def hash_of(data: Mapping[str, object]) -> str:
    """A revision's hash. Looks like the real one; its value differs."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    return safe_encoded(str(fnv1a(canonical)))


def _data(owner: Object) -> Object:
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    """The pod template that a revision keeps."""
    kept = revision["data"]["spec"]["template"]
    return {key: value for key, value in kept.items() if key != "$patch"}


def without_zeros(status: Mapping[str, object], kept: Sequence[str]) -> Object:
    """A status as the server writes it: most counts are left out where they are 0."""
    return {name: value for name, value in status.items() if value or name in kept}
