"""What must outlive a process, or be seen by all of them: records, marks, brakes, who leads."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from watchdog.domain.brakes import Act, Pause
from watchdog.domain.rollout import Target

Document = Mapping[str, Any]  # a JSON object
T = TypeVar("T")
Keeping = Callable[[Document], T | None]
"""What is made of a record by whoever reads many of them; None: nothing is kept."""


def in_full(document: Document) -> Document:
    """All of it."""
    return document


def of_watch(watch_id: str) -> Keeping[Document]:
    """All of the record of one watch, and nothing of others."""
    return lambda document: document if document.get("watch") == watch_id else None


class Journal(Protocol):
    """Where records and memories are kept: plain JSON objects in, plain JSON objects out. All raise `OutOfReach`."""

    async def records(self, kept: Keeping[T], *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[T]:
        """All records, or only those of watches that are open or of which someone is still to be told; newest first.

        `but`: ids of watches whose records may be left out, and are not read again. Each record goes through `kept` as
        it is read (`in_full`: all of it is kept): a thousand of them at a time take more memory than all else.
        """
        ...

    async def write(self, watch_id: str, document: Document, *, open_watch: bool) -> None:
        """Create or replace one record; prunes ended ones beyond the number kept. Raises also `TooLarge`."""
        ...

    async def memories(self) -> Mapping[Target, Document]:
        """What is remembered of each target."""
        ...

    async def remember(self, target: Target, document: Document) -> None:
        """Create or replace what is remembered of one target."""
        ...


class Kept(Protocol):
    """What the leaders of other shards have journalled. All raise `OutOfReach`."""

    async def memories_in(self, namespaces: Collection[str]) -> Mapping[Target, Document]:
        """What is remembered of the targets in these namespaces."""
        ...

    async def open_watches(self) -> Sequence[str]:
        """The ids of the watches that are open, or of which someone is still to be told; of all shards."""
        ...


class Marks(Protocol):
    """What people say of how watches ended. All raise `OutOfReach`."""

    async def false_alarms(self, watches: Collection[str]) -> Collection[str]:
        """Which of these watches a person marked a false alarm."""
        ...


class Braking(Protocol):
    """The pause, and the acts of late: kept where every process that may act sees them. All raise `OutOfReach`."""

    async def pause(self) -> Pause | None:
        """The pause that was declared last, whether or not it is still in force."""
        ...

    async def acts(self) -> Sequence[Act]:
        """The acts that were begun lately."""
        ...

    async def begin(self, act: Act, allowed: Callable[[Sequence[Act]], bool], forget: timedelta) -> bool:
        """Put one more act on the list, if `allowed` says so of those that are there; one write at a time, everywhere.

        Idempotent for one watch. Acts older than `forget` are dropped.
        """
        ...

    async def page(self, watch_id: str, at: datetime, once_in: timedelta) -> bool:
        """Whether this watch is the one to tell people that the brake over all is on: one in `once_in` is."""
        ...


class Leadership(Protocol):
    """Which of several replicas works. At any instant at most one of them finds `valid()` true."""

    @property
    def holder(self) -> str:
        """Who leads, as far as this process has seen; "" for nobody, or not known yet."""
        ...

    @property
    def trouble(self) -> str:
        """Why that cannot be found out, or kept up, at present; "" for nothing."""
        ...

    @property
    def alone_since(self) -> float:
        """The monotonic moment since when nobody else can have led; of a process that leads."""
        ...

    @property
    def tried(self) -> asyncio.Event:
        """Set once it was found out who leads, or could not be; soon."""
        ...

    def valid(self) -> bool:
        """Whether this process leads at this very instant. Asked directly before whatever must not be done twice."""
        ...

    async def acquire(self) -> None:
        """Return once this process leads."""
        ...

    async def keep(self) -> None:
        """Keep the lead; returns as soon as it is lost, and before anybody else can have it."""
        ...

    async def release(self) -> None:
        """Let another one lead at once; to be called when all work has ended. Never raises."""
        ...
