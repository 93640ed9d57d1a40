"""What a file of rule tests says, read: tests with their series, pods, probes, signs, and what is expected of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from watchdog.domain.judge import Finding
from watchdog.domain.live import NO_LIMITS, Limits
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.rules import Guard, Sign
from watchdog.replay.rule_tests.notation import Sample


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """One series as written, and what it stands for.

    `labels` have their placeholders filled in, the metric's name under `__name__`. Samples begin with the test, those
    of a series that names `{{ candidate }}` with the switch.
    """

    text: str
    values: str
    labels: Mapping[str, str]
    samples: tuple[Sample, ...]
    from_switch: bool


class When(StrEnum):
    """Which moments of a watch an expectation is about."""

    NEVER = "never"
    WITHIN = "within"
    AT = "at"
    AT_END = "at the end"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one rule is expected to say. Times count from the switch.

    `WITHIN`: says `finding` for the first time after `after` and no later than `by` (None: before the bake ends).
    `AT`: says it at `by`. `AT_END`: says it when the bake ends, and has not breached before. `NEVER`: no breach.
    """

    text: str
    finding: Finding
    when: When
    after: timedelta | None = None
    by: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OutcomeExpected:
    """How the watch is expected to go: an outcome, perhaps by a moment, or (`negated`) any other."""

    text: str
    outcome: str
    negated: bool = False
    by: timedelta | None = None


@dataclass(frozen=True, slots=True)
class SignShown:
    """The cause of a sign: from when until when (None: for good) after the switch, on how many of the pods."""

    since: timedelta
    until: timedelta | None = None
    pods: int | None = None


@dataclass(frozen=True, slots=True)
class Switched:
    """The switch of one test: whose, when after the test's begin, and which pods serve.

    `ready` and `complete` count from the switch: when the candidate's pods are ready, when the rollout is complete and
    stable's pods are gone. A `stable` of no pods: none is known.
    """

    target: Target
    kind: SwitchKind = SwitchKind.ROLLOUT
    at: timedelta = timedelta(minutes=10)
    ready: timedelta = timedelta(0)
    complete: timedelta = timedelta(0)
    candidate: tuple[str, ...] = ()
    stable: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Case:
    """One test."""

    name: str
    line: int
    guard: Guard
    switch: Switched
    interval: timedelta
    series: tuple[SeriesLine, ...] = ()
    probes: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)  # by rule, then by pod
    signs: Mapping[Sign, SignShown] = field(default_factory=dict)
    rules: Mapping[str, tuple[Expectation, ...]] = field(default_factory=dict)
    first: str | None = None
    outcome: OutcomeExpected | None = None
