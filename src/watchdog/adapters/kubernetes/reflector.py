"""List, then watch: a faithful stream of one resource in one namespace, whatever the network does.

kubernetes-asyncio's own watch has no patience of its own (a half-open stream hangs for ever), reconnects without a
pause, yields a proxy's error page as events, and answers 410 with the same resourceVersion. Here:

- the list is paged, the watch goes on from its resourceVersion, bookmarks keep that fresh;
- silence for `inactivity` seconds (bookmarks come each minute) ends the stream, and it is taken up again;
- every failure waits, longer each time, with jitter; three in a row, or a 410, lead to a new list;
- what was seen already (by uid and resourceVersion) is dropped;
- an object that has not the shape of its kind is told as such, and keeps nobody from the others.
"""

import asyncio
import logging
import math
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes.backoff import Backoff
from watchdog.adapters.kubernetes.changes import (
    Change,
    Changed,
    Deleted,
    Relisted,
    Unreadable,
    number_of,
    taken_in,
    uid_of,
    version_of,
)
from watchdog.adapters.kubernetes.client import PAGE, KubeClient
from watchdog.adapters.kubernetes.errors import UNREADABLE, ApiError, NoAnswer, Unavailable
from watchdog.adapters.kubernetes.kinds import Resource
from watchdog.adapters.kubernetes.nested import loaded
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

Json = dict[str, Any]

WATCH_SECONDS = 300
INACTIVITY = 70.0
FORBIDDEN_WAIT = 60.0
ABSENT_WAIT = 60.0  # until a kind that is not served is asked for again
FAILURES_BEFORE_LIST = 3
_LATELY = 10.0  # seconds for which a stream is believed to go on
_SPREAD = 2.0  # seconds within which those are left that are not
_AT_A_TIME = 50  # objects trimmed without a turn for others: some ten milliseconds
TOMBSTONES = 2_000  # how many of the dead are remembered, so that a repeated event does not raise them


class _Expired(Exception):
    """The resourceVersion to go on from is too old (410): only a list helps."""


class _Left(Exception):
    """The stream was left for another one from the same place on."""


class Reflector:
    """The objects of one resource in one namespace, as `trim` leaves them. RBAC: list, watch."""

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        namespace: str,
        *,
        clock: Clock,
        rng: random.Random,
        trim: Callable[[Json], Json],
        inactivity: float = INACTIVITY,
        listing: AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        """`listing`: entered for the length of each list, so that many reflectors do not list at once."""
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._clock = clock
        self._rng = rng
        self._trim = trim
        self._inactivity = inactivity
        self._listing = listing or nullcontext()
        self._position = ""  # the resourceVersion to go on from; "" asks for a list
        self._seen: dict[str, int] = {}  # uid to the newest resourceVersion, of the living and the lately dead
        self._dead: deque[str] = deque()
        self._backoff = Backoff(rng)
        self._absent = False  # the API server has no such kind
        self.synced = False  # listed at least once
        self._listed_at = math.inf  # monotonic, when the list was sent that all rests on; until there is one, the try
        self._heard_at = -math.inf  # monotonic, when the stream began or said something
        self._patience: asyncio.Timeout | None = None  # with the stream that is open
        self._anew = False  # it is to be left
        self.trouble = ""  # why nothing comes at present
        self.unbroken_since: datetime | None = None
        """Since when nothing can have come and gone unseen; None: the stream is broken."""

    @property
    def name(self) -> str:
        """For logs: `pods in production`."""
        return f"{self._resource.plural} in {self._namespace}"

    def holds_since(self, moment: float) -> bool:
        """Whether all it said was listed at or after that monotonic moment, or is yet to be, and its stream goes on."""
        return self._listed_at >= moment and (not self.synced or self._absent or self.unbroken_since is not None)

    def watch_anew(self) -> None:
        """Leave a stream of which nothing was heard lately, which may be dead, and go on in another from there."""
        if self._patience is not None and self._clock.monotonic() - self._heard_at > _LATELY:
            self._anew = True
            # Not all of them in one moment.
            self._patience.reschedule(asyncio.get_running_loop().time() + self._rng.uniform(0.0, _SPREAD))

    async def changes(self) -> AsyncGenerator[Change]:
        """First the list, then each change as it comes; another list where the stream could not be kept. No end."""
        while True:
            try:
                if not self._position:
                    was_absent = self._absent
                    relisted = await self._list_if_served()
                    self.synced = True
                    if not (was_absent and self._absent):
                        yield relisted
                    del relisted  # of what was listed first the cache alone decides how long it is there
                    if self._absent:
                        await self._clock.sleep(ABSENT_WAIT * self._rng.uniform(0.5, 1.0))
                        continue
                async with aclosing(self._watched()) as changes:
                    async for change in changes:
                        yield change
                        del change
            except _Left:
                self._anew, self.unbroken_since = False, None
            except _Expired:
                log.info("%s: the watch is too old to go on (410); listing again", self.name)
                self.unbroken_since = None
                # Not at once: a server that answers 410 to a fresh list would be asked without a pause.
                self._position = ""
                await self._clock.sleep(self._backoff.next())
            except ApiError as error:
                await self._refused(error)
            except OutOfReach as error:
                await self._failed(str(error))

    async def _list_if_served(self) -> Relisted:
        """A kind that is not served has no objects: its definition was not installed, or was taken away again."""
        async with self._listing:
            began = self._clock.monotonic()
            if not self.synced:
                self._listed_at = began
            relisted = await self._listed_or_absent()
            self._listed_at = began
        return relisted

    async def _listed_or_absent(self) -> Relisted:
        try:
            relisted = await self._list()
        except ApiError as error:
            if error.status != 404:
                raise
            if not self._absent:
                log.info("%s: there is no such kind here (yet)", self.name)
            self._absent, self.trouble = True, ""
            self.unbroken_since = self.unbroken_since or self._clock.now()  # nothing of it comes and goes unseen
            self._seen.clear()
            return Relisted(())
        self._absent = False
        return relisted

    async def _list(self) -> Relisted:
        """All pages; one list without pages where the pages expired while they were read."""
        for limit in (PAGE, 0):
            found: list[Changed | Unreadable] = []
            position = ""
            try:
                async for page, version in self._client.pages(self._resource, self._namespace, limit=limit):
                    for begin in range(0, len(page), _AT_A_TIME):
                        found.extend(taken_in(item, self._trim) for item in page[begin : begin + _AT_A_TIME])
                        await self._clock.sleep(0)  # timers and sockets come first: a lease is renewed meanwhile
                    position = version
            except Unavailable:
                raise
            except ApiError as error:
                if limit and error.status in (400, 410) and found:
                    continue
                raise
            unreadable = tuple(one for one in found if isinstance(one, Unreadable))
            relisted = Relisted(tuple(one.object for one in found if isinstance(one, Changed)), unreadable)
            self._seen = {uid_of(one): version_of(one) for one in relisted.all}
            self._dead.clear()
            self._position = position
            self.unbroken_since = self._clock.now()
            return relisted
        raise AssertionError("unreachable")

    async def _watched(self) -> AsyncGenerator[Change]:
        """One watch, until it ends well; raises for all other ends."""
        began = self._clock.monotonic()
        events = 0
        seconds = int(WATCH_SECONDS * self._rng.uniform(0.8, 1.2))
        async with self._client.watch(self._resource, self._namespace, since=self._position, seconds=seconds) as lines:
            if self.trouble:
                log.info("%s: watched again", self.name)
            self.trouble = ""
            self.unbroken_since = self.unbroken_since or self._clock.now()
            self._heard_at = self._clock.monotonic()
            while (line := await self._next_line(lines)) is not None:
                events += 1
                change = self._understood(line)
                self._backoff.failures = 0
                if change is not None:
                    yield change
                del change, line  # until the next one comes, which may be hours
        lived = self._clock.monotonic() - began
        if lived < 1.0 or (not events and lived < 5.0):
            # An end that is clean but at once: a server that keeps doing so must not be asked without a pause.
            raise NoAnswer(f"the watch ended after {lived:.1f} s")
        self._backoff.failures = 0

    async def _next_line(self, lines: AsyncGenerator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(self._inactivity) as self._patience:
                line = await anext(lines, None)
        except TimeoutError as error:
            if self._anew:
                raise _Left from error
            raise NoAnswer(f"no event and no bookmark for {self._inactivity:.0f} s") from error
        finally:
            self._patience = None
        self._heard_at, self._anew = self._clock.monotonic(), False
        return line

    def _understood(self, line: bytes) -> Change | None:
        """What a line of the watch says that is new."""
        try:
            event = loaded(line)
            kind, body = event["type"], event["object"]
            metadata = body.get("metadata") or {}
            version = str(metadata.get("resourceVersion", ""))
            uid = metadata.get("uid")
        except UNREADABLE as error:
            raise NoAnswer(f"the watch sent what is no event: {line[:80]!r}") from error
        if kind == "ERROR":
            if body.get("code") == 410:
                raise _Expired
            raise NoAnswer(f"the watch sent an error: {body.get('code')} {body.get('message')}")
        if kind == "BOOKMARK":
            self._position = version or self._position
            return None
        if kind not in ("ADDED", "MODIFIED", "DELETED") or not isinstance(uid, str) or not uid:
            raise NoAnswer(f"the watch sent what is no event: {line[:80]!r}")
        taken = taken_in(body, self._trim)
        if not self._is_new(uid, version):
            return None
        self._position = version or self._position
        if kind != "DELETED":
            return taken
        self._dead.append(uid)
        if len(self._dead) > TOMBSTONES:
            self._seen.pop(self._dead.popleft(), None)
        return Deleted(taken.object)

    def _is_new(self, uid: str, text: str) -> bool:
        version = number_of(text)
        if version is not None:
            if version <= self._seen.get(uid, -1):
                return False
            self._seen[uid] = version
        return True

    async def _refused(self, error: ApiError) -> None:
        """A refusal: 410 asks for a list, 403 for patience and a person."""
        self.unbroken_since = None
        if error.status == 410:
            self._position = ""
        if error.status != 403:
            await self._failed(str(error), error.retry_after)
            return
        verb = "watch" if self._position else "list"
        trouble = f"may not {verb} {self._resource.plural} in namespace {self._namespace}"
        if trouble != self.trouble:
            log.error("the watchdog %s; grant it in a Role (%s)", trouble, error.message)
        self.trouble = trouble
        await self._clock.sleep(FORBIDDEN_WAIT * self._rng.uniform(0.5, 1.0))

    async def _failed(self, why: str, retry_after: float | None = None) -> None:
        self.unbroken_since = None
        wait = self._backoff.next(retry_after)
        if self._backoff.failures >= FAILURES_BEFORE_LIST:
            self._position = ""  # perhaps it is the place to go on from that the server cannot take
        level = logging.WARNING if self._backoff.failures > 1 else logging.INFO
        log.log(level, "%s: %s; trying again in %.1f s", self.name, why, wait)
        self.trouble = why if self._backoff.failures > 1 else self.trouble
        await self._clock.sleep(wait)
