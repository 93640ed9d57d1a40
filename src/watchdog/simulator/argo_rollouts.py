"""Argo Rollouts' controller, as far as canaries and blue and green go: steps, weights, pauses, promotion and abort.

What it writes of status, ReplicaSets and labels is what the real controller (1.10) writes.
"""

import math
from collections.abc import Sequence
from typing import Any

from watchdog.simulator.argo_blue_green import HASH, strategy_of
from watchdog.simulator.argo_routed import Routed, is_routed, weight_of
from watchdog.simulator.defaults import defaulted
from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import (
    Object,
    controlled_by,
    key_of,
    owner_reference,
    replaced,
    timestamp,
    with_metadata,
)
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import REPLICASETS, ROLLOUTS
from watchdog.simulator.rollouts import annotations_of, available, template_hash, wanted
from watchdog.simulator.timeline import Timeline

REVISION = "rollout.argoproj.io/revision"

_CONTROLLER = Writer("rollouts-controller")
_STATUS = Writer("rollouts-controller", "status")


class RolloutController(Routed):
    """Reconciles one Rollout at a time."""

    def __init__(self, registry: Registry, timeline: Timeline) -> None:
        self._registry = registry
        self._timeline = timeline
        self._leaving: dict[tuple[str, str], float] = {}
        self._paused: dict[tuple[str, str], tuple[str, int, float]] = {}  # hash, step and when the pause is over

    def sync(self, namespace: str, name: str) -> None:
        """Take one Rollout a step further, and write its status."""
        rollout = self._registry.store.get(ROLLOUTS, namespace, name)
        if rollout is None or "deletionTimestamp" in rollout["metadata"] or "template" not in rollout["spec"]:
            return  # one that takes a Deployment's template is there to be read, and does nothing here
        if not isinstance(rollout["spec"].get("replicas"), int):
            return  # a definition may let that in; the controller cannot decode it, and leaves it as it is
        owned = controlled_by(rollout, self._registry.store.all(REPLICASETS, namespace))
        current = self._current(rollout, owned)
        digest = current["metadata"]["labels"][HASH]
        status = dict(rollout["status"])
        if status.get("currentPodHash") != digest:
            # Another template begins anew: what was aborted before is none of its.
            status = {key: status[key] for key in ("stableRS", "blueGreen", "canary") if key in status}
            status |= {"currentPodHash": digest, "currentStepIndex": 0}
        stable = next((rs for rs in owned if rs["metadata"]["labels"].get(HASH) == status.get("stableRS")), None)
        if strategy_of(rollout):
            self._turn(rollout, current, stable, owned, status)
        elif stable is None or stable is current:
            self._serve_alone(rollout, current, owned)
        elif status.get("abort"):
            if is_routed(rollout):
                self._stay(stable, rollout["spec"]["replicas"])
                self._leave(rollout, current)
            else:
                self._serve_alone(rollout, stable, [*owned, current])
            status.setdefault("abortedAt", timestamp(self._registry.now()))
            status["currentStepIndex"] = 0
        else:
            status["currentStepIndex"] = self._step(rollout, current, stable, status)
        if is_routed(rollout):
            alone = stable is None or stable is current or bool(status.get("abort"))
            self._route(rollout, status, 0 if alone else self._reached(rollout, current, status))
        self._report(rollout, current, stable, status)

    def _current(self, rollout: Object, owned: Sequence[Object]) -> Object:
        """The ReplicaSet of its template, made where there is none, and numbered as the newest."""
        metadata, spec = rollout["metadata"], rollout["spec"]
        # With the server's defaults, as a ReplicaSet has it that a person goes back to.
        template = defaulted(REPLICASETS, {"spec": {"template": spec["template"]}})["spec"]["template"]
        digest = template_hash(template)
        others = [rs for rs in owned if rs["metadata"]["labels"].get(HASH) != digest]
        newest = max((int(annotations_of(rs)[REVISION]) for rs in others), default=0)
        for rs in owned:
            if rs["metadata"]["labels"].get(HASH) == digest:
                if int(annotations_of(rs)[REVISION]) > newest:
                    return rs
                notes = {**annotations_of(rs), REVISION: str(newest + 1)}
                return self._registry.update(
                    REPLICASETS, *key_of(rs), with_metadata(rs, annotations=notes), _CONTROLLER
                )
        labels = {**spec["template"]["metadata"]["labels"], HASH: digest}
        body: Object = {
            "metadata": {
                "name": f"{metadata['name']}-{digest}",
                "namespace": metadata["namespace"],
                "labels": labels,
                "annotations": {REVISION: str(newest + 1)},
                "ownerReferences": [owner_reference(rollout)],
            },
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {**spec["selector"]["matchLabels"], HASH: digest}},
                "template": {**spec["template"], "metadata": {**spec["template"]["metadata"], "labels": labels}},
            },
        }
        return self._registry.create(REPLICASETS, metadata["namespace"], body, _CONTROLLER)

    def _serve_alone(self, rollout: Object, serving: Object, owned: Sequence[Object]) -> None:
        """Others go once what is to serve can."""
        self._scale(serving, rollout["spec"]["replicas"])
        if available(serving) >= rollout["spec"]["replicas"]:
            for rs in owned:
                if rs["metadata"]["uid"] != serving["metadata"]["uid"]:
                    self._scale(rs, 0)

    def _step(self, rollout: Object, current: Object, stable: Object, status: Object) -> int:
        """Do the present step; the index of the one that is to be done."""
        steps, index = _steps(rollout), int(status.get("currentStepIndex") or 0)
        if status.get("promoteFull"):
            index = len(steps)
        replicas, weight = rollout["spec"]["replicas"], _weight(steps, index)
        canary = math.ceil(replicas * weight / 100)
        self._scale(current, canary)
        if available(current) < canary:
            return index
        self._scale(stable, replicas if is_routed(rollout) else replicas - canary)
        if index < len(steps) and self._over(rollout, steps[index], index, status["currentPodHash"]):
            self._again(rollout, 0.0)
            return index + 1
        return index

    def _reached(self, rollout: Object, current: Object, status: Object) -> int:
        """The weight of the present step, once there are the pods for it; until then what it is."""
        weight = _weight(_steps(rollout), int(status["currentStepIndex"]))
        pods = math.ceil(rollout["spec"]["replicas"] * weight / 100)
        newest = self._registry.get(REPLICASETS, *key_of(current))
        return weight if available(newest) >= pods else weight_of(status)

    def _over(self, rollout: Object, step: Object, index: int, digest: str) -> bool:
        """Whether a step is done; a pause without a duration waits for a person."""
        if "pause" not in step:
            return True
        duration = (step["pause"] or {}).get("duration")
        if duration is None:
            return False
        now, key = self._registry.now().timestamp(), key_of(rollout)
        known = self._paused.get(key)
        if known is None or known[:2] != (digest, index):
            known = self._paused[key] = (digest, index, now + float(duration))
            self._again(rollout, float(duration))
        return now >= known[2]

    def _again(self, rollout: Object, seconds: float) -> None:
        namespace, name = key_of(rollout)
        self._timeline.after(seconds, lambda: self.sync(namespace, name))

    def _scale(self, rs: Object, size: int) -> None:
        newest = self._registry.get(REPLICASETS, *key_of(rs))
        if wanted(newest) != size:
            spec = {**newest["spec"], "replicas": size}
            self._registry.update(REPLICASETS, *key_of(rs), replaced(newest, spec=spec), _CONTROLLER)

    def _report(self, rollout: Object, current: Object, stable: Object | None, status: Object) -> None:
        current = self._registry.get(REPLICASETS, *key_of(current))
        replicas, digest, steps = rollout["spec"]["replicas"], status["currentPodHash"], _steps(rollout)
        full = wanted(current) == replicas and available(current) >= replicas
        if stable is None or status["stableRS"] == digest:
            status["currentStepIndex"] = len(steps)
        if not strategy_of(rollout) and full and status["currentStepIndex"] >= len(steps) and not status.get("abort"):
            status["stableRS"] = digest
            status.pop("promoteFull", None)
        done = status.get("stableRS") == digest and full
        waits = bool(strategy_of(rollout)) and full and self._waits(rollout, _active(status), status)
        status["observedGeneration"] = str(rollout["metadata"]["generation"])
        paused = waits or (status["currentStepIndex"] < len(steps) and "pause" in steps[status["currentStepIndex"]])
        status["phase"] = (
            "Degraded" if status.get("abort") else "Healthy" if done else "Paused" if paused else "Progressing"
        )
        if status != rollout["status"]:
            newest = self._registry.get(ROLLOUTS, *key_of(rollout))
            self._registry.update(ROLLOUTS, *key_of(rollout), replaced(newest, status=status), _STATUS)


def _active(status: Object) -> str:
    return str((status.get("blueGreen") or {}).get("activeSelector", ""))


def _steps(rollout: Object) -> list[Any]:
    return list((rollout["spec"]["strategy"].get("canary") or {}).get("steps") or ())


def _weight(steps: Sequence[Any], index: int) -> int:
    """That of the last step that sets one; after all steps, everything."""
    if index >= len(steps):
        return 100
    return next((int(step["setWeight"]) for step in reversed(steps[: index + 1]) if "setWeight" in step), 0)
