"""One workload with its ReplicaSets and their pods, a Deployment mostly, from the cache or read fresh."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, PODS, REPLICASETS, Resource
from watchdog.adapters.kubernetes.objects import controller_uid
from watchdog.adapters.kubernetes.pods import to_pod
from watchdog.adapters.kubernetes.trimming import TRIMS, legible, trim_replicaset
from watchdog.domain.live import Pod
from watchdog.domain.rollout import Revision
from watchdog.ports import OutOfReach

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """All trimmed; `whole` and `templates` hold what a fresh read brought in full."""

    deployment: Json
    replicasets: tuple[Json, ...]
    pods: Mapping[str, tuple[Json, ...]]  # by their ReplicaSet's uid
    whole: Json = field(default_factory=dict)
    templates: Mapping[str, Json] = field(default_factory=dict)  # whole ReplicaSets, by uid

    @property
    def name(self) -> str:
        return str(self.deployment["metadata"]["name"])

    @property
    def serving(self) -> Revision | None:
        """The current revision; None while a new template has no ReplicaSet yet."""
        found = workloads.current(self.deployment, self.replicasets)
        return workloads.revision_of(self.name, found) if found else None

    def pods_of(self, revision: Revision | None) -> tuple[Pod, ...]:
        """The pods of a revision of this Deployment."""
        if revision is None or revision.workload != self.name:
            return ()
        found = workloads.replicaset_of(revision, self.replicasets)
        return tuple(to_pod(pod) for pod in self.pods.get(found["metadata"]["uid"], ())) if found else ()


def cached(cache: ClusterCache, namespace: str, name: str, resource: Resource = DEPLOYMENTS) -> Workload | None:
    """As the cache has it; None where there is none of that name."""
    deployment = cache.all(resource, namespace).get(name)
    if deployment is None:
        return None
    replicasets = tuple(cache.owned(REPLICASETS, namespace, deployment["metadata"]["uid"]))
    pods = {one["metadata"]["uid"]: tuple(cache.owned(PODS, namespace, one["metadata"]["uid"])) for one in replicasets}
    return Workload(deployment, replicasets, pods)


def selected(cache: ClusterCache, namespace: str, selector: Mapping[str, str]) -> Workload | None:
    """The one Deployment whose pods a Service's selector selects, as the cache has it; None for none, or several."""
    deployments = cache.all(DEPLOYMENTS, namespace)
    names = {name for name, one in deployments.items() if workloads.selects(selector, one["template"]["labels"])}
    if not names:
        names = _owners(cache, namespace, selector)
    return cached(cache, namespace, names.pop()) if len(names) == 1 else None


def pointed_at(found: Workload | None) -> Revision | None:
    """The revision behind a selector or a weight; in the midst of a rollout the newest."""
    if found is None:
        return None
    current = workloads.current(found.deployment, found.replicasets) or workloads.newest(found.replicasets)
    return workloads.revision_of(found.name, current) if current else None


def is_midway(found: Workload | None) -> bool:
    """Whether it cannot be told yet which revision a Deployment runs."""
    if found is None:
        return False
    current = workloads.current(found.deployment, found.replicasets)
    return current is None or not workloads.is_settled(found.deployment, current)


def _owners(cache: ClusterCache, namespace: str, selector: Mapping[str, str]) -> set[str]:
    """The Deployments that own the pods which a selector selects, whatever their templates say now."""
    replicasets = {one["metadata"]["uid"]: one for one in cache.all(REPLICASETS, namespace).values()}
    deployments = {one["metadata"]["uid"]: name for name, one in cache.all(DEPLOYMENTS, namespace).items()}
    owners: set[str] = set()
    for pod in cache.all(PODS, namespace).values():
        if workloads.selects(selector, workloads.labels(pod)) and controller_uid(pod) in replicasets:
            owner = controller_uid(replicasets[controller_uid(pod)])
            if owner in deployments:
                owners.add(deployments[owner])
    return owners


async def is_behind(client: KubeClient, cache: ClusterCache, namespace: str, name: str) -> bool:
    """Whether the API server has a newer spec of the Deployment, or the ReplicaSet of it that the cache lacks.

    No, where it may not say. Raises `OutOfReach` where another try may tell.
    """
    known = cached(cache, namespace, name)
    try:
        now = await client.get(DEPLOYMENTS, namespace, name)
        if known is None or now["metadata"]["uid"] != known.deployment["metadata"]["uid"]:
            return True
        if workloads.generation(now) > workloads.generation(known.deployment):
            return True
        if workloads.matching(known.deployment, known.replicasets) is not None:
            return False
        # Deployments and ReplicaSets come over watches of their own, too.
        owned = await _replicasets_of(client, namespace, now)
    except ApiError as error:
        if isinstance(error, OutOfReach):
            raise
        return False
    return workloads.matching(known.deployment, [trim_replicaset(one) for one in owned]) is not None


async def _replicasets_of(client: KubeClient, namespace: str, whole: Json) -> list[Json]:
    """Those that the Deployment owns, in full, as the API server has them now."""
    selector = label_selector(whole["spec"].get("selector") or {})
    listed = await client.list(REPLICASETS, namespace, labels=selector)
    return [one for one in listed if controller_uid(one) == whole["metadata"]["uid"]]


async def fresh(client: KubeClient, namespace: str, name: str, resource: Resource = DEPLOYMENTS) -> Workload | None:
    """As the API server has it now; None where there is none of that name.

    The workload is read first: a write that is conditional on its resourceVersion fails if what was read after it
    belongs to a later one.
    """
    whole = await client.find(resource, namespace, name)
    if whole is None:
        return None
    selector = label_selector(whole["spec"].get("selector") or {})
    owned, selected_pods = await asyncio.gather(
        _replicasets_of(client, namespace, whole), pods_selected(client, namespace, selector)
    )
    pods: dict[str, list[Json]] = {one["metadata"]["uid"]: [] for one in owned}
    for pod in selected_pods:
        if controller_uid(pod) in pods:
            pods[controller_uid(pod)].append(pod)
    return Workload(
        TRIMS[resource](whole),
        tuple(trim_replicaset(one) for one in owned),
        {owner: tuple(those) for owner, those in pods.items()},
        whole=whole,
        templates={one["metadata"]["uid"]: one for one in owned},
    )


async def pods_selected(client: KubeClient, namespace: str, selector: str) -> list[Json]:
    """The pods that a selector selects, as the API server has them now, trimmed; without those that cannot be read."""
    return [pod async for page, _ in client.pages(PODS, namespace, labels=selector) for pod in legible(PODS, page)]


def label_selector(selector: Json) -> str:
    """A selector object in the form that lists are asked with."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or []:
        key, values = one["key"], ",".join(one.get("values") or [])
        match one["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
    return ",".join(parts)
