"""The engine, wired to whatever fulfils its ports: the same for the daemon and for a rehearsal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.domain.channels import Topic
from watchdog.domain.effects import Notice
from watchdog.domain.rollout import TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.domain.state import Watch
from watchdog.engine.braking import Brakeman
from watchdog.engine.elsewhere import Elsewhere
from watchdog.engine.observing import Observer
from watchdog.engine.peering import Peering
from watchdog.engine.performing import Performer
from watchdog.engine.sampling import Sampler
from watchdog.engine.supervisor import Supervisor
from watchdog.engine.watching import WatchDriver
from watchdog.ports import Braking, Clock, Configurations, EventSink, Journal, Notifier, Owners, Prober, TrafficProvider


@dataclass(frozen=True)
class Ports:
    """All that the engine reaches the outside through."""

    providers: Sequence[TrafficProvider]
    journal: Journal
    events: EventSink
    braking: Braking
    owners: Owners
    sampler: Sampler
    prober: Prober
    observer: Observer
    clock: Clock
    notifiers: Callable[[], Mapping[str, Notifier]]
    wants: Callable[[str, Watch, Topic], bool]  # whether a channel is told of a topic of a watch
    tell: Callable[[Notice, Guard], None]  # what belongs to no watch
    configurations: Configurations | None = None  # None: nobody looks at them
    elsewhere: Elsewhere | None = None  # the targets of other shards


def supervisor_of(rulebook: Rulebook, ports: Ports) -> Supervisor:
    """The supervisor, whose watches share one performer."""
    by_kind: Mapping[TargetKind, TrafficProvider] = {provider.carries: provider for provider in ports.providers}
    performer: Performer
    supervisor: Supervisor

    def driver(watch: Watch) -> WatchDriver:
        return WatchDriver(
            watch,
            provider=by_kind[watch.switch.target.kind],
            sampler=ports.sampler,
            prober=ports.prober,
            performer=performer,
            notifiers=ports.notifiers,
            wants=ports.wants,
            observer=ports.observer,
            clock=ports.clock,
            peering=Peering(
                peers=supervisor.peers,
                sampler=ports.sampler,
                prober=ports.prober,
                providers=by_kind,
                clock=ports.clock,
            ),
        )

    supervisor = Supervisor(
        rulebook=rulebook,
        providers=ports.providers,
        journal=ports.journal,
        clock=ports.clock,
        observer=ports.observer,
        driver=driver,
        tell=ports.tell,
        elsewhere=ports.elsewhere,
        configurations=ports.configurations,
    )
    performer = Performer(
        providers=by_kind,
        journal=ports.journal,
        events=ports.events,
        clock=ports.clock,
        observer=ports.observer,
        remember=supervisor.memories.learn,
        owners=ports.owners,
        brakeman=Brakeman(ports.braking, ports.clock, lambda: supervisor.rulebook.brakes),
    )
    return supervisor
