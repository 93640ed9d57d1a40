"""What the leader alone does, from the moment it leads until it no longer does: made anew for each term.

Nothing of a term outlives it in memory. The next one, in this process or another, reads the journal and resumes.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.configurations import KubernetesConfigurations
from watchdog.adapters.kubernetes.providers import PROVIDERS
from watchdog.channels import Channels, wants_notice
from watchdog.domain.effects import Notice
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Rulebook
from watchdog.domain.shards import WHOLE, Shard
from watchdog.engine.calibrating import Calibrator
from watchdog.engine.delivering import Announcer
from watchdog.engine.easing import Eased
from watchdog.engine.elsewhere import Elsewhere
from watchdog.engine.forgiving import Forgiving
from watchdog.engine.observing import Observer
from watchdog.engine.sampling import Sampler
from watchdog.ports import Clock, MetricSource, MetricSources, Notifier, Prober
from watchdog.reach import Reach
from watchdog.wiring import Ports, supervisor_of


@dataclass(frozen=True)
class Outside:
    """What all terms of a process share. Whatever of it writes or tells is fenced by the leadership.

    Of several shards each has its own: `reach`, `notifiers` and `observer` are for the targets of `shard` alone.
    """

    reach: Reach
    cache: ClusterCache
    prometheus: MetricSource
    sources: MetricSources
    prober: Prober
    channels: Channels
    notifiers: Callable[[], Mapping[str, Notifier]]
    observer: Observer
    clock: Clock
    shard: Shard = WHOLE
    eased: Callable[[str, Eased], None] = lambda _source, _steps: None


class Term:
    """One term of leadership."""

    def __init__(self, rulebook: Rulebook, outside: Outside, alone_since: float) -> None:
        """`alone_since`: the monotonic moment since when nobody else can have led."""
        self._outside = outside
        self._alone_since = alone_since
        self._providers = tuple(
            make(outside.reach.client, outside.cache, clock=outside.clock, guarded=self._guarded)
            for make in PROVIDERS.values()
        )
        self._sampler = Sampler(outside.prometheus, outside.clock, sources=outside.sources, eased=outside.eased)
        self._announcer = Announcer(
            notifiers=outside.notifiers,
            wants=wants_notice,
            clock=outside.clock,
            observer=outside.observer,
        )
        self.supervisor = supervisor_of(
            rulebook,
            Ports(
                providers=tuple(map(outside.reach.provider, self._providers)),
                journal=outside.reach.journal,
                events=outside.reach.events,
                braking=outside.reach.braking,
                owners=outside.reach.owners,
                sampler=self._sampler,
                prober=outside.prober,
                observer=outside.observer,
                clock=outside.clock,
                notifiers=outside.notifiers,
                wants=outside.channels.wants,
                tell=lambda notice, guard: self._announcer.announce(notice, guard.channels),
                configurations=KubernetesConfigurations(
                    outside.reach.client, outside.cache, outside.clock, secrets.token_bytes(32)
                ),
                elsewhere=None if outside.shard.is_all else self._elsewhere(),
            ),
        )

    async def run(self) -> None:
        """Do it all, until cancelled."""
        supervisor, outside = self.supervisor, self._outside
        # What this process saw as a standby may be older than what the leader before it remembered: a revision that
        # was left long ago would look like a new switch. What was listed since then, or by a leader who was followed
        # by nobody else, cannot be.
        outside.cache.relist(outside.shard.has, but_since=self._alone_since)
        calibrator = Calibrator(
            sampler=self._sampler,
            journal=outside.reach.journal,
            memories=supervisor.memories,
            targets=supervisor.undisturbed,
            clock=outside.clock,
        )
        forgiving = Forgiving(outside.reach.marks, supervisor.memories, outside.clock)
        try:
            async with asyncio.TaskGroup() as scope:
                scope.create_task(supervisor.run(), name="supervisor")
                scope.create_task(self._resumed_namespaces(), name="namespaces")
                scope.create_task(self._announcer.run(), name="announcer")
                scope.create_task(calibrator.run(), name="calibration")
                scope.create_task(forgiving.run(), name="marks")
        finally:
            await self._sampler.close()

    async def _resumed_namespaces(self) -> None:
        await self.supervisor.resumed.wait()
        if self.supervisor.watches:
            self._watch_namespaces(self.supervisor.rulebook)

    def _watch_namespaces(self, rulebook: Rulebook) -> None:
        """Open watches go on under the rules they began with, also where no guard names their namespace any more."""
        kinds = dict(rulebook.kinds)
        for watch in self.supervisor.watches:
            target = watch.switch.target
            kinds[target.namespace] = kinds.get(target.namespace, frozenset()) | {target.kind}
        self._outside.cache.watch_namespaces(kinds, self._outside.shard.has, kinds)

    def _guarded(self, target: Target, labels: Mapping[str, str]) -> bool:
        return self._outside.shard.has(target.namespace) and self.supervisor.guards(target, labels)

    def _elsewhere(self) -> Elsewhere:
        outside = self._outside
        return Elsewhere(outside.reach.kept, outside.cache.labels_of, outside.clock, outside.shard)

    def rules_changed(self, rulebook: Rulebook) -> None:
        """Take up new rules."""
        self._watch_namespaces(rulebook)
        self.supervisor.rules_changed(rulebook)
        for provider in self._providers:
            provider.reguard(self._guarded)

    def announce(self, notice: Notice) -> None:
        """Tell every channel that wants it of something that belongs to no watch."""
        self._announcer.announce(notice)

    async def last_words(self) -> None:
        """Write what the records do not say yet."""
        await self.supervisor.last_words()
