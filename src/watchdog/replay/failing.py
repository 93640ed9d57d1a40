"""`--fail-on`: what makes a backtest fail in CI, written as `false-alarms>0` or `more-missed`."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.replay.report import CUT_SHORT, Change, Comparison, Label, Report

_WRITTEN = re.compile(r"\s*(?P<name>[a-z][a-z0-9-]*)\s*(?:(?P<op>>=|<=|>|<|=)\s*(?P<number>\d+(?:\.\d+)?))?\s*")
_RIGHT = "write NAME, or NAME and one of >, >=, <, <=, = and a plain number, as in missed>1"
_OPS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_OF_ONE: Mapping[str, Callable[[Report], float]] = {
    "false-alarms": lambda report: float(report.overall.false_alarms),
    "false-alarms-per-100": lambda report: report.overall.false_alarms_per_100 or 0.0,
    "missed": lambda report: float(report.overall.bad - report.overall.caught),
    "caught": lambda report: float(report.overall.caught),
    "switches": lambda report: float(len(report.real)),
    "cut-short": lambda report: float(sum(1 for switch in report.real if switch.cut_short)),
    "not-replayable": lambda report: float(sum(total.not_replayable for total in report.totals)),
    "partial": lambda report: float(report.partial),
}
_OF_TWO: Mapping[str, Callable[[Comparison], float]] = {
    "more-false-alarms": lambda both: float(_false_alarms(both)),
    "more-missed": lambda both: float(_missed(both)),
    "more-cut-short": lambda both: float(_cut_short(both)),
    "later": lambda both: float(len(both.of(Change.LATER))),
    "differences": lambda both: float(len(both.differences)),
}
NAMES = (*_OF_ONE, *_OF_TWO)


class ConditionInvalid(Exception):
    """A condition that cannot be read; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; true means that the backtest fails."""

    text: str
    name: str
    op: str
    number: float

    @property
    def compares(self) -> bool:
        """Whether it asks about two rule files."""
        return self.name in _OF_TWO


def read_conditions(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Each text may hold several, with commas. A name alone means `>0`. Raises `ConditionInvalid`."""
    found = []
    for whole in texts:
        if not whole.strip(" ,\t\n"):
            raise ConditionInvalid(f"--fail-on {whole!r} holds no condition; {_RIGHT}, or leave it out")
    for text in (part for whole in texts for part in whole.split(",") if part.strip()):
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ConditionInvalid(f"--fail-on {text.strip()!r} cannot be read; {_RIGHT}")
        if match["name"] not in NAMES:
            raise ConditionInvalid(f"--fail-on knows no {match['name']!r}; there are {', '.join(NAMES)}")
        found.append(Condition(text.strip(), match["name"], match["op"] or ">", float(match["number"] or 0.0)))
    return tuple(found)


def failing(conditions: Sequence[Condition], report: Report, both: Comparison | None) -> tuple[str, ...]:
    """The conditions that are met, each with the number that met it."""
    met = []
    for one in conditions:
        value = _OF_ONE[one.name](report) if both is None or not one.compares else _OF_TWO[one.name](both)
        if _OPS[one.op](value, one.number):
            met.append(f"{one.text} ({one.name} is {value:g})")
    return tuple(met)


def _false_alarms(both: Comparison) -> int:
    return sum(1 for one in both.differences if one.turned > 0 and one.label is Label.GOOD)


def _missed(both: Comparison) -> int:
    return sum(1 for one in both.differences if one.turned < 0 and one.label is Label.BAD)


def _cut_short(both: Comparison) -> int:
    """Bad releases that the old file had decided on by the time of the watchdog's own put-back, and the new one not."""
    later = (one for one in both.of(Change.LATER) if one.new_outcome == CUT_SHORT)
    return sum(1 for one in later if one.label is Label.BAD)
