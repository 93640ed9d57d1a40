"""The real stage: a namespace of a real cluster, its people and applications, and the watchdog that guards it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from e2e.controlplane.behaviour import GOOD, Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.guarding import Guarding
from stage import App, Colours, Record
from watchdog.domain.annotations import HOLD

PATIENCE = 150.0


class RealStage:
    """`Stage`, in a namespace."""

    def __init__(self, namespace: Namespace, guarding: Guarding, patience: float = PATIENCE) -> None:
        self._namespace = namespace
        self._guarding = guarding
        self._patience = patience
        self._how: dict[str, dict[str, Any]] = {}

    async def furnish(self, scene: tuple[App | Colours, ...]) -> None:
        """Everything serves when this returns."""
        for part in scene:
            if isinstance(part, App):
                if part.config:
                    await self.configmap(part.config, there=True)
                spec = part.rollout.spec() if part.rollout else {}
                how = self._how[part.name] = {"cpu": part.cpu}
                await self._namespace.deploy(part.name, "v1", part.behaviour, config=part.config, spec=spec, **how)
                continue
            for colour, version, behaviour in (("blue", "v1", GOOD), ("green", "v2", part.green)):
                labels = {"app": part.service, "colour": colour}
                name = f"{part.service}-{colour}"
                self._how[name] = {"labels": labels, "behind": part.service}
                await self._namespace.deploy(name, version, behaviour, **self._how[name])
            for service in part.services:
                await self._namespace.service(service, {"app": part.service, "colour": "blue"})

    async def is_known(self, scene: tuple[App | Colours, ...]) -> None:
        """Wait until the watchdog has seen what serves."""
        targets = set()
        for part in scene:
            if isinstance(part, App):
                targets.add(f"deployment.{part.name}")
            else:
                targets |= {f"service.{service}" for service in part.services}
        await self._guarding.knows(self._namespace.name, targets)

    # People

    async def deploy(self, name: str, version: str, behaviour: Behaviour = GOOD, *, config: str = "") -> None:
        how = self._how.get(name, {})
        await self._namespace.deploy(name, version, behaviour, config=config, wait=False, **how)

    async def rolled_out(self, name: str) -> None:
        await self._namespace.rolled_out(name)

    async def flip(self, service: str, colour: str) -> None:
        found = await self._namespace.get("services", service)
        await self._namespace.flip(service, found["spec"]["selector"] | {"colour": colour})

    async def scale(self, name: str, replicas: int) -> None:
        await self._namespace.patch("deployments", f"{name}/scale", {"spec": {"replicas": replicas}})

    async def resize(self, name: str, cpu: str) -> None:
        patch = {"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]}}
        for pod in await self._namespace.list("pods", {"app": name}):
            where = pod["metadata"]["name"]
            # A kubelet that can resize says what is in force; the stand-in says nothing of it.
            spoken = [one | {"resources": {}} for one in pod["status"]["containerStatuses"]]
            await self._namespace.patch("pods", f"{where}/status", {"status": {"containerStatuses": spoken}})
            await self._namespace.patch("pods", f"{where}/resize", patch, "application/strategic-merge-patch+json")

    async def pause(self, name: str, *, paused: bool = True) -> None:
        await self._namespace.patch("deployments", name, {"spec": {"paused": paused or None}})

    async def hold(self, target: str, reason: str) -> None:
        until = datetime.now(UTC) + timedelta(hours=1)
        text = f"until={until.isoformat()}; {reason}" if reason else None
        await self._patch(target, {"annotations": {HOLD: text}})

    async def label(self, target: str, **labels: str) -> None:
        await self._patch(target, {"labels": labels})

    async def _patch(self, target: str, metadata: dict[str, Any]) -> None:
        kind, _, name = target.partition("/")
        await self._namespace.patch(f"{kind}s", name, {"metadata": metadata})

    async def configmap(self, name: str, *, there: bool) -> None:
        if there:
            await self._namespace.create("configmaps", {"metadata": {"name": name}, "data": {"MODE": name}})
        else:
            await self._namespace.delete("configmaps", name)

    async def quota(self, pods: int | None) -> None:
        if pods is None:
            await self._namespace.delete("resourcequotas", "pods")
            return
        body = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": str(pods)}}}
        await self._namespace.create("resourcequotas", body)

        async def is_kept() -> bool:
            status = (await self._namespace.get("resourcequotas", "pods")).get("status") or {}
            return "used" in status

        await self._namespace.until(is_kept, "the quota to be counted")

    async def before_the_put_back(self, act: Callable[[], Awaitable[None]]) -> None:
        self._guarding.interception.before_the_put_back(self._namespace.name, act)

    # What came of it

    async def records(self) -> list[Record]:
        return await self._guarding.records(self._namespace.name)

    async def _of(self, target: str) -> list[Record]:
        return [record for record in await self.records() if record["target"].endswith(f"/{target}") or not target]

    async def outcome(self, target: str = "", number: int = 1) -> Record:
        async def ended() -> Record | None:
            found = await self._of(target)
            return found[number - 1] if len(found) >= number and found[number - 1]["outcome"] is not None else None

        return await self._until(ended, f"outcome {number} of {target}")

    async def phase(self, target: str, phase: str, because: str = "") -> Record:
        async def there() -> Record | None:
            found = (await self._of(target))[:1]
            return found[0] if found and found[0]["phase"] == phase and because in found[0]["reason"] else None

        return await self._until(there, f"{target} to be {phase} because of {because!r}")

    async def told(self, channel: str = "releases") -> list[str]:
        async def all_told() -> bool:
            notices = itertools.chain.from_iterable(record["notices"] for record in await self.records())
            return all(state == "sent" for notice in notices for state in notice["deliveries"].values())

        await self._until(all_told, "everything to be told")
        return await self._guarding.told(channel, self._namespace.name)

    async def acts(self, *, refused: bool = False) -> list[str]:
        return await self._guarding.acts(self._namespace.name, refused=refused)

    async def version(self, name: str) -> str:
        deployment = await self._namespace.get("deployments", name)
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]

    async def colour(self, service: str) -> str:
        return str((await self._namespace.get("services", service))["spec"]["selector"]["colour"])

    async def _until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        deadline = time.monotonic() + self._patience
        while not (found := await look()):
            assert time.monotonic() < deadline, f"still waiting for {what}; records: {await self._summaries()}"
            await asyncio.sleep(0.3)
        return found

    async def _summaries(self) -> list[str]:
        return [
            f"{one['target']} {one['candidate']}: {one['phase']} {one['recovery'] or ''} {one['reason']} "
            f"{ {name: rule['finding'] + ' ' + rule['sentence'] for name, rule in one['rules'].items()} }"
            for one in await self.records()
        ]
