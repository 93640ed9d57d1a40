"""What the server refuses before it looks at the sense: values of the wrong type."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from watchdog.simulator.objects import Object
from watchdog.simulator.refusals import Refusal, bad_request
from watchdog.simulator.resources import Resource

# (path, Go struct, Go type) of the fields that a writer may plausibly get wrong.
_TYPED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "deployments": (
        ("spec.replicas", "DeploymentSpec", "int32"),
        ("spec.progressDeadlineSeconds", "DeploymentSpec", "int32"),
        ("spec.revisionHistoryLimit", "DeploymentSpec", "int32"),
        ("spec.minReadySeconds", "DeploymentSpec", "int32"),
        ("spec.paused", "DeploymentSpec", "bool"),
        ("spec.template", "DeploymentSpec", "v1.PodTemplateSpec"),
    ),
    "replicasets": (("spec.replicas", "ReplicaSetSpec", "int32"),),
    "statefulsets": (
        ("spec.replicas", "StatefulSetSpec", "int32"),
        ("spec.template", "StatefulSetSpec", "v1.PodTemplateSpec"),
    ),
    "daemonsets": (("spec.template", "DaemonSetSpec", "v1.PodTemplateSpec"),),
    "services": (("spec.selector", "ServiceSpec", "map[string]string"),),
    "configmaps": (("data", "ConfigMap", "map[string]string"),),
    "leases": (
        ("spec.holderIdentity", "LeaseSpec", "string"),
        ("spec.leaseDurationSeconds", "LeaseSpec", "int32"),
        ("spec.leaseTransitions", "LeaseSpec", "int32"),
    ),
    "events": (("note", "Event", "string"), ("reason", "Event", "string"), ("action", "Event", "string")),
}
_METADATA = (
    ("metadata.name", "ObjectMeta", "string"),
    ("metadata.resourceVersion", "ObjectMeta", "string"),
    ("metadata.labels", "ObjectMeta", "map[string]string"),
    ("metadata.annotations", "ObjectMeta", "map[string]string"),
)
_MICRO_TIMES = {"leases": ("spec.renewTime", "spec.acquireTime"), "events": ("eventTime",)}
_MICRO_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})$")

_PYTHON: dict[str, type] = {
    "int32": int,
    "bool": bool,
    "string": str,
    "map[string]string": dict,
    "v1.PodTemplateSpec": dict,
}


def check(resource: Resource, obj: Any) -> Object:
    """The object, if the server could read it as one of its kind; else a 400 that says what it could not read."""
    if not isinstance(obj, dict):
        raise bad_request(_unreadable(resource, f"json: cannot unmarshal {_json_type(obj)} into Go value"))
    _check_kind(resource, obj)
    for path, struct, wanted in (*_METADATA, *_TYPED.get(resource.plural, ())):
        for found in _mistakes(_value(obj, path), wanted):
            field = f"{struct}.{path}"
            message = f"json: cannot unmarshal {found[0]} into Go struct field {field} of type {found[1]}"
            raise bad_request(_unreadable(resource, message))
    for path in _MICRO_TIMES.get(resource.plural, ()):
        _check_time(resource, _value(obj, path))
    return obj


def _unreadable(resource: Resource, problem: str) -> str:
    kind = resource.kind
    return f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {problem}'


def _check_kind(resource: Resource, obj: Mapping[str, Any]) -> None:
    kind, api_version = obj.get("kind") or resource.kind, obj.get("apiVersion") or resource.api_version
    if (kind, api_version) == (resource.kind, resource.api_version):
        return
    given = f"{api_version}, Kind={kind}"
    wanted = f"{resource.api_version}, Kind={resource.kind}"
    raise bad_request(
        f"{kind} in version {api_version!r} cannot be handled as a {resource.kind}: {given} is not {wanted}"
    )


def _value(obj: Mapping[str, Any], path: str) -> Any:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _mistakes(value: Any, wanted: str) -> Iterator[tuple[str, str]]:
    """(JSON type found, Go type wanted) where they do not agree."""
    if value is None:
        return
    expected = _PYTHON[wanted]
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        yield _json_type(value), wanted
    elif isinstance(value, dict) and wanted == "map[string]string":
        parts = (part for part in value.values() if part is not None and not isinstance(part, str))
        yield from ((_json_type(part), "string") for part in parts)


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    names: dict[type, str] = {str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _check_time(resource: Resource, value: Any) -> None:
    if value is None or (isinstance(value, str) and _MICRO_TIME.match(value)):
        return
    layout = "2006-01-02T15:04:05.000000Z07:00"
    rest = str(value)
    part = "2006" if not re.match(r"^\d{4}", rest) else ".000000"
    tail = rest if part == "2006" else rest[19:]
    problem = f'parsing time "{value}" as "{layout}": cannot parse "{tail}" as "{part}"'
    raise bad_request(_unreadable(resource, problem))


def unreadable_body(resource: Resource, raw: bytes) -> Refusal:
    """A body that is no JSON."""
    shown = raw.decode(errors="replace")
    return bad_request(
        f"the object provided is unrecognized (must be of type {resource.kind}): couldn't get version/kind; "
        f"json parse error: invalid JSON ({shown[:60]!r})"
    )
