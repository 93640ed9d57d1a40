"""What the evidence says, in words for people who were just woken."""

import math

from watchdog.domain.judge.history import History
from watchdog.domain.judge.verdict import Evidence, number
from watchdog.domain.judge.weighing import Weight
from watchdog.domain.rules import Dimension, HistogramMetric, Threshold

_BEYOND_WORDS = math.log(1e6)


def evidence_sentence(threshold: Threshold, history: History, evidence: Evidence, literal: str) -> str:
    """The literal rule's sentence, with what stable did before and how many pods agree."""
    parts = [literal]
    harmless = history.harmless
    if isinstance(threshold.metric, HistogramMetric) and harmless is not None and harmless.bound is not None:
        parts.append(_slow(threshold, history))
    elif evidence.baseline is not None and not threshold.needs_baseline:
        parts.append(f"before the switch {number(evidence.baseline, evidence.dimension)}")
    if evidence.pods > 1 and not isinstance(threshold.metric, HistogramMetric):
        parts.append(f"{evidence.pods_over} of {evidence.pods} pods agree")
    return "; ".join(parts)


def proven(weight: Weight) -> str:
    """How sure it is."""
    return f"; the odds against a harmless release are {odds(weight.log_evidence)}"


def unproven(weight: Weight) -> str:
    """How far it is from sure."""
    stand, goal = odds(weight.log_evidence), odds(weight.needed)
    return f"; not proven yet: the odds against a harmless release are {stand}, and must be {goal}"


def odds(log_evidence: float) -> str:
    """Odds as people say them: `3,100 to 1`, `even`, `more than a million to 1`."""
    if log_evidence > _BEYOND_WORDS:
        return "more than a million to 1"
    if log_evidence < math.log(1.5):
        return "even" if log_evidence > math.log(0.5) else "less than even"
    value = math.exp(log_evidence)
    digits = max(0, math.floor(math.log10(value)) - 1)
    return f"{round(value, -digits):,.0f} to 1"


def _slow(threshold: Threshold, history: History) -> str:
    harmless, bets = history.harmless, history.bets
    assert harmless is not None
    assert harmless.bound is not None
    dimension = threshold.metric.dimension
    if math.isinf(harmless.bound):
        return f"the histogram's buckets end below {number(harmless.asked, dimension)}: it cannot be proven"
    bucket = number(harmless.bound, dimension)
    allowed = number(harmless.limit, Dimension.RATIO)
    slow = (
        f"since the switch {bets.bad:,.0f} of {bets.requests:,.0f} requests took longer than {bucket} ({allowed} may)"
    )
    if harmless.asked is not None and harmless.bound > harmless.asked * (1.0 + 1e-6):
        return f"{slow}, the limit {number(harmless.asked, dimension)} is judged at the bucket {bucket}"
    return slow
