"""What a dry run at a laptop needs: a cluster it can read, a Prometheus that answers, and what is known of before."""

import logging
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from watchdog.adapters.dry_run import MarkedJournal
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.adapters.kubernetes.places import Place, others, place_of, places
from watchdog.adapters.kubernetes.reading import ReadingClient
from watchdog.adapters.probes import HttpProber
from watchdog.adapters.prometheus.named import Unusable
from watchdog.adapters.secrets import SecretReader
from watchdog.configured import Settings
from watchdog.connected import connected, dry_run_journal_of, journal_of
from watchdog.domain.codec import Unreadable
from watchdog.domain.measurement import QueryFailed
from watchdog.domain.noticing import before
from watchdog.domain.record import document_of, memory_of, watch_of
from watchdog.domain.rollout import USUAL, Target
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.sources import DEFAULT, called, named
from watchdog.domain.state import Watch
from watchdog.engine.sampling import Sampler
from watchdog.ports import Clock, Document, MetricSource, MetricSources, OutOfReach, in_full
from watchdog.rulebook.mistakes import nearest
from watchdog.sources import NO_URL, Access, urls_of

log = logging.getLogger(__name__)


class NoSuchTarget(Exception):
    """Not there, or not guarded; the message says what is."""


@dataclass(frozen=True)
class Rehearsal:
    """A dry run, connected."""

    rulebook: Rulebook
    clock: Clock
    namespace: str  # the watchdog's own
    client: ReadingClient
    sampler: Sampler
    prober: HttpProber
    rng: random.Random
    seen: Mapping[Target, Place]
    unlisted: tuple[str, ...]  # of which kinds nothing is known, and why
    memories: Mapping[Target, Document]
    unseeded: str  # why nothing is known of what was before; "" where it is
    records: Callable[[], Awaitable[Sequence[Document]]]  # all of the watchdog in the cluster, a dry run's among them

    @property
    def guarded(self) -> tuple[Target, ...]:
        """What is there and guarded, in order."""
        there = self.seen.items()
        return tuple(sorted(target for target, place in there if not place.weights.unweighed and self._guard_of(place)))

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The kinds of which one look judges only what the watchdog in the cluster remembers: no object keeps it."""
        kinds = {kind for some in self.rulebook.kinds.values() for kind in some}
        return tuple(sorted(kind.plural for kind in kinds if kind.switch.in_parts))

    async def find(self, target: Target) -> tuple[Place, Guard]:
        """The target and its guard. Raises `NoSuchTarget`; `OutOfReach` where one of another kind cannot be read."""
        place = self.seen.get(target)
        if target.kind not in USUAL and target.namespace in self.rulebook.namespaces:
            place = await place_of(self.client, self.clock, target)
        if place is not None and place.weights.unweighed:
            raise NoSuchTarget(f"{target}: {place.weights.unweighed}; nothing there is ever a switch by weight")
        guard = None if place is None else self._guard_of(place)
        if place is None or guard is None:
            raise NoSuchTarget(self._why_not(target, is_there=place is not None))
        return place, guard

    def _why_not(self, target: Target, *, is_there: bool) -> str:
        there = {str(one): one for one in self.guarded}
        if is_there:
            return f"{target} is there, but no guard covers it; guarded are: {', '.join(there) or 'nothing'}"
        # By the names alone: what else a target's text holds is alike in all of them.
        name = nearest(target.name, [one.name for one in there.values()])
        meant = next((text for text, one in there.items() if one.name == name), None)
        remedy = f'did you mean "{meant}"?' if meant else f"guarded are: {', '.join(there) or 'nothing'}"
        return f"{target} is not there, or in no guarded namespace; {remedy}"

    def _guard_of(self, place: Place) -> Guard | None:
        """Its own guard; else, for a Deployment, that of a Service that selects it."""
        guards = (self.rulebook.guard_of(*one) for one in ((place.target, place.labels), *place.selected_by.items()))
        return next((guard for guard in guards if guard is not None), None)


@asynccontextmanager
async def rehearsal(
    settings: Settings, rulebook: Rulebook, clock: Clock, *, rehearses: bool = False
) -> AsyncIterator[Rehearsal]:
    """Connect to the cluster and to Prometheus; raises `OutOfReach` where either does not answer.

    `rehearses`: the API server is asked, in server-side dry runs, whether it would take each patch.
    """
    rng = random.Random()  # noqa: S311 - jitter
    access = Access(settings, SecretReader(settings.secrets_dir, os.environ), clock)
    async with AsyncExitStack() as stack:
        kube = ReadingClient(await connected(settings, clock, stack), rehearses=rehearses)
        seen = {place.target: place for name in sorted(rulebook.namespaces) for place in await places(kube, name)}
        beside, unlisted = await _others(kube, clock, rulebook)
        sources = await _sources(access, rulebook, stack)
        prober = HttpProber()
        stack.push_async_callback(prober.close)
        sampler = Sampler(sources(DEFAULT), clock, sources=sources)
        stack.push_async_callback(sampler.close)
        journals = [make(kube, settings, clock, rng) for make in (dry_run_journal_of, journal_of)]
        memories, unseeded = await _memories(journals)

        async def records() -> Sequence[Document]:
            return [record for journal in journals for record in await journal.records(in_full)]

        yield Rehearsal(
            rulebook=rulebook,
            clock=clock,
            namespace=settings.namespace,
            client=kube,
            sampler=sampler,
            prober=prober,
            rng=rng,
            seen={**seen, **beside},
            unlisted=unlisted,
            memories=memories,
            unseeded=unseeded,
            records=records,
        )


async def _others(
    kube: ReadingClient, clock: Clock, rulebook: Rulebook
) -> tuple[Mapping[Target, Place], tuple[str, ...]]:
    """What is there of the kinds that guards name beside the usual ones, and why some of it is not known."""
    found: dict[Target, Place] = {}
    unlisted: list[str] = []
    for namespace in sorted(rulebook.namespaces):
        for kind in sorted(rulebook.kinds[namespace] - USUAL):
            try:
                found |= {place.target: place for place in await others(kube, clock, namespace, kind)}
            except OutOfReach as error:
                if not error.final:
                    raise
                unlisted.append(str(error))
    return found, tuple(unlisted)


async def _sources(access: Access, rulebook: Rulebook, stack: AsyncExitStack) -> MetricSources:
    """Each source that a guard asks, once it has answered. Raises `OutOfReach`."""
    known, asked = named(rulebook.sources), dict[str, MetricSource]()
    for name in rulebook.asked:
        source = access.live(name, known)
        stack.push_async_callback(source.close)
        answer = await source.query("vector(1)", access.clock.now(), deadline=10.0)
        if isinstance(answer, QueryFailed):
            (url,) = urls_of([name], known, access.settings)
            raise OutOfReach(f"{called(name)} at {url}: {answer.detail}")
        asked[name] = source
    return lambda name: asked.get(name) or Unusable(NO_URL)


async def _memories(journals: Sequence[ConfigMapJournal]) -> tuple[Mapping[Target, Document], str]:
    """What the watchdog in the cluster remembers, as it was before the switches that it watches now."""
    try:
        found = dict(await MarkedJournal(*journals).memories())
        records = [record for journal in journals for record in await journal.records(in_full, open_only=True)]
    except OutOfReach as error:
        return {}, f"{error}; what served before is taken from the ReplicaSets alone"
    for record in records:
        try:
            watch = watch_of(record)
            for target in _targets(watch):
                if target in found and watch.phase.before_acting:
                    found[target] = document_of(before(memory_of(found[target]), watch.switch, watch.stable))
        except Unreadable as error:
            log.info("record not understood", extra={"facts": {"why": str(error)}})
    return found, ""


def _targets(watch: Watch) -> tuple[Target, ...]:
    switch = watch.switch
    return (switch.target, *(replace(switch.target, name=flip.service) for flip in switch.flips))
