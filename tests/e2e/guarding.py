"""One watchdog at work in a cluster: its process, namespace and rights, and what it wrote, recorded and told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.channels import Webhook
from e2e.controlplane.audit import AuditedWrite
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane
from e2e.controlplane.users import Rule, User
from e2e.daemon import Daemon
from e2e.interception import Interception, PassedOn
from stage import Record, rules_text
from watchdog.adapters.kubernetes.rights import BY_KIND, RIGHTS, RUNNERS, Right, Where
from watchdog.adapters.notifiers.text import REPEAT_MARK
from watchdog.domain.rollout import TargetKind
from watchdog.domain.text import cut


def rules_of(where: Where) -> list[Rule]:
    """What the table of rights asks for there, as rules of a Role."""
    return [
        {
            "apiGroups": [right.group],
            "resources": [right.full_resource],
            "verbs": [right.verb],
            **({"resourceNames": [right.name]} if right.name else {}),
        }
        for right in RIGHTS
        if right.where is where
    ]


def rules_of_kind(kind: TargetKind) -> list[Rule]:
    """What it is given beside that where targets of another kind are guarded."""
    return [_rule(right) for right in BY_KIND[kind]]


def rules_for_runners() -> list[Rule]:
    """What it is given beside that where Argo Rollouts or Flagger may roll something out."""
    return [_rule(right) for right in RUNNERS]


def _rule(right: Right) -> Rule:
    return {"apiGroups": [right.group], "resources": [right.full_resource], "verbs": [right.verb]}


# What it is given, and no more. Secrets are not in it.
IN_GUARDED_NAMESPACES: Sequence[Rule] = rules_of(Where.GUARDED)
IN_ITS_OWN: Sequence[Rule] = rules_of(Where.OWN)
WORKLOADS = ("deployments", "services", "deployments/scale", "statefulsets", "daemonsets", "rollouts/status")
ROUTES = ("httproutes", "virtualservices", "ingresses")
_TITLE = 250  # what a channel of Apprise is given of a title
_LOOK_EVERY = 0.3


@dataclass
class Guarding:
    """A watchdog and what can be known of it from outside."""

    own: Namespace
    user: User
    daemon: Daemon
    webhook: Webhook
    interception: Interception
    _records: list[Record]
    _looked: float
    _looking: asyncio.Lock

    @classmethod
    async def prepare(
        cls,
        name: str,
        own: Namespace,
        guards: dict[str, str],
        prometheus_url: str,
        webhook: Webhook,
        interception: Interception,
        directory: Path,
        *,
        intercepted: bool,
    ) -> Guarding:
        """Give it its rights and its rules; `guards` are by namespace. The daemon is not started yet."""
        user = await own.user(name, IN_ITS_OWN)
        await give_rights(user, own, guards)
        rules = directory / "rules.toml"
        rules.write_text(rules_text(*guards.values()))
        kubeconfig = user.kubeconfig
        if intercepted:
            kubeconfig = interception.kubeconfig(user.access.token, directory / "kubeconfig")
        daemon = Daemon(
            directory,
            {
                "RULES": str(rules),
                "KUBECONFIG": str(kubeconfig),
                "NAMESPACE": own.name,
                "PROMETHEUS_URL": prometheus_url,
                "LISTEN": "127.0.0.1:0",
                "SECRET_RELEASES_URL": webhook.url(f"{name}-releases"),
                "SECRET_ONCALL_URL": webhook.url(f"{name}-oncall"),
            },
        )
        return cls(own, user, daemon, webhook, interception, [], 0.0, asyncio.Lock())

    async def knows(self, namespace: str, targets: set[str]) -> None:
        """Wait until it remembers what serves these (`deployment.research`): what comes after is a switch to it."""

        async def remembered() -> bool:
            found = await self.own.list("configmaps", {"rollback-watchdog.dev/record": "targets"})
            known = {one["metadata"]["name"]: set(one.get("data") or ()) for one in found}
            return targets <= known.get(f"rollback-watchdog-targets-{namespace}", set())

        await self.own.until(remembered, f"{targets} of {namespace} to be known", within=60)

    async def records(self, namespace: str) -> list[Record]:
        """All records of a guarded namespace, oldest first; at most a moment old."""
        async with self._looking:
            if time.monotonic() - self._looked > _LOOK_EVERY:
                found = await self.own.list("configmaps", {"rollback-watchdog.dev/record": "watch"})
                self._records = [json.loads(one["data"]["record.json"]) for one in found]
                self._looked = time.monotonic()
        mine = [record for record in self._records if record["target"].startswith(f"{namespace}/")]
        return sorted(mine, key=lambda record: str(record["opened_at"]))

    async def told(self, channel: str, namespace: str) -> list[str]:
        """The topics that the channel was told of watches in the namespace; what came twice must have said so."""
        topics = {}
        for record in await self.records(namespace):
            for notice in record["notices"]:
                topics[cut(" ".join(notice["title"].split()), _TITLE)] = notice["id"].split("/")[1]
        found: list[str] = []
        seen: set[str] = set()
        for title in self.webhook.titles(f"{self._name}-{channel}"):
            plain = title.removeprefix(REPEAT_MARK)
            if plain not in topics:
                continue
            assert plain not in seen or title != plain, f"told twice without a word: {title}"
            if plain not in seen:
                found.append(topics[plain])
            seen.add(plain)
        return found

    @property
    def _name(self) -> str:
        return self.user.name.rpartition(":")[2]

    async def writes(self, user: User | None = None) -> Sequence[AuditedWrite | PassedOn]:
        """Every write of its (or another's), dry runs apart, as the API server's audit log says it.

        A cluster whose audit log cannot be read: as the requests were passed on to it.
        """
        plane = self.own.plane
        if isinstance(plane, ControlPlane):
            audited = await asyncio.to_thread(plane.audited_writes, (user or self.user).name)
            return [write for write in audited if not write.dry_run]
        return self.interception.passed_on((user or self.user).access.token)

    async def acts(self, namespace: str, *, refused: bool = False, user: User | None = None) -> list[str]:
        """Its writes to workloads there that were carried out (or refused), as `services/gateway`, in order."""
        return [
            act_of(write)
            for write in await self.writes(user)
            if write.namespace == namespace
            and write.resource in (*WORKLOADS, *ROUTES)
            and (write.code >= 300) is refused
        ]


async def give_rights(user: User, own: Namespace, guarded: dict[str, str]) -> None:
    """What a watchdog may do in the namespaces that it guards."""

    async def one(namespace: str) -> None:
        await Namespace(own.plane, own.api, namespace).allow(user, IN_GUARDED_NAMESPACES)

    await asyncio.gather(*(one(namespace) for namespace in guarded))


def act_of(write: Any) -> str:
    """`deployments/gateway-blue/scale`."""
    resource, _, subresource = write.resource.partition("/")
    return "/".join(filter(None, (resource, write.name, subresource)))
