"""What the evidence says, in words for people who were just woken."""

import math

from watchdog.domain.conditions import Dimension, HistogramMetric, Threshold
from watchdog.domain.judge.habits import FEWEST, Calibration, Need
from watchdog.domain.judge.history import History
from watchdog.domain.judge.verdict import Evidence, number
from watchdog.domain.judge.weighing import Weight

_BEYOND_WORDS = math.log(1e6)


def evidence_sentence(threshold: Threshold, history: History, evidence: Evidence, literal: str) -> str:
    """The literal rule's sentence, with what stable did before and how many pods agree."""
    parts = [literal]
    harmless = history.harmless
    if isinstance(threshold.metric, HistogramMetric) and harmless is not None and harmless.bound is not None:
        parts.append(_slow(threshold, history, evidence))
    elif evidence.baseline is not None and not threshold.needs_baseline:
        parts.append(f"before the switch {number(evidence.baseline, evidence.dimension)}")
    if evidence.pods > 1 and not isinstance(threshold.metric, HistogramMetric):
        parts.append(f"{evidence.pods_over} of {evidence.pods} pods agree")
    return "; ".join(parts)


def proven(weight: Weight) -> str:
    """How sure it is."""
    return f"; the odds against a harmless release are {odds(weight.log_evidence)}{_habits(weight.need)}"


def unproven(weight: Weight) -> str:
    """How far it is from sure."""
    # Of two numbers beyond a million it must be seen which is the larger.
    far = weight.needed > _BEYOND_WORDS
    stand, goal = odds(weight.log_evidence, far=far), odds(weight.needed, far=far)
    habits = _habits(weight.need)
    return f"; not proven yet: the odds against a harmless release are {stand}, and must be {goal}{habits}"


def _habits(need: Need) -> str:
    """Why more is needed than the rule's confidence asks for."""
    if not need.raised:
        return ""
    cap = "; capped" if need.capped else ""
    return (
        f"; this service has bursts of its own: {odds(need.log_evidence, far=True)} is needed, "
        f"not {odds(need.plain, far=True)}{cap}"
    )


def calibration_sentence(calibration: Calibration | None, *, capped: bool) -> str:
    """What is known of the service's habits, for the record."""
    if calibration is None:
        return "the service's own past was not looked at yet when this watch was opened"
    left_out = sum(calibration.left_out.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(calibration.left_out.items()))
    others = f"; {left_out} left out: {reasons}" if left_out else ""
    windows = f"{calibration.windows} quiet windows of the week before {calibration.at:%Y-%m-%d %H:%M} UTC"
    if calibration.reached is None:
        return f"{windows}, too few to learn the service's habits from ({FEWEST} are needed{others})"
    cap = "; what is needed for a breach is capped below that" if capped else ""
    return f"in {windows} the odds reached {odds(calibration.reached, far=True)} at most{others}{cap}"


def odds(log_evidence: float, *, far: bool = False) -> str:
    """Odds as people say them: `3,100 to 1`, `even`, `more than a million to 1` (`far`: `10^9 to 1`)."""
    if log_evidence > _BEYOND_WORDS:
        return f"10^{log_evidence / math.log(10):.0f} to 1" if far else "more than a million to 1"
    if log_evidence < math.log(1.5):
        return "even" if log_evidence > math.log(0.5) else "less than even"
    value = math.exp(log_evidence)
    digits = max(0, math.floor(math.log10(value)) - 1)
    return f"{round(value, -digits):,.0f} to 1"


def _slow(threshold: Threshold, history: History, evidence: Evidence) -> str:
    harmless, bets = history.harmless, history.bets
    assert harmless is not None
    assert harmless.bound is not None
    dimension = threshold.metric.dimension
    bound = harmless.bound if history.bound is None else history.bound
    if math.isinf(bound):
        return f"the histogram's buckets end at {number(harmless.asked, dimension)} or below: it cannot be proven"
    bucket = number(bound, dimension)
    allowed = number(harmless.limit, Dimension.RATIO)
    slow = (
        f"since the switch {bets.bad:,.0f} of {bets.requests:,.0f} requests took longer than {bucket} ({allowed} may)"
    )
    if harmless.asked is None or bound <= harmless.asked * (1.0 + 1e-6):
        return slow
    coarser = ", for the release's buckets are not those of stable" if bound > harmless.bound else ""
    asked, written = number(harmless.asked, dimension), number(evidence.limit, dimension)
    if threshold.needs_baseline and evidence.limit is not None and asked != written:
        asked += f" ({written} and what chance may have hidden in the baseline)"
    return f"{slow}, for the limit {asked} is judged at the next bucket bound, {bucket}{coarser}"
