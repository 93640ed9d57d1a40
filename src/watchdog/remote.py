"""What a laptop asks of the cluster: reads records, rolls back by hand. Builds the few adapters that takes."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from watchdog.adapters.kubernetes.access import whoami
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient, connect
from watchdog.adapters.kubernetes.events import KubernetesEvents
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.observer import MetricsObserver
from watchdog.domain.rollout import SwitchKind, Target, TargetKind
from watchdog.domain.state import Watch
from watchdog.engine import by_hand
from watchdog.engine.performing import Performer
from watchdog.ports import Clock, OutOfReach
from watchdog.settings import Settings


async def read_records(settings: Settings, clock: Clock) -> Sequence[Mapping[str, Any]]:
    """All records of the watchdog in `settings.namespace`, newest first. Raises `OutOfReach`.

    Those of a dry run where the settings say `dry_run`: the two are never handed out together.
    """
    async with AsyncExitStack() as stack:
        kube = await connected(settings, clock, stack)
        journal = dry_run_journal_of if settings.dry_run else journal_of
        return await journal(kube, settings, clock, random.Random()).records()  # noqa: S311 - jitter


@dataclass(frozen=True)
class Rollback:
    """A rollback by hand, at the point where a person can still say no."""

    watch: Watch  # as the rehearsal left it: acting (it would be done) or holding (it would be refused)
    carry_out: Callable[[], Awaitable[Watch]]


@asynccontextmanager
async def rollback_by_hand(
    settings: Settings, clock: Clock, target: Target, *, reason: str, to: str = "", overridden: tuple[str, ...] = ()
) -> AsyncIterator[Rollback]:
    """Find out what a rollback of `target` would be, with the caller's own rights.

    Nothing is written until `carry_out`. Raises `by_hand.NothingKnown` and `OutOfReach`.
    """
    async with AsyncExitStack() as stack:
        rng = random.Random()  # noqa: S311 - jitter
        kube = await connected(settings, clock, stack)
        who = await whoami(kube)
        journal = journal_of(kube, settings, clock, rng)
        cache = ClusterCache(kube, clock=clock, rng=rng, namespaces=(target.namespace,))
        kind = SwitchKind.ROLLOUT if target.kind is TargetKind.DEPLOYMENT else SwitchKind.SELECTOR
        provider = PROVIDERS[kind](kube, cache, clock=clock, guarded=lambda one, _labels: one == target)
        feeding = asyncio.create_task(cache.run(), name="cache")
        stack.push_async_callback(_cancelled, feeding)

        async def remember(_switch: object, _effect: object, _watch: object) -> None:
            """Left to the watchdog that adopts the record."""

        performer = Performer(
            providers={kind: provider},
            journal=journal,
            events=KubernetesEvents(kube, clock=clock, instance=who),
            clock=clock,
            observer=MetricsObserver(Metrics()),
            remember=remember,
        )
        wish = by_hand.Wish(target, who, reason, to, overridden)
        watch = await by_hand.considered(wish, provider, journal, clock)
        rehearsed = await by_hand.carried_out(watch, performer, clock, rehearse=True)
        yield Rollback(rehearsed, lambda: by_hand.carried_out(watch, performer, clock))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def journal_of(kube: KubeClient, settings: Settings, clock: Clock, rng: random.Random) -> ConfigMapJournal:
    """The journal in the watchdog's own namespace."""
    return ConfigMapJournal(kube, settings.namespace, clock=clock, rng=rng, records_kept=settings.records_kept)


def dry_run_journal_of(kube: KubeClient, settings: Settings, clock: Clock, rng: random.Random) -> ConfigMapJournal:
    """The journal of `run --dry-run` there, apart from the real one: no real run finds anything of it."""
    kept = settings.records_kept
    return ConfigMapJournal(kube, settings.namespace, clock=clock, rng=rng, records_kept=kept, series="dry-run-")


async def connected(settings: Settings, clock: Clock, stack: AsyncExitStack) -> KubeClient:
    """A client of the cluster that the settings name, closed with `stack`. Raises `OutOfReach`."""
    kubeconfig = str(settings.kubeconfig) if settings.kubeconfig else None
    try:
        kube = await connect(clock, kubeconfig=kubeconfig, context=settings.context)
    except OutOfReach as error:
        if kubeconfig is not None:
            raise
        hint = "no cluster is named: set WATCHDOG_KUBECONFIG or pass --kubeconfig"
        raise OutOfReach(f"{hint} (and this process runs in none: {error})") from error
    stack.push_async_callback(kube.close)
    return kube
