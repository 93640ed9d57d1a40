"""What served each target in the past: stretches of revisions, with the pods that are known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchdog.domain.live import Sighting
from watchdog.domain.reconfigured import ConfigChange
from watchdog.domain.rollout import Backend, Revision, Stable, SwitchKind, Target
from watchdog.domain.rules import Guard
from watchdog.replay.report import Label, Note

NEAR = timedelta(minutes=5)
_WHOLE = 1_000_000  # what the weights of a route add up to: records tell parts


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody says of one switch."""

    target: Target
    at: datetime
    label: Label
    source: str
    rolled_back: bool = False  # by the watchdog

    def is_near(self, target: Target, at: datetime) -> bool:
        """Whether it may mean what became of the target then: a mark need not name the second."""
        return self.target == target and abs(self.at - at) <= NEAR


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A pod of the past. `created_is_bound`: it was first seen then, and is at most a scrape older.

    `uid` tells it from another pod of its name; "" where names do that, or nothing tells it. `recorded`: the record of
    a watch tells of it, and since when it was ready for the first time (`ready`; None: it never was).
    """

    name: str
    created: datetime
    created_is_bound: bool = False
    uid: str = ""
    recorded: bool = False
    ready: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownPods:
    """All pods that the past tells of: by workload and template, and as they were made in each namespace.

    The second is for what draws its pods' names or keeps them: those tell no template.
    """

    named: Mapping[Target, Mapping[str, tuple[SeenPod, ...]]] = field(default_factory=dict)
    born: Mapping[str, tuple[SeenPod, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Serving:
    """One stretch in which one revision served, from `since` to the next one's `since`; of a route, with its weights.

    `parts`: who got which part of a route's traffic, from 0 to 1. `completed`: a rollout's end, where that is known.
    `put_back`: the watchdog itself went back to it, and so ended what could be seen of the release before. `own`: a
    list or a record has it as a switch. `between`: something went back to it at a moment that nothing tells, and
    `since` is the last one that can be. `stable`: what live would have gone back to, as the record tells.
    """

    revision: Revision
    since: datetime
    since_is_bound: bool = False
    source: str = ""
    by: str = ""
    pods: tuple[SeenPod, ...] = ()  # those created in this stretch
    label: Label | None = None  # what the list that it was taken from says of it
    label_source: str = ""
    parts: Mapping[Revision, float] = field(default_factory=dict)
    completed: datetime | None = None
    patience: timedelta | None = None  # that its rollout is waited for; None: as long as a Deployment's
    put_back: bool = False
    own: bool = False
    between: bool = False
    stable: Stable | None = None
    passed: datetime | None = None  # when its watch did

    @property
    def watched(self) -> bool:
        """Whether live watched it: it has a record of its own."""
        return self.own and self.source == "records"


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """A change of what configures a target, beside what served it."""

    at: datetime
    configs: tuple[ConfigChange, ...]
    at_is_bound: bool = False
    source: str = ""
    by: str = ""
    label: Label | None = None
    label_source: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """One target's past, oldest first. The first stretch began before anything was known."""

    target: Target
    labels: Mapping[str, str]
    stretches: tuple[Serving, ...]
    kube_state: bool = True  # kube-state-metrics tell of its pods
    changes: tuple[Reconfigured, ...] = ()
    guard: Guard | None = None  # that watched it last, as a record tells: what it selects by held for the target

    @property
    def kind(self) -> SwitchKind:
        """How its traffic moves."""
        return self.target.kind.switch

    @property
    def releases(self) -> tuple[tuple[int, int], ...]:
        """The first and the last stretch of each row of stretches in which one revision was on its way."""
        found: list[tuple[int, int]] = []
        for index, serving in enumerate(self.stretches):
            if found and self.stretches[index - 1].revision == serving.revision:
                found[-1] = found[-1][0], index
            else:
                found.append((index, index))
        return tuple(found)

    def serving_at(self, at: datetime) -> Serving | None:
        """What served at a moment."""
        return next((one for one in reversed(self.stretches) if one.since <= at), None)

    def release_at(self, at: datetime) -> Serving | None:
        """The first stretch of what served at a moment."""
        begun = [self.stretches[first] for first, _ in self.releases if self.stretches[first].since <= at]
        return begun[-1] if begun else None

    def pods_of(self, revision: Revision, until: datetime) -> tuple[SeenPod, ...]:
        """The revision's pods that were created until then, in whichever stretch."""
        return tuple(
            pod
            for stretch in self.stretches
            if stretch.revision == revision
            for pod in stretch.pods
            if pod.created <= until
        )

    def sighting(self, serving: Serving, previous: Serving | None) -> Sighting:
        """The stretch as a provider would have told of it when it began."""
        backends = self._backends(serving)
        selector = {one.at: str(one.weight) for one in backends}
        if self.kind is SwitchKind.SELECTOR:
            selector = {"pod-template-hash": str(serving.revision)}
        return Sighting(
            target=self.target,
            kind=self.kind,
            uid="",
            labels=self.labels,
            annotations={},
            serving=serving.revision,
            since=serving.since,
            since_is_bound=serving.since_is_bound,
            complete=previous is None or self.kind.at_once,
            selector=selector,
            backends=backends,
            by=serving.by,
        )

    def _backends(self, serving: Serving) -> tuple[Backend, ...]:
        """A route's: each workload that ever had a part of its traffic, with the part that it has now."""
        if not self.kind.in_parts:
            return ()
        parts = serving.parts or {serving.revision: 1.0}
        known = {one.workload: one for stretch in self.stretches for one in (*stretch.parts, stretch.revision)}
        now = known | {one.workload: one for one in parts}
        return tuple(
            Backend(f"0/{workload}", round(_WHOLE * parts.get(revision, 0.0)), revision)
            for workload, revision in sorted(now.items())
        )


@dataclass(frozen=True, slots=True)
class Found:
    """All courses that could be found, and what is to be said of the search."""

    courses: tuple[Course, ...]
    notes: tuple[Note, ...] = ()
    incidents: Sequence[tuple[datetime, datetime]] = field(default=())
    since: datetime | None = None  # the oldest moment of which anything is known, where that is later than asked
    without_pods: frozenset[Target] = frozenset()  # listed, and left out for it: a note says so
