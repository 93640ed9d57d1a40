"""What a pipeline asks of the cluster: the watch of its release, a switch of a Service. Builds the few adapters."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from watchdog.adapters.kubernetes.access import whoami
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.flips import Flips
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.adapters.kubernetes.records import RecordsReader
from watchdog.adapters.probes import HttpProber
from watchdog.adapters.watch_api import WatchApi
from watchdog.configured import Settings
from watchdog.connected import connected, journal_of
from watchdog.domain.codec import Unreadable
from watchdog.domain.effects import PutBackUnsure
from watchdog.domain.flipping import Flip, FlipCheck, Objection
from watchdog.domain.memory import Memory
from watchdog.domain.record import is_about, watch_of
from watchdog.domain.reweighing import RouteNow
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.rules import Probe, Rulebook
from watchdog.domain.state import Watch
from watchdog.domain.weights import released
from watchdog.engine import by_hand, flipping
from watchdog.ports import Clock, OutOfReach


class ClusterOutlook:
    """What somebody who waits sees of a cluster: what serves, the records, what is remembered."""

    knows_what_serves = True

    def __init__(self, kube: KubeClient, journal: ConfigMapJournal, flips: Flips, namespace: str) -> None:
        self._journal = journal
        self._records = RecordsReader(kube, namespace)
        self._flips = flips

    async def serving(self, target: Target) -> Revision | None:
        """What serves the target; of a route, what its newest step is about, once the watchdog has seen that."""
        if not target.kind.switch.in_parts:
            return await self._flips.serving(target)
        now, memory = await self._flips.service(target), await self.memory(target)
        assert isinstance(now, RouteNow)
        return released(memory, now.backends, now.selector)

    async def watches(self, target: Target) -> Sequence[Watch]:
        """The target's watches, of records that this version can read."""
        records = await self._records.all()
        return by_hand.watches_of([record for record in records if is_about(record, str(target))])

    async def watch(self, watch_id: str) -> Watch | None:
        """One watch, as last written."""
        record = await self._records.one(watch_id)
        return None if record is None else _readable(record)

    async def memory(self, target: Target) -> Memory | None:
        """What is remembered of the target."""
        return by_hand.remembered(target, await self._journal.memories())


class ApiOutlook:
    """What somebody who waits sees of a daemon's API alone: its watches, of this very moment."""

    knows_what_serves = False

    def __init__(self, api: WatchApi) -> None:
        self._api = api

    async def serving(self, _target: Target) -> Revision | None:
        """Nobody tells."""
        return None

    async def watches(self, target: Target) -> Sequence[Watch]:
        """The target's watches."""
        return by_hand.watches_of(await self._api.watches(str(target)))

    async def watch(self, watch_id: str) -> Watch | None:
        """One watch, as it stands."""
        record = await self._api.watch(watch_id)
        return None if record is None else _readable(record)

    async def memory(self, _target: Target) -> Memory | None:
        """Nobody tells."""
        return None


def _readable(record: Mapping[str, Any]) -> Watch:
    try:
        return watch_of(record)
    except Unreadable as error:
        raise OutOfReach(f"the watchdog in the cluster is of another version: {error}", final=True) from error


@asynccontextmanager
async def outlook(settings: Settings, clock: Clock, api: str = "") -> AsyncIterator[ClusterOutlook | ApiOutlook]:
    """Where to look while waiting: the daemon at this URL, else the cluster. Raises `OutOfReach`."""
    async with AsyncExitStack() as stack:
        if api:
            watches = WatchApi(api)
            stack.push_async_callback(watches.close)
            yield ApiOutlook(watches)
            return
        kube = await connected(settings, clock, stack)
        journal = journal_of(kube, settings, clock, random.Random())  # noqa: S311 - jitter
        yield ClusterOutlook(kube, journal, Flips(kube, clock), settings.namespace)


@dataclass(frozen=True)
class Switch:
    """A switch of a Service or a route, at the point where a person can still say no."""

    considered: flipping.Considered | Objection
    carry_out: Callable[[Flip], Awaitable[Objection | PutBackUnsure | None]]
    outlook: ClusterOutlook


@asynccontextmanager
async def switch_of(
    settings: Settings,
    clock: Clock,
    target: Target,
    to: str,
    *,
    reason: str = "",
    overridden: frozenset[FlipCheck] = frozenset(),
    weight: int | None = None,
    rulebook: Rulebook | None = None,
) -> AsyncIterator[Switch]:
    """Find out what the switch would be, with the caller's own rights. Nothing is written until `carry_out`.

    The health probes are those of the target's guard in `rulebook`. Raises `OutOfReach`.
    """
    async with AsyncExitStack() as stack:
        kube = await connected(settings, clock, stack)
        journal = journal_of(kube, settings, clock, random.Random())  # noqa: S311 - jitter
        flips, prober = Flips(kube, clock), HttpProber()
        stack.push_async_callback(prober.close)
        wish = flipping.Wish(target, to, await whoami(kube), reason, overridden, weight)
        probes = _probes(rulebook, target, (await flips.service(target)).labels)
        found = await flipping.considered(wish, flips, journal, prober, probes, clock)
        yield Switch(
            found,
            lambda flip: flipping.carried_out(flip, flips, clock),
            ClusterOutlook(kube, journal, flips, settings.namespace),
        )


def _probes(rulebook: Rulebook | None, target: Target, labels: Mapping[str, str]) -> list[Probe]:
    guard = rulebook.guard_of(target, labels) if rulebook is not None else None
    return [rule.check for rule in (guard.rules if guard else ()) if isinstance(rule.check, Probe)]
