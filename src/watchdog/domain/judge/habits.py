"""How much evidence a rule needs of a service with habits of its own.

Some services burst every ten minutes and always did. What the same judge reached over the target's quiet past says how
far harmless habits may bring the evidence: the threshold never lies under their maximum plus one nat. With m such
windows, and a release that changes no habit, about one watch in m + 1 reaches further than all of them.

What was learnt may be wrong (an incident that nobody recorded), so it is capped: whatever the past was, a release that
fails a fifth of its requests from the start is still proven in eight blocks.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from watchdog.domain.judge.betting import evidence_of_a_constant
from watchdog.domain.judge.harmless import Harmless

FEWEST = 5
"""Quiet windows below which nothing is learnt of them."""

MARGIN = 1.0
"""Nats that the threshold lies above what habits reached: odds of e."""

CAP_BLOCKS = 8
_CAP_SHARE = 0.2
_CAP_LIMITS = 4.0
_CAP_MOST = 0.95


class LeftOut(StrEnum):
    """Why a window of the past was no quiet one."""

    ROLLOUT = "rollout"  # its pods were not all of the one ReplicaSet that made the baseline
    RECORDED = "recorded"  # a switch or an incident is known of it
    OVER_LIMIT = "over-limit"  # the rule as written held for longer than a minute
    FAILED = "failed"  # Prometheus could not be asked, or its answer could not be used
    UNMEASURED = "unmeasured"  # there were too few requests, no samples, or no baseline before them


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the judge reached for one rule over the target's quiet past, as found `at` that time.

    `reached` is the highest log evidence (nats) of any of the `windows` that were quiet; None with fewer than `FEWEST`.
    `requests` are those of one block, on average. `left_out` counts the windows that were not quiet.
    """

    at: datetime
    windows: int = 0
    reached: float | None = None
    requests: float = 0.0
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)


class Need(NamedTuple):
    """The log evidence that breaches a rule; `plain` is what it would be without the service's habits.

    `capped`: habits reached further, and are not followed there.
    """

    log_evidence: float
    plain: float
    capped: bool = False

    @property
    def raised(self) -> bool:
        """Whether habits ask for more than the rule's confidence does."""
        return self.log_evidence > self.plain


def need(alpha: float, calibration: Calibration | None, harmless: Harmless | None, blocks: int) -> Need:
    """How much evidence a rule needs that may be wrong with probability `alpha`: never less than log(1/alpha).

    `blocks` is how many the bake has: in a shorter one the cap lies at what its own blocks can prove.
    """
    plain = -math.log(alpha)
    if calibration is None or calibration.reached is None or harmless is None:
        return Need(plain, plain)
    habits = calibration.reached + MARGIN
    most = cap(harmless, calibration.requests, blocks)
    return Need(max(plain, min(habits, most)), plain, capped=habits > max(plain, most))


def cap(harmless: Harmless, requests: float, blocks: int = CAP_BLOCKS) -> float:
    """The evidence that a fault from the start reaches in eight blocks of so many requests: no habit asks for more."""
    share = capped_at(harmless.limit)
    return evidence_of_a_constant(
        share, harmless.level, min(CAP_BLOCKS, blocks), max(1.0, requests), harmless.twice_the_limit
    )


def capped_at(limit: float) -> float:
    """The share of bad requests that must stay provable: a fifth; where the limit is higher, four times the limit."""
    return min(_CAP_MOST, max(_CAP_SHARE, _CAP_LIMITS * limit))
