"""The parts of the API that describe the API, and those that need no token."""

from watchdog.simulator.objects import Object
from watchdog.simulator.resources import RESOURCES, Resource

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.26",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_REVIEWS = {
    "authorization.k8s.io": ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    "authentication.k8s.io": ("selfsubjectreviews", "SelfSubjectReview"),
}


def document(path: str) -> Object | None:
    """What stands at `/version`, `/api`, `/apis` and below; None for what is no such place."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["version"]:
            return dict(VERSION)
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["api", "v1"]:
            return _resource_list("", "v1")
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _groups()]}
        case ["apis", group] if group in _groups():
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["apis", group, "v1"] if group in _groups():
            return _resource_list(group, "v1")
        case _:
            return None


def _groups() -> list[str]:
    return sorted({r.group for r in RESOURCES if r.group} | set(_REVIEWS))


def _group(name: str) -> Object:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resource_list(group: str, version: str) -> Object:
    entries = [entry for r in RESOURCES if r.group == group for entry in _entries(r)]
    if group in _REVIEWS:
        plural, kind = _REVIEWS[group]
        entries.append({"name": plural, "singularName": "", "namespaced": False, "kind": kind, "verbs": ["create"]})
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": entries}


def _entries(resource: Resource) -> list[Object]:
    base: Object = {"namespaced": resource.namespaced, "singularName": resource.kind.lower()}
    main = {**base, "name": resource.plural, "kind": resource.kind, "verbs": _VERBS}
    if resource.short:
        main["shortNames"] = list(resource.short)
    kinds = {"scale": "Scale", "eviction": "Eviction"}
    subresources = [
        {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": kinds.get(name, resource.kind),
            "verbs": ["create"] if name == "eviction" else ["get", "patch", "update"],
        }
        for name in resource.subresources
    ]
    return [main, *subresources]
