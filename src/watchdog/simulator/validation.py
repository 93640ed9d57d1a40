"""What the server refuses as invalid: the checks that a client of the watchdog's kind can run into."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from watchdog.simulator.objects import Object
from watchdog.simulator.refusals import Cause, conflict, invalid
from watchdog.simulator.resources import (
    CONFIGMAPS,
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    PODS,
    REPLICASETS,
    SERVICES,
    STATEFULSETS,
    Resource,
)
from watchdog.simulator.selectors import matches

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SERVICE = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_NO_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_NO_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    f"with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_NO_SERVICE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    f"and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{_SERVICE}')"
)
_NO_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
    f"regex used for validation is '{_VALUE}')"
)
_NO_NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
)
_MAX_CONFIGMAP = 1024 * 1024
_MAX_ANNOTATIONS = 256 * 1024


def validate(resource: Resource, new: Object, old: Object | None) -> None:
    """Refuse with 422 what may not be stored; `old` is None on a create."""
    causes = list(_metadata(resource, new, old))
    causes += _CHECKS.get(resource.plural, _nothing)(new, old)
    if causes:
        # Events are kept as those of the core group, and named so when they are refused.
        group = "" if resource is EVENTS else resource.group
        raise invalid(resource.kind, group, new["metadata"].get("name", ""), causes)


def check_versions(resource: Resource, new: Object, old: Object, *, patching: bool) -> None:
    """The preconditions that stand in the object itself: its resourceVersion, and in a PUT its UID."""
    metadata, current = new["metadata"], old["metadata"]
    name = current["name"]
    if (uid := metadata.get("uid") or current["uid"]) != current["uid"] and not patching:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {current['uid']}"
        raise conflict(resource.plural, resource.group, name, why)
    version = metadata.get("resourceVersion") or "0"
    if version == "0":
        if not resource.unconditional:
            cause = Cause.invalid("metadata.resourceVersion", "0x0", "must be specified for an update")
            raise invalid(resource.plural, resource.group, name, [cause])
    elif version != current["resourceVersion"]:
        raise conflict(resource.plural, resource.group, name)


def _metadata(resource: Resource, new: Object, old: Object | None) -> Iterator[Cause]:
    metadata = new["metadata"]
    if old is None:
        yield from _object_name(resource, metadata)
    else:
        yield from _immutable_metadata(metadata, old["metadata"])
    yield from _labels("metadata.labels", metadata.get("labels"))
    for key in metadata.get("annotations") or {}:
        yield from _qualified_name("metadata.annotations", key)
    size = sum(len(k.encode()) + len(v.encode()) for k, v in (metadata.get("annotations") or {}).items())
    if size > _MAX_ANNOTATIONS:
        yield Cause.too_long("metadata.annotations", _MAX_ANNOTATIONS)


def _object_name(resource: Resource, metadata: Mapping[str, Any]) -> Iterator[Cause]:
    name = metadata.get("name", "")
    if not name:
        yield Cause.required("metadata.name", "name or generateName is required")
        return
    pattern, problem, longest = _SUBDOMAIN, _NO_SUBDOMAIN, 253
    if resource is SERVICES:
        pattern, problem, longest = _SERVICE, _NO_SERVICE, 63
    elif resource is NAMESPACES:
        pattern, problem, longest = _LABEL, _NO_LABEL, 63
    if not re.fullmatch(pattern, name):
        yield Cause.invalid("metadata.name", f'"{name}"', problem)
    if len(name) > longest:
        yield Cause.invalid("metadata.name", f'"{name}"', f"must be no more than {longest} bytes")


def _immutable_metadata(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Cause]:
    for field in ("name", "namespace", "uid", "creationTimestamp"):
        if field in new and new[field] != old.get(field):
            yield Cause.invalid(f"metadata.{field}", f'"{new[field]}"', "field is immutable")


def _labels(field: str, labels: Mapping[str, str] | None) -> Iterator[Cause]:
    for key, value in (labels or {}).items():
        yield from _qualified_name(field, key)
        if not re.fullmatch(_VALUE, value):
            yield Cause.invalid(field, f'"{value}"', _NO_VALUE)
        if len(value) > 63:
            yield Cause.invalid(field, f'"{value}"', "must be no more than 63 bytes")


def _qualified_name(field: str, key: str, value: str | None = None) -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    shown = f'"{key if value is None else value}"'
    if slash and not re.fullmatch(_SUBDOMAIN, prefix):
        yield Cause.invalid(field, shown, "prefix part " + _NO_SUBDOMAIN)
    if not name:
        yield Cause.invalid(field, shown, "name part must be non-empty")
    elif len(name) > 63:
        yield Cause.invalid(field, shown, "name part must be no more than 63 bytes")
    if not re.fullmatch(_NAME, name):
        yield Cause.invalid(field, shown, _NO_NAME)


def _nothing(_new: Object, _old: Object | None) -> Iterator[Cause]:
    return iter(())


def _workload(new: Object, old: Object | None) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    replicas = spec.get("replicas", 0)
    if replicas < 0:
        problem = "must be greater than or equal to 0"
        yield Cause.invalid("spec.replicas", str(replicas), problem)
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = spec.get("selector")
    if not selector:
        yield Cause.required("spec.selector")
    elif old is not None and selector != old["spec"]["selector"]:
        yield Cause.invalid("spec.selector", json.dumps(selector, separators=(",", ":")), "field is immutable")
    if selector is None or not matches(selector, labels):
        value = json.dumps(labels, separators=(",", ":"))
        problem = "`selector` does not match template `labels`"
        yield Cause.invalid("spec.template.metadata.labels", value, problem)
    yield from _pod_spec("spec.template.spec", template.get("spec") or {})


def _deployment(new: Object, old: Object | None) -> Iterator[Cause]:
    yield from _workload(new, old)
    strategy = new["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate" and strategy.get("rollingUpdate"):
        problem = "may not be specified when strategy `type` is 'Recreate'"
        yield Cause.forbidden("spec.strategy.rollingUpdate", problem)
    deadline, ready = new["spec"].get("progressDeadlineSeconds"), new["spec"].get("minReadySeconds", 0)
    if deadline is not None and deadline <= ready:
        yield Cause.invalid("spec.progressDeadlineSeconds", str(deadline), "must be greater than minReadySeconds")


def _pod(new: Object, _old: Object | None) -> Iterator[Cause]:
    return _pod_spec("spec", new.get("spec") or {})


def _pod_spec(field: str, spec: Mapping[str, Any]) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield Cause.required(f"{field}.containers")
    seen: set[str] = set()
    for number, container in enumerate(spec.get("containers") or ()):
        where = f"{field}.containers[{number}]"
        name = container.get("name", "")
        if not name:
            yield Cause.required(f"{where}.name")
        elif name in seen:
            yield Cause(f"{where}.name", f'Duplicate value: "{name}"', "FieldValueDuplicate")
        seen.add(name)
        if not container.get("image"):
            yield Cause.required(f"{where}.image")


def _service(new: Object, _old: Object | None) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    headless = spec.get("clusterIP") == "None"
    if not spec.get("ports") and not headless and spec.get("type") != "ExternalName":
        yield Cause.required("spec.ports")
    yield from _labels("spec.selector", spec.get("selector"))


def _configmap(new: Object, old: Object | None) -> Iterator[Cause]:
    data = new.get("data") or {}
    for key in data:
        if not re.fullmatch(r"[-._a-zA-Z0-9]+", key):
            problem = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            yield Cause.invalid(f"data[{key}]", f'"{key}"', problem)
    if sum(len(value.encode()) for value in data.values()) > _MAX_CONFIGMAP:
        yield Cause.too_long("[]", _MAX_CONFIGMAP)
    if old is not None and old.get("immutable") and data != (old.get("data") or {}):
        yield Cause.forbidden("data", "field is immutable when `immutable` is set")


def _event(new: Object, _old: Object | None) -> Iterator[Cause]:
    controller = new.get("reportingController") or ""
    if not controller:
        yield Cause.required("reportingController")
    yield from _qualified_name("reportingController", controller)
    for field, longest in (("reportingInstance", 128), ("action", 128), ("reason", 128)):
        value = new.get(field) or ""
        if not value:
            yield Cause.required(field)
        elif len(value) > longest:
            yield Cause.invalid(field, '""', f"can have at most {longest} characters")
    if len(new.get("note") or "") > 1024:
        yield Cause.invalid("note", '""', "can have at most 1024 characters")
    if not new.get("eventTime"):
        yield Cause.required("eventTime")
    if new.get("type") not in ("Normal", "Warning"):
        yield Cause.invalid("type", '""', "has invalid value")
    regarding = (new.get("regarding") or {}).get("namespace") or "default"
    if regarding != new["metadata"].get("namespace"):
        yield Cause.invalid("involvedObject.namespace", f'"{regarding}"', "does not match event.namespace")


def _lease(new: Object, old: Object | None) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        yield Cause.invalid("spec.leaseDurationSeconds", str(duration), "must be greater than 0")
    if (transitions := spec.get("leaseTransitions")) is not None and transitions < 0:
        yield Cause.invalid("spec.leaseTransitions", str(transitions), "must be greater than or equal to 0")


_CHECKS: dict[str, Callable[[Object, Object | None], Iterator[Cause]]] = {
    DEPLOYMENTS.plural: _deployment,
    REPLICASETS.plural: _workload,
    STATEFULSETS.plural: _workload,
    DAEMONSETS.plural: _workload,
    PODS.plural: _pod,
    SERVICES.plural: _service,
    CONFIGMAPS.plural: _configmap,
    EVENTS.plural: _event,
    LEASES.plural: _lease,
}
