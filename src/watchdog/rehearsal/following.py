"""Watches every switch from now on, with the daemon's own supervisor and watches; the journal ends with the process."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from watchdog.adapters.dry_run import MemoryBraking, MemoryJournal, NoEvents, WithheldOwners, WithheldProvider
from watchdog.adapters.kubernetes.braking import ConfigMapBraking
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.owners import KubernetesOwners
from watchdog.adapters.kubernetes.providers import PROVIDERS, Provider
from watchdog.adapters.kubernetes.reading import withholding
from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.observer import MetricsObserver
from watchdog.domain.effects import Notice
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Guard
from watchdog.domain.standing import baselines_known, up_to_date
from watchdog.domain.state import Watch
from watchdog.engine.supervisor import Supervisor
from watchdog.rehearsal.connecting import Rehearsal
from watchdog.wiring import Ports, supervisor_of

log = logging.getLogger(__name__)

Shown = Callable[[Watch], None]

_PATIENCE = 60.0  # seconds that all switches and what is due of them may take
_LOOK_EVERY = 0.1
_QUIET = 1.0  # seconds in which no other switch was seen


async def follow(
    rehearsal: Rehearsal, shown: Shown, stop: asyncio.Event, *, once: bool = False, only: Target | None = None
) -> None:
    """Watch every switch (of one target) until `stop`; with `once` until what is open now has been judged."""
    supervisor: Supervisor | None = None

    def guarded(target: Target, labels: Mapping[str, str]) -> bool:
        return supervisor is not None and only in (None, target) and supervisor.guards(target, labels)

    kinds = rehearsal.rulebook.kinds if only is None else {only.namespace: frozenset({only.kind})}
    cache = ClusterCache(rehearsal.client, clock=rehearsal.clock, rng=rehearsal.rng, namespaces=kinds, kinds=kinds)
    providers = [make(rehearsal.client, cache, clock=rehearsal.clock, guarded=guarded) for make in PROVIDERS.values()]
    watches: dict[str, Watch] = {}

    def stepped(watch: Watch) -> None:
        watches[watch.id] = watch
        shown(watch)

    supervisor = supervisor_of(rehearsal.rulebook, _ports(rehearsal, providers, stepped))
    async with asyncio.TaskGroup() as scope:
        tasks = [scope.create_task(cache.run(), name="cache"), scope.create_task(supervisor.run(), name="supervisor")]
        if once:
            await _judged_once(rehearsal, cache, providers, watches, stop)
        else:
            await stop.wait()
        for task in tasks:
            task.cancel()


def _ports(rehearsal: Rehearsal, providers: Sequence[Provider], stepped: Shown) -> Ports:
    client = rehearsal.client
    owners = WithheldOwners(KubernetesOwners(client, rehearsal.clock), withholding)
    return Ports(
        providers=[
            WithheldProvider(provider, withholding, lambda: client.unrehearsed, owners) for provider in providers
        ],
        braking=MemoryBraking(ConfigMapBraking(client, rehearsal.namespace), strict=False),
        owners=owners,
        journal=MemoryJournal(rehearsal.memories),
        events=NoEvents(),
        sampler=rehearsal.sampler,
        prober=rehearsal.prober,
        observer=observer_of(stepped),
        clock=rehearsal.clock,
        notifiers=dict,
        wants=lambda _name, _watch, _topic: False,
        tell=_logged,
    )


async def _judged_once(
    rehearsal: Rehearsal,
    cache: ClusterCache,
    providers: Sequence[Provider],
    watches: Mapping[str, Watch],
    stop: asyncio.Event,
) -> None:
    """Return when each switch has been seen, and each of their blocks that is due was judged."""
    clock = rehearsal.clock
    end = clock.monotonic() + _PATIENCE
    quiet_since, known = clock.monotonic(), 0
    while clock.monotonic() < end and not stop.is_set():
        await clock.sleep(_LOOK_EVERY)
        settled = cache.synced and all(
            up_to_date(watch, clock.now()) and baselines_known(watch) for watch in watches.values()
        )
        if not settled or len(watches) != known or any(provider.waits for provider in providers):
            quiet_since, known = clock.monotonic(), len(watches)
        if clock.monotonic() - quiet_since >= _QUIET:
            return


def observer_of(stepped: Shown) -> MetricsObserver:
    """An observer that shows each step."""
    observer = MetricsObserver(Metrics())
    observer.on_step = stepped
    return observer


def _logged(notice: Notice, guard: Guard) -> None:
    log.warning(notice.title, extra={"facts": {"guard": guard.name}})
