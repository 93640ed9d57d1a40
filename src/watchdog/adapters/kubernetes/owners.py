"""Argo CD's and Flux's own objects: does one heal, and suspending it. Rights on them are optional.

What was there is written beside the change, so that whoever resumes it knows what to give back.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from watchdog.adapters.kubernetes.client import MERGE_PATCH, KubeClient
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.kinds import PREFIX, Resource
from watchdog.adapters.kubernetes.runners import Runners
from watchdog.domain.owners import Owner, Tool
from watchdog.domain.rollout import Target
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

Json = dict[str, Any]
SUSPENDED = PREFIX + "suspended"

RESOURCES: Mapping[Tool, Resource] = MappingProxyType(
    {
        Tool.ARGO_CD: Resource("argoproj.io/v1alpha1", "applications", "Application"),
        Tool.KUSTOMIZATION: Resource("kustomize.toolkit.fluxcd.io/v1", "kustomizations", "Kustomization"),
        Tool.HELM_RELEASE: Resource("helm.toolkit.fluxcd.io/v2", "helmreleases", "HelmRelease"),
    }
)


class KubernetesOwners:
    """The `Owners` port. RBAC, where wanted: get and patch of the named applications, kustomizations, helmreleases."""

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        self._client = client
        self._runners = Runners(client, clock)

    async def runner(self, target: Target) -> Owner | None:
        """An Argo Rollout or a Flagger Canary that rolls it out; None where that cannot be read."""
        return await self._runners.of(target)

    async def known(self, owner: Owner) -> Owner:
        """The owner with whether it heals; what is known already, or cannot be read, stays as it is."""
        resource = RESOURCES.get(owner.tool)
        if resource is None or owner.heals is not None:
            return owner
        try:
            found = await self._client.get(resource, owner.namespace, owner.name)
        except (ApiError, OutOfReach) as error:
            log.info("owner not read", extra={"facts": {"owner": str(owner), "why": str(error)}})
            return owner
        return replace(owner, heals=_heals(owner.tool, found.get("spec") or {}))

    async def suspend(self, owner: Owner, watch_id: str) -> str:
        """Suspend it under the resourceVersion that was read, with a note of what was there. Idempotent."""
        resource = RESOURCES[owner.tool]
        with unanswered(f"suspending {owner}"):
            try:
                found = await self._client.get(resource, owner.namespace, owner.name)
                spec = found.get("spec") or {}
                if not _heals(owner.tool, spec):
                    return ""
                patch = _suspension(owner.tool, spec, watch_id)
                patch["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
                await self._client.patch(resource, owner.namespace, owner.name, patch, content_type=MERGE_PATCH)
            except ApiError as error:
                if error.status in (403, 404, 409, 422):
                    return f"{owner} could not be suspended: {error}"
                raise
        log.warning("owner suspended", extra={"facts": {"owner": str(owner), "watch": watch_id}})
        return ""


def _heals(tool: Tool, spec: Mapping[str, Any]) -> bool:
    """Whether it would revert a change of somebody else, as its specification says."""
    match tool:
        case Tool.ARGO_CD:
            automated = (spec.get("syncPolicy") or {}).get("automated")
            return automated is not None and automated.get("enabled") is not False and bool(automated.get("selfHeal"))
        case Tool.KUSTOMIZATION:
            return not spec.get("suspend")
        case Tool.HELM_RELEASE:
            detection = (spec.get("driftDetection") or {}).get("mode")
            return not spec.get("suspend") and detection == "enabled"
        case Tool.HELM | Tool.ROLLOUT | Tool.CANARY:
            return False


def _suspension(tool: Tool, spec: Mapping[str, Any], watch_id: str) -> Json:
    if tool is Tool.ARGO_CD:
        before: Json = {"automated": spec["syncPolicy"]["automated"]}
        change: Json = {"syncPolicy": {"automated": None}}
    else:
        before, change = {"suspend": False}, {"suspend": True}
    note = json.dumps({"watch": watch_id, "before": before}, separators=(",", ":"), sort_keys=True)
    return {"metadata": {"annotations": {SUSPENDED: note}}, "spec": change}
