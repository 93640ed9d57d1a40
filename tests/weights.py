"""A release by weights in a town: one application in two colours, and a route that shares its traffic among them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from town import NAMESPACE, PART_OF, RULES, Town
from watchdog.domain.rollout import Target
from watchdog.simulator.traffic import Course

COLOURS = ("blue", "green")


@dataclass(frozen=True)
class Weights:
    """How one kind of route is made, reweighed and read, by the parts of blue and green out of 100."""

    kind: str
    resource: str
    body: Callable[[int, int], Mapping[str, Any]]
    steps: Callable[[int, int], Any]
    read: Callable[[Mapping[str, Any]], tuple[int, int]]
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # objects that are made first, by resource
    own_services: bool = True  # of the colours

    @property
    def target(self) -> str:
        return f"{NAMESPACE}/{self.kind}/gateway"

    @property
    def proper(self) -> str:
        return Target.parse(self.target).kind.proper

    @property
    def path(self) -> str:
        return f"{self.resource}/gateway"

    @property
    def rules(self) -> str:
        kinds = f'kinds = ["deployment", "service", "{self.kind}"]'
        selector = 'selector   = "app.kubernetes.io/part-of=plasma-engine"'
        return RULES.replace(selector, f"{selector}\n{kinds}")

    def furnish(self, town: Town) -> None:
        """Blue has all of the traffic, and had it for an hour; green stands beside it. `research` is a peer."""
        town.furnish("research")
        for colour, tag in zip(COLOURS, ("v1", "v2"), strict=True):
            labels = {"app": "gateway", "colour": colour}
            name = f"gateway-{colour}"
            town.cluster.deploy(NAMESPACE, name, f"gateway:{tag}", replicas=2, labels=PART_OF, pod_labels=labels)
            if self.own_services:
                town.cluster.service(NAMESPACE, name, labels)
        for resource, body in self.more.items():
            town.cluster.create(resource, NAMESPACE, body)
        town.cluster.create(self.resource, NAMESPACE, self.body(100, 0))

    def weigh(self, town: Town, green: int, manager: str = "kubectl") -> None:
        """Someone gives green that part."""
        town.cluster.patch(self.resource, NAMESPACE, "gateway", self.steps(100 - green, green), manager)

    def of(self, town: Town) -> tuple[int, int]:
        """The parts of blue and green now."""
        return self.read(town.cluster.get(self.resource, NAMESPACE, "gateway"))


def _metadata() -> dict[str, Any]:
    return {"name": "gateway", "labels": dict(PART_OF)}


def _httproute(blue: int, green: int) -> Mapping[str, Any]:
    backends = [
        {"name": f"gateway-{colour}", "port": 80, "weight": weight}
        for colour, weight in zip(COLOURS, (blue, green), strict=True)
    ]
    return {"metadata": _metadata(), "spec": {"rules": [{"backendRefs": backends}]}}


HTTPROUTE = Weights(
    "httproute",
    "httproutes",
    _httproute,
    lambda blue, green: [
        {"op": "replace", "path": f"/spec/rules/0/backendRefs/{place}/weight", "value": weight}
        for place, weight in enumerate((blue, green))
    ],
    lambda one: tuple(backend["weight"] for backend in one["spec"]["rules"][0]["backendRefs"]),  # type: ignore[arg-type,return-value]
)


def _virtualservice(blue: int, green: int) -> Mapping[str, Any]:
    route = [
        {"destination": {"host": "gateway", "subset": colour}, "weight": weight}
        for colour, weight in zip(COLOURS, (blue, green), strict=True)
    ]
    return {"metadata": _metadata(), "spec": {"hosts": ["gateway"], "http": [{"route": route}]}}


_SUBSETS = [{"name": colour, "labels": {"colour": colour}} for colour in COLOURS]
_PORTS = [{"name": "http", "port": 80, "targetPort": "http"}]
VIRTUALSERVICE = Weights(
    "virtualservice",
    "virtualservices",
    _virtualservice,
    lambda blue, green: [
        {"op": "replace", "path": f"/spec/http/0/route/{place}/weight", "value": weight}
        for place, weight in enumerate((blue, green))
    ],
    lambda one: tuple(each["weight"] for each in one["spec"]["http"][0]["route"]),  # type: ignore[arg-type,return-value]
    {
        "services": {"metadata": {"name": "gateway"}, "spec": {"selector": {"app": "gateway"}, "ports": _PORTS}},
        "destinationrules": {"metadata": {"name": "gateway"}, "spec": {"host": "gateway", "subsets": _SUBSETS}},
    },
    own_services=False,
)

_NGINX = "nginx.ingress.kubernetes.io/"


def _ingress(name: str, service: str, **notes: str) -> dict[str, Any]:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    annotations = {f"{_NGINX}{key}": value for key, value in notes.items()}
    metadata = {**_metadata(), "name": name, "annotations": annotations}
    return {"metadata": metadata, "spec": {"rules": [{"host": "shop.example", "http": {"paths": [path]}}]}}


def _parts(one: Mapping[str, Any]) -> tuple[int, int]:
    green = int(one["metadata"]["annotations"][f"{_NGINX}canary-weight"])
    return 100 - green, green


INGRESS = Weights(
    "ingress",
    "ingresses",
    lambda _, green: _ingress("gateway", "gateway-green", **{"canary": "true", "canary-weight": str(green)}),
    lambda _, green: {"metadata": {"annotations": {f"{_NGINX}canary-weight": str(green)}}},
    _parts,
    {"ingresses": _ingress("gateway-main", "gateway-blue")},
)
KINDS = (HTTPROUTE, VIRTUALSERVICE, INGRESS)

BAD = Course.constant(0.3)
kinds = pytest.mark.parametrize("route", KINDS, ids=lambda route: str(route.kind))
