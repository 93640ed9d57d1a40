"""What the cluster shows of a target at one moment; providers make these, the domain judges by them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from watchdog.domain.brakes import Around
from watchdog.domain.owners import Owner
from watchdog.domain.reconfigured import ConfigChange
from watchdog.domain.rollout import Backend, Revision, SwitchKind, Target

CANNOT_BE_READ = "is not guarded: it cannot be read"
"""What is said of a target whose object has not the shape of its kind; why follows."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod (regular or restartable sidecar), as its status says."""

    name: str
    restarts: int = 0
    waiting: str | None = None  # CrashLoopBackOff, ImagePullBackOff, ...
    oom_killed_at: datetime | None = None  # the end of its last run, where that was an OOM kill
    cpu_limit: float | None = None  # cores; None: it has none
    memory_limit: float | None = None  # bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """What some containers of a pod may use together; None where one of them may use whatever there is."""

    cpu: float | None = None  # cores
    memory: float | None = None  # bytes

    @staticmethod
    def of(containers: Iterable[Container]) -> "Limits":
        """The sums of their limits."""
        each = tuple(containers)
        return Limits(_total([one.cpu_limit for one in each]), _total([one.memory_limit for one in each]))


NO_LIMITS = Limits()


def _total(limits: list[float | None]) -> float | None:
    known = [limit for limit in limits if limit is not None]
    return math.fsum(known) if known and len(known) == len(limits) else None


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of one revision."""

    name: str
    uid: str
    created: datetime
    ready_since: datetime | None = None  # None: not ready now
    unready_since: datetime | None = None  # since when the Ready condition is False; None: ready, or never said
    gone: bool = False  # terminating, evicted, failed or lost with its node: it neither counts nor is probed
    unschedulable_since: datetime | None = None
    address: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)  # declared TCP ports, by name and by number as text
    host_network: bool = False
    node: str | None = None
    containers: tuple[Container, ...] = ()

    @property
    def ready(self) -> bool:
        return self.ready_since is not None and not self.gone


@dataclass(frozen=True, slots=True)
class Sighting:
    """What serves a target now; a provider yields one whenever that may have changed, and after each relist.

    `serving` is the revision that a workload rolls out, or has rolled out; for a Service it is that of the workload
    whose pods its selector selects (None: nothing, or more than one). Of a route it is what gets most, until
    `watchdog.domain.weights` has compared it with what is remembered.
    """

    target: Target
    kind: SwitchKind
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]  # those with the watchdog's prefix
    serving: Revision | None
    since: datetime  # when `serving` began to serve, as well as the cluster tells
    since_is_bound: bool = False  # `since` is only an upper bound
    complete: bool = True  # a workload's rollout is complete; always so for a Service
    previous: Revision | None = None  # what served before, where the cluster itself tells (the next newest revision)
    previous_since: datetime | None = None
    selector: Mapping[str, str] = field(default_factory=dict)  # a Service's; a route's weights by backend
    backends: tuple[Backend, ...] = ()  # a route's
    colour_of: tuple[Target, ...] = ()  # Services of which this workload looks like an idle colour
    selected_by: tuple[Target, ...] = ()  # Services that select this workload's pods now
    service_labels: Mapping[Target, Mapping[str, str]] = field(default_factory=dict)  # of both kinds of Services
    by: str = ""  # who switched: the `switched-by` annotation, else the field manager
    live: bool = True  # False: seen late, in a list after a start or a relist
    unreadable: str = ""  # why nothing can be told of it, where it has not the shape of its kind; it serves None then


@dataclass(frozen=True, slots=True)
class Configured:
    """What configures a target now: each ConfigMap's resourceVersion, and what changed since the last look.

    Of one that is not there the version is "".

    `at` is when data were written last. Of those in `first` this process has seen no data before: whether they changed
    since another one looked, their versions tell, and not in which keys.
    """

    target: Target
    at: datetime
    versions: Mapping[str, str]
    changed: tuple[ConfigChange, ...] = ()
    first: frozenset[str] = frozenset()
    at_is_bound: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """The place a rollback would go to, as it is now."""

    revision: Revision
    exists: bool  # what keeps its template (rollout) or what runs it (flip) is there
    same_template: bool = True  # flip: the colour still runs what served; rollout: always
    differs: bool = True  # going there changes more than annotations
    unreached: str = ""  # why going there would leave the candidate's pods as they are, with what would not
    replicas: int = 0  # desired
    ready_pods: int = 0
    missing: tuple[str, ...] = ()  # what its template needs and is gone, as "configmap/name"
    refused: str = ""  # what a server-side dry run of the put-back answered; "" where it was accepted or not asked


@dataclass(frozen=True, slots=True)
class Live:
    """A target, its candidate's and stable's pods, at one moment.

    `version` grows with each change; `fresh` means read from the API server just now, preconditions included,
    not from a cache.
    """

    target: Target
    at: datetime
    version: int
    exists: bool
    uid: str
    resource_version: str
    serving: Revision | None
    candidate_pods: tuple[Pod, ...] = ()
    stable_pods: tuple[Pod, ...] = ()
    desired: int = 1  # the candidate's desired replicas
    complete: bool = True
    completed_at: datetime | None = None  # when the rollout that is complete now became so, where the API tells
    deadline_exceeded: bool = False
    blocked: str = ""  # why its controller can make no pods (a quota, an admission webhook), as the API server said it
    stuck: str = ""  # why the controller gets no further until a person does something, with the command
    progress_deadline: float = 600.0  # seconds
    paused: bool = False
    unweighed: str = ""  # why a route that is there is a target no longer
    annotations: Mapping[str, str] = field(default_factory=dict)  # those with the watchdog's prefix
    managers: tuple[str, ...] = ()  # field managers of template or selector, newest first
    owner: Owner | None = None  # who reconciles the object that a put-back would write
    runner: Owner | None = None  # whose controller rolls it out and takes it back itself
    destination: Destination | None = None  # in fresh looks, where the watch has a stable
    services: Mapping[str, tuple[str, str, bool]] = field(default_factory=dict)
    """A flip's Services or routes: name to (uid, resourceVersion, whether they still give the candidate traffic)."""
    fresh: bool = False
    unbroken_since: datetime | None = None
    """Since when no pod can have come and gone unseen, but between two looks; None: that is not known."""
    around: Around | None = None  # in fresh looks: what holds every act; None: nobody was asked
