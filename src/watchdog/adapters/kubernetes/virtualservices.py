"""Istio's VirtualService: the weights of its HTTP routes, to Services or to the subsets of a DestinationRule."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from watchdog.adapters.kubernetes.backends import Reference, named, reweighed
from watchdog.adapters.kubernetes.kinds import DESTINATIONRULES
from watchdog.adapters.kubernetes.weighted import Weighted
from watchdog.domain.rollout import TargetKind

Json = dict[str, Any]

_ALL = 100  # what the only destination of a route gets that says nothing


class VirtualServiceProvider(Weighted):
    """The traffic provider of VirtualServices. RBAC: list and watch of destinationrules as well."""

    carries = TargetKind.VIRTUALSERVICE
    beside = DESTINATIONRULES

    def _references(self, one: Json) -> Sequence[Reference]:
        namespace = one["metadata"]["namespace"]
        found: list[Reference] = []
        for place, rule in enumerate(one["spec"].get("http") or []):
            taken: list[str] = []
            destinations = rule.get("route") or []
            for each in destinations:
                to = each.get("destination") or {}
                subset, port = str(to.get("subset") or ""), (to.get("port") or {}).get("number")
                name = f"{to.get('host', '')}{f'({subset})' if subset else ''}{f':{port}' if port else ''}"
                taken.append(named(rule.get("name") or place, name, taken))
                weight = each.get("weight", _ALL if len(destinations) == 1 else 0)
                found.append(Reference(taken[-1], int(weight), _service(to.get("host"), namespace), subset))
        return found

    def _selector(self, ref: Reference, of_service: Mapping[str, str], beside: Iterable[Json]) -> Mapping[str, str]:
        if not ref.subset or not of_service:
            return of_service
        for rule in beside:
            if _service(rule["spec"].get("host"), rule["metadata"]["namespace"]) == ref.service:
                for subset in rule["spec"].get("subsets") or []:
                    if subset.get("name") == ref.subset:
                        return {**of_service, **(subset.get("labels") or {})}
        return {}

    def _reweigh(self, live: Json, weights: Mapping[str, int]) -> list[Json]:
        return reweighed(live["spec"].get("http") or [], "route", "/spec/http", self._references(live), weights)


def _service(host: object, namespace: str) -> str:
    """The Service of this namespace that a host names, short or in full; "" for any other host."""
    name, _, rest = str(host or "").partition(".")
    return name if rest in ("", namespace, f"{namespace}.svc", f"{namespace}.svc.cluster.local") else ""
