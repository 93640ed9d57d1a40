"""Evidence by betting: how strongly the blocks so far speak against "this release is harmless".

One bet a block, on its share of bad requests. A bet multiplies its stake by `1 + lambda (y - p)`, where y is the
block's share, p the harmless level and lambda a fraction of 1/p: under any harmless release, whatever the requests of
one block do together, the stake is expected to shrink or stay, so the wealth reaches 1/alpha with probability alpha at
most, at whatever moment one looks (Ville's inequality). Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", arXiv 2010.09686.

A block multiplies its stake by about 1/p at most, and by `HIGHEST` where p is tiny, so at the default confidence no
single block decides alone. Stakes are placed at the first bet and, in smaller parts, at each later one, so that a fault
that begins late finds money left (a start-time mixture). Where traffic is uneven, a block bets in proportion to its
requests: a handful of them must neither prove anything nor take the purse from the block in which all the others came.
Where it is thin, a block without an error says little, whatever was released; so half of the bold money is wary of it.
All in natural logarithms: neither many requests nor many blocks can overflow.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stake:
    """A part of the money, and the fraction of what can be lost that it risks on each block.

    A `wary` stake risks of that only as much as the chance that so many requests of the release that is sought would
    show an error at all, which is near what would let it grow fastest: one block of five requests without an error must
    not cost it 98 %. It depends on how many requests there were, never on how they ended.
    """

    fraction: float
    part: float
    wary: bool = False


STAKES = (Stake(0.98, 0.375), Stake(0.98, 0.375, wary=True), Stake(0.6, 0.17), Stake(0.2, 0.08))
"""Bold bets find a fault in few blocks, a wary one in thin traffic, timid ones where errors come in clumps. Chosen on
the bench's tuning worlds."""

FIRST = 0.6
"""The part of the money that is placed at the first bet: most bad releases are bad from the start."""

LATER = 0.36
"""The part that is spread evenly over the other bets of the bake; what is left goes to bets beyond it."""

HIGHEST = 100.0
"""How many times the harmless level a block's share counts at most; what is cut off favours the release."""

_NOTHING = -math.inf


@dataclass(frozen=True, slots=True)
class Bets:
    """The bets of one rule so far. `log_evidence` is the natural logarithm of the odds against a harmless release."""

    stakes: tuple[float, ...] = (_NOTHING,) * len(STAKES)  # logarithms
    placed: int = 0
    bad: float = 0.0
    requests: float = 0.0
    log_evidence: float = 0.0
    weights: float = 0.0  # how many bets in full those that were placed amount to

    def bet(
        self, bad: float, requests: float, harmless: float, expected: int, weight: float = 1.0, sought: float = 1.0
    ) -> "Bets":
        """One more block. `harmless` lies between 0 and 1; `expected` is how many blocks the bake has.

        `weight` (0 to 1) is the part of its stake that the block risks, `sought` the share of bad requests of the
        release that the wary stake looks for. A block without requests is no bet.
        """
        if requests <= 0.0:
            return self
        excess = weight * (min(HIGHEST, min(1.0, max(0.0, bad / requests)) / harmless) - 1.0)
        fresh = math.log(placed_at(self.placed + 1, expected))
        fractions = _fractions(requests, sought)
        stakes = tuple(
            _log_sum((money, fresh + math.log(stake.part))) + math.log1p(fraction * excess)
            for money, stake, fraction in zip(self.stakes, STAKES, fractions, strict=True)
        )
        kept = kept_after(self.placed + 1, expected)
        return Bets(
            stakes,
            self.placed + 1,
            self.bad + bad,
            self.requests + requests,
            _log_sum((*stakes, math.log(kept) if kept > 0.0 else _NOTHING)),
            self.weights + weight,
        )


NO_BETS = Bets()


@dataclass(frozen=True, slots=True)
class Bet:
    """One bet as it was placed: on which block, on how many bad of how many requests, against which harmless level,
    with which part of the stake, and in search of what.
    """

    block: int
    bad: float
    requests: float
    harmless: float
    weight: float = 1.0
    sought: float = 1.0

    def __reduce__(self) -> tuple[type["Bet"], tuple[float, ...]]:
        return Bet, (self.block, self.bad, self.requests, self.harmless, self.weight, self.sought)


def replayed(ledger: Iterable[Bet], expected: int) -> Bets:
    """The bets of a ledger, placed once more: the same evidence, bit for bit."""
    bets = NO_BETS
    for bet in ledger:
        bets = bets.bet(bet.bad, bet.requests, bet.harmless, expected, bet.weight, bet.sought)
    return bets


def differing(ledger: Iterable[Bet], again: Iterable[Bet]) -> tuple[int, ...]:
    """Blocks on which two ledgers of one watch do not agree.

    Where `again` was measured later from the same Prometheus, these are the blocks that were not complete when they
    were asked for: a sample arrived after that.
    """
    first, second = ({bet.block: bet for bet in bets} for bets in (ledger, again))
    return tuple(sorted(block for block in first.keys() | second.keys() if first.get(block) != second.get(block)))


def placed_at(bet: int, expected: int) -> float:
    """The part of the money that is placed at the `bet`-th bet (from 1), when about `expected` are to come."""
    if bet == 1:
        return FIRST
    if bet <= expected:
        return LATER / (expected - 1)
    beyond = bet - max(1, expected)
    rest = 1.0 - FIRST - (LATER if expected > 1 else 0.0)
    return rest / (beyond * (beyond + 1.0))


def kept_after(bet: int, expected: int) -> float:
    """The part of the money that is not placed yet after the `bet`-th bet."""
    if bet <= expected:
        spread = LATER * (bet - 1) / (expected - 1) if expected > 1 else 0.0
        return 1.0 - FIRST - spread
    rest = 1.0 - FIRST - (LATER if expected > 1 else 0.0)
    return rest / (bet - max(1, expected) + 1.0)


def evidence_of_a_constant(
    share: float, harmless: float, blocks: float, requests_per_block: float, sought: float = 1.0
) -> float:
    """The log evidence to expect after so many blocks of a release that is bad from the start, at a constant share.

    `requests_per_block` matters where it is small: a block of three requests shows a third or nothing. `sought` as in
    `Bets.bet`.
    """
    chances = _block_shares(share, requests_per_block)
    stakes = []
    for stake, fraction in zip(STAKES, _fractions(requests_per_block, sought), strict=True):
        excesses = [(min(HIGHEST, seen / harmless) - 1.0, chance) for seen, chance in chances]
        growth = math.fsum(chance * math.log1p(fraction * excess) for excess, chance in excesses)
        stakes.append(math.log(FIRST * stake.part) + blocks * growth)
    return _log_sum(stakes)


def _fractions(requests: float, sought: float) -> list[float]:
    """What each stake risks on a block of so many requests."""
    showing = -math.expm1(requests * math.log1p(-sought)) if sought < 1.0 else 1.0
    return [stake.fraction * showing if stake.wary else stake.fraction for stake in STAKES]


def _block_shares(share: float, requests: float) -> list[tuple[float, float]]:
    """The shares that a block may show, with their probabilities (binomial; of many requests the share itself)."""
    count = round(requests)
    count = max(count, 1)
    if count > 200 or share in (0.0, 1.0):
        return [(share, 1.0)]
    logs = math.log(share), math.log1p(-share)
    return [
        (bad / count, math.exp(_log_choose(count, bad) + bad * logs[0] + (count - bad) * logs[1]))
        for bad in range(count + 1)
    ]


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log_sum(logs: "tuple[float, ...] | list[float]") -> float:
    """log(sum(exp(x))), without overflow: a mixture computed otherwise underflows on a long clean release."""
    highest = max(logs)
    if highest == _NOTHING:
        return _NOTHING
    return highest + math.log(math.fsum([math.exp(log - highest) for log in logs]))
