"""What the engine needs of the outside, as protocols; `watchdog.adapters` fulfils them, `watchdog.app` wires them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from watchdog.domain.brakes import Act, Pause
from watchdog.domain.changes import Description
from watchdog.domain.effects import Notice, PutBackAnswer, Remedy
from watchdog.domain.live import Configured, Live, Pod, Sighting
from watchdog.domain.measurement import Answer, ProbeResult, QueryFailed
from watchdog.domain.owners import Owner
from watchdog.domain.rollout import Revision, Stable, SwitchKind, Target, TargetKind, TrafficSwitch
from watchdog.domain.rules import Probe


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that long."""
        ...


class OutOfReach(Exception):
    """A component did not answer, or answered in a way that another try may mend.

    `final`: another try would be answered the same (a right that is missing, no such object).
    """

    def __init__(self, sentence: str = "", *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final


class TooLarge(OutOfReach):
    """A record that will be refused each time, for its size: whoever made it must keep less."""


class TrafficProvider(Protocol):
    """What carries traffic switches, of one kind of object. A new one is one file that fulfils this.

    `carries` is the kind of its targets, `kind` how traffic reaches another revision there.
    """

    carries: TargetKind
    kind: SwitchKind

    def switches(self) -> AsyncIterator[Sighting]:
        """What serves each target, whenever that may have changed and once more after each relist; never ends.

        Whether a sighting is a switch is decided by `watchdog.domain.noticing.notice`, which knows what served before.
        """
        ...

    async def live(
        self, switch: TrafficSwitch, stable: Stable | None, *, after: int | None = None, fresh: bool = False
    ) -> Live:
        """The target as it is now.

        With `after`, waits until the target has changed since the `Live` of that version. With `fresh`, reads from
        the API server and looks at the destination too (its needs, a server-side dry run). Raises `OutOfReach`.
        """
        ...

    async def put_back(self, remedy: Remedy) -> PutBackAnswer:
        """Point the traffic at `remedy.to`, under the remedy's preconditions, in one write per object."""
        ...

    async def describe(self, target: Target, revision: Revision, commits: str = "") -> Description:
        """What a person would want to know of a revision: what it is made of, who made it. Raises `OutOfReach`.

        `commits`: an annotation that names its commit, by a hash or as a page, before any other that does.
        """
        ...


class MetricSource(Protocol):
    """Prometheus, or what speaks its API."""

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer | QueryFailed:
        """An instant query at `at`; a range selector gives its raw samples. `deadline` in seconds. Never raises."""
        ...

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float
    ) -> Answer | QueryFailed:
        """The query at `start`, `start + step` ... up to `end`. Never raises."""
        ...


MetricSources = Callable[[str], MetricSource]
"""The source of that name, "" for that of the settings; of a name that is not known one that says so."""


class MetricCatalog(Protocol):
    """What Prometheus knows of its series without their samples. Nothing raises."""

    async def label_names(
        self, selectors: Sequence[str], start: datetime, end: datetime, *, deadline: float
    ) -> tuple[str, ...] | QueryFailed:
        """The labels of the series that any of the selectors finds between `start` and `end`; without one, of all."""
        ...

    async def label_values(
        self, label: str, selectors: Sequence[str], start: datetime, end: datetime, *, deadline: float
    ) -> tuple[str, ...] | QueryFailed:
        """The values of one label among those series; of `__name__`, the names of their metrics."""
        ...

    async def alert_names(self, *, deadline: float) -> tuple[str, ...] | QueryFailed:
        """The names of all alerting rules."""
        ...


class Prober(Protocol):
    """Makes health probes."""

    async def probe(self, pods: Sequence[Pod], probe: Probe) -> Sequence[ProbeResult]:
        """One GET of each pod, side by side, bounded; leaves out pods without port or address. Never raises."""
        ...


class NotDelivered(Exception):
    """The channel did not take the notice; `unsure` when it may have, `retry_after` in seconds if it said so."""

    final = False  # True: another try would be refused as well

    def __init__(self, detail: str, *, unsure: bool = False, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.unsure = unsure
        self.retry_after = retry_after


class Notifier(Protocol):
    """One channel."""

    name: str

    async def send(self, notice: Notice, *, possible_repeat: bool) -> None:
        """Send, once, within a few seconds; raises `NotDelivered`. Retries are the caller's."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


Document = Mapping[str, Any]  # a JSON object


class Journal(Protocol):
    """Where records and memories are kept: plain JSON objects in, plain JSON objects out. All raise `OutOfReach`."""

    async def records(self, *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[Document]:
        """All records, or only those of watches that are open or of which someone is still to be told; newest first.

        `but`: ids of watches whose records may be left out, and are not read again.
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


class Configurations(Protocol):
    """What configures guarded targets, beside their templates."""

    async def look(self, target: Target) -> Configured | None:
        """What configures the target now, and what changed since the last look; None: nothing can be read.

        Never raises.
        """
        ...


class Owners(Protocol):
    """What reconciles guarded objects: Argo CD, Flux."""

    async def known(self, owner: Owner) -> Owner:
        """The owner with whether it heals, as it is configured now; None where that cannot be read. Never raises."""
        ...

    async def runner(self, target: Target) -> Owner | None:
        """Whose controller rolls the target out by itself, as far as that can be read. Never raises."""
        ...

    async def suspend(self, owner: Owner, watch_id: str) -> str:
        """Suspend its reconciling, under what was read; "" where that was done, else why not. Raises `OutOfReach`."""
        ...


class EventSink(Protocol):
    """Kubernetes Events."""

    async def emit(self, target: Target, uid: str, *, reason: str, note: str, warning: bool) -> None:
        """One Event on the target. Best effort: logs what fails, never raises."""
        ...
