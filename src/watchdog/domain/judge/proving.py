"""How long a fault takes to be proven with the requests that a target gets: what a bake is worth beforehand."""

import math
from dataclasses import dataclass
from datetime import timedelta

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.betting import evidence_of_a_constant
from watchdog.domain.judge.habits import Calibration, need
from watchdog.domain.judge.harmless import Harmless, weight_of_block
from watchdog.domain.judge.verdict import number
from watchdog.domain.judge.weighing import twice_the_limit
from watchdog.domain.measurement import Baseline
from watchdog.domain.rules import Rule

_MOST_BETS = 2**20  # months, at one a second: beyond them nobody waits


@dataclass(frozen=True, slots=True)
class Pace:
    """How evidence comes in: the requests of a block that has any, how many such blocks there are a second, and how
    many bets in full they amount to.
    """

    requests: float
    blocks_per_second: float
    bets_per_second: float

    @property
    def requests_per_second(self) -> float:
        """Over all blocks, those without a request among them."""
        return self.requests * self.blocks_per_second


@dataclass(frozen=True, slots=True)
class Proof:
    """What it takes to prove a `share` of bad requests from the switch on. `takes` None: no bake is enough."""

    share: float
    takes: timedelta | None
    capped: bool = False  # the target's own habits reach further than is asked of the evidence

    def held_against(self, harmless: Harmless, pace: Pace) -> str:
        """How many requests it takes, and the share that would be harmless, without which no two times compare."""
        level = f"harmless is up to {number(harmless.level, Dimension.RATIO)}"
        if self.takes is None:
            return level
        return f"{math.ceil(self.takes.total_seconds() * pace.requests_per_second):,} requests; {level}"


def pace_of(baseline: Baseline, harmless: Harmless) -> Pace | None:
    """The pace of a measured stretch, block by block; None where no block of it had a request."""
    sizes = [total for _, total in baseline.blocks]
    seconds = (baseline.end - baseline.start).total_seconds()
    requests = math.fsum(sizes)
    if requests <= 0.0 or seconds <= 0.0:
        return None
    bets = math.fsum(weight_of_block(harmless, size) for size in sizes)
    return Pace(requests / len(sizes), len(sizes) / seconds, bets / seconds)


def proof_of_twice_the_limit(
    rule: Rule, harmless: Harmless, pace: Pace, calibration: Calibration | None, *, bake: timedelta, interval: timedelta
) -> Proof:
    """How long a release takes to be proven bad that is twice as bad as the rule allows: a pass must rule it out.

    The rule's own `min_requests` must have come as well.
    """
    assert rule.alpha is not None
    share = twice_the_limit(rule, harmless, bake)
    needed = need(rule.alpha, calibration, harmless, max(1, math.ceil(bake / interval)))
    counted = timedelta(seconds=rule.min_requests / pace.requests_per_second)
    takes = time_to_prove(share, harmless.level, needed.log_evidence, pace)
    return Proof(share, None if takes is None else max(takes, counted), needed.capped)


def time_to_prove(share: float, harmless: float, log_evidence: float, pace: Pace) -> timedelta | None:
    """How long a constant share of bad requests takes to reach that much evidence; None where it never does.

    The expected evidence is a sum of stakes that each grow or shrink steadily: once it is reached, it stays reached.
    """

    def enough(bets: int) -> bool:
        return evidence_of_a_constant(share, harmless, bets, pace.requests, sought=share) >= log_evidence

    most = 1
    while not enough(most):
        most *= 2
        if most > _MOST_BETS:
            return None
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return timedelta(seconds=most / pace.bets_per_second)
