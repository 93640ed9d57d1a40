"""What served each target in the past: stretches of revisions, with the pods that are known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from watchdog.domain.live import Sighting
from watchdog.domain.rollout import Revision, SwitchKind, Target
from watchdog.replay.report import Label, Note


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A pod of the past. `created_is_bound`: it was first seen then, and is at most a scrape older."""

    name: str
    created: datetime
    created_is_bound: bool = False


@dataclass(frozen=True, slots=True)
class Serving:
    """One stretch in which one revision served, from `since` to the next one's `since`."""

    revision: Revision
    since: datetime
    since_is_bound: bool = False
    source: str = ""
    by: str = ""
    pods: tuple[SeenPod, ...] = ()  # those created in this stretch
    label: Label | None = None  # what the list that it was taken from says of it
    label_source: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """One target's past, oldest first. The first stretch began before anything was known."""

    target: Target
    labels: Mapping[str, str]
    stretches: tuple[Serving, ...]
    kube_state: bool = True  # kube-state-metrics tell of its pods

    @property
    def kind(self) -> SwitchKind:
        """How its traffic moves."""
        return self.target.kind.switch

    def serving_at(self, at: datetime) -> Serving | None:
        """What served at a moment."""
        return next((one for one in reversed(self.stretches) if one.since <= at), None)

    def after(self, serving: Serving) -> Serving | None:
        """What served next."""
        later = [one for one in self.stretches if one.since > serving.since]
        return later[0] if later else None

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
        flip = self.kind is SwitchKind.SELECTOR
        return Sighting(
            target=self.target,
            kind=self.kind,
            uid="",
            labels=self.labels,
            annotations={},
            serving=serving.revision,
            since=serving.since,
            since_is_bound=serving.since_is_bound,
            complete=previous is None or flip,
            selector={"pod-template-hash": str(serving.revision)} if flip else {},
            by=serving.by,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """All courses that could be found, and what is to be said of the search."""

    courses: tuple[Course, ...]
    notes: tuple[Note, ...] = ()
    incidents: Sequence[tuple[datetime, datetime]] = field(default=())
    since: datetime | None = None  # the oldest moment of which anything is known, where that is later than asked
