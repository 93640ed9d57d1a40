"""What a laptop asks of the cluster: records, a live check, a rollback by hand. Builds the adapters that takes."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from watchdog.adapters.kubernetes.access import whoami
from watchdog.adapters.kubernetes.braking import ConfigMapBraking
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import ApiError
from watchdog.adapters.kubernetes.events import KubernetesEvents
from watchdog.adapters.kubernetes.kinds import NAMESPACES
from watchdog.adapters.kubernetes.marking import NotMarked, put_mark
from watchdog.adapters.kubernetes.owners import KubernetesOwners
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.adapters.secrets import SecretReader
from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.observer import MetricsObserver
from watchdog.configured import Settings
from watchdog.connected import DRY_RUN_SERIES, connected, dry_run_journal_of, journal_of
from watchdog.domain.brakes import BRAKES, Pause
from watchdog.domain.marks import Mark, Marking, why_not
from watchdog.domain.rollout import Target
from watchdog.domain.sources import named
from watchdog.domain.state import Watch
from watchdog.engine import by_hand
from watchdog.engine.braking import Brakeman
from watchdog.engine.performing import Performer
from watchdog.ports import Clock, OutOfReach, in_full
from watchdog.rulebook import Report
from watchdog.sources import Access
from watchdog.survey.cluster import read_cluster
from watchdog.survey.findings import Finding
from watchdog.survey.first_rules import FirstRules, first_rules
from watchdog.survey.guardables import guardables_of
from watchdog.survey.hearing import hear, unheard
from watchdog.survey.live_check import Cluster, Ways, live_check
from watchdog.survey.metric_names import MetricNames

_NOT_FOUND = 404


async def read_records(settings: Settings, clock: Clock) -> Sequence[Mapping[str, Any]]:
    """All records of the watchdog in `settings.namespace`, newest first. Raises `OutOfReach`.

    Those of a dry run where the settings say `dry_run`: the two are never handed out together.
    """
    async with AsyncExitStack() as stack:
        kube = await connected(settings, clock, stack)
        journal = dry_run_journal_of if settings.dry_run else journal_of
        records = await journal(kube, settings, clock, random.Random()).records(in_full)  # noqa: S311 - jitter
        if not records:
            await _there(kube, settings.namespace)
        return records


async def check_live(
    settings: Settings, clock: Clock, environ: Mapping[str, str], report: Report
) -> tuple[Finding, ...]:
    """Whether the rules of a valid file would work in the cluster and on the Prometheus of the settings."""
    assert report.rulebook is not None
    async with AsyncExitStack() as stack:
        cluster: Cluster | str
        try:
            kube = await connected(settings, clock, stack)
        except OutOfReach as error:
            cluster = str(error)
        else:
            journal = journal_of(kube, settings, clock, random.Random())  # noqa: S311 - jitter
            cluster = Cluster(
                kube, journal, settings.namespace, own_account=settings.kubeconfig is None, shards=settings.shards
            )
        secret = SecretReader(settings.secrets_dir, environ)
        access, known = Access(settings, secret, clock), named(report.rulebook.sources)
        asked = {name: _opened(partial(access.live, name, known), stack) for name in report.rulebook.asked}
        ways = Ways(cluster, asked, secret, clock)
        return await live_check(report.rulebook, report.places, ways)


async def _there(kube: KubeClient, namespace: str) -> None:
    """Raises `OutOfReach` where the API server says that there is no such namespace, not where it may not be asked."""
    try:
        await kube.get(NAMESPACES, "", namespace)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            raise OutOfReach(f"there is no namespace {namespace}; --namespace names the watchdog's own") from error


class NothingToGuard(OutOfReach):
    """There is no Deployment that a guard could be written for."""


async def look_around(settings: Settings, clock: Clock, namespaces: Sequence[str]) -> FirstRules:
    """What a first rules.toml for these namespaces (none: all that may be listed) says. Only reads.

    Raises `OutOfReach` where the cluster does not answer, `NothingToGuard` where it has nothing to guard. Of a
    Prometheus that does not answer the file itself speaks.
    """
    async with AsyncExitStack() as stack:
        cluster = await read_cluster(await connected(settings, clock, stack), namespaces, settings.namespace)
        survey = guardables_of(cluster)
        if not survey.guardables:
            raise NothingToGuard(_nothing(cluster.namespaces, cluster.refused, survey.passed_over))
        access = Access(settings, SecretReader(settings.secrets_dir, {}), clock)
        at, prometheus = clock.now(), _opened(access.default, stack)
        if isinstance(prometheus, str):
            hearing = unheard(survey.guardables, prometheus)
        else:
            hearing = await hear(prometheus, MetricNames(prometheus, at), survey.guardables, at)
        return first_rules(cluster, survey, hearing, at)


def _nothing(read: Iterable[str], refused: Mapping[str, str], passed_over: Sequence[str]) -> str:
    """Why there is nothing to guard."""
    where = ", ".join(read)
    parts = [f"there is no Deployment to guard in {where}" if where else "no namespace could be read"]
    parts += [f"{namespace} may not be read ({why})" for namespace, why in refused.items()]
    return "; ".join([*parts, *passed_over])


def _opened(make: Callable[[], LivePrometheus], stack: AsyncExitStack) -> LivePrometheus | str:
    """Prometheus, closed with `stack`; as a text, why it cannot be asked."""
    try:
        prometheus = make()
    except OutOfReach as error:
        return str(error)
    stack.push_async_callback(prometheus.close)
    return prometheus


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
        kinds = {target.namespace: frozenset({target.kind})}
        cache = ClusterCache(kube, clock=clock, rng=rng, namespaces=kinds, kinds=kinds)
        provider = PROVIDERS[target.kind](kube, cache, clock=clock, guarded=lambda one, _labels: one == target)
        feeding = asyncio.create_task(cache.run(), name="cache")
        stack.push_async_callback(_cancelled, feeding)

        async def remember(_switch: object, _effect: object, _watch: object) -> None:
            """Left to the watchdog that adopts the record."""

        performer = Performer(
            providers={target.kind: provider},
            journal=journal,
            events=KubernetesEvents(kube, clock=clock, instance=who),
            clock=clock,
            observer=MetricsObserver(Metrics()),
            remember=remember,
            owners=KubernetesOwners(kube, clock),
            brakeman=Brakeman(ConfigMapBraking(kube, settings.namespace), clock, lambda: BRAKES),
        )
        wish = by_hand.Wish(target, who, reason, to, overridden)
        watch = await by_hand.considered(wish, provider, journal, clock)
        rehearsed = await by_hand.carried_out(watch, performer, clock, rehearse=True)
        yield Rollback(rehearsed, lambda: by_hand.carried_out(watch, performer, clock))


async def read_pause(settings: Settings, clock: Clock) -> Pause | None:
    """The pause in force, if there is one. Raises `OutOfReach`."""
    async with AsyncExitStack() as stack:
        kube = await connected(settings, clock, stack)
        pause = await ConfigMapBraking(kube, settings.namespace).pause()
        if pause is None:
            await _there(kube, settings.namespace)
        return pause if pause is not None and pause.holds(clock.now()) else None


async def mark_watch(settings: Settings, clock: Clock, watch_id: str, what: Marking | None, reason: str) -> Mark | None:
    """Mark how a watch ended, in the caller's name and with their rights; with None take the mark back.

    Returns the mark; None where it was taken back, or none was there. Raises `NotMarked` and `OutOfReach`.
    """
    series = DRY_RUN_SERIES if settings.dry_run else ""
    async with AsyncExitStack() as stack:
        kube = await connected(settings, clock, stack)
        mark = None if what is None else Mark(what, await whoami(kube), reason, clock.now())

        def objection(record: Mapping[str, Any]) -> str:
            return "" if what is None else why_not(record, what)

        done = await put_mark(kube, settings.namespace, watch_id, mark, objection, series=series)
        if not done:
            raise NotMarked(f"watch {watch_id} has no mark")
        return mark


async def declare_pause(settings: Settings, clock: Clock, reason: str, length: timedelta) -> Pause:
    """Pause all acts from now on, in the caller's name; replaces a pause that is there. Raises `OutOfReach`."""
    async with AsyncExitStack() as stack:
        kube = await connected(settings, clock, stack)
        now = clock.now()
        pause = Pause(reason, await whoami(kube), now, now + length)
        await ConfigMapBraking(kube, settings.namespace).declare(pause)
        return pause


async def lift_pause(settings: Settings, clock: Clock) -> bool:
    """End the pause; False where there was none. Raises `OutOfReach`."""
    async with AsyncExitStack() as stack:
        return await ConfigMapBraking(await connected(settings, clock, stack), settings.namespace).lift()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
