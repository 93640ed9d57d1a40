"""What a harmless release may do: the level that the evidence is held against, from what stable did before the switch.

The harmless level is twice the upper confidence bound of stable's own rate, at least 30 % of the limit and below it.
Stretches of the baseline in which stable itself was over the limit do not make its habits more harmless: they are left
out, unless they are most of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from watchdog.domain.conditions import (
    AboveBaseline,
    Absolute,
    Limit,
    RatioMetric,
    ShareOfLimit,
    Threshold,
    TimesBaseline,
)
from watchdog.domain.judge.quantiles import bound_above, quantile_of, slower_than
from watchdog.domain.measurement import Baseline, Buckets, Counts, Reading

TIMES_STABLE = 2.0
LEAST = 0.3  # of the limit
MOST = 0.9  # of the limit
UNEVEN = 2.0  # times the average block that the one holding an average request has, from which on traffic is uneven
_DOUBT = 0.01  # how often the upper confidence bound may lie too low
_Z = 2.33  # the same for a normal distribution
_IMPOSSIBLE, _CERTAIN = 1e-6, 0.99  # a level must leave room on both sides
_ENOUGH_BAD = 5.0  # bad requests to expect at the limit before a stretch can be said to be over it

Pairs = Sequence[tuple[float, float]]
"""Bad (or slow) and all requests, block by block."""


@dataclass(frozen=True, slots=True)
class Harmless:
    """What evidence is held against. `level` and `limit` are shares of requests, `level < limit`.

    `bound` is the histogram bucket, in seconds, above which a request counts as slow: the smallest one that is not
    below the rule's limit `asked`, so that a limit inside a bucket favours the release. Infinite: the buckets are too
    coarse to judge by.

    `full` is how many requests a block must have to be bet on in full, where stable's traffic was uneven; 0: any does.
    """

    level: float
    limit: float
    bound: float | None = None
    asked: float | None = None
    full: float = 0.0

    @property
    def twice_the_limit(self) -> float:
        """A share of bad requests that must be found: where nearly that much is harmless, twice that."""
        return min(1.0, 2.0 * max(self.limit, self.level))


def bets_on(threshold: Threshold) -> bool:
    """Whether the condition can be judged by evidence: a ratio, or a quantile that must not be too high."""
    if isinstance(threshold.metric, RatioMetric):
        return True
    return threshold.statistic.quantile is not None and threshold.op.upward


def harmless_of(threshold: Threshold, baseline: Baseline | None) -> Harmless | None:
    """What is harmless under a condition that `bets_on`; None where it hangs on a baseline that is not there."""
    ratio = isinstance(threshold.metric, RatioMetric)
    harmless = _of_ratio(threshold, baseline) if ratio else _of_quantile(threshold, baseline)
    if harmless is None or baseline is None:
        return harmless
    return replace(harmless, full=_full(baseline.blocks))


def _full(pairs: Pairs) -> float:
    """The size of the block that an average request came in, where that is far above the average block; else 0."""
    sizes = [total for _, total in pairs]
    requests = math.fsum(sizes)
    if requests <= 0.0:
        return 0.0
    size = math.fsum([total * total for total in sizes]) / requests
    return size if size >= UNEVEN * requests / len(sizes) else 0.0


def weight_of_block(harmless: Harmless, requests: float) -> float:
    """Which part of its stake a block of so many requests risks."""
    return min(1.0, requests / harmless.full) if harmless.full > 0.0 else 1.0


def pair_of(threshold: Threshold, reading: Reading, bound: float | None) -> tuple[float, float] | None:
    """Bad and all requests of one reading; None where it counts none."""
    match reading:
        case Counts():
            bad, total = reading.bad, reading.total
            return (bad if threshold.op.upward else total - bad, total)
        case Buckets() if bound is not None:
            return slower_than(reading.whole, bound), reading.total
        case _:
            return None


def bound_of(threshold: Threshold, reading: Reading, harmless: Harmless) -> float | None:
    """The bucket, in seconds, above which a reading's requests count as slow: its own, if stable's is not there.

    Infinite where the rule can never hold as written: a quantile is never above the last finite bucket.
    """
    if harmless.bound is None or harmless.asked is None or not isinstance(reading, Buckets):
        return None
    finite = [bound for bound in reading.whole.bounds if not math.isinf(bound)]
    if not finite or not threshold.op.holds(finite[-1], harmless.asked):
        return math.inf
    return bound_above(reading.whole, harmless.bound)


def pairs_of(threshold: Threshold, whole: Reading, blocks: Sequence[Reading]) -> Pairs:
    """A baseline's blocks as the evidence sees them, for `Baseline.blocks`; empty for what is not bet on."""
    if not bets_on(threshold):
        return ()
    bound = None
    if isinstance(whole, Buckets):
        asked = _limit_in_seconds(threshold, whole)
        bound = None if asked is None else bound_above(whole.whole, asked)
    pairs = (pair_of(threshold, reading, bound) for reading in blocks)
    return tuple(pair for pair in pairs if pair is not None and pair[1] > 0.0)


def stable_share(threshold: Threshold, baseline: Baseline | None) -> float:
    """Twice the upper confidence bound of stable's own share of bad requests, whatever the limit; 0: not known."""
    bad, total = (math.fsum(column) for column in zip((0.0, 0.0), *_pairs(threshold, baseline, None), strict=True))
    return TIMES_STABLE * upper_share(bad, total) if total > 0.0 else 0.0


def share_of_baseline(threshold: Threshold, baseline: Baseline | None, bound: float | None) -> float | None:
    """Stable's own share of bad (or slow) requests before the switch, as it was seen; None where that is not known."""
    bad, total = (math.fsum(column) for column in zip((0.0, 0.0), *_pairs(threshold, baseline, bound), strict=True))
    return bad / total if total > 0.0 else None


def upper_share(bad: float, total: float) -> float:
    """An upper confidence bound (99 %) of a share, after Chernoff: the largest q with total * KL(share, q) <= log(100).

    Never below the exact (Clopper-Pearson) bound, and needs no statistics library. 1 where there is nothing to tell by.
    """
    if total <= 0.0:
        return 1.0
    share = min(1.0, max(0.0, bad / total))
    allowed = -math.log(_DOUBT) / total
    low, high = share, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if divergence(share, middle) <= allowed:
            low = middle
        else:
            high = middle
    return high


def divergence(p: float, q: float) -> float:
    """KL(p, q) of two shares, in nats: how surprising a share p is, for each event, where q was to be expected."""
    if q >= 1.0:
        return math.inf if p < 1.0 else 0.0
    if q <= 0.0:
        return math.inf if p > 0.0 else 0.0
    bad = p * math.log(p / q) if p > 0.0 else 0.0
    good = (1.0 - p) * math.log((1.0 - p) / (1.0 - q)) if p < 1.0 else 0.0
    return bad + good


def _level(limit: float, pairs: Pairs) -> float:
    bad, total = _quiet(pairs, limit)
    level = TIMES_STABLE * upper_share(bad, total) if total > 0.0 else MOST * limit
    return min(MOST * limit, max(LEAST * limit, level))


def _quiet(pairs: Pairs, limit: float) -> tuple[float, float]:
    """Bad and all requests outside of the stretches that were over the limit.

    A stretch is as many blocks as hold enough requests to tell: in thin traffic a single error is over any limit.
    """
    bad = total = kept_bad = kept_total = stretch_bad = stretch_total = 0.0
    for one_bad, one_total in pairs:
        bad, total = bad + one_bad, total + one_total
        stretch_bad, stretch_total = stretch_bad + one_bad, stretch_total + one_total
        if stretch_total * limit < _ENOUGH_BAD:
            continue
        if stretch_bad <= limit * stretch_total:
            kept_bad, kept_total = kept_bad + stretch_bad, kept_total + stretch_total
        stretch_bad = stretch_total = 0.0
    kept_bad, kept_total = kept_bad + stretch_bad, kept_total + stretch_total
    return (kept_bad, kept_total) if 2.0 * kept_total >= total else (bad, total)


def _of_ratio(threshold: Threshold, baseline: Baseline | None) -> Harmless | None:
    pairs = _pairs(threshold, baseline, None)
    if isinstance(threshold.limit, Absolute):
        return _of_share(threshold.limit.value, threshold, pairs)
    whole = baseline.reading if baseline is not None else None
    if not isinstance(whole, Counts) or whole.total <= 0.0:
        return None
    # A thin baseline must not be a strict one: the limit hangs on what stable's rate may have been at worst.
    counted, total = whole.bad, whole.total
    worst = upper_share(counted, total) if threshold.op.upward else 1.0 - upper_share(total - counted, total)
    return _of_share(_limit(threshold.limit, max(worst, threshold.metric.floor or 0.0)), threshold, pairs)


def _of_share(value: float, threshold: Threshold, pairs: Pairs) -> Harmless:
    limit = min(_CERTAIN, max(_IMPOSSIBLE, value if threshold.op.upward else 1.0 - value))
    return Harmless(_level(limit, pairs), limit)


def _of_quantile(threshold: Threshold, baseline: Baseline | None) -> Harmless | None:
    quantile = threshold.statistic.quantile
    assert quantile is not None
    whole = baseline.reading if baseline is not None and isinstance(baseline.reading, Buckets) else None
    asked = _limit_in_seconds(threshold, whole)
    if asked is None:
        return None
    allowed = 1.0 - quantile
    # Without a baseline the buckets are not known yet: each block's own are taken.
    bound = asked if whole is None else bound_above(whole.whole, asked)
    return Harmless(_level(allowed, _pairs(threshold, baseline, bound)), allowed, bound, asked)


def _limit_in_seconds(threshold: Threshold, whole: Buckets | None) -> float | None:
    if isinstance(threshold.limit, Absolute):
        return threshold.limit.value
    if whole is None or whole.total <= 0.0 or threshold.statistic.quantile is None:
        return None
    quantile = threshold.statistic.quantile
    # The quantile's own confidence bound: that of so many requests, the one a little further up is meant.
    higher = quantile + _Z * math.sqrt(quantile * (1.0 - quantile) / whole.total)
    value = quantile_of(whole.whole, min(1.0, higher))
    return None if value is None else _limit(threshold.limit, max(value, threshold.metric.floor or 0.0))


def _limit(limit: Limit, base: float) -> float:
    match limit:
        case Absolute(value):
            return value
        case TimesBaseline(factor):
            return factor * base
        case AboveBaseline(delta):
            return base + delta
        case ShareOfLimit(share):
            return share


def _pairs(threshold: Threshold, baseline: Baseline | None, bound: float | None) -> Pairs:
    if baseline is None:
        return ()
    if baseline.blocks:
        return baseline.blocks
    whole = pair_of(threshold, baseline.reading, bound)
    return () if whole is None else (whole,)
