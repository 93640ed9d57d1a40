"""Where requests go: each Service draws a whole stream of them, unless routes give it a part of theirs by weights."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

ROUTING: Final = ("services", "httproutes", "virtualservices", "destinationrules", "ingresses")
"""The kinds of objects that say it."""

_STRANGE = (AttributeError, TypeError, KeyError)
"""What an object raises of another shape than its kind has: a gateway takes up none."""

Object = Mapping[str, Any]
Stream = tuple[str, Mapping[str, str], float]
"""A namespace, the labels of the pods that share it, and how much of a whole stream it is."""


def streams(objects: Iterable[Object]) -> Iterator[Stream]:
    """The streams that Services and routes make together."""
    objects = list(objects)
    services = {_place(one): one for one in objects if _is_service(one)}
    routed: set[tuple[str, str]] = set()
    for namespace, name, labels, share in _parts([one for one in objects if not _is_service(one)]):
        routed.add((namespace, name))
        selector = (services.get((namespace, name), {}).get("spec") or {}).get("selector")
        if selector and share:
            yield namespace, {**selector, **labels}, share
    for place, service in services.items():
        selector = (service.get("spec") or {}).get("selector")
        if selector and place not in routed:
            yield place[0], selector, 1.0


def _is_service(one: Object) -> bool:
    return str(one.get("kind", "Service")) == "Service"


def _place(one: Object) -> tuple[str, str]:
    return str(one["metadata"].get("namespace")), str(one["metadata"]["name"])


Part = tuple[str, str, Mapping[str, str], float]
"""A Service, what the pods have beside its selector, and the part of one stream that they get."""


def _parts(objects: Iterable[Object]) -> Iterator[Part]:
    """What routes make of their streams, one each, shared equally among their rules."""
    objects = list(objects)
    subsets: dict[Any, Mapping[str, str]] = {}
    for one in objects:
        if one["kind"] == "DestinationRule":
            with suppress(*_STRANGE):
                subsets |= _subsets_of(one)
    ingresses = [one for one in objects if one["kind"] == "Ingress"]
    for one in objects:
        try:
            yield from list(_parts_of(one, subsets, ingresses))
        except _STRANGE:
            continue


def _subsets_of(one: Object) -> dict[Any, Mapping[str, str]]:
    place = _place({"metadata": {**one["metadata"], "name": one["spec"]["host"]}})
    return {(*place, each["name"]): each["labels"] for each in one["spec"].get("subsets") or []}


def _parts_of(one: Object, subsets: Mapping[Any, Mapping[str, str]], ingresses: list[Object]) -> Iterator[Part]:
    namespace = _place(one)[0]
    if one["kind"] == "HTTPRoute":
        rules = one["spec"].get("rules") or []
        for rule in rules:
            refs = rule.get("backendRefs") or []
            yield from _shared(namespace, [(each["name"], {}, each.get("weight", 1)) for each in refs], len(rules))
    elif one["kind"] == "VirtualService":
        rules = one["spec"].get("http") or []
        for rule in rules:
            ends = [(each["destination"], each.get("weight", 100)) for each in rule["route"]]
            weighed = [
                (end["host"], subsets.get((namespace, end["host"], end.get("subset")), {}), weight)
                for end, weight in ends
            ]
            yield from _shared(namespace, weighed, len(rules))
    elif one in ingresses and not _note(one, "canary"):
        yield from _of_ingress(one, ingresses)


def _shared(namespace: str, weighed: Iterable[tuple[str, Mapping[str, str], int]], rules: int) -> Iterator[Part]:
    weighed = list(weighed)
    whole = sum(weight for _, _, weight in weighed)
    for name, labels, weight in weighed:
        yield namespace, name, labels, weight / whole / rules if whole else 0.0


def _taken(canary: Object) -> float:
    """The part that a canary takes; a weight that is no number is passed over."""
    try:
        part = int(_note(canary, "canary-weight") or 0) / int(_note(canary, "canary-weight-total") or 100)
    except ValueError:
        return 0.0
    return min(1.0, max(0.0, part))


def _of_ingress(one: Object, ingresses: Iterable[Object]) -> Iterator[Part]:
    """As ingress-nginx does: a canary for the same host and path takes its part."""
    namespace, paths = _place(one)[0], _paths(one)
    canaries = [other for other in ingresses if _note(other, "canary") == "true" and _place(other)[0] == namespace]
    for at, name in paths.items():
        taken = 0.0
        for canary in canaries:
            if at in _paths(canary):
                taken = _taken(canary)
                yield namespace, _paths(canary)[at], {}, taken / len(paths)
        yield namespace, name, {}, (1.0 - taken) / len(paths)


def _note(one: Object, name: str) -> str:
    return str((one["metadata"].get("annotations") or {}).get(f"nginx.ingress.kubernetes.io/{name}", ""))


def _paths(one: Object) -> dict[tuple[str, str], str]:
    return {
        (str(rule.get("host", "")), str(path["path"])): str(path["backend"]["service"]["name"])
        for rule in one["spec"].get("rules") or []
        for path in rule["http"]["paths"]
    }
