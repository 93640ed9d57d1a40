"""The HTTP door of the simulated API server."""

import inspect
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from watchdog.simulator import discovery, patches, refusals
from watchdog.simulator.access import Act, User, authorise, bearer, review_access, review_self
from watchdog.simulator.calls import (
    BeforeWrite,
    Call,
    LoggedRequest,
    Place,
    WriteAttempt,
    is_true,
    only,
    parse_path,
    selection,
    verb_of,
)
from watchdog.simulator.decoding import unreadable_body
from watchdog.simulator.faults import LOSE_ANSWER, TRUNCATE, Fault, Faults, before_answer, reset, truncate
from watchdog.simulator.lists import page, parse_version
from watchdog.simulator.objects import Clock, Object
from watchdog.simulator.refusals import Refusal
from watchdog.simulator.registry import Registry
from watchdog.simulator.scale import as_scale
from watchdog.simulator.texts import Texts
from watchdog.simulator.timeline import Timeline
from watchdog.simulator.watches import Lines, OpenWatch, WatchRequest
from watchdog.simulator.writes import Writes

_OPEN = ("/readyz", "/livez", "/healthz")
_PATCHES = (patches.MERGE, patches.STRATEGIC, patches.JSON)
_JSON_BODIES = ("", "application/json", "application/octet-stream")
_MOST_LOGGED = 20_000


class ApiServer:
    """Serves a registry over HTTP, with a log of what was asked and faults where tests want them."""

    def __init__(self, registry: Registry, timeline: Timeline, clock: Clock, users: dict[str, User]) -> None:
        self.faults = Faults()
        self.requests: list[LoggedRequest] = []
        self.hooks: list[BeforeWrite] = []
        self.after_hooks: list[BeforeWrite] = []
        self.watches: list[OpenWatch] = []
        self._lines = Lines()
        self._texts = Texts(registry.store, clock)
        self._registry = registry
        self._writes = Writes(registry)
        self._timeline = timeline
        self._clock = clock
        self._users = users

    def application(self) -> web.Application:
        """What an HTTP server serves: one handler for every path."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Log, spoil if a fault is set up, and answer."""
        raw = await request.read()
        entry = self._log(request, raw)
        fault = self.faults.of_request(request.method, request.path_qs, entry.user)
        if fault is not None:
            own = await before_answer(fault, request, self._clock)
            if own is not None:
                entry.code = own.status if fault.kind == "answer" else 0
                return own
        try:
            response = await self._answer(request, raw, entry)
        except Refusal as refusal:
            response = web.json_response(refusal.status(), status=refusal.code, headers=refusal.headers)
        entry.code = response.status
        return await self._spoiled(fault, request, response)

    async def _spoiled(
        self, fault: Fault | None, request: web.Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        if fault is not None and fault.kind == LOSE_ANSWER:
            return reset(request)
        if fault is not None and fault.kind == TRUNCATE and isinstance(response, web.Response):
            return await truncate(request, response)
        return response

    def _log(self, request: web.Request, raw: bytes) -> LoggedRequest:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        user = self._users.get(token)
        entry = LoggedRequest(
            request.method,
            request.path,
            dict(request.query),
            user.name if user else "",
            request.headers.get("User-Agent", ""),
            _parsed(raw),
            self._registry.now(),
        )
        self.requests.append(entry)
        if len(self.requests) > _MOST_LOGGED:
            del self.requests[: _MOST_LOGGED // 2]
        return entry

    async def _answer(self, request: web.Request, raw: bytes, entry: LoggedRequest) -> web.StreamResponse:
        if request.path in _OPEN:
            return web.Response(text="ok")
        if request.path == "/version":
            return web.json_response(discovery.VERSION)
        user = bearer(request.headers, self._users)
        if request.method == "GET" and (document := discovery.document(request.path)) is not None:
            return web.json_response(document)
        if (review := self._review(request, user, raw)) is not None:
            return web.json_response(review, status=201)
        place = parse_path(request.path)
        if place is None:
            return web.Response(status=404, text="404 page not found\n", content_type="text/plain", charset="utf-8")
        query = dict(request.query)
        body, content_type = _decoded(place, request, raw)
        if request.method == "DELETE" and isinstance(body, dict) and body.get("dryRun"):
            query["dryRun"] = "All"
            entry.query["dryRun"] = "All"
        call = Call(request, entry, user, place, body, content_type, query)
        return await self._dispatch(call)

    def _review(self, request: web.Request, user: User, raw: bytes) -> Object | None:
        """The two questions that anyone may ask about themselves."""
        if request.method != "POST":
            return None
        now = self._registry.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        if request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            review = _parsed(raw)
            if not isinstance(review, dict):
                raise refusals.unsupported_media_type()
            head = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
            return {**head, "spec": review.get("spec") or {}, "status": review_access(user, review)}
        if request.path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
            metadata = {"creationTimestamp": now}
            head = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": metadata}
            return {**head, "status": review_self(user)}
        return None

    async def _dispatch(self, call: Call) -> web.StreamResponse:
        place, method = call.place, call.request.method
        verb = verb_of(method, place, call.options)
        resource = place.resource.plural + (f"/{place.subresource}" if place.subresource else "")
        authorise(call.user, Act(verb, place.resource.group, resource, place.namespace, place.name))
        if verb == "watch":
            return await self._watch(call)
        if method == "GET":
            return await self._read(call)
        attempt = _attempt(verb, call)
        await _tell(self.hooks, attempt)
        obj, status = self._writes.carry_out(call)
        await _tell(self.after_hooks, attempt)
        return web.json_response(obj, status=status)

    async def _read(self, call: Call) -> web.Response:
        place = call.place
        if place.name:
            obj = self._registry.get(place.resource, place.namespace, place.name)
            return web.json_response(as_scale(obj) if place.subresource == "scale" else obj)
        options = call.options
        found = page(
            self._registry.store,
            place.resource,
            place.namespace,
            selection(options),
            limit=int(options.get("limit") or 0),
            token=options.get("continue", ""),
            version=options.get("resourceVersion", ""),
        )
        wants = call.request.headers.get("Accept", "")
        if "as=PartialObjectMetadataList" in wants:
            return web.json_response(found.of_metadata())
        return web.Response(body=await self._texts.of(found), content_type="application/json", charset="utf-8")

    async def _watch(self, call: Call) -> web.StreamResponse:
        options, place = call.options, call.place
        version = parse_version(options.get("resourceVersion", ""))
        selects = selection(options) or (lambda _: True)
        bookmarks, initial = is_true(options, "allowWatchBookmarks"), is_true(options, "sendInitialEvents")
        if place.name:
            selects = only(place.name, selects)
        asked = WatchRequest(
            resource=place.resource,
            namespace=place.namespace,
            selects=selects,
            version=None if initial else version,
            bookmarks=bookmarks,
            initial_events_end=initial and bookmarks,
            timeout=float(options.get("timeoutSeconds") or 1800),
            user=call.user.name,
            path=call.request.path_qs,
        )
        fault = self.faults.of_watch(call.request.path_qs, call.user.name)
        watch = OpenWatch(asked, self._registry.store, self._timeline, fault, self._lines)
        call.entry.code = 200
        self.watches.append(watch)
        try:
            return await watch.serve(call.request)
        finally:
            self.watches.remove(watch)

    def close_watches(self) -> None:
        """End all streams, as a server does that stops."""
        for watch in self.watches:
            watch.close()


def _parsed(raw: bytes) -> Any:
    """The body as JSON for the log; text where it is none."""
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _decoded(place: Place, request: web.Request, raw: bytes) -> tuple[Any, str]:
    content_type = request.content_type if "Content-Type" in request.headers else ""
    if request.method == "PATCH" and content_type not in _PATCHES:
        raise refusals.unsupported_media_type()
    if request.method in ("POST", "PUT") and content_type not in _JSON_BODIES:
        raise refusals.unsupported_media_type()
    if not raw:
        return None, content_type
    try:
        return json.loads(raw), content_type
    except ValueError:
        raise unreadable_body(place.resource, raw) from None


def _attempt(verb: str, call: Call) -> WriteAttempt:
    place = call.place
    return WriteAttempt(
        verb,
        place.resource.plural,
        place.namespace,
        place.name,
        place.subresource,
        call.body,
        call.user.name,
        call.dry_run,
    )


async def _tell(hooks: Sequence[BeforeWrite], attempt: WriteAttempt) -> None:
    for hook in tuple(hooks):
        waiting = hook(attempt)
        if inspect.isawaitable(waiting):
            await waiting
