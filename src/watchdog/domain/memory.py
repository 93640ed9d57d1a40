"""What is remembered of a target between watches."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watchdog.domain.judge.habits import Calibration
from watchdog.domain.rollout import Revision, Stable, Target

GOOD_KEPT = 10
BAD_KEPT = 20
LONG_ENOUGH = timedelta(minutes=5)
"""What a stretch of serving must have lasted to be measured rather than the one before it."""


@dataclass(frozen=True, slots=True)
class Good:
    """A revision that may be gone back to. `passed_at` is None where it only served for `bake` unharmed."""

    revision: Revision
    since: datetime
    until: datetime | None  # None: it serves now
    passed_at: datetime | None = None
    earlier_since: datetime | None = None  # the stretch in which it served before this one
    earlier_until: datetime | None = None

    def stretch(self, at: datetime) -> tuple[datetime, datetime]:
        """From when to when it is measured as stable: what was put back a moment ago has too little to show since."""
        since, until = self.since, self.until or at
        earlier, earlier_until = self.earlier_since, self.earlier_until
        if earlier is None or earlier_until is None or until - since >= min(LONG_ENOUGH, earlier_until - earlier):
            return since, until
        return earlier, earlier_until

    def again(self, at: datetime) -> "Good":
        """It serves again from now on."""
        earlier = self.stretch(at)
        return replace(self, since=at, until=None, earlier_since=earlier[0], earlier_until=earlier[1])


@dataclass(frozen=True, slots=True)
class Bad:
    """A revision that was rolled back, by which watch, and to what."""

    revision: Revision
    watch: str
    at: datetime
    to: Revision | None = None
    reverted: bool = False  # somebody brought it back while its rollback was watched
    forgiven: bool = False  # a person marked that outcome a false alarm


@dataclass(frozen=True, slots=True)
class Memory:
    """What served when the target was last seen, since when, what is good and what is known bad."""

    target: Target
    serving: Revision
    since: datetime
    first: bool = False  # the target's first revision, not yet seen rolled out
    doubted: bool = False  # `serving` was breached in its watch: it does not become good by staying
    idle: bool = False  # a Service's colour to which no traffic goes: it runs, but serves nothing
    turned: datetime | None = None  # when a flip took the traffic to this colour, while it serves what it served then
    selector: Mapping[str, str] = field(default_factory=dict)  # a Service's; a route's weights by backend
    before: Mapping[str, str] = field(default_factory=dict)  # a route's weights before the first step to `serving`
    settled: Revision | None = None  # what served by those
    configs: Mapping[str, str] = field(default_factory=dict)  # resourceVersions of what configures it, by name
    good: tuple[Good, ...] = ()  # oldest first
    bad: tuple[Bad, ...] = ()
    colours: tuple[str, ...] = ()  # workloads that a Service selects or selected before its last flip; all of a route
    unweighted: tuple[str, ...] = ()  # those of a route that get nothing of its traffic
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)  # its habits, by `calibration_key`

    @property
    def runner(self) -> Target:
        """What runs the pods that serve: the target itself, or the colour that a Service or a route is on."""
        return self.serving.workload_in(self.target.namespace)

    def is_bad(self, revision: Revision) -> bool:
        """Whether the revision is known bad."""
        return self.badness(revision) is not None

    def is_good(self, revision: Revision) -> bool:
        """Whether the revision may be gone back to."""
        return any(good.revision == revision for good in self.good) and not self.is_bad(revision)

    def badness(self, revision: Revision) -> Bad | None:
        """How it came to be known bad; None where it is not."""
        return next((bad for bad in self.bad if bad.revision == revision and not bad.forgiven), None)

    def stable_for(self, candidate: Revision, at: datetime) -> Stable | None:
        """The newest good revision that is neither the candidate nor known bad."""
        for good in reversed(self.good):
            if good.revision != candidate and not self.is_bad(good.revision):
                return Stable(good.revision, *good.stretch(at))
        return None

    def with_good(self, revision: Revision, since: datetime, passed_at: datetime | None) -> "Memory":
        """The revision proved good; a pass also clears it of having been bad."""
        others = tuple(good for good in self.good if good.revision != revision)
        serving = revision == self.serving
        until: datetime | None = passed_at or since
        if serving:
            until = since if self.idle else None  # an idle colour is no baseline
        entry = Good(revision, since, until, passed_at)
        bad = self.bad if passed_at is None else tuple(bad for bad in self.bad if bad.revision != revision)
        doubted = self.doubted and not serving
        return replace(self, good=(*others, entry)[-GOOD_KEPT:], bad=bad, doubted=doubted)

    def with_doubt(self, revision: Revision) -> "Memory":
        """The revision was breached and not rolled back: it is not good merely for having served."""
        good = tuple(entry for entry in self.good if entry.revision != revision or entry.passed_at is not None)
        return replace(self, good=good, doubted=self.doubted or self.serving == revision)

    def put_back_to(self, revision: Revision) -> bool:
        """Whether what was last seen to serve has been rolled back to this since."""
        return any(bad.revision == self.serving and bad.to == revision and bad.at >= self.since for bad in self.bad)

    def with_bad(self, revision: Revision, watch: str, at: datetime, to: Revision | None = None) -> "Memory":
        """The revision was rolled back."""
        bad = (*(one for one in self.bad if one.revision != revision), Bad(revision, watch, at, to))[-BAD_KEPT:]
        # Seen put back already, a route's next release begins with the weights that it has now.
        here = self if self.settled != revision or self.serving != to else replace(self, before={}, settled=None)
        return replace(here, bad=bad, good=tuple(one for one in self.good if one.revision != revision))

    def with_false_alarms(self, watches: Collection[str]) -> "Memory":
        """Known bad is what these watches did not roll back; a mark that was taken back makes it bad again."""
        bad = tuple(replace(one, forgiven=one.watch in watches) for one in self.bad)
        return self if bad == self.bad else replace(self, bad=bad)

    def with_reverted(self, revision: Revision) -> "Memory":
        """Somebody brought the revision back after it was rolled back."""
        bad = tuple(replace(bad, reverted=True) if bad.revision == revision else bad for bad in self.bad)
        return replace(self, bad=bad)
