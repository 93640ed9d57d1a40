"""What is remembered of a target between watches, and when a sighting is a traffic switch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watchdog.domain.judge.habits import Calibration
from watchdog.domain.live import Sighting
from watchdog.domain.rollout import Revision, ServiceFlip, Stable, SwitchKind, Target, TrafficSwitch

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


@dataclass(frozen=True, slots=True)
class Noticed:
    """What follows from a sighting: what to remember, and the switch to watch, if it is one.

    `quiet` says why a change of what serves is not watched (an idle colour, a bake long ended). `step`: the part of the
    traffic that moved; then `switch` is for when no watch is open. `over`: what is watched has no traffic any more.
    """

    memory: Memory
    switch: TrafficSwitch | None = None
    stable: Stable | None = None
    notify_only: str = ""  # why the watch may only tell
    quiet: str = ""
    step: float | None = None
    over: bool = False


def notice(
    memory: Memory | None,
    sighting: Sighting,
    *,
    bake: timedelta,
    rollback_window: timedelta,
    idle: bool,
    now: datetime,
) -> Noticed | None:
    """Compare a sighting with what is remembered. None: nothing to remember and nothing to watch.

    `idle` says that the target is a workload that is an idle colour of a guarded Service.
    """
    if sighting.serving is None:
        return None
    if memory is None:
        return _first_sight(sighting, sighting.serving, bake, idle=idle, now=now)
    memory = _matured(memory, sighting, bake, now)
    if not _switched(memory, sighting, sighting.serving):
        return _same(memory, sighting, sighting.serving, idle=idle, now=now)
    return _switch(memory, sighting, sighting.serving, bake, rollback_window, idle=idle, now=now)


def _first_sight(sighting: Sighting, serving: Revision, bake: timedelta, *, idle: bool, now: datetime) -> Noticed:
    colours = (serving.workload,) if sighting.kind.at_once else ()
    memory = Memory(sighting.target, serving, sighting.since, idle=idle, selector=sighting.selector, colours=colours)
    previous, since = sighting.previous, sighting.previous_since
    if previous is not None and since is not None and sighting.since - since >= bake:
        # Of an idle colour nobody can say when it served: it may be gone back to, but is no baseline.
        memory = replace(memory, good=(Good(previous, since, since if idle else sighting.since),))
    if previous is None:
        first = memory.with_good(serving, sighting.since, None) if sighting.complete else replace(memory, first=True)
        return Noticed(first, quiet="first seen")
    if sighting.complete and now - sighting.since >= bake:
        return Noticed(memory.with_good(serving, sighting.since, None), quiet="first seen, and long since switched")
    if idle:
        return Noticed(memory, quiet="an idle colour")
    switch = TrafficSwitch(
        sighting.target, sighting.kind, serving, previous, sighting.since, sighting.since_is_bound, sighting.by
    )
    return Noticed(memory, switch, memory.stable_for(serving, sighting.since))


def _matured(memory: Memory, sighting: Sighting, bake: timedelta, now: datetime) -> Memory:
    """The target's first revision is good once rolled out; another once it served for `bake` unharmed."""
    if memory.first and sighting.serving == memory.serving and sighting.complete:
        return replace(memory, first=False).with_good(memory.serving, memory.since, None)
    ended = sighting.since if sighting.serving != memory.serving else now
    known = any(good.revision == memory.serving for good in memory.good)
    unharmed = not (memory.doubted or memory.first or memory.is_bad(memory.serving))
    watched_elsewhere = sighting.kind is SwitchKind.ROLLOUT and not known
    if unharmed and not known and not watched_elsewhere and ended - memory.since >= bake:
        return memory.with_good(memory.serving, memory.since, None)
    return memory


def _switched(memory: Memory, sighting: Sighting, serving: Revision) -> bool:
    if sighting.kind.at_once:
        # A new template of the serving colour is a rollout of its own, not a flip.
        return dict(memory.selector) != dict(sighting.selector) and serving.workload != memory.serving.workload
    return serving != memory.serving


def _same(memory: Memory, sighting: Sighting, serving: Revision, *, idle: bool, now: datetime) -> Noticed:
    if serving == memory.serving:
        return Noticed(replace(_turned(memory, now, idle=idle), selector=sighting.selector))
    # A Service's colour rolled out: what serves is new, and since when.
    closed = _closed(memory, sighting.since)
    now_serving = replace(closed, serving=serving, since=sighting.since, selector=sighting.selector, doubted=False)
    return Noticed(replace(now_serving, good=_serving_again(closed.good, serving, sighting.since)))


def _turned(memory: Memory, now: datetime, *, idle: bool) -> Memory:
    """A flip took the traffic to this colour, or away from it: it serves, and is a baseline, only in between."""
    if idle == memory.idle:
        return memory
    if idle:
        return replace(_closed(memory, now), idle=True, turned=None)
    return replace(memory, idle=False, since=now, turned=now, good=_serving_again(memory.good, memory.serving, now))


def _closed(memory: Memory, at: datetime) -> Memory:
    """What served until now stops to serve at `at`."""
    good = tuple(replace(entry, until=at) if entry.until is None else entry for entry in memory.good)
    return replace(memory, good=good)


def _serving_again(good: tuple[Good, ...], serving: Revision, at: datetime) -> tuple[Good, ...]:
    """What serves again is the newest."""
    again = tuple(entry.again(at) for entry in good if entry.revision == serving)
    return (*(entry for entry in good if entry.revision != serving), *again)


def _switch(
    memory: Memory,
    sighting: Sighting,
    serving: Revision,
    bake: timedelta,
    rollback_window: timedelta,
    *,
    idle: bool,
    now: datetime,
) -> Noticed:
    at = sighting.since
    closed = _closed(memory, at)
    colours = (serving.workload, memory.serving.workload) if sighting.kind.at_once else ()
    after = replace(
        closed,
        good=closed.good if idle else _serving_again(closed.good, serving, at),
        idle=idle,
        serving=serving,
        since=at,
        first=False,
        doubted=False,
        turned=None,
        selector=sighting.selector,
        colours=colours,
    )
    if idle:
        return Noticed(after, quiet="an idle colour")
    if memory.idle or (memory.turned is not None and at <= memory.turned):
        return Noticed(after, quiet="rolled out as an idle colour, flipped to since: the flip is watched")
    if memory.put_back_to(serving):
        # However late it is seen, and by whichever process: it is the end of a watch, not the begin of another.
        return Noticed(after, quiet="put back by the watchdog")
    if sighting.complete and now - at >= 2 * bake:
        unharmed = after if after.is_bad(serving) else after.with_good(serving, at, None)
        return Noticed(unharmed, quiet="seen only after its bake had long ended")
    flips: tuple[ServiceFlip, ...] = ()
    if sighting.kind.at_once:
        flips = (ServiceFlip(sighting.target.name, memory.selector, sighting.selector),)
    switch = TrafficSwitch(
        sighting.target, sighting.kind, serving, memory.serving, at, sighting.since_is_bound, sighting.by, flips
    )
    returned = next((good for good in closed.good if good.revision == serving and good.passed_at), None)
    notify_only = ""
    if returned is not None and returned.passed_at is not None and now - returned.passed_at <= rollback_window:
        notify_only = f"a return to a revision that passed at {returned.passed_at:%Y-%m-%d %H:%M} UTC"
    if any(bad.revision == serving and bad.reverted for bad in closed.bad):
        notify_only = "it was put back and brought back before, and is not fought over"
    return Noticed(after, switch, closed.stable_for(serving, at), notify_only)


def before(memory: Memory, switch: TrafficSwitch, stable: Stable | None) -> Memory:
    """What was remembered before this switch, so that it is noticed once more."""
    if switch.previous is None or memory.serving != switch.candidate:
        return memory  # something else was seen to serve since, or nothing before
    selector = next((flip.before for flip in switch.flips if flip.service == memory.target.name), memory.selector)
    same = stable is not None and stable.revision == switch.previous
    since = stable.since if stable is not None and same else switch.at
    return replace(memory, serving=switch.previous, since=since, selector=selector, doubted=not same)
