"""What a check found: one sentence, how bad it is, and where in rules.toml it belongs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

_NAMED = 3  # targets that a sentence names; JSON has them all


class Level(StrEnum):
    """How bad a finding is: an error means that something does not work as the file says."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(StrEnum):
    """What kinds of findings there are."""

    MISTAKE = "mistake"
    DOUBTFUL = "doubtful"
    NO_PROMETHEUS = "no-prometheus"
    NO_CLUSTER = "no-cluster"
    CLOCK_SKEW = "clock-skew"
    MISSING_RIGHT = "missing-right"
    GUARDS_NOTHING = "guards-nothing"
    NOT_GUARDABLE = "not-guardable"
    BEHIND_A_ROUTE = "behind-a-route"
    TWO_GUARDS = "two-guards"
    BLIND_RULE = "blind-rule"
    COARSE_BUCKETS = "coarse-buckets"
    THIN_TRAFFIC = "thin-traffic"
    CAPPED_HABITS = "capped-habits"
    CHANNEL = "channel"
    TIME_TO_SAFETY = "time-to-safety"

    @property
    def description(self) -> str:
        """What findings of this kind say, in a line; docs/check.md says more."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Kind.MISTAKE: "rules.toml cannot be taken up as it is",
    Kind.DOUBTFUL: "rules.toml says something that is hardly meant",
    Kind.NO_PROMETHEUS: "Prometheus cannot be asked, or holds nothing",
    Kind.NO_CLUSTER: "the cluster, or a part of it, cannot be asked",
    Kind.CLOCK_SKEW: "the clocks of Prometheus and of this machine differ",
    Kind.MISSING_RIGHT: "the API server would refuse something that the watchdog does",
    Kind.GUARDS_NOTHING: "a guard, or one of its targets, matches nothing",
    Kind.NOT_GUARDABLE: "a guard covers something whose switches cannot be seen",
    Kind.BEHIND_A_ROUTE: "what rolls out behind a guarded route is not watched",
    Kind.TWO_GUARDS: "two guards cover one target, so neither acts on it",
    Kind.BLIND_RULE: "a rule measures nothing of a target",
    Kind.COARSE_BUCKETS: "a histogram's buckets are too coarse for a rule's limit",
    Kind.THIN_TRAFFIC: "a target has too few requests for a verdict within the bake",
    Kind.CAPPED_HABITS: "a target's own bursts reach further than a rule follows them",
    Kind.CHANNEL: "a channel does not resolve",
    Kind.TIME_TO_SAFETY: "how long it takes at worst until a bad release is gone",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. Line and column count from 1; 0 where it is about no place of the file."""

    kind: Kind
    level: Level
    message: str
    remedy: str = ""
    line: int = 0
    column: int = 0
    targets: tuple[str, ...] = ()  # of which targets, where it is about any

    @property
    def text(self) -> str:
        """About what, what is wrong, and what would be right."""
        about = f"{_named(self.targets)}: " if self.targets else ""
        return f"{about}{self.message}" + (f"; {self.remedy}" if self.remedy else "")


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In the file's order, first those that are about no place of it; what holds of several targets is said once."""
    together: dict[Finding, list[str]] = {}
    for finding in findings:
        together.setdefault(replace(finding, targets=()), []).extend(finding.targets)
    merged = (replace(finding, targets=tuple(sorted(set(targets)))) for finding, targets in together.items())
    return tuple(sorted(merged, key=lambda one: (one.line, one.column, one.targets)))


def _named(targets: tuple[str, ...]) -> str:
    if len(targets) <= _NAMED + 1:
        return ", ".join(targets)
    return f"{', '.join(targets[:_NAMED])} and {len(targets) - _NAMED} more"
