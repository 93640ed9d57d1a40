"""How a rule's blocks become evidence: what each is held against, how much is needed, whether it could be had.

While stable's pods serve beside the candidate's (a rolling update), each block is held against what stable shows in
the same moments as well: a storm that hits both is not the release's fault. The question is that of a two-sample test
("is the candidate more than twice as bad?", as in Turner, Ly and Grünwald, arXiv 2106.02693); it is bet on block by
block all the same, since requests of one block are not independent.
"""

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from watchdog.domain.conditions import Threshold
from watchdog.domain.copies import with_fields
from watchdog.domain.judge.betting import Bet, evidence_of_a_constant
from watchdog.domain.judge.habits import Need, need
from watchdog.domain.judge.harmless import (
    Harmless,
    bets_on,
    bound_of,
    harmless_of,
    pair_of,
    stable_share,
    weight_of_block,
)
from watchdog.domain.judge.history import BLOCKS_KEPT, History, forgotten
from watchdog.domain.measurement import Baseline, Block, Reading
from watchdog.domain.packed import appended
from watchdog.domain.rules import Budget, Rule

TIMES_BESIDE = 2.0
MORE_THAN_BESIDE = 0.1  # of the limit
_ALMOST_ALL = 0.95
_ENOUGH_BESIDE = 30.0  # requests of stable in one block below which it is nothing to compare with


class Weight(NamedTuple):
    """How the evidence of one rule stands."""

    log_evidence: float
    need: Need

    @property
    def needed(self) -> float:
        """The log evidence at which the rule is breached."""
        return self.need.log_evidence

    @property
    def enough(self) -> bool:
        """Whether it proves the rule's breach."""
        return self.log_evidence >= self.needed


def weight_of(rule: Rule, history: History) -> Weight | None:
    """The evidence against its threshold; None where the literal rule decides alone."""
    if rule.alpha is None or betting_on(rule) is None:
        return None
    return Weight(history.bets.log_evidence, _need(rule.alpha, history))


def betting_on(rule: Rule) -> Threshold | None:
    """What the rule's bets are on; None where the literal rule decides alone."""
    threshold = _threshold(rule)
    return threshold if rule.alpha is not None and threshold is not None and bets_on(threshold) else None


def with_bet(rule: Rule, history: History, baseline: Baseline | None, block: Block) -> History:
    """The history after one more bet; the block is the newest, without its cold pods."""
    threshold = betting_on(rule)
    if threshold is None:
        return history
    harmless = history.harmless or level_for(rule, threshold, baseline)
    if harmless is None:
        return history
    pair = pair_of(threshold, block.reading, harmless.bound)
    if pair is None:
        return with_fields(history, harmless=harmless)
    bound = bound_of(threshold, block.reading, harmless)
    level = _level_beside(threshold, harmless, block.beside)
    weight = weight_of_block(harmless, pair[1])
    sought = twice_the_limit(rule, harmless, history.bake)
    bets = history.bets.bet(*pair, level, blocks_in(history), weight, sought)
    if bets is history.bets:
        return with_fields(history, harmless=harmless, bound=bound)
    ledger = history.ledger
    if len(ledger) < BLOCKS_KEPT:
        ledger = appended(ledger, Bet(block.index, *pair, level, weight, sought), keep=BLOCKS_KEPT, fresh=1)
    return with_fields(history, harmless=harmless, bound=bound, bets=bets, ledger=ledger, last_bet=block.index)


def until(rule: Rule, history: History, baseline: Baseline | None, now: datetime) -> History:
    """The history as it was at `now`: without the blocks that ended later, and without the bets on them."""
    if not history.blocks or history.blocks[-1].end <= now:
        return history
    earlier = forgotten(history)
    for block in history.blocks:
        if block.end <= now:
            earlier = with_bet(rule, earlier.with_block(block, None), baseline, block)
    return with_fields(earlier, outages=tuple(outage for outage in history.outages if outage.end <= now))


def blocks_in(history: History) -> int:
    """How many blocks the bake has."""
    return max(1, math.ceil(history.bake / history.interval))


def provable(rule: Rule, history: History) -> bool:
    """Whether the requests that were seen could have proven a release that is twice as bad as the limit.

    Those that were seen in the first half of the watch alone say nothing of the second.
    """
    harmless, bets = history.harmless, history.bets
    if rule.alpha is None or harmless is None or bets.placed == 0 or 2 * history.last_bet < history.last_index:
        return False
    if too_coarse(history):
        return False
    share = twice_the_limit(rule, harmless, history.bake)
    reached = evidence_of_a_constant(share, harmless.level, bets.weights, bets.requests / bets.placed, share)
    return reached >= _need(rule.alpha, history).log_evidence


def too_coarse(history: History) -> bool:
    """Whether the histogram has no bucket by which its rule could be proven.

    Its buckets end below the limit; or those of the release are coarser than stable's, and the limit lies so far inside
    one of them that a latency of twice the limit would not show.
    """
    harmless, bound = history.harmless, history.bound
    if harmless is None or harmless.bound is None or harmless.asked is None or bound is None:
        return False
    return math.isinf(bound) or (bound > harmless.bound and bound > 2.0 * harmless.asked)


def twice_the_limit(rule: Rule, harmless: Harmless, bake: timedelta) -> float:
    """Twice the share of bad requests that breaks the rule: what a release must be seen not to have before it passes.

    Of a budget, twice the share that spends its part within the bake.
    """
    if isinstance(rule.check, Budget):
        return with_fields(harmless, limit=spent_in(rule.check, bake)).twice_the_limit
    return harmless.twice_the_limit


def spent_in(budget: Budget, bake: timedelta) -> float:
    """The share of bad requests that spends what one release may, over a bake at the period's own traffic."""
    return min(_ALMOST_ALL, budget.allowed * budget.spend * (budget.period / bake))


def _need(alpha: float, history: History) -> Need:
    return need(alpha, history.calibration, history.harmless, blocks_in(history))


def fails_beside(threshold: Threshold, beside: Reading | None, share: float, enough: float) -> bool:
    """Whether stable, still serving, shows at least half of a share of bad requests in the same block."""
    pair = None if beside is None else pair_of(threshold, beside, None)
    return pair is not None and pair[1] >= enough and 2.0 * pair[0] >= share * pair[1]


def shared_since(rule: Rule, history: History, since: datetime) -> bool:
    """Whether stable's pods, in the moments since then in which they served beside, were over the limit too."""
    threshold, harmless = _threshold(rule), history.harmless
    if threshold is None or harmless is None:
        return False
    beside = [block.beside for block in history.blocks if block.end > since and block.beside is not None]
    pairs = [pair for reading in beside if (pair := pair_of(threshold, reading, harmless.bound)) is not None]
    bad, total = (math.fsum(column) for column in zip((0.0, 0.0), *pairs, strict=True))
    return total >= _ENOUGH_BESIDE and bad > harmless.limit * total


def _level_beside(threshold: Threshold, harmless: Harmless, beside: Reading | None) -> float:
    pair = None if beside is None else pair_of(threshold, beside, harmless.bound)
    if pair is None or pair[1] < _ENOUGH_BESIDE:
        return harmless.level
    # Half a bad request more than was seen: of a few requests none may fail though many would.
    share = (pair[0] + 0.5) / (pair[1] + 1.0)
    return min(0.99, max(harmless.level, TIMES_BESIDE * share + MORE_THAN_BESIDE * harmless.limit))


def _threshold(rule: Rule) -> Threshold | None:
    match rule.check:
        case Threshold() as threshold:
            return threshold
        case Budget(threshold):
            return threshold
        case _:
            return None


def level_for(rule: Rule, threshold: Threshold, baseline: Baseline | None) -> Harmless | None:
    """What is harmless under a rule; None where that hangs on a baseline that is not there."""
    harmless = harmless_of(threshold, baseline)
    if harmless is None or not isinstance(rule.check, Budget):
        return harmless
    # What the objective allows is harmless: a budget is there to be spent. So is what stable does, if that is more.
    return with_fields(harmless, level=min(0.5, max(harmless.limit, stable_share(threshold, baseline))))
