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
    seconds: float | None  # mean over the bad ones from the switch to the decision; a missed one counts to its end

    def no_worse(self, other: "Score") -> bool:
        """Whether it neither misses more nor is wrong more often."""
        return self.missed <= other.missed and self.false_alarms <= other.false_alarms

    def dominates(self, other: "Score") -> bool:
        """Whether it is no worse in anything and better in something."""
        mine, theirs = self.costs, other.costs
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))

    @property
    def costs(self) -> tuple[int, int, float]:
        return self.missed, self.false_alarms, self.seconds or 0.0


def score(observed: Sequence[Observed], breaches: Breaches) -> Score:
    """Every switch decided by the first of the rules to breach on it; one that was held is decided by none.

    A missed release counts the time that it was watched: were it left out, a rule would look quicker for missing more.
    """
    bad = clean = missed = false_alarms = 0
    times: list[float] = []
    for each in observed:
        moments = [at for by_switch in breaches.values() if (at := by_switch.get(each.id)) is not None]
        first = None if each.held else min(moments, default=None)
        if each.bad:
            bad += 1
            missed += first is None
            times.append(((first or each.ended) - each.at).total_seconds())
        else:
            clean += 1
            false_alarms += first is not None
    return Score(bad, clean, missed, false_alarms, sum(times) / len(times) if times else None)


def as_written(observed: Sequence[Observed], rules: Sequence[str]) -> dict[str, dict[str, datetime | None]]:
    """The breaches of the rules as they were replayed."""
    return {rule: {each.id: each.breach(rule) for each in observed if rule in each.tracks} for rule in rules}
