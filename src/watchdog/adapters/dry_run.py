"""Decorators of ports for a dry run: they read the real thing and write nothing to what is guarded.

Nothing that decides knows of them: a put-back that is withheld is one more answer that a provider may give.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from watchdog.domain.brakes import Act, Pause
from watchdog.domain.changes import Description
from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice, PutBackAnswer, PutBackDone, PutBackWithheld, Remedy, Severity, Write
from watchdog.domain.live import Live, Sighting
from watchdog.domain.owners import Owner
from watchdog.domain.rollout import Revision, Stable, Target, TrafficSwitch
from watchdog.ports import (
    Braking,
    Document,
    Journal,
    Keeping,
    Kept,
    Notifier,
    OutOfReach,
    Owners,
    TrafficProvider,
)

T = TypeVar("T")

MARK = "dry_run"
"""The field by which a document is known to be of a dry run."""

SAID = "[dry run] "

_LAST_LINE = "This is a dry run of the watchdog: it judges and tells, and changes nothing"
_EXPLAIN = "watchdog explain "

Withholding = Callable[[], AbstractContextManager[list[Write]]]


class WithheldProvider:
    """A traffic provider that looks at the real thing; its put-backs go as far as the request, which is not sent.

    `withholding` collects what the provider within would send; `unasked` says why the API server was not asked whether
    it would take that; what `owners` would have sent for the same watch comes first.
    """

    def __init__(
        self,
        inner: TrafficProvider,
        withholding: Withholding,
        unasked: Callable[[], str] = str,
        owners: "WithheldOwners | None" = None,
    ) -> None:
        self.carries = inner.carries
        self.kind = inner.kind
        self._inner = inner
        self._withholding = withholding
        self._unasked = unasked
        self._owners = owners

    def switches(self) -> AsyncIterator[Sighting]:
        return self._inner.switches()

    async def live(
        self, switch: TrafficSwitch, stable: Stable | None, *, after: int | None = None, fresh: bool = False
    ) -> Live:
        return await self._inner.live(switch, stable, after=after, fresh=fresh)

    async def put_back(self, remedy: Remedy) -> PutBackAnswer:
        """What would be sent. Where the real thing would conflict or be refused before that, this answers the same."""
        with self._withholding() as writes:
            answer = await self._inner.put_back(remedy)
        if not isinstance(answer, PutBackDone):
            return answer
        first = self._owners.withheld(remedy.watch) if self._owners is not None else ()
        return PutBackWithheld(answer.at, (*first, *writes), answer.left, self._unasked())

    async def describe(self, target: Target, revision: Revision, commits: str = "") -> Description:
        return await self._inner.describe(target, revision, commits)


class WithheldOwners:
    """Looks at the real owners; a suspension goes as far as the request, which is not sent."""

    def __init__(self, inner: Owners, withholding: Withholding) -> None:
        self._inner = inner
        self._withholding = withholding
        self._withheld: dict[str, tuple[Write, ...]] = {}

    async def known(self, owner: Owner) -> Owner:
        return await self._inner.known(owner)

    async def runner(self, target: Target) -> Owner | None:
        return await self._inner.runner(target)

    async def suspend(self, owner: Owner, watch_id: str) -> str:
        with self._withholding() as writes:
            answer = await self._inner.suspend(owner, watch_id)
        self._withheld[watch_id] = tuple(writes)
        return answer

    def withheld(self, watch_id: str) -> tuple[Write, ...]:
        """What would have been sent for the watch; asked once."""
        return self._withheld.pop(watch_id, ())


class NoOwners:
    """Where nobody reconciles anything: a moment of the past."""

    async def known(self, owner: Owner) -> Owner:
        return owner

    async def runner(self, target: Target) -> Owner | None:
        """Nobody."""
        del target
        return None

    async def suspend(self, owner: Owner, watch_id: str) -> str:
        """Nothing is done, nor in the way."""
        del owner, watch_id
        return ""


class MemoryBraking:
    """Heeds the real pause and counts the real acts and, in memory, those that would have been.

    `strict`: what cannot be read lets nothing act, as in a real run; else it counts as no pause and no acts.
    """

    def __init__(self, real: Braking | None, *, strict: bool) -> None:
        self._real = real
        self._strict = strict
        self._acts: list[Act] = []
        self._paged: tuple[str, datetime] | None = None

    async def pause(self) -> Pause | None:
        try:
            return None if self._real is None else await self._real.pause()
        except OutOfReach:
            if self._strict:
                raise
            return None

    async def acts(self) -> Sequence[Act]:
        return sorted([*await self._others(), *self._acts], key=lambda act: act.at)

    async def _others(self) -> Sequence[Act]:
        try:
            return () if self._real is None else await self._real.acts()
        except OutOfReach:
            if self._strict:
                raise
            return ()

    async def begin(self, act: Act, allowed: Callable[[Sequence[Act]], bool], forget: timedelta) -> bool:
        self._acts = [one for one in self._acts if act.at - one.at < forget]
        if any(one.watch == act.watch for one in self._acts):
            return True
        if not allowed(await self.acts()):
            return False
        self._acts.append(act)
        return True

    async def page(self, watch_id: str, at: datetime, once_in: timedelta) -> bool:
        if self._paged is not None and at - self._paged[1] < once_in:
            return self._paged[0] == watch_id
        self._paged = watch_id, at
        return True


class MemoryJournal:
    """A journal that ends with the process. `memories`: what is known from elsewhere."""

    def __init__(self, memories: Mapping[Target, Document]) -> None:
        self._records: dict[str, tuple[Document, bool]] = {}
        self._memories = dict(memories)

    async def records(self, kept: Keeping[T], *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[T]:
        found = [document for document, is_open in reversed(self._records.values()) if is_open or not open_only]
        mine = [kept(document) for document in found if document.get("watch") not in but]
        return [document for document in mine if document is not None]

    async def write(self, watch_id: str, document: Document, *, open_watch: bool) -> None:
        self._records[watch_id] = document, open_watch

    async def memories(self) -> Mapping[Target, Document]:
        return dict(self._memories)

    async def remember(self, target: Target, document: Document) -> None:
        self._memories[target] = document


class MarkedJournal:
    """A dry run's own journal: each document is marked, and what it does not remember is read from the real one.

    `own` must keep its documents apart from those of `real`, so that no real run meets them.
    """

    def __init__(self, own: Journal, real: Journal) -> None:
        self._own = own
        self._real = real

    async def records(self, kept: Keeping[T], *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[T]:
        return await self._own.records(kept, open_only=open_only, but=but)

    async def write(self, watch_id: str, document: Document, *, open_watch: bool) -> None:
        await self._own.write(watch_id, marked(document), open_watch=open_watch)

    async def memories(self) -> Mapping[Target, Document]:
        own = {target: _unmarked(document) for target, document in (await self._own.memories()).items()}
        return {**await self._real.memories(), **own}

    async def remember(self, target: Target, document: Document) -> None:
        await self._own.remember(target, marked(document))


class MarkedKept:
    """What a dry run's other shards have journalled, and beside it what the real ones have of other targets."""

    def __init__(self, own: Kept, real: Kept) -> None:
        self._own = own
        self._real = real

    async def memories_in(self, namespaces: Collection[str]) -> Mapping[Target, Document]:
        own = {target: _unmarked(document) for target, document in (await self._own.memories_in(namespaces)).items()}
        return {**await self._real.memories_in(namespaces), **own}

    async def open_watches(self) -> Sequence[str]:
        return await self._own.open_watches()


def marked(document: Document) -> Document:
    """The document, known to be of a dry run."""
    return {MARK: True, **document}


def _unmarked(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != MARK}


class NoEvents:
    """Takes Kubernetes Events and makes none: they would stand in the guarded namespaces, among real ones."""

    async def emit(self, target: Target, uid: str, *, reason: str, note: str, warning: bool) -> None:
        """Nothing."""


class MarkedNotifier:
    """A channel that is told the same as in a real run, each notice marked so that nobody takes it for one.

    A notice is about no incident of a real run, even of the same switch; and none is critical: nothing was done.
    """

    def __init__(self, inner: Notifier) -> None:
        self.name = inner.name
        self.resolves = bool(getattr(inner, "resolves", False))
        self.gathers = bool(getattr(inner, "gathers", False))
        self._inner = inner

    def wants(self, topic: Topic) -> bool:
        """Whoever wants to hear of a rollback hears of one that would be."""
        wants = getattr(self._inner, "wants", None)
        asked = Topic.ROLLED_BACK if topic is Topic.WOULD_ROLL_BACK else topic
        return wants is None or bool(wants(asked))

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        told = replace(
            notice,
            id=f"dry-run/{notice.id}",
            watch=f"dry-run/{notice.watch}" if notice.watch else "",
            severity=Severity.WARNING if notice.severity is Severity.CRITICAL else notice.severity,
            title=SAID + notice.title,
            lines=(*(line.replace(_EXPLAIN, f"{_EXPLAIN}--dry-run ") for line in notice.lines), _LAST_LINE),
            facts={**notice.facts, MARK: "true"},
        )
        await self._inner.send(told, possible_repeat=possible_repeat)

    async def close(self) -> None:
        await self._inner.close()
