"""What a check found: one sentence, how bad it is, and where in rules.toml it belongs."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is: an error means that something does not work as the file says."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(StrEnum):
    """What kinds of findings there are; the text is what people are told of the kind (docs/check.md has more)."""

    description: str

    def __new__(cls, value: str, description: str) -> "Kind":
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member

    MISTAKE = "mistake", "rules.toml cannot be taken up as it is"
    DOUBTFUL = "doubtful", "rules.toml says something that is hardly meant"
    NO_PROMETHEUS = "no-prometheus", "Prometheus cannot be asked, or holds nothing"
    NO_CLUSTER = "no-cluster", "the cluster cannot be asked"
    CLOCK_SKEW = "clock-skew", "the clocks of Prometheus and of this machine differ"
    MISSING_RIGHT = "missing-right", "the API server refuses something that the watchdog needs"
    GUARDS_NOTHING = "guards-nothing", "a guard, or one of its targets, matches nothing"
    NOT_GUARDABLE = "not-guardable", "a guard covers something whose switches cannot be seen"
    TWO_GUARDS = "two-guards", "two guards cover one target, so neither may act on it"
    BLIND_RULE = "blind-rule", "a rule measures nothing of a target"
    COARSE_BUCKETS = "coarse-buckets", "a histogram's buckets are too coarse for a rule's limit"
    THIN_TRAFFIC = "thin-traffic", "a target has too few requests for a verdict within the bake"
    CAPPED_HABITS = "capped-habits", "a target's own bursts reach further than its rule may follow them"
    CHANNEL = "channel", "a channel does not resolve"
    TIME_TO_SAFETY = "time-to-safety", "how long it takes at worst until a bad release is gone"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. Line and column count from 1; 0 where it is about no place of the file."""

    kind: Kind
    level: Level
    message: str
    remedy: str = ""
    line: int = 0
    column: int = 0
    target: str = ""  # of which target, where it is about one

    @property
    def text(self) -> str:
        """What is wrong, and what would be right."""
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, in the file's order; first those that are about no place of it."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: (one.line, one.column, one.target)))
