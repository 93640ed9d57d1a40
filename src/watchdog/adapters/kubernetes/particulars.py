"""What of a pod template people may see when two are compared: no value of an environment variable, no argument.

Arguments, headers and values may hold secrets; names do not.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from watchdog.adapters.kubernetes.errors import UNREADABLE, NoAnswer
from watchdog.adapters.kubernetes.references import Kind, containers, references
from watchdog.adapters.kubernetes.trimming import digest
from watchdog.domain.changes import Description

Json = dict[str, Any]
Parts = dict[str, str | tuple[str, ...]]

REVISION = "org.opencontainers.image.revision"
SOURCE = "org.opencontainers.image.source"
"""https://specs.opencontainers.org/image-spec/annotations/, on the template, its ReplicaSet or the Deployment."""

_PROBES = (("readinessProbe", "readiness"), ("livenessProbe", "liveness"), ("startupProbe", "startup"))
_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "priorityClassName")
_TIMES = (
    ("initialDelaySeconds", "first after"),
    ("periodSeconds", "every"),
    ("timeoutSeconds", "timeout"),
)


def description(
    notes: Mapping[str, str], template: Json, annotations: Iterable[Mapping[str, str]], commits: str = ""
) -> Description:
    """A revision, by its whole pod template; the first of the annotations that knows its source and commit tells.

    `commits`: an annotation that names the commit, by its hash or as a web page, before the usual one.

    Raises `NoAnswer` for a template of another shape than the API has it.
    """
    try:
        own = (template.get("metadata") or {}).get("annotations") or {}
        places = [own, *annotations]
        parts, source = parts_of(template), _first(places, SOURCE)
        named = (_first(places, commits) if commits else "") or _first(places, REVISION)
        commit = named if "://" in named else named.lower()
        hidden = _hidden(template)
        rest = digest(template)
    except UNREADABLE as error:
        raise NoAnswer(f"a pod template of another shape: {type(error).__name__}") from error
    return Description(notes, parts, hidden, rest, source, commit)


def parts_of(template: Json) -> Parts:
    """What is compared of a pod template."""
    spec = template.get("spec") or {}
    parts: Parts = {}
    for container in containers(spec):
        parts |= {f"{container.get('name', '?')} {what}": part for what, part in _of_container(container).items()}
    referred = list(references(spec))
    for kind in Kind:
        parts[f"{kind}s"] = tuple(sorted({one.name for one in referred if one.kind is kind}))
    parts["service account"] = str(spec.get("serviceAccountName") or "")
    return {what: part for what, part in parts.items() if part}


def _hidden(template: Json) -> dict[str, str]:
    """Fingerprints of what is compared and never shown."""
    spec = template.get("spec") or {}
    found: dict[str, object] = {"scheduling": [spec.get(key) for key in _SCHEDULING]}
    for container in containers(spec):
        name = container.get("name", "?")
        found |= {f"{name} value of {one.get('name')}": one for one in container.get("env") or []}
        found |= {f"{name} command": container.get("command"), f"{name} arguments": container.get("args")}
    return {what: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest() for what, part in found.items()}


def _of_container(container: Json) -> Parts:
    resources = container.get("resources") or {}
    parts: Parts = {
        "image": str(container.get("image", "")),
        "environment": tuple(str(one.get("name")) for one in container.get("env") or []),
        "ports": tuple(str(one.get("containerPort")) for one in container.get("ports") or []),
        "requests": _amounts(resources.get("requests")),
        "limits": _amounts(resources.get("limits")),
    }
    for key, name in _PROBES:
        if container.get(key):
            parts[f"{name} probe"] = _probe(container[key])
    return parts


def _amounts(amounts: Json | None) -> str:
    return ", ".join(f"{name} {amount}" for name, amount in sorted((amounts or {}).items()))


def _probe(probe: Json) -> str:
    times = [f"{word} {probe[key]} s" for key, word in _TIMES if key in probe]
    failures = [f"{probe['failureThreshold']} failures"] if "failureThreshold" in probe else []
    return ", ".join([_asked(probe), *times, *failures])


def _asked(probe: Json) -> str:
    if http := probe.get("httpGet"):
        return f"GET {http.get('path', '/')} on {http.get('port')}"
    if tcp := probe.get("tcpSocket"):
        return f"TCP on {tcp.get('port')}"
    if grpc := probe.get("grpc"):
        return f"gRPC on {grpc.get('port')}"
    return "a command"


def _first(places: Iterable[Mapping[str, str]], key: str) -> str:
    return next((str(place[key]) for place in places if place.get(key)), "")
