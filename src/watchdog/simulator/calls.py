"""A request on its way through the API server: what its URL names, who makes it, and what is kept of it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from watchdog.simulator import refusals
from watchdog.simulator.access import User
from watchdog.simulator.fieldsets import Writer
from watchdog.simulator.objects import Object
from watchdog.simulator.resources import Resource, at
from watchdog.simulator.selectors import field_selector, label_selector


@dataclass
class LoggedRequest:
    """One request as the server saw it; `code` is 0 while it is not answered."""

    method: str
    path: str
    query: dict[str, str]
    user: str
    agent: str
    body: Any
    at: datetime
    code: int = 0

    @property
    def is_write(self) -> bool:
        """Whether it meant to change an object; reviews and dry runs change nothing."""
        if self.method == "GET" or "dryRun" in self.query:
            return False
        return not self.path.startswith(("/apis/authorization.k8s.io", "/apis/authentication.k8s.io"))


@dataclass(frozen=True)
class WriteAttempt:
    """A write that is about to be made: what `before_write` is told."""

    verb: str
    resource: str
    namespace: str
    name: str
    subresource: str
    body: Any
    user: str
    dry_run: bool


BeforeWrite = Callable[[WriteAttempt], Awaitable[None] | None]


@dataclass(frozen=True)
class Place:
    """What a URL names."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass
class Call:
    """A request on its way through the server."""

    request: web.Request
    entry: LoggedRequest
    user: User
    place: Place
    body: Any
    content_type: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def dry_run(self) -> bool:
        return self.options.get("dryRun") == "All"

    def writer(self) -> Writer:
        """Who writes, as managedFields names it."""
        agent = self.request.headers.get("User-Agent", "").split("/")[0]
        manager = self.options.get("fieldManager") or agent or "unknown"
        return Writer(manager[:128], self.place.subresource)


def parse_path(path: str) -> Place | None:
    """What a path names, if the server has it."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    namespace = ""
    match rest:
        case ["namespaces", namespace, plural, *rest] if plural != "status":
            pass
        case [plural, *rest]:
            pass
        case _:
            return None
    resource = at(group, version, plural)
    if resource is None or len(rest) > 2 or (namespace and not resource.namespaced):
        return None
    name, subresource = (*rest, "", "")[:2]
    if subresource and subresource not in resource.subresources:
        return None
    return Place(resource, namespace, name, subresource)


def verb_of(method: str, place: Place, options: dict[str, str]) -> str:
    """The verb, as RBAC calls it."""
    if method == "GET":
        if is_true(options, "watch"):
            return "watch"
        return "get" if place.name else "list"
    if method == "DELETE":
        return "delete" if place.name else "deletecollection"
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch"}
    if method not in verbs:
        raise refusals.method_not_allowed()
    return verbs[method]


def is_true(options: dict[str, str], name: str) -> bool:
    """Whether a boolean parameter is set, in any of the ways Go reads one."""
    return options.get(name, "").lower() in ("true", "1", "t")


def selection(options: dict[str, str]) -> Callable[[Object], bool] | None:
    """The test of both selectors; None where everything is selected."""
    labels, fields = options.get("labelSelector", ""), options.get("fieldSelector", "")
    if not labels and not fields:
        return None
    by_label, by_field = label_selector(labels), field_selector(fields)
    return lambda obj: by_label(obj["metadata"].get("labels") or {}) and by_field(obj)


def only(name: str, selects: Callable[[Object], bool]) -> Callable[[Object], bool]:
    """The selection, of the one object of that name."""
    return lambda obj: obj["metadata"]["name"] == name and selects(obj)


def writes_of(requests: Iterable[LoggedRequest], user: str = "") -> list[LoggedRequest]:
    """Those of the requests that meant to change something."""
    return [entry for entry in requests if entry.is_write and (not user or entry.user == user)]
