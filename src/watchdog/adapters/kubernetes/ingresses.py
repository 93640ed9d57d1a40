"""ingress-nginx's canary: an Ingress beside another for the same hosts and paths, that says which part of it it takes.

The target is the canary Ingress, and the weight that rises is its annotation. What only a header or a cookie brings
there has no weight, and is no switch. A canary that is switched off (`canary: "false"`) has a weight of nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.acting import annotate
from watchdog.adapters.kubernetes.backends import Reference, named
from watchdog.adapters.kubernetes.kinds import INGRESSES
from watchdog.adapters.kubernetes.news import Place
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.adapters.kubernetes.weighted import Weighted
from watchdog.domain.rollout import TargetKind
from watchdog.domain.text import in_words

Json = dict[str, Any]

_NGINX = "nginx.ingress.kubernetes.io/"
CANARY, WEIGHT, TOTAL = f"{_NGINX}canary", f"{_NGINX}canary-weight", f"{_NGINX}canary-weight-total"
_BY_REQUEST = tuple(f"{_NGINX}canary-by-{what}" for what in ("header", "cookie"))
_PRIMARY = "primary"
_LONGEST = 20  # characters of a weight that are shown
_BESIDE = "beside"  # the Ingresses of the namespace, by name, where no cache has them


class IngressProvider(Weighted):
    """The traffic provider of canary Ingresses."""

    carries = TargetKind.INGRESS

    def unweighed(self, one: Json) -> str:
        if CANARY not in workloads.annotations(one):
            return f"it is no canary (it lacks the annotation {CANARY})"
        return super().unweighed(one)

    def beside_weights(self, one: Json) -> str:
        found = [name for name in _BY_REQUEST if workloads.annotations(one).get(name)]
        if not found or WEIGHT in workloads.annotations(one) or not _is_canary(one):
            return ""
        return f"requests reach it by {in_words(name.removeprefix(_NGINX) for name in found)} alone"

    def odd_weights(self, one: Json) -> str:
        text, total = workloads.annotations(one).get(WEIGHT, "").strip(), self._whole(one)
        if not text or not _is_canary(one):
            return ""
        name = WEIGHT.removeprefix(_NGINX)
        if not text.removeprefix("-").removeprefix("+").isdecimal():
            return f'its {name} "{text[:_LONGEST]}" is no whole number from 0 to {total}, so it counts as 0'
        if 0 <= int(text) <= total:
            return ""
        counts = "0, no request" if int(text) < 0 else f"{total}, all requests"
        return f"its {name} {text[:_LONGEST]} lies outside of 0 to {total}, so it counts as {counts}"

    def _places(self, changed: Mapping[TargetKind, set[Place]]) -> set[Place]:
        # What stands beside a canary is another Ingress.
        touched = {namespace for namespace, _ in changed.get(self.carries, ())}
        canaries = {(namespace, name) for namespace in touched for name in self._names(namespace)}
        return canaries | super()._places(changed)

    async def _route(self, namespace: str, name: str) -> Json | None:
        one = await super()._route(namespace, name)
        if one is None or self._cache.is_synced(namespace, self.carries):
            return one
        listed = await self._client.list(INGRESSES, namespace)
        return {**one, _BESIDE: {other["metadata"]["name"]: TRIMS[INGRESSES](other) for other in listed}}

    def _references(self, one: Json) -> Sequence[Reference]:
        weight, total = _number(one, WEIGHT, 0), max(1, _number(one, TOTAL, 100))
        weight = min(weight, total) if _is_canary(one) else 0
        namespace, own = one["metadata"]["namespace"], one["metadata"]["name"]
        there = one.get(_BESIDE) or self._cache.all(INGRESSES, namespace)
        beside = [other for name, other in there.items() if name != own and not _is_canary(other)]
        found: list[Reference] = []
        for place, (host, path, service, port) in enumerate(_paths(one)):
            primary = (its for other in beside for at, under, its, _ in _paths(other) if (at, under) == (host, path))
            found.append(Reference(f"{place}/{_PRIMARY}", total - weight, next(primary, "")))
            found.append(Reference(named(place, f"{service}:{port}", ()), weight, service))
        return found

    def _whole(self, one: Json) -> int:
        return max(1, _number(one, TOTAL, 100))

    def _reweigh(self, live: Json, weights: Mapping[str, int]) -> list[Json]:
        wanted = {weight for at, weight in weights.items() if not at.endswith(f"/{_PRIMARY}")}
        return annotate(live, {WEIGHT: str(min(wanted, default=0))})


def _is_canary(one: Json) -> bool:
    return workloads.annotations(one).get(CANARY) == "true"


def _number(one: Json, annotation: str, otherwise: int) -> int:
    text = workloads.annotations(one).get(annotation, "")
    return int(text) if text.isdecimal() else otherwise


def _paths(one: Json) -> Iterator[tuple[str, str, str, str]]:
    """Host, path, Service and port of each place that an Ingress sends requests to."""
    spec = one["spec"]
    if spec.get("defaultBackend"):
        yield "", "", *_backend(spec["defaultBackend"])
    for rule in spec.get("rules") or []:
        for each in (rule.get("http") or {}).get("paths") or []:
            yield str(rule.get("host", "")), str(each.get("path", "/")), *_backend(each.get("backend") or {})


def _backend(backend: Json) -> tuple[str, str]:
    service = backend.get("service") or {}
    port = service.get("port") or {}
    return str(service.get("name", "")), str(port.get("name") or port.get("number") or "")
