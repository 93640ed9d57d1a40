"""What a backtest found, as plain data: the table, JSON, markdown and HTML are made from this and from nothing else.

All numbers are in base units (ratios as fractions, seconds, bytes, cores), all moments aware and in UTC. A number that
is not known is None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SCHEMA = 1

CUT_SHORT = "cut-short"
"""The outcome of a switch that the watchdog itself put back before the rules under test decided.

What they would have done with more of it nobody can know: it counts as neither caught nor missed, nor as clean.
"""


PUT_BACK = "put back"
"""Why a candidate stopped serving: what served before it came back."""


class Label(StrEnum):
    """Whether a switch really was bad, as far as anybody knows."""

    BAD = "bad"
    GOOD = "good"
    UNKNOWN = "unknown"  # nobody said: it counts neither as caught nor as a false alarm


class Severity(StrEnum):
    """How much a note matters."""

    INFO = "info"
    WARNING = "warning"  # part of what was asked for is missing from the report


@dataclass(frozen=True, slots=True)
class Note:
    """One line for people: a range that was refused, a metric that ended, labels that were guessed."""

    severity: Severity
    text: str
    target: str = ""  # whom it is about; "" where it is about all


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a share, from 0 to 1 (Clopper-Pearson, 95 %)."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PathPoint:
    """One judged moment of one rule. `log_evidence` and `needed` are natural logarithms; a rule is proven at needed."""

    at: datetime
    value: float | None
    limit: float | None
    log_evidence: float | None
    needed: float | None
    finding: str  # pass, breach, undecided, no-data


@dataclass(frozen=True, slots=True)
class RuleReplay:
    """What one rule said of one switch, up to the end of the bake whatever other rules said before."""

    rule: str
    kind: str  # threshold, budget, probe, signs, alerts
    text: str  # the condition as written, or what the rule listens to
    dimension: str  # of value, limit and baseline: ratio, seconds, bytes, cores, plain
    action: str  # what a breach leads to: rollback or notify
    path: tuple[PathPoint, ...] = ()
    breached_at: datetime | None = None  # the moment of decision: the end of the block (or the look) that breached
    sentence: str = ""  # the judge's own, of the breach or else of the last verdict
    finding: str = "no-data"  # the last one; breach where it ever breached
    baseline: float | None = None  # what stable measured before the switch, in the unit of the limit
    not_replayable: str = ""  # why it could not be replayed at all; then the rest is empty
    query: str = ""


@dataclass(frozen=True, slots=True)
class SwitchReplay:
    """One past switch, or a quiet moment that was replayed as if it had been one (a placebo)."""

    id: str  # the same in every backtest of the same switch
    target: str
    guard: str
    kind: str  # rollout, selector, route, config
    placebo: bool
    at: datetime
    at_is_bound: bool  # it happened at `at` or before
    source: str  # how it was found: kube-state-metrics, pod names, file, records, placebo
    candidate: str  # the revision's written form: WORKLOAD-HASH
    stable: str  # where a rollback would have gone; "" where nothing was known
    label: Label
    label_source: str  # who says so: "label file", "rolled back by the watchdog", "a quiet window", ...
    outcome: str  # passed, rolled-back, notified, inconclusive, superseded, held, cut-short; what it would have come to
    reason: str  # the outcome in one sentence
    decided_at: datetime | None  # when it would have acted (or told, under action = notify); None: never
    decided_in: float | None  # seconds from the switch to that
    first_rule: str  # the rule that decided
    served_until: datetime  # when the candidate really stopped serving, or the bake's end
    served_until_why: str  # next switch, put back, bake end
    bad_requests: float | None  # bad ones from the switch to `served_until`; None where no ratio rule measured them
    saved_requests: float | None  # bad ones from the decision to `served_until`
    saved_bound: bool  # measured up to the bake's end only: at least so many
    rules: tuple[RuleReplay, ...]
    notes: tuple[str, ...] = ()

    @property
    def acted(self) -> bool:
        """Whether the watchdog would have rolled back."""
        return self.outcome == "rolled-back"

    @property
    def cut_short(self) -> bool:
        """Whether the watchdog's own put-back ended it before these rules decided."""
        return self.outcome == CUT_SHORT

    def rule(self, name: str) -> RuleReplay | None:
        """What that rule said."""
        return next((rule for rule in self.rules if rule.rule == name), None)


@dataclass(frozen=True, slots=True)
class Totals:
    """How one rule (or all of them together, `rule` is "") did over all switches.

    `clean` counts good switches and placebos, where the rule could be replayed. A false alarm is a breach on one.
    """

    rule: str
    guard: str  # "" for all of them together
    bad: int  # bad switches on which it could be replayed
    caught: int
    first: int  # bad switches that it was the first to catch
    clean: int
    false_alarms: int
    false_alarm_interval: Interval
    unknown: int  # breaches on switches of which nobody knows whether they were bad
    not_replayable: int  # switches on which it could not be replayed
    time_median: float | None  # seconds from the switch to the decision, over those caught
    time_p90: float | None
    saved_requests: float | None
    why_not_replayable: str = ""

    @property
    def false_alarms_per_100(self) -> float | None:
        """False alarms per 100 clean deploys; None where there was no clean one."""
        return None if not self.clean else 100.0 * self.false_alarms / self.clean


@dataclass(frozen=True, slots=True)
class Spent:
    """What the backtest cost."""

    queries: int
    from_cache: int
    samples: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """One backtest of one rules file. Switches and placebos lie in order of time."""

    rules_file: str
    digest: str  # of the rules file
    prometheus: str  # its URL, without credentials
    since: datetime
    until: datetime
    replayed_at: datetime
    switches: tuple[SwitchReplay, ...]
    totals: tuple[Totals, ...]  # one per rule of each guard, in the file's order
    overall: Totals
    notes: tuple[Note, ...]
    spent: Spent

    @property
    def real(self) -> tuple[SwitchReplay, ...]:
        """The switches that really were."""
        return tuple(switch for switch in self.switches if not switch.placebo)

    @property
    def placebos(self) -> tuple[SwitchReplay, ...]:
        """The quiet moments."""
        return tuple(switch for switch in self.switches if switch.placebo)

    @property
    def partial(self) -> bool:
        """Whether something that was asked for is missing."""
        return any(note.severity is Severity.WARNING for note in self.notes)


class Change(StrEnum):
    """How the decision on one switch differs under the new rules."""

    ROLLBACK_MORE = "rollback-more"
    ROLLBACK_FEWER = "rollback-fewer"  # of what was cut short nobody knows: it is later, by the put-back at the least
    SOONER = "sooner"
    LATER = "later"
    RULE = "rule"  # at the same moment, by another rule
    OUTCOME = "outcome"  # neither rolls back, but the watch ends otherwise
    ONLY_NEW = "only-new"  # the old rules do not guard the target
    ONLY_OLD = "only-old"
    STEP_NEW = "step-new"  # the old rules' bake was not over: to them it was a step of the watch before
    STEP_OLD = "step-old"


@dataclass(frozen=True, slots=True)
class Difference:
    """One switch on which the two rule files disagree."""

    switch: str  # its id
    target: str
    at: datetime
    placebo: bool
    label: Label
    change: Change
    seconds: float | None  # new minus old: negative is sooner; of what was cut short at least so many
    old_outcome: str
    new_outcome: str
    old_rule: str
    new_rule: str
    old_decided_at: datetime | None
    new_decided_at: datetime | None

    @property
    def at_least(self) -> bool:
        """Whether the watchdog's own put-back came before one of the decisions: it may be more seconds."""
        return CUT_SHORT in (self.old_outcome, self.new_outcome)

    @property
    def turned(self) -> int:
        """1 where the new rules alone decide, -1 where the old ones alone did, else 0. To tell counts as to decide.

        Also 0 of what was cut short, for nobody knows, and of what one of the files does not guard.
        """
        if self.at_least or self.change in (Change.ONLY_NEW, Change.ONLY_OLD):
            return 0
        return (self.new_decided_at is not None) - (self.old_decided_at is not None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same switches under two rule files: `old` is what `--against` named."""

    old: Report
    new: Report
    old_name: str  # the file or REVISION:PATH
    differences: tuple[Difference, ...]  # in order of time
    summary: str  # "2 rollbacks more, 1 fewer, 40 s sooner"

    def of(self, *changes: Change) -> tuple[Difference, ...]:
        """The differences of these kinds."""
        return tuple(difference for difference in self.differences if difference.change in changes)


def document_of(value: object) -> Any:
    """A report or comparison (or a part) as what JSON can hold: moments in ISO 8601, durations in seconds."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: document_of(getattr(value, field.name)) for field in fields(value)}
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case StrEnum():
            return value.value
        case Mapping():
            return {str(key): document_of(item) for key, item in value.items()}
        case tuple() | list():
            return [document_of(item) for item in value]
        case _:
            return value
