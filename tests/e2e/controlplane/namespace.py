"""A namespace of one test, and what a person does in it: deploy, make a Service, flip it, look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

import httpx

from e2e.controlplane.behaviour import GOOD, STAND_IN_LABEL, Behaviour
from e2e.controlplane.plane import ControlPlane, ExternalCluster
from e2e.controlplane.podnet import POD_PORT
from e2e.controlplane.users import Rule, User, allow, make_user

Object = dict[str, Any]
Found = TypeVar("Found")

GROUPS = {
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1",
    "controllerrevisions": "/apis/apps/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "events.events.k8s.io": "/apis/events.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "rollouts": "/apis/argoproj.io/v1alpha1",
    "analysistemplates": "/apis/argoproj.io/v1alpha1",
    "canaries": "/apis/flagger.app/v1beta1",
    "httproutes": "/apis/gateway.networking.k8s.io/v1",
    "virtualservices": "/apis/networking.istio.io/v1",
    "destinationrules": "/apis/networking.istio.io/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
}  # all others: /api/v1

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class Namespace:
    """With its default ServiceAccount, so that pods can run; whoever made it removes it."""

    def __init__(self, plane: ControlPlane | ExternalCluster, api: httpx.AsyncClient, name: str) -> None:
        self.plane, self.api, self.name = plane, api, name

    @classmethod
    async def make(cls, plane: ControlPlane | ExternalCluster, api: httpx.AsyncClient, prefix: str = "e2e-") -> Self:
        """A fresh one in which pods can run at once."""
        answer = await api.post("/api/v1/namespaces", json={"metadata": {"generateName": prefix}})
        fresh = cls(plane, api, answer.raise_for_status().json()["metadata"]["name"])

        async def account_exists() -> bool:
            return (await api.get(fresh.path("serviceaccounts", "default"))).is_success

        await fresh.until(account_exists, f"the default ServiceAccount of {fresh.name}")
        return fresh

    async def remove(self) -> None:
        """Not waited for: its pods are gone from the traffic within a second, and no test reuses its name."""
        (await self.api.delete(f"/api/v1/namespaces/{self.name}")).raise_for_status()

    # What a person does

    async def deploy(
        self,
        name: str,
        version: str = "v1",
        behaviour: Behaviour = GOOD,
        *,
        replicas: int = 2,
        labels: Mapping[str, str] | None = None,
        behind: str | None = None,
        progress_deadline: int | None = None,
        annotations: Mapping[str, str] | None = None,
        pod_annotations: Mapping[str, str] | None = None,
        config: str = "",
        probes: Mapping[str, Any] | None = None,
        cpu: str = "",
        spec: Mapping[str, Any] | None = None,
        wait: bool = True,
    ) -> Object:
        """Create the Deployment, or roll out another version of it. Returns it as it then is.

        The version is the image's tag. `labels` select its pods (default: `app: NAME`). `behind` names the
        Service without which its pods get no traffic: give it for the colours of a blue-green pair. `config` is a
        ConfigMap whose keys are their environment, `cpu` what they ask for, `probes` are the kubelet's, which nobody
        makes here. What `spec` says of the Deployment stays as it is in later calls that say nothing of it. Without
        `wait`, or with a behaviour that never gets ready, it returns before the rollout is complete.
        """
        chosen = dict(labels or {"app": name})
        container: Object = {
            "name": "app",
            "image": f"registry.example/{name}:{version}",
            "ports": [{"name": "http", "containerPort": POD_PORT}],
            **(probes or {}),
        }
        if cpu:
            container["resources"] = {"requests": {"cpu": cpu}}
        if config:
            container["envFrom"] = [{"configMapRef": {"name": config}}]
        template: Object = {
            "metadata": {
                "labels": chosen | STAND_IN_LABEL,
                "annotations": {**behaviour.annotations(behind), **(pod_annotations or {})},
            },
            "spec": {"containers": [container]},
        }
        change: Object = {
            "metadata": {
                "labels": chosen | {"app.kubernetes.io/part-of": "e2e"},
                "annotations": dict(annotations or {}),
            },
            "spec": {
                "replicas": replicas,
                **({"progressDeadlineSeconds": progress_deadline} if progress_deadline else {}),
                **(spec or {}),
                "template": template,
            },
        }
        if (await self.api.get(self.path("deployments", name))).is_success:
            made = await self.patch("deployments", name, change)
        else:
            change["metadata"]["name"] = name
            change["spec"]["selector"] = {"matchLabels": chosen}
            written = template["metadata"]["annotations"]
            template["metadata"]["annotations"] = {k: v for k, v in written.items() if v is not None}
            made = await self.create("deployments", change)
        becomes_ready = behaviour.pod in {"ready", "crash-late", "unready-late"}
        return await self.rolled_out(name) if wait and becomes_ready else made

    async def service(self, name: str, selector: Mapping[str, str]) -> Object:
        ports = [{"name": "http", "port": 80, "targetPort": "http"}]
        labels = {"app.kubernetes.io/part-of": "e2e"}
        return await self.create(
            "services",
            {
                "metadata": {"name": name, "labels": labels},
                "spec": {"selector": dict(selector), "ports": ports},
            },
        )

    async def flip(self, service: str, selector: Mapping[str, str]) -> Object:
        """Point the Service at other pods, as a person's `kubectl patch` does."""
        return await self.patch("services", service, {"spec": {"selector": dict(selector)}})

    async def user(self, name: str, rules: Sequence[Rule], cluster_rules: Sequence[Rule] = ()) -> User:
        """A ServiceAccount here that may do this in this namespace, and `cluster_rules` everywhere."""
        user = await make_user(self.api, self.plane.admin, self.plane.directory, self.name, name)
        if rules:
            await self.allow(user, rules)
        if cluster_rules:
            await allow(self.api, user, cluster_rules, None)
        return user

    async def allow(self, user: User, rules: Sequence[Rule]) -> None:
        """Give a user, of this or another namespace, these rights here as well."""
        await allow(self.api, user, rules, self.name)

    # Objects as they are

    def path(self, resource: str, name: str | None = None) -> str:
        plural, _, _ = resource.partition(".")
        base = f"{GROUPS.get(resource, '/api/v1')}/namespaces/{self.name}/{plural}"
        return base if name is None else f"{base}/{name}"

    async def create(self, resource: str, body: Object) -> Object:
        return _object(await self.api.post(self.path(resource), json=body))

    async def get(self, resource: str, name: str) -> Object:
        return _object(await self.api.get(self.path(resource, name)))

    async def list(self, resource: str, selector: Mapping[str, str] | None = None) -> list[Object]:
        labels = ",".join(f"{key}={value}" for key, value in (selector or {}).items())
        answer = _object(await self.api.get(self.path(resource), params={"labelSelector": labels}))
        items: list[Object] = answer["items"]
        return items

    async def patch(self, resource: str, name: str, body: Any, kind: str = MERGE_PATCH) -> Object:
        answer = await self.api.patch(self.path(resource, name), json=body, headers={"Content-Type": kind})
        return _object(answer)

    async def delete(self, resource: str, name: str) -> None:
        _object(await self.api.delete(self.path(resource, name)))

    # Waiting

    async def until(self, look: Callable[[], Awaitable[Found | None]], what: str, within: float = 30) -> Found:
        """The first answer of `look` that is neither None nor False nor empty."""
        deadline = time.monotonic() + within
        while not (found := await look()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {within:.0f} s still waiting for {what}")
            await asyncio.sleep(0.1)
        return found

    async def rolled_out(self, name: str, within: float = 60) -> Object:
        """The Deployment when its rollout is complete, as `kubectl rollout status` means it."""

        async def complete() -> Object | None:
            found = await self.get("deployments", name)
            status, wanted = found.get("status", {}), found["spec"]["replicas"]
            counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
            seen = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            return found if seen and counts == [wanted] * 3 else None

        return await self.until(complete, f"the rollout of {name}", within)

    async def served_by(self, service: str) -> set[str]:
        """The names of the ready pods behind a Service, as its EndpointSlices have them."""
        slices = await self.list("endpointslices", {"kubernetes.io/service-name": service})
        endpoints = [each for one in slices for each in one.get("endpoints") or []]
        return {each["targetRef"]["name"] for each in endpoints if each["conditions"].get("ready")}

    async def behave(self, pod: str, behaviour: Behaviour) -> None:
        """Change how one running pod's metrics and health checks look, without a rollout."""
        mark = {key: value for key, value in behaviour.annotations().items() if key.endswith("/behaviour")}
        await self.patch("pods", pod, {"metadata": {"annotations": mark}})


def _object(answer: httpx.Response) -> Object:
    """The body; an error carries the server's own sentence."""
    if answer.is_error:
        raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
    found: Object = answer.json()
    return found
