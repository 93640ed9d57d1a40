"""A watchdog installed as a platform team installs it: from deploy/, by kubectl or by Helm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

from deployment.rendering import CHART, KUSTOMIZE, kustomized, objects, values_of
from deployment.tools import kubectl, module, said
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.plane import ControlPlane
from e2e.controlplane.users import User

OWN, GUARDED = "watchdog", "production"
NAME = "rollback-watchdog"
KINDS = (
    "serviceaccounts,roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io,deployments.apps,services,"
    "networkpolicies.networking.k8s.io,poddisruptionbudgets.policy,configmaps,secrets,leases.coordination.k8s.io"
)
CLUSTER_KINDS = (
    "clusterroles,clusterrolebindings,priorityclasses.scheduling.k8s.io,validatingadmissionpolicies,"
    "validatingadmissionpolicybindings"
)


class Installer(Protocol):
    """One way to install and to uninstall."""

    def install(self, rules: str) -> None: ...

    def uninstall(self) -> None:
        """Idempotent."""


class Kubectl:
    """kubectl, as the cluster's administrator."""

    def __init__(self, plane: ControlPlane, directory: Path) -> None:
        self._lead = [kubectl(), f"--kubeconfig={plane.admin.write_kubeconfig(directory / 'admin')}"]

    def __call__(self, *words: str) -> str:
        return said([*self._lead, *words])

    def listed(self, kinds: str, *options: str) -> set[str]:
        """`configmaps/watchdog/name` of everything that Kubernetes has not made by itself."""
        found = json.loads(self("get", kinds, "-o", "json", *options))["items"]
        names = {
            f"{one['kind']}/{one['metadata'].get('namespace', '')}/{one['metadata']['name']}"
            for one in found
            if not one["metadata"]["name"].startswith(("kube-", "system:", "default"))
        }
        return {name for name in names if not name.endswith("/default")}


class ByKustomize:
    """An overlay of one's own on that of deploy/: other rules, and nothing else."""

    def __init__(self, kubectl: Kubectl, directory: Path) -> None:
        self._kubectl = kubectl
        self._directory = directory

    def install(self, rules: str) -> None:
        (self._directory / "rules.toml").write_text(rules)
        up = "../" * (len(self._directory.resolve().parts) - 1)
        ours = {
            "resources": [f"{up}{(KUSTOMIZE / 'overlays' / GUARDED).relative_to('/')}"],
            "configMapGenerator": [
                {"name": f"{NAME}-rules", "namespace": OWN, "behavior": "replace", "files": ["rules.toml"]}
                | {"options": {"disableNameSuffixHash": True}}
            ],
        }
        (self._directory / "kustomization.yaml").write_text(yaml.safe_dump(ours))
        self._kubectl("apply", "-k", str(self._directory))

    def uninstall(self) -> None:
        self._kubectl("delete", "--wait", "--ignore-not-found", "-k", str(self._directory))


class ByHelm:
    """`helm install -f values-production.yaml --set-file rules=rules.toml`."""

    def __init__(self, plane: ControlPlane, directory: Path) -> None:
        self._kubeconfig = plane.admin.write_kubeconfig(directory / "helm")

    def install(self, rules: str) -> None:
        values = values_of(GUARDED) | {"rules": rules}
        with module("helm_python").Config(kubeconfig_path=str(self._kubeconfig), namespace=OWN) as helm:
            if any(release["name"] == NAME for release in helm.list()):
                helm.upgrade(str(CHART), NAME, values)
            else:
                helm.install(str(CHART), NAME, values)

    def uninstall(self) -> None:
        with module("helm_python").Config(kubeconfig_path=str(self._kubeconfig), namespace=OWN) as helm:
            helm.uninstall(NAME, wait="legacy", ignore_not_found=True)


def namespace_objects() -> Mapping[tuple[str, str, str], Any]:
    """The Namespace that both go into."""
    return objects(kustomized(KUSTOMIZE / "namespace"))


async def installed_user(own: Namespace, directory: Path) -> User:
    """The account of the installed watchdog, as its pod has it: by a token, with what the Roles grant."""
    path = f"{own.path('serviceaccounts', NAME)}/token"
    answer = await own.api.post(path, json={"spec": {"expirationSeconds": 3600}})
    access = own.plane.admin.with_token(answer.raise_for_status().json()["status"]["token"])
    kubeconfig = await asyncio.to_thread(access.write_kubeconfig, directory / "installed", OWN)
    return User(f"system:serviceaccount:{OWN}:{NAME}", access, kubeconfig)
