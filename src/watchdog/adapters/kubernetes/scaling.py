"""Scaling up the colour that a put-back goes to, where it was scaled to zero."""

from watchdog.adapters.kubernetes import workload
from watchdog.adapters.kubernetes.client import MERGE_PATCH, KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS
from watchdog.adapters.kubernetes.workloads import desired
from watchdog.domain.effects import (
    PutBackAnswer,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
    Remedy,
)
from watchdog.ports import Clock, OutOfReach


async def scale_up(client: KubeClient, clock: Clock, remedy: Remedy, replicas: int) -> PutBackAnswer:
    """Scale the Deployment of `remedy.to` up to `replicas`, if it still runs that revision and has fewer.

    RBAC: patch of deployments/scale. The condition is the resourceVersion of the Deployment whose template was
    looked at, or, where the remedy names the Deployment itself, the remedy's.
    """
    namespace, name = remedy.target.namespace, remedy.to.workload
    try:
        found = await workload.fresh(client, namespace, name)
        if found is None:
            return PutBackRefused(clock.now(), f"Deployment {namespace}/{name} is gone")
        metadata = found.deployment["metadata"]
        if found.serving != remedy.to:
            return PutBackConflicted(clock.now(), f"Deployment {namespace}/{name} no longer runs {remedy.to}")
        if desired(found.deployment) >= replicas:
            return PutBackDone(clock.now())
        version = metadata["resourceVersion"]
        if remedy.uid == metadata["uid"]:
            version = remedy.resource_version
        # A merge patch: a scale of zero has no /spec/replicas that a JSON patch could replace.
        body = {"metadata": {"uid": metadata["uid"], "resourceVersion": version}, "spec": {"replicas": replicas}}
        await client.patch(DEPLOYMENTS, namespace, name, body, content_type=MERGE_PATCH, subresource="scale")
    except OutOfReach as error:
        return PutBackUnsure(clock.now(), str(error))
    except ApiError as error:
        answer = PutBackConflicted if error.status == 409 else PutBackRefused
        return answer(clock.now(), str(error))
    return PutBackDone(clock.now())
