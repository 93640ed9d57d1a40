"""A pod as the API server tells it, trimmed or whole, to a pod as the domain knows it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from watchdog.adapters.kubernetes.quantities import limit
from watchdog.domain.live import Container, Pod

Json = dict[str, Any]

EPOCH = datetime.fromtimestamp(0, UTC)


def instant(text: str | None) -> datetime | None:
    """A Kubernetes timestamp; None for none, and for what is no timestamp."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def condition(one: Json, kind: str) -> Json:
    """A condition of an object's status; {} where it is absent."""
    for found in (one.get("status") or {}).get("conditions") or []:
        if found.get("type") == kind:
            return dict(found)
    return {}


def created(one: Json) -> datetime:
    """When the object was made."""
    return instant(one["metadata"].get("creationTimestamp")) or EPOCH


def to_pod(one: Json) -> Pod:
    """The domain's view of a pod."""
    metadata, spec, status = one["metadata"], one.get("spec") or {}, one.get("status") or {}
    ready, scheduled = condition(one, "Ready"), condition(one, "PodScheduled")
    since = instant(ready.get("lastTransitionTime"))
    unschedulable = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    return Pod(
        name=metadata["name"],
        uid=str(metadata.get("uid", "")),
        created=created(one),
        ready_since=since if ready.get("status") == "True" else None,
        unready_since=since if ready.get("status") == "False" else None,
        gone=_is_gone(one, ready),
        unschedulable_since=instant(scheduled.get("lastTransitionTime")) if unschedulable else None,
        address=status.get("podIP") or None,
        ports=_ports(spec),
        host_network=bool(spec.get("hostNetwork")),
        node=spec.get("nodeName"),
        containers=tuple(_containers(spec, status)),
    )


def template_pod(template: Json) -> Pod:
    """The pod that a whole pod template makes, as far as the template says: its ports, containers and their limits."""
    spec = template.get("spec") or {}
    containers = [*(spec.get("containers") or []), *_sidecars(spec)]
    statuses = [{"name": one.get("name")} for one in containers]
    return to_pod({"metadata": {"name": ""}, "spec": spec, "status": {"containerStatuses": statuses}})


def _is_gone(one: Json, ready: Json) -> bool:
    """Whether it is ending, has ended, or was lost with its node: what it does is no sign of its revision's health."""
    status = one.get("status") or {}
    if one["metadata"].get("deletionTimestamp") or status.get("phase") in ("Failed", "Succeeded"):
        return True
    if status.get("reason") == "NodeLost" or ready.get("status") == "Unknown":
        return True
    # The node controller turns Ready to False and leaves everything else, so that no reason is given and the
    # containers still count as ready; a kubelet that finds them unready says ContainersNotReady.
    unexplained = ready.get("status") == "False" and not ready.get("reason")
    return unexplained and condition(one, "ContainersReady").get("status") == "True"


def _ports(spec: Json) -> dict[str, int]:
    """Declared TCP ports of containers and sidecars, by name and by number as text."""
    ports: dict[str, int] = {}
    for container in [*(spec.get("containers") or []), *_sidecars(spec)]:
        for port in container.get("ports") or []:
            number = port.get("containerPort")
            if port.get("protocol", "TCP") != "TCP" or not isinstance(number, int):
                continue
            ports[str(number)] = number
            if port.get("name"):
                ports.setdefault(port["name"], number)
    return ports


def _sidecars(spec: Json) -> list[Json]:
    return [one for one in spec.get("initContainers") or [] if one.get("restartPolicy") == "Always"]


def _containers(spec: Json, status: Json) -> Iterator[Container]:
    """Containers and sidecars; of the other init containers those that have not done their work."""
    sidecars = {one["name"] for one in _sidecars(spec)}
    asked = {one["name"]: one for one in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]}
    for one in status.get("initContainerStatuses") or []:
        ended = (one.get("state") or {}).get("terminated")
        if one.get("name") in sidecars or not (ended and ended.get("exitCode") == 0):
            yield _container(one, asked.get(one.get("name"), {}))
    for one in status.get("containerStatuses") or []:
        yield _container(one, asked.get(one.get("name"), {}))


def _container(status: Json, asked: Json) -> Container:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    # Between the kill and the restart the kill is the present state, afterwards the last one.
    for ended in (state.get("terminated"), last.get("terminated")):
        if ended and ended.get("reason") == "OOMKilled":
            killed_at = instant(ended.get("finishedAt"))
            break
    else:
        killed_at = None
    # The status has what is in force while a resize in place is under way; before Kubernetes 1.33 it has none.
    limits = (status.get("resources") or asked.get("resources") or {}).get("limits") or {}
    return Container(
        name=str(status.get("name", "")),
        restarts=int(status.get("restartCount") or 0),
        waiting=(state.get("waiting") or {}).get("reason"),
        oom_killed_at=killed_at,
        cpu_limit=limit(limits.get("cpu")),
        memory_limit=limit(limits.get("memory")),
    )
