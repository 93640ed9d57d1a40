"""Argo Rollouts' blue and green, as its controller (1.10) goes about it: preview, pause, promotion, abort.

Two Services' selectors carry the hash of the pods they are to reach. The active one moves, and moves back on an abort,
only while all pods of the newest ReplicaSet are available; without an analysis after it, a switch is a promotion.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object, key_of, replaced, timestamp
from watchdog.simulator.registry import Registry
from watchdog.simulator.resources import SERVICES
from watchdog.simulator.rollouts import available, wanted

HASH = "rollouts-pod-template-hash"
DELAY = 30.0  # seconds that what is left stays there, after a promotion and after an abort

_CONTROLLER = Writer("rollouts-controller")


class BlueGreen(ABC):
    """A part of the controller: a Rollout of that strategy, one step further."""

    _registry: Registry
    _leaving: dict[tuple[str, str], float]  # when a ReplicaSet is scaled down, by namespace and name

    def _turn(
        self, rollout: Object, current: Object, stable: Object | None, owned: Sequence[Object], status: Object
    ) -> None:
        """Change what there is to be changed, and note in `status` what serves."""
        strategy, namespace = rollout["spec"]["strategy"]["blueGreen"], rollout["metadata"]["namespace"]
        replicas, digest = rollout["spec"]["replicas"], status["currentPodHash"]
        if status.get("abort") and status.get("stableRS") == digest:
            status.pop("abort")  # all is promoted: there is nothing to go back to
        active = self._aimed(namespace, strategy["activeService"])
        if status.get("abort"):
            status.setdefault("abortedAt", timestamp(self._registry.now()))
        self._aim(namespace, strategy.get("previewService"), digest)
        if stable is not None:
            self._stay(stable, replicas)
        if status.get("abort") and active != digest:
            self._leave(rollout, current)
        else:
            self._stay(current, replicas)
        full = wanted(current) == replicas and available(current) >= replicas
        if full:
            to = status["stableRS"] if status.get("abort") else digest
            if status.get("abort") or not self._waits(rollout, active, status):
                self._aim(namespace, strategy["activeService"], to)
                active = to
        analysed = "postPromotionAnalysis" in strategy and not status.get("promoteFull") and stable is not None
        if active == digest and full and not status.get("abort") and not analysed:
            status["stableRS"] = digest
            status.pop("promoteFull", None)
        for rs in owned:
            if rs["metadata"]["labels"].get(HASH) not in (digest, status.get("stableRS"), active):
                self._leave(rollout, rs)
        status["blueGreen"] = {"activeSelector": active, "previewSelector": digest}

    def _waits(self, rollout: Object, active: str, status: Object) -> bool:
        """Whether a person is waited for before the switch; what served last comes back at once."""
        enabled = rollout["spec"]["strategy"]["blueGreen"].get("autoPromotionEnabled", True)
        back = status["currentPodHash"] == status.get("stableRS")
        return (
            bool(active) and active != status["currentPodHash"] and not (enabled or back or status.get("promoteFull"))
        )

    def _aimed(self, namespace: str, service: str) -> str:
        found = self._registry.get(SERVICES, namespace, service)
        return str((found["spec"].get("selector") or {}).get(HASH, ""))

    def _aim(self, namespace: str, service: str | None, digest: str) -> None:
        if service is not None and self._aimed(namespace, service) != digest:
            found = self._registry.get(SERVICES, namespace, service)
            spec = {**found["spec"], "selector": {**(found["spec"].get("selector") or {}), HASH: digest}}
            self._registry.update(SERVICES, namespace, service, replaced(found, spec=spec), _CONTROLLER)

    def _stay(self, rs: Object, size: int) -> None:
        self._leaving.pop(key_of(rs), None)
        self._scale(rs, size)

    def _leave(self, rollout: Object, rs: Object) -> None:
        """Scale it down, a while after nothing reached it any more."""
        now, key = self._registry.now().timestamp(), key_of(rs)
        if key not in self._leaving and wanted(rs):
            self._leaving[key] = now + DELAY
            self._again(rollout, DELAY)
        if self._leaving.get(key, now + 1.0) <= now:
            self._scale(rs, 0)

    @abstractmethod
    def _scale(self, rs: Object, size: int) -> None:
        """Give a ReplicaSet that size."""

    @abstractmethod
    def _again(self, rollout: Object, seconds: float) -> None:
        """Look at the Rollout once more, in a while."""


def strategy_of(rollout: Object) -> dict[str, Any]:
    """Its blue and green strategy; empty where it has another."""
    return dict(rollout["spec"]["strategy"].get("blueGreen") or {})
