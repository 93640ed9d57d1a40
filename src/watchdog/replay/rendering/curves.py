"""What asking for more or for less evidence would have given, read off the paths that were replayed.

Only what was judged is looked at: at each moment the value against its limit and the evidence against another
threshold. How long a rule's `for` still asks is not known here; `watchdog tune` judges again and knows it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from watchdog.replay.rendering.wording import downward
from watchdog.replay.report import Label, Report, RuleReplay

FACTORS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Of the odds that were needed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What one rule would have done if it had needed `factor` times the odds."""

    factor: float
    caught: int
    bad: int
    false_alarms: int
    clean: int
    time_median: float | None  # seconds

    @property
    def per_100(self) -> float:
        """False alarms per 100 clean deploys."""
        return 100.0 * self.false_alarms / self.clean if self.clean else 0.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One rule under every factor."""

    rule: str
    guard: str
    settings: tuple[Setting, ...]


def curves(report: Report) -> list[Curve]:
    """One for each rule that weighs evidence, was replayed on a bad and on a clean switch, and ever decided."""
    found = []
    for totals in report.totals:
        bad: list[tuple[datetime, RuleReplay]] = []
        clean: list[tuple[datetime, RuleReplay]] = []
        for switch in report.switches:
            rule = switch.rule(totals.rule) if switch.guard == totals.guard else None
            if rule is None or not any(point.needed is not None for point in rule.path):
                continue
            if switch.placebo or switch.label is Label.GOOD:
                clean.append((switch.at, rule))
            elif switch.label is Label.BAD:
                bad.append((switch.at, rule))
        settings = tuple(_under(factor, bad, clean) for factor in FACTORS)
        if bad and clean and any(each.caught for each in settings):
            found.append(Curve(totals.rule, totals.guard, settings))
    return found


def _under(
    factor: float, bad: Sequence[tuple[datetime, RuleReplay]], clean: Sequence[tuple[datetime, RuleReplay]]
) -> Setting:
    times = [(at - switched).total_seconds() for switched, rule in bad if (at := decided_at(rule, factor)) is not None]
    alarms = sum(1 for _, rule in clean if decided_at(rule, factor) is not None)
    return Setting(factor, len(times), len(bad), alarms, len(clean), median(times) if times else None)


def decided_at(rule: RuleReplay, factor: float) -> datetime | None:
    """When the rule would have breached with `factor` times the odds that it needed; with 1, when it did."""
    if factor == 1.0:
        return rule.breached_at
    more, down, most = math.log(factor), downward(rule), -math.inf
    for point in rule.path:
        if point.log_evidence is None or point.needed is None or point.value is None or point.limit is None:
            continue
        most = max(most, point.log_evidence)  # once reached, evidence stands
        over = point.value < point.limit if down else point.value > point.limit
        if over and most >= point.needed + more:
            return point.at
    return None
