"""Gateway API's HTTPRoute: the weights of the backends of its rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.adapters.kubernetes.backends import Reference, named, reweighed
from watchdog.adapters.kubernetes.weighted import Weighted
from watchdog.domain.rollout import TargetKind

Json = dict[str, Any]


class HTTPRouteProvider(Weighted):
    """The traffic provider of HTTPRoutes."""

    carries = TargetKind.HTTPROUTE

    def _references(self, one: Json) -> Sequence[Reference]:
        found: list[Reference] = []
        for place, rule in enumerate(one["spec"].get("rules") or []):
            taken: list[str] = []
            for backend in rule.get("backendRefs") or []:
                port = f":{backend['port']}" if "port" in backend else ""
                taken.append(named(rule.get("name") or place, f"{backend['name']}{port}", taken))
                weight = backend.get("weight")
                service = backend["name"] if _is_service_beside(backend, one) else ""
                found.append(Reference(taken[-1], 1 if weight is None else int(weight), service))
        return found

    def _reweigh(self, live: Json, weights: Mapping[str, int]) -> list[Json]:
        return reweighed(live["spec"].get("rules") or [], "backendRefs", "/spec/rules", self._references(live), weights)


def _is_service_beside(backend: Json, one: Json) -> bool:
    """Whether it is a Service of the route's own namespace."""
    elsewhere = backend.get("namespace") not in (None, one["metadata"]["namespace"])
    return not elsewhere and backend.get("kind", "Service") == "Service" and not backend.get("group")
