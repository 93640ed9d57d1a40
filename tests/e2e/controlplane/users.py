"""Users of the cluster with no more rights than they are given: ServiceAccounts with a token of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from e2e.controlplane.access import Access

Rule = dict[str, list[str]]
"""One rule of a Role, as RBAC spells it: apiGroups, resources, verbs, perhaps resourceNames."""


@dataclass(frozen=True)
class User:
    name: str  # as the audit log has it: system:serviceaccount:NAMESPACE:NAME
    access: Access
    kubeconfig: Path

    @property
    def account(self) -> dict[str, str]:
        """As the subject of a binding."""
        _, _, namespace, name = self.name.split(":")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


async def make_user(api: httpx.AsyncClient, admin: Access, directory: Path, namespace: str, name: str) -> User:
    """A ServiceAccount and a token of it, valid for a day. It may do nothing until `allow` says so."""
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    (await api.post(accounts, json={"metadata": {"name": name}})).raise_for_status()
    answer = await api.post(f"{accounts}/{name}/token", json={"spec": {"expirationSeconds": 86400}})
    access = admin.with_token(answer.raise_for_status().json()["status"]["token"])
    kubeconfig = access.write_kubeconfig(directory / f"{namespace}-{name}.kubeconfig", namespace)
    return User(f"system:serviceaccount:{namespace}:{name}", access, kubeconfig)


async def allow(api: httpx.AsyncClient, user: User, rules: Sequence[Rule], namespace: str | None) -> None:
    """Binds the user to a new Role of these rules (namespace None: a ClusterRole). Returns when it holds."""
    kind = "Role" if namespace is not None else "ClusterRole"
    base = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{namespace}" if namespace is not None else "")
    account = user.account
    metadata = {"generateName": f"{account['namespace']}-{account['name']}-"}
    role = await api.post(f"{base}/{kind.lower()}s", json={"metadata": metadata, "rules": list(rules)})
    binding = {
        "metadata": metadata,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": kind,
            "name": role.raise_for_status().json()["metadata"]["name"],
        },
        "subjects": [account],
    }
    (await api.post(f"{base}/{kind.lower()}bindings", json=binding)).raise_for_status()
    # The API server learns of both by watches of its own: until then the user would be refused.
    for _ in range(200):
        if await _may(api, user, rules[-1], namespace):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{user.name} was bound to a {kind}, but the API server does not heed it")


async def _may(api: httpx.AsyncClient, user: User, rule: Rule, namespace: str | None) -> bool:
    resource, _, subresource = rule["resources"][0].partition("/")
    attributes: dict[str, Any] = {
        "namespace": namespace,
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "verb": rule["verbs"][0],
        "name": rule.get("resourceNames", [""])[0],
    }
    question = {"spec": {"user": user.name, "resourceAttributes": attributes}}
    answer = await api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=question)
    allowed: bool = answer.raise_for_status().json()["status"]["allowed"]
    return allowed
