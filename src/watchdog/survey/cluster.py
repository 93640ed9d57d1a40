"""What the cluster has that could be guarded: read by get and list, never written to."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, NAMESPACES, SERVICES
from watchdog.ports import OutOfReach

Json = dict[str, Any]

# Namespaces of the cluster's own machinery, which nobody releases through a traffic switch of ours.
_MACHINERY = re.compile(
    r"kube-.*|.+-system|openshift.*|cert-manager|ingress-nginx|traefik|argocd|argo|linkerd.*|istio.*|monitoring"
    r"|prometheus|observability|local-path-storage|tekton.*|velero|metallb"
)
_SIDE_BY_SIDE = 4  # namespaces that are read at once
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Contents:
    """The Deployments and Services of one namespace, whole, in the order of their names."""

    deployments: tuple[Json, ...] = ()
    services: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """What was read: contents by namespace, the namespaces that were left out, and those that may not be read.

    `chosen`: the namespaces were named by whoever asked.
    """

    namespaces: Mapping[str, Contents]
    left_out: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)  # namespace: what the API server said
    chosen: bool = False


class MayNotList(OutOfReach):
    """The namespaces were not named, and may not be listed."""


async def read_cluster(kube: KubeClient, chosen: Sequence[str], own: str) -> Cluster:
    """The chosen namespaces; without a choice all that may be listed, but for the cluster's own and the watchdog's.

    Raises `OutOfReach` where the cluster does not answer, `MayNotList` where it must be told which namespaces.
    """
    names = tuple(dict.fromkeys(chosen))
    left_out: tuple[str, ...] = ()
    if not names:
        found = await _listed(kube)
        left_out = tuple(name for name in found if name == own or is_machinery(name))
        names = tuple(name for name in found if name not in left_out)
    room = asyncio.Semaphore(_SIDE_BY_SIDE)
    read = await asyncio.gather(*(_contents(kube, name, room) for name in names))
    contents = {name: one for name, one in zip(names, read, strict=True) if isinstance(one, Contents)}
    refused = {name: one for name, one in zip(names, read, strict=True) if isinstance(one, str)}
    return Cluster(contents, left_out, refused, chosen=bool(chosen))


def is_machinery(namespace: str) -> bool:
    """Whether a namespace looks like one of the cluster's own machinery, by its name."""
    return _MACHINERY.fullmatch(namespace) is not None


async def _listed(kube: KubeClient) -> list[str]:
    try:
        found = await kube.list(NAMESPACES, "")
    except ApiError as error:
        if error.status == _FORBIDDEN:
            message = f"the namespaces may not be listed ({error.message}); name yours: --namespace NAME"
            raise MayNotList(message) from error
        raise OutOfReach(f"listing the namespaces: {error}") from error
    return sorted(_name(one) for one in found)


async def _contents(kube: KubeClient, namespace: str, room: asyncio.Semaphore) -> Contents | str:
    """What a namespace holds, or why it may not be read."""
    with unanswered(f"reading namespace {namespace}"):
        async with room:
            try:
                deployments = await kube.list(DEPLOYMENTS, namespace)
                services = await kube.list(SERVICES, namespace)
            except ApiError as error:
                if error.status != _FORBIDDEN:
                    raise
                return error.message or str(error)
    return Contents(tuple(sorted(deployments, key=_name)), tuple(sorted(services, key=_name)))


def _name(one: Json) -> str:
    return str(one["metadata"]["name"])
