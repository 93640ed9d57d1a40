"""The life of one traffic switch under guard: its state and its phases. `watchdog.domain.watch.advance` moves it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from watchdog.domain.changes import Changes
from watchdog.domain.codec import UNWRITTEN
from watchdog.domain.conditions import Threshold
from watchdog.domain.effects import Delivery, Notice, PutBackConflicted, Remedy, Write
from watchdog.domain.judge import Finding, History, Verdict
from watchdog.domain.judge.calibration import calibration_key
from watchdog.domain.judge.habits import Calibration
from watchdog.domain.judge.peers import Comparison
from watchdog.domain.judge.pods import Pods
from watchdog.domain.measurement import Baseline
from watchdog.domain.rollout import Revision, Stable, SwitchKind, Target, TrafficSwitch, WeightStep
from watchdog.domain.rules import Action, Budget, Guard, Rule

SETTLE = timedelta(seconds=2)
"""How long after its end a block is asked for, so that Prometheus has what it will have."""

RETRY = timedelta(seconds=10)
"""How long a conflict is read and planned again before the watch is held."""

PATH_KEPT = 240
"""Points of a rule's path that a record keeps; beyond that every second one is dropped."""


class Phase(StrEnum):
    """Where a watch stands, in order. From `PASSED` on the phases are terminal; they are the outcomes."""

    WATCHING = "watching"
    DECIDING = "deciding"  # breached; waiting for a fresh look at the target
    HOLDING = "holding"  # breached; acting was refused and is checked again
    ACTING = "acting"  # the intent is journalled, the act under way
    RECOVERING = "recovering"  # put back; does it help?
    PASSED = "passed"
    ROLLED_BACK = "rolled-back"
    HELD = "held"
    NOTIFIED = "notified"
    WOULD_ROLL_BACK = "would-roll-back"  # every check allowed the act, and a dry run withheld it
    SUPERSEDED = "superseded"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"

    @property
    def terminal(self) -> bool:
        """Whether the watch has ended."""
        return self in _OUTCOMES

    @property
    def before_acting(self) -> bool:
        """Whether the watch is open, and nothing was put back or is being put back."""
        return self in _BEFORE_ACTING


_IN_ORDER = tuple(Phase)
_OUTCOMES = frozenset(_IN_ORDER[_IN_ORDER.index(Phase.PASSED) :])
_BEFORE_ACTING = frozenset(_IN_ORDER[: _IN_ORDER.index(Phase.ACTING)])


class Recovery(StrEnum):
    """The second field of the outcome `rolled-back`."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "not-recovered"
    UNKNOWN = "unknown"


class RefusalReason(StrEnum):
    """Why a breach was not acted on; `remedy.plan` gives them."""

    SUPERSEDED = "superseded"
    NOTHING_TO_GO_BACK_TO = "nothing-to-go-back-to"
    DESTINATION_GONE = "destination-gone"
    DESTINATION_CHANGED = "destination-changed"
    DESTINATION_NOT_READY = "destination-not-ready"
    NO_DIFFERENCE = "no-difference"
    NOT_REACHED = "not-reached"
    NEEDS_GONE = "needs-gone"
    DRY_RUN_REFUSED = "dry-run-refused"
    FROZEN = "frozen"
    TOO_MANY = "too-many-rollbacks"
    PAUSED = "paused"
    ON_HOLD = "on-hold"
    GITOPS = "gitops"
    CONFIG = "config"
    OWNED = "owned"
    STABLE_OVER_LIMIT = "stable-over-limit"
    SHARED_CAUSE = "shared-cause"
    KNOWN_BAD = "known-bad"
    CONFLICT = "conflict"
    OUT_OF_REACH = "out-of-reach"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the watchdog does not act now, in a word and in a sentence."""

    reason: RefusalReason
    sentence: str
    told: bool = True  # False: another watch tells people of the same


@dataclass(frozen=True, slots=True)
class Point:
    """One judged moment of a rule, for the record and its plot."""

    at: datetime
    value: float | None
    limit: float | None
    finding: Finding
    log_evidence: float | None = None
    needed: float | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """One rule's way through a watch."""

    rule: Rule
    history: History
    baseline: Baseline | None = None
    verdict: Verdict | None = None
    breach: Verdict | None = None  # a first passage: once reached, it stands
    path: Sequence[Point] = ()
    told: Mapping[str, Any] | None = field(default=None, compare=False, metadata=UNWRITTEN)  # see `domain.told`

    @property
    def threshold(self) -> Threshold | None:
        """What the rule measures in Prometheus and compares, where it is such a rule."""
        match self.rule.check:
            case Threshold() as threshold:
                return threshold
            case Budget(threshold):
                return threshold
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Telling:
    """A notice and how far it got with each channel."""

    notice: Notice
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a breached rule hurts, as people are told; "" where it was asked and there is nothing to say."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Watch:
    """One switch under guard. It keeps the rules and limits it began with."""

    id: str
    switch: TrafficSwitch
    guard: Guard
    stable: Stable | None
    opened: datetime
    phase: Phase = Phase.WATCHING
    notify_only: str = ""  # why it may only tell: a return to a good revision, a guard that was removed
    tracks: tuple[Track, ...] = ()
    pods: Pods | None = None
    changes: Changes | None = None  # what differs from stable; None: not known (yet)
    slices: tuple[Slice, ...] = ()  # where breached rules hurt, as far as that was asked by now
    ready_from: datetime | None = None  # the candidate's first ready pod
    bake_from: datetime | None = None  # the completed rollout; for a flip the switch itself, for a route its last step
    steps: tuple[WeightStep, ...] = ()  # of a route, after the first one
    progress_deadline: timedelta = timedelta(minutes=10)
    breached: tuple[str, ...] = ()  # rules whose breach asks for a rollback, in the order in which they breached
    noted: tuple[str, ...] = ()  # rules whose breach is only told
    breached_at: datetime | None = None
    refusal: Refusal | None = None
    comparison: Comparison | None = None  # with peers, the last one
    shared_until: datetime | None = None  # until when peers were last seen to fail alike
    remedy: Remedy | None = None  # the last intent
    attempts: int = 0
    first_attempt_at: datetime | None = None
    conflict_since: datetime | None = None  # since when each attempt met a conflict
    conflicts: tuple[PutBackConflicted, ...] = ()  # writes of others that came in between, the last ones
    acted_at: datetime | None = None
    withheld: tuple[Write, ...] = ()  # what a dry run would have sent
    left: Mapping[str, str] = field(default_factory=dict)  # Services that could not be put back
    scaled_up: bool = False
    recovery: Recovery | None = None
    recovery_from: datetime | None = None  # the completed put-back
    blocked: str = ""  # why the put-back does not get on
    blocked_since: datetime | None = None
    recovery_tracks: tuple[Track, ...] = ()
    recovery_pods: Pods | None = None
    by_hand: str = ""  # who rolled back by hand, and why: such a watch begins with a person's decision
    overridden: tuple[str, ...] = ()  # checks that the person passes over, by the names of their refusals
    ended_at: datetime | None = None
    reason: str = ""  # the outcome in one sentence
    tellings: tuple[Telling, ...] = ()

    @property
    def hurts(self) -> tuple[str, ...]:
        """Where it hurts, a sentence for each rule of which there is something to say."""
        return tuple(f"{one.rule}: {one.sentence}" for one in self.slices if one.sentence)

    @property
    def bake_end(self) -> datetime | None:
        """When the bake ends; None while the rollout is not complete."""
        return None if self.bake_from is None else self.bake_from + self.guard.bake

    @property
    def may_act(self) -> bool:
        """Whether the watch may do more than tell."""
        return not self.notify_only and self.guard.action is not Action.NOTIFY

    @property
    def outcome(self) -> Phase | None:
        """The terminal phase, once reached."""
        return self.phase if self.phase.terminal else None

    @property
    def recovery_end(self) -> datetime | None:
        """When the look at the recovery ends; while the put-back is not complete, when that is given up."""
        if self.acted_at is None:
            return None
        if self.recovery_from is not None:
            return self.recovery_from + self.guard.recovery
        return self.acted_at + self.progress_deadline + self.guard.recovery

    @property
    def patience(self) -> datetime:
        """When a rollout that never completes is given up."""
        return self.switch.at + self.progress_deadline + self.guard.bake

    def track(self, rule: str) -> Track | None:
        """The track of that rule."""
        return next((track for track in self.tracks if track.rule.name == rule), None)

    def block_end(self, index: int) -> datetime:
        """The end of block `index` on the grid `switch + k * interval`."""
        return self.switch.at + index * self.guard.interval

    @property
    def counted_from(self) -> datetime:
        """From when warm-up runs and restarts count: a flip's switch; for a rollout the pods' own beginning."""
        return self.switch.at


def watch_id(switch: TrafficSwitch) -> str:
    """A name for the watch of a switch, the same whenever the same switch is seen: fit for a ConfigMap's name."""
    return _id_of(switch.target, switch.candidate, switch.at.strftime("%Y%m%dt%H%M%S"))


def is_id_of(ident: str, target: Target, candidate: Revision) -> bool:
    """Whether that is the id of a watch of this candidate on this target, whenever it was switched to."""
    moment = ident.rpartition("-")[0].rpartition("-")[2]
    return ident == _id_of(target, candidate, moment)


def _id_of(target: Target, candidate: Revision, moment: str) -> str:
    identity = f"{target}|{candidate.workload}|{candidate.template}|{moment}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return f"{target.name[:40].strip('.-').replace('.', '-')}-{moment}-{digest}"


def open_watch(
    switch: TrafficSwitch,
    guard: Guard,
    stable: Stable | None,
    *,
    notify_only: str = "",
    calibrations: Mapping[str, Calibration] | None = None,
    now: datetime,
) -> Watch:
    """A new watch, before anything was measured. What is known of the target's habits now holds for all of it."""
    known = calibrations or {}
    return Watch(
        id=watch_id(switch),
        switch=switch,
        guard=guard,
        stable=stable,
        opened=now,
        notify_only=notify_only,
        tracks=tuple(
            Track(rule, History(guard.interval, bake=guard.bake, calibration=known.get(calibration_key(rule, guard))))
            for rule in guard.rules
        ),
        bake_from=None if switch.kind is SwitchKind.ROLLOUT else switch.at,
        changes=Changes((switch.reconfigured,)) if switch.configs else None,
    )
