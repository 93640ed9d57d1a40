"""What a setting costs over a mixture of worlds, and which settings nobody beats."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.judge.atlas import FAULTS, broken
from benchmarks.judge.contestants import Contestant
from benchmarks.judge.running import Played
from benchmarks.judge.runs import Floats
from benchmarks.judge.scoring import Estimate, Outcomes, false_rollbacks, mean, misses
from benchmarks.judge.worlds import World


@dataclass(frozen=True, slots=True)
class Weighed:
    """One setting over a mixture: every world weighs the same, and every fault in it.

    `cost` are the requests that failed until the decision, in seconds of the whole traffic; `counted` the same in
    requests, so that busy worlds weigh more.
    """

    contestant: Contestant
    good: tuple[Outcomes, ...]
    bad: tuple[Outcomes, ...]

    @property
    def false(self) -> float:
        """False rollbacks per clean deploy."""
        return sum(each.rolled_back for each in self.good) / sum(each.runs for each in self.good)

    @property
    def false_rollbacks(self) -> Estimate:
        """The same with its interval."""
        return false_rollbacks(self.good)

    @property
    def missed(self) -> Estimate:
        """Misses per bad release."""
        return misses(self.bad)

    @property
    def costs(self) -> Floats:
        """Of each bad release."""
        return np.concatenate([each.cost for each in self.bad])

    @property
    def cost(self) -> float:
        """On average."""
        return float(self.costs.mean())

    @property
    def cost_estimate(self) -> Estimate:
        """On average, with its interval."""
        return mean(self.costs)

    @property
    def counted(self) -> float:
        """Failed requests of each bad release on average."""
        return float(np.concatenate([each.failed for each in self.bad]).mean())

    @property
    def times(self) -> Floats:
        """Seconds from the fault to the decision, of all bad releases; infinite for a miss."""
        return np.concatenate([each.took for each in self.bad])


def weighed(
    played: Played, worlds: Iterable[World], contestants: Sequence[Contestant], faults: Sequence[str] = tuple(FAULTS)
) -> dict[str, Weighed]:
    """Every contestant over these worlds and these faults."""
    worlds = tuple(worlds)
    return {
        each.name: Weighed(
            each,
            tuple(played[world.name, each.name] for world in worlds),
            tuple(played[broken(world, fault).name, each.name] for world in worlds for fault in faults),
        )
        for each in contestants
    }


def front(settings: Iterable[Weighed]) -> list[Weighed]:
    """The settings that no other one beats in both, from few false rollbacks to many."""
    kept: list[Weighed] = []
    for each in sorted(settings, key=lambda setting: (setting.false, setting.cost, setting.contestant.name)):
        if not kept or each.cost < kept[-1].cost:
            kept.append(each)
    return kept


def tuned(settings: Mapping[str, Weighed], false: float) -> dict[str, Weighed]:
    """Each peer's cheapest setting with no more false rollbacks than `false`; where it has none, the one with the fewest."""
    best: dict[str, Weighed] = {}
    for each in settings.values():
        key = (max(each.false, false), each.cost, each.contestant.name)
        known = best.get(each.contestant.peer)
        if known is None or key < (max(known.false, false), known.cost, known.contestant.name):
            best[each.contestant.peer] = each
    return best


def dominating(settings: Iterable[Weighed], ours: Weighed) -> list[Weighed]:
    """Settings with no more false rollbacks than ours and fewer failed requests, or the other way round."""
    return sorted(
        (
            each
            for each in settings
            if each.false <= ours.false
            and each.cost <= ours.cost
            and (each.false, each.cost) != (ours.false, ours.cost)
        ),
        key=lambda each: (each.cost, each.contestant.name),
    )
