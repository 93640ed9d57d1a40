"""The cluster of the bench on a real control plane: kube-apiserver, its controllers, etcd, kwok's pods.

python -m benchmarks.scale.plane_world TARGETS POD_PORT KUBECONFIG GUARD
To be run within tests/e2e/controlplane/in_netns.sh, so that the pods' addresses are this machine's.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

from benchmarks.scale.audits import POLICY, Audits
from benchmarks.scale.lines import answering
from benchmarks.scale.plan import OWN, UNTOUCHED, name_of, namespace_of, namespaces
from benchmarks.scale.rivals.guarded import Guarded, Seen, guarded_by
from benchmarks.scale.world import is_up, told
from e2e.controlplane.build import ensure
from e2e.controlplane.plane import ControlPlane

_AT_ONCE = 8
_WITHIN = 900.0
_MERGE = {"Content-Type": "application/merge-patch+json"}


class PlaneWorld:
    """What the bench asks of the cluster."""

    def __init__(self, plane: ControlPlane, api: httpx.AsyncClient, targets: int, guarded: Guarded) -> None:
        self._plane = plane
        self._api = api
        self._targets = targets
        self._guarded = guarded
        self._audits = Audits(plane.audit_log)
        self._releasing: asyncio.Task[float] | None = None

    async def answer(self, request: Mapping[str, Any]) -> Any:
        """One request of the bench."""
        match request["what"]:
            case "install":
                return await self._install(request["prometheus"], request["interval"])
            case "initialised":
                return await self._counted(self._guarded.initialised)
            case "analysing":
                return await self._counted(self._guarded.analysing)
            case "release":
                self._releasing = asyncio.create_task(self._release(request["within"]))
                return None
            case "released":
                assert self._releasing is not None
                return self._releasing.result() if self._releasing.done() else None
            case "pods":
                return [told(pod) for pod in await self._list("/api/v1/pods") if is_up(pod)]
            case "patches":
                return self._audits.patches
            case "writes":
                return self._audits.writes
            case "requests":
                return self._audits.requests
            case "pids":
                return {child.name: child.pids[-1] for child in self._plane.children}
        raise ValueError(request)

    async def furnish(self) -> None:
        """Namespaces in which pods can run."""
        names = [OWN, *(namespace_of(number, self._targets) for number in range(namespaces(self._targets)))]
        for name in names:
            (await self._api.post("/api/v1/namespaces", json={"metadata": {"name": name}})).raise_for_status()
        for name in names:
            account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
            await _until(lambda path=account: self._is_there(path), account)  # type: ignore[misc]

    async def _is_there(self, path: str) -> bool:
        return (await self._api.get(path)).is_success

    async def _install(self, prometheus: str, interval: float) -> None:
        """What the guard needs, and all targets in their first version, rolled out."""
        for body in self._guarded.before(prometheus, interval):
            await self._create("", body)
            if body["kind"] == "CustomResourceDefinition":
                await _until(lambda made=body: self._is_served(made), body["metadata"]["name"])  # type: ignore[misc]
        numbers = range(self._targets + UNTOUCHED)

        async def make(number: int) -> None:
            for body in self._guarded.target(name_of(number), interval):
                await self._create(namespace_of(number, self._targets), body)

        await _few_at_once(make(number) for number in numbers)

    async def _is_served(self, definition: Mapping[str, Any]) -> bool:
        spec = definition["spec"]
        version = next(one["name"] for one in spec["versions"] if one["served"])
        return await self._is_there(f"/apis/{spec['group']}/{version}/{spec['names']['plural']}")

    async def _create(self, namespace: str, body: Mapping[str, Any]) -> None:
        version = body["apiVersion"]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural = {"Canary": "canaries"}.get(body["kind"], f"{body['kind'].lower()}s")
        namespace = namespace or body["metadata"].get("namespace", "")
        where = f"/namespaces/{namespace}" if namespace else ""
        answer = await self._api.post(f"{base}{where}/{plural}", json=body)
        if answer.is_error:
            raise RuntimeError(f"{body['kind']} {body['metadata']['name']}: {answer.text}")

    async def _list(self, path: str) -> list[Any]:
        items: list[Any] = (await self._api.get(path)).raise_for_status().json()["items"]
        return items

    async def _counted(self, seen: Seen) -> int:
        """Of how many of the targets that holds; those that will not be released are left out."""
        path, holds = seen
        mine = {name_of(number) for number in range(self._targets)}
        return sum(holds(one) for one in await self._list(path) if _target_of(one) in mine)

    async def _release(self, within: float) -> float:
        """A new image for every target, evenly spread; returns when all are in their analysis, with the seconds it took."""
        began = time.monotonic()
        patch = {"spec": {"template": {"spec": {"containers": [{**self._guarded.container, "image": "app:v2"}]}}}}

        async def release(number: int) -> None:
            await asyncio.sleep(max(0.0, began + within * number / self._targets - time.monotonic()))
            path = self._guarded.path(namespace_of(number, self._targets), name_of(number))
            (await self._api.patch(path, json=patch, headers=_MERGE)).raise_for_status()

        await _few_at_once(release(number) for number in range(self._targets))

        async def all_analysing() -> bool:
            return await self._counted(self._guarded.analysing) >= self._targets

        await _until(all_analysing, "all releases", every=2.0)
        return time.monotonic() - began


def _target_of(found: Mapping[str, Any]) -> str:
    """The target that an object is about: its own name, or its owner's."""
    owners = found["metadata"].get("ownerReferences") or ()
    return str(next((one["name"] for one in owners if one["kind"] == "Rollout"), found["metadata"]["name"]))


async def _few_at_once(deeds: Iterable[Awaitable[None]]) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(deed: Awaitable[None]) -> None:
        async with turns:
            await deed

    async with asyncio.TaskGroup() as scope:
        for deed in deeds:
            scope.create_task(one(deed))


async def _until(holds: Callable[[], Awaitable[bool]], what: str, every: float = 0.2) -> None:
    until = time.monotonic() + _WITHIN
    while not await holds():
        if time.monotonic() > until:
            raise TimeoutError(f"after {_WITHIN:.0f} s still waiting for {what}")
        await asyncio.sleep(every)


async def main() -> None:
    """Serve until standard input ends."""
    targets, port, kubeconfig = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    directory = kubeconfig.parent / "plane"
    directory.mkdir()
    with ControlPlane(ensure(), directory, POLICY) as plane:
        plane.admin.write_kubeconfig(kubeconfig)
        async with plane.admin.client() as api:
            world = PlaneWorld(plane, api, targets, guarded_by(sys.argv[4], port))
            await world.furnish()
            await answering(world.answer)


if __name__ == "__main__":
    asyncio.run(main())
