"""How far a process reaches into the cluster: all the way, or as a dry run that writes nothing but its own records."""

import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from watchdog.adapters.dry_run import (
    MarkedJournal,
    MarkedKept,
    MemoryBraking,
    NoEvents,
    WithheldOwners,
    WithheldProvider,
    marked,
)
from watchdog.adapters.kubernetes.braking import ConfigMapBraking
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.events import KubernetesEvents
from watchdog.adapters.kubernetes.owners import KubernetesOwners
from watchdog.adapters.kubernetes.reading import ReadingClient, withholding
from watchdog.configured import Settings
from watchdog.connected import dry_run_journal_of, journal_of
from watchdog.ports import Braking, Clock, Document, EventSink, Journal, Kept, Marks, Owners, TrafficProvider


@dataclass(frozen=True)
class Reach:
    """What the daemon is given of the cluster, and how it shows its records."""

    client: KubeClient  # of the cache and the providers
    journal: Journal
    kept: Kept  # by the leaders of other shards
    marks: Marks  # of the real watches, in a dry run as well
    events: EventSink
    braking: Braking
    owners: Owners
    provider: Callable[[TrafficProvider], TrafficProvider]
    document: Callable[[Document], Document]  # a record, as others are shown it


def reach_of(kube: KubeClient, settings: Settings, clock: Clock, rng: random.Random) -> Reach:
    """As the settings say: of a dry run the providers get a client that cannot write, whatever the rights are."""
    journal = journal_of(kube, settings, clock, rng)
    if settings.dry_run:
        client = ReadingClient(kube, rehearses=True)
        own = dry_run_journal_of(kube, settings, clock, rng)
        owners = WithheldOwners(KubernetesOwners(client, clock), withholding)
        return Reach(
            client=client,
            journal=MarkedJournal(own, journal),
            kept=MarkedKept(own, journal),
            marks=journal,
            events=NoEvents(),
            braking=MemoryBraking(ConfigMapBraking(client, settings.namespace), strict=True),
            owners=owners,
            provider=lambda provider: WithheldProvider(provider, withholding, lambda: client.unrehearsed, owners),
            document=marked,
        )
    return Reach(
        client=kube,
        journal=journal,
        kept=journal,
        marks=journal,
        events=KubernetesEvents(kube, clock=clock, instance=socket.gethostname()),
        braking=ConfigMapBraking(kube, settings.namespace),
        owners=KubernetesOwners(kube, clock),
        provider=_as_it_is,
        document=_as_it_is,
    )


def _as_it_is(thing: Any) -> Any:
    return thing
