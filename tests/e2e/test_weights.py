"""An HTTPRoute, a VirtualService and a canary Ingress on a real control plane, as their projects define them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.controlplane import definitions
from e2e.controlplane.behaviour import GOOD, Behaviour
from e2e.controlplane.namespace import GROUPS, JSON_PATCH, MERGE_PATCH, Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.guarding import Guarding
from e2e.one_namespace import guarded
from e2e.season import Scraped
from stage import Record, Story
from watchdog.domain.rollout import TargetKind

pytestmark = pytest.mark.timeout(300)

FAILING = Behaviour(errors=0.5)
COLOURS = ("blue", "green")
NGINX = "nginx.ingress.kubernetes.io/"
KINDS = {
    "httproutes": "HTTPRoute",
    "virtualservices": "VirtualService",
    "destinationrules": "DestinationRule",
    "ingresses": "Ingress",
}
META = {"labels": {"app.kubernetes.io/part-of": "e2e"}}


@dataclass(frozen=True)
class Route:
    """One kind of route, named as the application that it leads to."""

    kind: TargetKind
    resource: str
    first: Callable[[], list[tuple[str, dict[str, Any]]]]  # the objects, all of the traffic on blue
    steps: Callable[[int], tuple[Any, str]]  # the patch that gives green that part, and its type
    read: Callable[[dict[str, Any]], list[int]]  # the weights, blue's first


def _metadata(name: str, **notes: str) -> dict[str, Any]:
    return {**META, "name": name, "annotations": {f"{NGINX}{key}": value for key, value in notes.items()}}


def _weights(path: str) -> Callable[[int], tuple[Any, str]]:
    return lambda green: (
        [
            {"op": "replace", "path": f"{path}/{place}/weight", "value": weight}
            for place, weight in enumerate((100 - green, green))
        ],
        JSON_PATCH,
    )


def _httproute() -> list[tuple[str, dict[str, Any]]]:
    backends = [{"name": f"route-{colour}", "port": 80, "weight": 100 * (colour == "blue")} for colour in COLOURS]
    spec = {"hostnames": ["shop.example"], "rules": [{"name": "all", "backendRefs": backends}]}
    return [("httproutes", {"metadata": _metadata("route"), "spec": spec})]


def _virtualservice() -> list[tuple[str, dict[str, Any]]]:
    subsets = [{"name": colour, "labels": {"colour": colour}} for colour in COLOURS]
    route = [
        {"destination": {"host": "mesh-all", "subset": colour}, "weight": 100 * (colour == "blue")}
        for colour in COLOURS
    ]
    return [
        ("destinationrules", {"metadata": {"name": "mesh"}, "spec": {"host": "mesh-all", "subsets": subsets}}),
        ("virtualservices", {"metadata": _metadata("mesh"), "spec": {"hosts": ["mesh"], "http": [{"route": route}]}}),
    ]


def _ingress() -> list[tuple[str, dict[str, Any]]]:
    def one(name: str, colour: str, **notes: str) -> tuple[str, dict[str, Any]]:
        backend = {"service": {"name": f"canary-{colour}", "port": {"number": 80}}}
        rule = {"host": "canary.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        return "ingresses", {"metadata": _metadata(name, **notes), "spec": {"rules": [rule]}}

    return [one("canary-main", "blue"), one("canary", "green", **{"canary": "true", "canary-weight": "0"})]


def _canary(one: dict[str, Any]) -> list[int]:
    green = int(one["metadata"]["annotations"][f"{NGINX}canary-weight"])
    return [100 - green, green]


ROUTES = {
    "route": Route(
        TargetKind.HTTPROUTE,
        "httproutes",
        _httproute,
        _weights("/spec/rules/0/backendRefs"),
        lambda one: [each["weight"] for each in one["spec"]["rules"][0]["backendRefs"]],
    ),
    "mesh": Route(
        TargetKind.VIRTUALSERVICE,
        "virtualservices",
        _virtualservice,
        _weights("/spec/http/0/route"),
        lambda one: [each["weight"] for each in one["spec"]["http"][0]["route"]],
    ),
    "canary": Route(
        TargetKind.INGRESS,
        "ingresses",
        _ingress,
        lambda green: ({"metadata": {"annotations": {f"{NGINX}canary-weight": str(green)}}}, MERGE_PATCH),
        _canary,
    ),
}


@dataclass
class Scene:
    """The namespace and its watchdog."""

    home: Namespace
    guarding: Guarding

    async def furnish(self, name: str) -> None:
        for colour, behaviour in zip(COLOURS, (GOOD, FAILING), strict=True):
            labels = {"app": name, "colour": colour}
            await self.home.deploy(f"{name}-{colour}", "v1", behaviour, labels=labels)
            await self.home.create(
                "services",
                {"metadata": {"name": f"{name}-{colour}"}, "spec": {"selector": labels, "ports": [{"port": 80}]}},
            )
        everything = {"selector": {"app": name}, "ports": [{"port": 80}]}
        await self.home.create("services", {"metadata": {"name": f"{name}-all"}, "spec": everything})
        for resource, body in ROUTES[name].first():
            typed = {"apiVersion": GROUPS[resource].removeprefix("/apis/"), "kind": KINDS[resource]}
            await self.home.create(resource, {**typed, **body})

    async def weigh(self, name: str, green: int) -> None:
        body, kind = ROUTES[name].steps(green)
        await self.home.patch(ROUTES[name].resource, name, body, kind)

    async def outcome(self, name: str) -> Record:
        async def ended() -> Record | None:
            mine = [one for one in await self.guarding.records(self.home.name) if one["target"].endswith(f"/{name}")]
            return mine[0] if mine and mine[0]["outcome"] is not None else None

        return await self.home.until(ended, f"the record of {name}", within=180)


async def _a_bad_candidate_gets_nothing_again(scene: Scene, name: str) -> None:
    route = ROUTES[name]
    before = await scene.home.get(route.resource, name)
    await scene.weigh(name, 5)
    await scene.weigh(name, 25)
    record = await scene.outcome(name)
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    assert (record["kind"], record["target"]) == ("route", f"{scene.home.name}/{route.kind}/{name}")
    after = await scene.home.get(route.resource, name)
    assert route.read(after) == [100, 0]
    assert after["spec"] == before["spec"]  # to the letter: nothing but weights was written
    assert "rollback-watchdog" in {one["manager"] for one in after["metadata"]["managedFields"]}


async def test_weights_are_put_back_on_a_real_control_plane(
    control_plane: ControlPlane | ExternalCluster, scraped: Scraped, tmp_path: Path
) -> None:
    kinds = ", ".join(f'"{route.kind}"' for route in ROUTES.values())
    story = Story(
        _a_bad_candidate_gets_nothing_again,  # type: ignore[arg-type]  # told by this module, not on a stage
        (),
        ("error-rate", "crash"),
        "40s",
        more=f"kinds = [{kinds}]",
    )
    async with control_plane.admin.client() as api:
        await definitions.install(api)
    async with guarded(control_plane, scraped, tmp_path, story, [route.kind for route in ROUTES.values()]) as its:
        scene = Scene(its.home, its.guarding)
        await asyncio.gather(*(scene.furnish(name) for name in ROUTES))
        targets = {f"{route.kind}.{name}" for name, route in ROUTES.items()}
        await its.start(targets, pods=4 * len(ROUTES), requests=150)
        stories = (_a_bad_candidate_gets_nothing_again(scene, name) for name in ROUTES)
        told = await asyncio.gather(*stories, return_exceptions=True)
        failures = {name: failure for name, failure in zip(ROUTES, told, strict=True) if failure}
        assert not failures, failures
        acts = sorted(await its.guarding.acts(its.home.name))
        assert acts == sorted(f"{route.resource}/{name}" for name, route in ROUTES.items())
