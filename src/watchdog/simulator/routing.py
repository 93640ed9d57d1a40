"""Where requests go: each Service draws a whole stream of them, unless routes give it a part of theirs by weights."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

ROUTING: Final = ("services", "httproutes")
"""The kinds of objects that say it."""

Object = Mapping[str, Any]
Stream = tuple[str, Mapping[str, str], float]
"""A namespace, the labels of the pods that share it, and how much of a whole stream it is."""


def streams(objects: Iterable[Object]) -> Iterator[Stream]:
    """The streams that Services and routes make together."""
    objects = list(objects)
    services = {_place(one): one for one in objects if _is_service(one)}
    routed: set[tuple[str, str]] = set()
    for one in objects:
        if _is_service(one):
            continue
        for name, labels, share in _parts(one):
            place = (_place(one)[0], name)
            routed.add(place)
            selector = (services.get(place, {}).get("spec") or {}).get("selector")
            if selector and share:
                yield place[0], {**selector, **labels}, share
    for place, service in services.items():
        selector = (service.get("spec") or {}).get("selector")
        if selector and place not in routed:
            yield place[0], selector, 1.0


def _is_service(one: Object) -> bool:
    return str(one.get("kind", "Service")) == "Service"


def _place(one: Object) -> tuple[str, str]:
    return str(one["metadata"].get("namespace")), str(one["metadata"]["name"])


def _parts(route: Object) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """The Services of a route, what their pods have beside, and the part of one stream that each gets of each rule."""
    rules = (route.get("spec") or {}).get("rules") or []
    for rule in rules:
        backends = rule.get("backendRefs") or []
        whole = sum(one.get("weight", 1) for one in backends)
        for one in backends:
            yield one["name"], {}, one.get("weight", 1) / whole / len(rules) if whole else 0.0
