"""A watch: a list that goes on. One JSON line per change, bookmarks in between."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from watchdog.simulator import faults
from watchdog.simulator.faults import Fault
from watchdog.simulator.objects import Object, key_of, with_metadata
from watchdog.simulator.refusals import Refusal, expired
from watchdog.simulator.resources import Resource
from watchdog.simulator.store import Change, Store
from watchdog.simulator.timeline import Timeline, Timer

_BOOKMARK_EACH = 60.0
_HTML = b"<html><head><title>502 Bad Gateway</title></head></html>\n"


@dataclass(frozen=True)
class WatchRequest:
    """What is to be watched, and how."""

    resource: Resource
    namespace: str
    selects: Callable[[Object], bool]
    version: int | None  # None or 0: begin with what is there
    bookmarks: bool = False
    initial_events_end: bool = False
    timeout: float = 1800.0
    user: str = ""
    path: str = ""


class Lines:
    """The line of what was told last: many may watch the same, and it is written once for all of them."""

    def __init__(self) -> None:
        self._told: tuple[str, Object] | None = None
        self._line = b""

    def of(self, kind: str, obj: Object) -> bytes:
        """How that event is told."""
        if self._told is None or self._told[0] != kind or self._told[1] is not obj:
            self._told, self._line = (kind, obj), _line(kind, obj)
        return self._line


class OpenWatch:
    """One stream to one client. Tests can spoil it while it is open."""

    def __init__(
        self, asked: WatchRequest, store: Store, timeline: Timeline, fault: Fault | None, lines: Lines | None = None
    ) -> None:
        self.asked = asked
        self._lines = lines or Lines()
        self._store = store
        self._timeline = timeline
        self._fault = fault
        self._pending: list[bytes] = []
        self._sent = 0
        self._awake = asyncio.Event()
        self._closed = False
        self._silent = False
        self._timers: list[Timer] = []
        self._last = b""
        self._known = store.version

    # What a test may do to an open stream

    def close(self) -> None:
        """End the stream cleanly, as a server does that is restarted."""
        self._closed = True
        self._awake.set()

    def silence(self) -> None:
        """Half open: nothing that happens from now on arrives, and the connection stays."""
        self._silent = True

    def send_html(self) -> None:
        """A line of a proxy's error page."""
        self._push(_HTML)

    def duplicate(self) -> None:
        """Send the last event once more."""
        if self._last:
            self._push(self._last)

    def gone(self) -> None:
        """An ERROR event with 410, and the end."""
        self._push_error(expired(f"too old resource version: {self._known} ({self._store.version})"))
        self.close()

    # The stream

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Send events until the time is up, the client leaves, or a test ends it."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        unsubscribe = self._store.subscribe(self._changed, self.asked.resource, self.asked.namespace)
        try:
            self._begin()
            await response.prepare(request)
            while True:
                await self._flush(response)
                if self._closed:
                    break
                await self._awake.wait()
                self._awake.clear()
        except ConnectionError:
            return response  # the client left; there is no one to tell
        finally:
            unsubscribe()
            for timer in self._timers:
                timer.cancel()
        await response.write_eof()
        return response

    def _time_is_up(self) -> None:
        if not self._silent:
            self.close()

    async def _flush(self, response: web.StreamResponse) -> None:
        while self._pending:
            chunk, self._pending = b"".join(self._pending), []
            await response.write(chunk)

    def _begin(self) -> None:
        self._spoil()
        asked = self.asked
        try:
            if asked.version:
                self._replay(self._store.since(asked.version))
            else:
                self._send_existing()
        except Refusal as refusal:
            self._push_error(refusal)
            self.close()
            return
        self._timers.append(self._timeline.after(asked.timeout, self._time_is_up))
        if asked.bookmarks:
            self._bookmark_later()
            if asked.timeout > 2:
                self._timers.append(self._timeline.after(asked.timeout - 2, self._bookmark))

    def _replay(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._changed(change)

    def _send_existing(self) -> None:
        asked = self.asked
        for obj in sorted(self._store.all(asked.resource, asked.namespace), key=key_of):
            if asked.selects(obj):
                self._push_event("ADDED", obj)
        self._known = self._store.version
        if asked.initial_events_end:
            self._bookmark({"k8s.io/initial-events-end": "true"})

    def _changed(self, change: Change) -> None:
        asked = self.asked
        if change.resource is not asked.resource or (asked.version and change.version <= asked.version):
            return
        obj, previous = change.object, change.previous
        if asked.namespace and obj["metadata"].get("namespace") != asked.namespace:
            return
        before = previous is not None and asked.selects(previous)
        now = change.type != "DELETED" and asked.selects(obj)
        if now:
            self._push_event("MODIFIED" if before else "ADDED", obj)
        elif before and previous is not None:
            # What left the selection is told as it was when it belonged to it, with the version of its leaving.
            last = with_metadata(previous, resourceVersion=str(change.version))
            self._push_event("DELETED", obj if change.type == "DELETED" else last)
        self._known = change.version

    def _bookmark_later(self) -> None:
        def due() -> None:
            self._bookmark()
            self._bookmark_later()

        self._timers = [timer for timer in self._timers if not timer.over]
        self._timers.append(self._timeline.after(_BOOKMARK_EACH, due))

    def _bookmark(self, annotations: dict[str, str] | None = None) -> None:
        resource = self.asked.resource
        metadata: Object = {"resourceVersion": str(max(self._known, self._store.version))}
        if annotations:
            metadata["annotations"] = annotations
        self._push(_line("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}))

    def _push_event(self, kind: str, obj: Object) -> None:
        self._last = self._lines.of(kind, obj)
        self._push(self._last)
        self._sent += 1
        self._spoil()

    def _push_error(self, refusal: Refusal) -> None:
        self._push(_line("ERROR", refusal.status()))

    def _push(self, line: bytes) -> None:
        if not self._silent and not self._closed:
            self._pending.append(line)
            self._awake.set()

    def _spoil(self) -> None:
        """Do what the fault of this watch does, once its hour has come."""
        fault = self._fault
        if fault is None or self._sent < fault.after:
            return
        self._fault = None
        acts = {
            faults.CLOSE: self.close,
            faults.SILENCE: self.silence,
            faults.HTML: self.send_html,
            faults.DUPLICATE: self.duplicate,
            faults.GONE: self.gone,
        }
        acts[fault.kind]()


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
