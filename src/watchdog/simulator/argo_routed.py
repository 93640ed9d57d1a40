"""Argo Rollouts' canaries by weights, as its controller (1.10) goes about them with a VirtualService of Istio.

Stable keeps all its pods meanwhile. Two Services carry the hash of the pods that they are to reach, and the route has
one destination for each. An abort takes the canary's weight away at once, and its pods a while later.
"""

import copy
from typing import Any

from watchdog.simulator.argo_blue_green import BlueGreen
from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object, replaced
from watchdog.simulator.resources import VIRTUALSERVICES

_CONTROLLER = Writer("rollouts-controller")


class Routed(BlueGreen):
    """A part of the controller: what of a Rollout's traffic its canary gets."""

    def _route(self, rollout: Object, status: Object, weight: int) -> None:
        """Write the weight into the route, aim both Services, and note it in `status`."""
        strategy, namespace = rollout["spec"]["strategy"]["canary"], rollout["metadata"]["namespace"]
        digest, stable = status["currentPodHash"], str(status.get("stableRS") or status["currentPodHash"])
        self._aim(namespace, strategy["stableService"], stable)
        self._aim(namespace, strategy["canaryService"], digest)
        weights = {strategy["stableService"]: 100 - weight, strategy["canaryService"]: weight}
        name = strategy["trafficRouting"]["istio"]["virtualService"]["name"]
        found = self._registry.get(VIRTUALSERVICES, namespace, name)
        spec = copy.deepcopy(found["spec"])
        for rule in spec["http"]:
            for each in rule["route"]:
                each["weight"] = weights[each["destination"]["host"]]
        if spec != found["spec"]:
            self._registry.update(VIRTUALSERVICES, namespace, name, replaced(found, spec=spec), _CONTROLLER)
        status["canary"] = {
            "weights": {
                "canary": {"weight": weight, "podTemplateHash": digest, "serviceName": strategy["canaryService"]},
                "stable": {"weight": 100 - weight, "podTemplateHash": stable, "serviceName": strategy["stableService"]},
            }
        }


def is_routed(rollout: Object) -> bool:
    """Whether its canary gets its part by weights, not by the number of its pods."""
    return bool((rollout["spec"]["strategy"].get("canary") or {}).get("trafficRouting"))


def weight_of(status: dict[str, Any]) -> int:
    """What its canary gets now."""
    weights = (status.get("canary") or {}).get("weights") or {}
    return int((weights.get("canary") or {}).get("weight") or 0)
