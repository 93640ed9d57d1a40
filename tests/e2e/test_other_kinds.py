"""StatefulSets and DaemonSets on a real control plane: five releases side by side under one watchdog.

What people are told to type is typed by a real kubectl.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployment.tools import kubectl
from e2e.controlplane.behaviour import GOOD, STAND_IN_LABEL, Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.podnet import POD_PORT
from e2e.guarding import Guarding
from e2e.one_namespace import guarded
from e2e.season import ENOUGH_REQUESTS, Scraped
from stage import Record, Story
from watchdog.domain.rollout import TargetKind

pytestmark = pytest.mark.timeout(300)

FAILING = Behaviour(errors=0.5)
CRASHING = Behaviour(pod="crash-loop")
HASH = "controller-revision-hash"
KINDS = {
    "db": "statefulsets",
    "queue": "statefulsets",
    "lazy": "statefulsets",
    "agent": "daemonsets",
    "fine": "daemonsets",
}


@dataclass
class Scene:
    """The namespace, its watchdog, and kubectl as a person has it."""

    home: Namespace
    guarding: Guarding
    kubeconfig: Path

    async def furnish(self, name: str, spec: dict[str, Any] | None = None) -> None:
        size = {"replicas": 3} if KINDS[name] == "statefulsets" else {}
        labels = {"app": name}
        body = {
            "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "e2e"}},
            "spec": {
                **size,
                **(spec or {}),
                "selector": {"matchLabels": labels},
                "template": template(name, "v1", GOOD),
            },
        }
        await self.home.create(KINDS[name], body)

    async def release(self, name: str, version: str, behaviour: Behaviour) -> None:
        await self.home.patch(KINDS[name], name, {"spec": {"template": template(name, version, behaviour)}})

    async def pods(self, name: str) -> list[dict[str, Any]]:
        found = await self.home.list("pods", {"app": name})
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))

    async def versions(self, name: str) -> list[str]:
        pods = await self.pods(name)
        return [pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in pods]

    async def serves(self, name: str, *versions: str) -> None:
        async def so() -> bool:
            pods = await self.pods(name)
            ready = all(
                any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))
                for pod in pods
            )
            return ready and await self.versions(name) == list(versions)

        await self.home.until(so, f"{name} to serve {versions}", within=90)

    async def observed(self, name: str) -> None:
        """Wait until the controller makes new pods of the new template: until then it makes them of the old one."""

        async def so() -> bool:
            one = await self.home.get(KINDS[name], name)
            observed = one["status"].get("observedGeneration", 0) >= one["metadata"]["generation"]
            return bool(observed and one["status"]["updateRevision"] != one["status"]["currentRevision"])

        await self.home.until(so, f"{name}'s new template to be taken up", within=90)

    async def record(self, name: str, holds: Callable[[Record], bool], number: int = 1, within: float = 180) -> Record:
        async def found() -> Record | None:
            records = await self.guarding.records(self.home.name)
            mine = [one for one in records if one["target"].endswith(f"/{name}")]
            if len(mine) >= number and holds(mine[number - 1]):
                return mine[number - 1]
            if len(mine) >= number and mine[number - 1]["outcome"]:
                raise AssertionError(f"{name} ended: {mine[number - 1]['headline']}")  # nothing else will come
            return None

        return await self.home.until(found, f"the record of {name}", within=within)

    async def held_without_its_pod(self, name: str, pod: str) -> Record:
        """Delete a pod, so that the new revision serves.

        Again where nothing came of it in a minute: that was seen once beside the other half, and is not understood.
        """
        for last in (False, False, True):
            await self.home.delete("pods", pod)
            try:
                return await self.record(name, lambda one: one["phase"] == "holding", within=60)
            except TimeoutError as error:
                print(f"nothing came of {pod}'s deletion, the pods run {await self.versions(name)}: {error}")
                if last:
                    raise
        raise AssertionError(name)

    async def outcome(self, name: str) -> Record:
        return await self.record(name, lambda one: one["outcome"] is not None)

    async def typed(self, text: str) -> None:
        """What a sentence tells people to type, typed."""
        command = text[text.index("kubectl ") :]
        environment = {
            "PATH": f"{Path(kubectl()).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": str(Path(self.kubeconfig).parent),  # where kubectl keeps its cache
        }
        ran = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-ec", command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, (command, ran.stdout, ran.stderr)


def template(name: str, version: str, behaviour: Behaviour) -> dict[str, Any]:
    marks = {key: value for key, value in behaviour.annotations().items() if value is not None}
    container = {
        "name": "app",
        "image": f"registry.example/{name}:{version}",
        "ports": [{"name": "http", "containerPort": POD_PORT}],
    }
    return {
        "metadata": {"labels": {"app": name, **STAND_IN_LABEL}, "annotations": marks},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }


async def a_bad_statefulset_is_undone_and_its_pods_keep_their_names(scene: Scene) -> None:
    before = [pod["metadata"]["name"] for pod in await scene.pods("db")]
    (first,) = await scene.home.list("controllerrevisions", {"app": "db"})
    await scene.release("db", "v2", FAILING)
    record = await scene.outcome("db")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    await scene.serves("db", "v1", "v1", "v1")
    pods = await scene.pods("db")
    assert [pod["metadata"]["name"] for pod in pods] == before == ["db-0", "db-1", "db-2"]
    assert {pod["metadata"]["labels"][HASH] for pod in pods} == {first["metadata"]["name"]}
    # As kubectl's undo would have: the very template that the first revision keeps, and that revision taken up again.
    kept = {key: value for key, value in first["data"]["spec"]["template"].items() if key != "$patch"}
    assert (await scene.home.get("statefulsets", "db"))["spec"]["template"] == kept
    numbers = {
        one["metadata"]["name"]: one["revision"] for one in await scene.home.list("controllerrevisions", {"app": "db"})
    }
    assert numbers[first["metadata"]["name"]] == 3
    counted = record["rules"]["error-rate"]
    assert counted["value"] > 0.3, counted  # of the new pods alone: with the old ones it would have been less


async def a_bad_daemonset_is_undone(scene: Scene) -> None:
    await scene.release("agent", "v2", FAILING)
    record = await scene.outcome("agent")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    await scene.serves("agent", "v1")


async def a_good_daemonset_is_left_alone(scene: Scene) -> None:
    await scene.release("fine", "v2", GOOD)
    record = await scene.outcome("fine")
    assert record["outcome"] == "passed", record["reason"]
    await scene.serves("fine", "v2")


async def with_on_delete_the_commands_that_are_told_put_it_back(scene: Scene) -> None:
    await scene.release("lazy", "v2", FAILING)
    await scene.observed("lazy")
    held = await scene.held_without_its_pod("lazy", "lazy-1")
    refusal = held["state"]["refusal"]
    assert refusal["reason"] == "not-reached", refusal
    assert refusal["sentence"].endswith("delete pod lazy-1"), refusal
    await scene.typed(refusal["sentence"])
    await scene.serves("lazy", "v1", "v1", "v1")
    record = await scene.outcome("lazy")
    assert record["outcome"] == "superseded", record["reason"]


async def a_broken_pod_that_is_in_the_way_of_the_undo_is_named_with_the_command(scene: Scene) -> None:
    await scene.release("queue", "v2", CRASHING)
    stuck = await scene.record("queue", lambda one: bool(one["state"].get("blocked_since")))
    assert await scene.versions("queue") == ["v1", "v1", "v2"]
    told = stuck["state"]["blocked"]
    assert re.search(r"kubectl -n \S+ delete pod queue-2$", told), told

    async def is_told() -> bool:
        return "not-recovered" in await scene.guarding.told("oncall", scene.home.name)

    await scene.home.until(is_told, "people to be told that the undo is stuck", within=90)
    await scene.typed(told)
    await scene.serves("queue", "v1", "v1", "v1")
    record = await scene.outcome("queue")
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]


STORIES: tuple[Callable[[Scene], Awaitable[None]], ...] = (
    a_bad_statefulset_is_undone_and_its_pods_keep_their_names,
    a_bad_daemonset_is_undone,
    a_good_daemonset_is_left_alone,
    with_on_delete_the_commands_that_are_told_put_it_back,
    a_broken_pod_that_is_in_the_way_of_the_undo_is_named_with_the_command,
)


async def test_statefulsets_and_daemonsets_on_a_real_control_plane(
    control_plane: ControlPlane | ExternalCluster, scraped: Scraped, tmp_path: Path
) -> None:
    story = Story(
        a_bad_daemonset_is_undone,  # type: ignore[arg-type]  # told by this module, not on a stage
        (),
        ("error-rate", "crash"),
        "40s",
        more='kinds = ["statefulset", "daemonset"]',
    )
    kinds = (TargetKind.STATEFULSET, TargetKind.DAEMONSET)
    async with guarded(control_plane, scraped, tmp_path, story, kinds) as its:
        scene = Scene(its.home, its.guarding, control_plane.admin.write_kubeconfig(tmp_path / "admin"))
        on_delete = {"updateStrategy": {"type": "OnDelete"}}
        await asyncio.gather(*(scene.furnish(name, on_delete if name == "lazy" else None) for name in KINDS))
        targets = {f"{kind.removesuffix('s')}.{name}" for name, kind in KINDS.items()}
        await its.start(targets, pods=11, requests=ENOUGH_REQUESTS / 2)
        told = await asyncio.gather(*(story(scene) for story in STORIES), return_exceptions=True)
        failures = {story.__name__: failure for story, failure in zip(STORIES, told, strict=True) if failure}
        assert not failures, failures
        acts = sorted(await its.guarding.acts(its.home.name))
        assert acts == ["daemonsets/agent", "statefulsets/db", "statefulsets/queue"]
        assert await its.guarding.acts(its.home.name, refused=True) == []
