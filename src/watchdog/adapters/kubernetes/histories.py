"""A workload whose revisions are ControllerRevisions, as its controller and kubectl read them: StatefulSet, DaemonSet.

Works on trimmed objects (`trimming`), from the cache or read fresh. Pods say by a label which revision they are of.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.kinds import CONTROLLERREVISIONS, PODS, Resource
from watchdog.adapters.kubernetes.objects import controller_uid
from watchdog.adapters.kubernetes.pods import created, to_pod
from watchdog.adapters.kubernetes.trimming import TRIMS, trim_revision
from watchdog.adapters.kubernetes.workload import label_selector, pods_selected
from watchdog.domain.live import Pod
from watchdog.domain.rollout import Revision

Json = dict[str, Any]

LABEL = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class History:
    """One workload with its revisions and pods; `whole` and `kept` hold what a fresh read brought in full."""

    owner: Json
    revisions: tuple[Json, ...]
    pods: tuple[Json, ...]
    whole: Json = field(default_factory=dict)
    kept: Mapping[str, Json] = field(default_factory=dict)  # whole ControllerRevisions, by name

    @property
    def name(self) -> str:
        return str(self.owner["metadata"]["name"])

    @property
    def newest(self) -> Json | None:
        """The revision of the present template; None while the controller has not made it yet.

        By the digest of its template, else (the API server fills in more than it did when the revision was made) the
        one with the highest number, once the controller has seen the template.
        """
        same = [one for one in self.revisions if one["template"]["digest"] == self.owner["template"]["digest"]]
        if not same and not workloads.is_observed(self.owner):
            return None
        return max(same or self.revisions, key=lambda one: (one["revision"], created(one)), default=None)

    def on(self, template: str) -> tuple[Json, ...]:
        """The pods of the revision with that hash."""
        return tuple(pod for pod in self.pods if self.template_of(pod) == template)

    def template_of(self, pod: Json) -> str:
        """The hash of a pod's revision; a StatefulSet's controller writes the revision's whole name."""
        return str(workloads.labels(pod).get(LABEL, "")).removeprefix(f"{self.name}-")

    def hash_of(self, revision: Json) -> str:
        """The hash of a revision: its name without the workload's."""
        return str(revision["metadata"]["name"]).removeprefix(f"{self.name}-")

    def of(self, revision: Revision) -> Json | None:
        """What keeps a revision; None if it is gone."""
        if revision.workload != self.name:
            return None
        return next((one for one in self.revisions if self.hash_of(one) == revision.template), None)

    def pods_of(self, revision: Revision | None) -> tuple[Pod, ...]:
        """The pods of a revision of this workload."""
        if revision is None or revision.workload != self.name:
            return ()
        return tuple(to_pod(pod) for pod in self.on(revision.template))

    def before(self, revision: Json) -> Json | None:
        """The revision that served before this one: the newest of the others."""
        others = [one for one in self.revisions if one is not revision]
        return max(others, key=lambda one: (one["revision"], created(one)), default=None)

    def earlier(self, revision: Json) -> list[datetime]:
        """When the revisions with a lower number were made. Where that is later, this one was taken up again."""
        return [created(one) for one in self.revisions if one["revision"] < revision["revision"]]


def cached(cache: ClusterCache, resource: Resource, namespace: str, name: str) -> History | None:
    """As the cache has it; None where there is no such workload."""
    owner = cache.all(resource, namespace).get(name)
    if owner is None:
        return None
    uid = owner["metadata"]["uid"]
    return History(
        owner, tuple(cache.owned(CONTROLLERREVISIONS, namespace, uid)), tuple(cache.owned(PODS, namespace, uid))
    )


async def fresh(client: KubeClient, resource: Resource, namespace: str, name: str) -> History | None:
    """As the API server has it now; None where there is no such workload.

    It is read first: a write that is conditional on its resourceVersion fails if what was read after it belongs to a
    later one.
    """
    whole = await client.find(resource, namespace, name)
    if whole is None:
        return None
    uid, selector = str(whole["metadata"]["uid"]), label_selector(whole["spec"].get("selector") or {})
    revisions, selected = await asyncio.gather(
        client.list(CONTROLLERREVISIONS, namespace, labels=selector), pods_selected(client, namespace, selector)
    )
    kept = [one for one in revisions if controller_uid(one) == uid]
    pods = [pod for pod in selected if controller_uid(pod) == uid]
    return History(
        TRIMS[resource](whole),
        tuple(trim_revision(one) for one in kept),
        tuple(pods),
        whole=whole,
        kept={one["metadata"]["name"]: one for one in kept},
    )
