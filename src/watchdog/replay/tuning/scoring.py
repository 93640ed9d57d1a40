"""How good a set of rules is on the past: bad releases missed, clean ones rolled back, seconds until the decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchdog.replay.tuning.observing import Observed

Breaches = Mapping[str, Mapping[str, datetime | None]]
"""By rule, by switch: when it breached."""


@dataclass(frozen=True, slots=True)
class Score:
    """All rules together: a switch is decided by the first rule that breaches."""

    bad: int
    clean: int
    missed: int
    false_alarms: int
    times: Mapping[str, float]  # seconds from the switch to the decision, of each bad one that is caught
    waited: float  # the same of all bad ones: one that is missed counts for as long as it was followed

    @property
    def seconds(self) -> float | None:
        """From the switch to the decision, on average; were a missed one left out, missing it would look quick."""
        return self.waited / self.bad if self.bad else None

    def gains(self, before: "Score") -> tuple[float, int]:
        """How many seconds sooner than before, on average over the bad switches whose time changed, and how many."""
        changed = [before.times[each] - at for each, at in self.times.items() if before.times.get(each, at) != at]
        return (sum(changed) / len(changed), len(changed)) if changed else (0.0, 0)

    def no_worse(self, other: "Score") -> bool:
        """Whether it neither misses more nor is wrong more often."""
        return self.missed <= other.missed and self.false_alarms <= other.false_alarms

    def dominates(self, other: "Score") -> bool:
        """Whether it is no worse in anything and better in something."""
        mine, theirs = self.costs, other.costs
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))

    @property
    def costs(self) -> tuple[int, int, float]:
        return self.missed, self.false_alarms, self.waited


def score(observed: Sequence[Observed], breaches: Breaches) -> Score:
    """Every switch decided by the first of the rules to breach on it."""
    bad = clean = missed = false_alarms = 0
    times: dict[str, float] = {}
    waited = 0.0
    for each in observed:
        moments = [at for by_switch in breaches.values() if (at := by_switch.get(each.id)) is not None]
        first = None if each.held else min(moments, default=None)
        if each.bad:
            bad += 1
            missed += first is None
            waited += ((first or each.ended) - each.at).total_seconds()
            if first is not None:
                times[each.id] = (first - each.at).total_seconds()
        else:
            clean += 1
            false_alarms += first is not None
    return Score(bad, clean, missed, false_alarms, times, waited)


def as_written(observed: Sequence[Observed], rules: Sequence[str]) -> dict[str, dict[str, datetime | None]]:
    """The breaches of the rules as they were replayed."""
    return {rule: {each.id: each.breach(rule) for each in observed if rule in each.tracks} for rule in rules}
