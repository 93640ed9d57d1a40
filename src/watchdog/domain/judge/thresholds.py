"""A condition over a metric: the literal rule and the evidence together, or a total outage that needs neither."""

from datetime import datetime

from watchdog.domain.conditions import RatioMetric, Threshold
from watchdog.domain.copies import with_fields
from watchdog.domain.judge.gauges import is_gauge, judge_over
from watchdog.domain.judge.history import RECENT, History
from watchdog.domain.judge.literal import Literal, State, limit_of, literal, over_since
from watchdog.domain.judge.sentences import evidence_sentence, proven, unproven
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict, span
from watchdog.domain.judge.weighing import weight_of
from watchdog.domain.measurement import Baseline
from watchdog.domain.rules import Rule

OUTAGE_SHARE = 0.95
OUTAGE_REQUESTS = 20.0

_FINDINGS = {State.WITHIN: Finding.PASS, State.UNDECIDED: Finding.UNDECIDED, State.NO_DATA: Finding.NO_DATA}


def judge_threshold(
    rule: Rule, threshold: Threshold, history: History, baseline: Baseline | None, now: datetime
) -> Verdict:
    """The verdict at the newest block that ended by `now`.

    A breach needs the rule as written to hold, for as long as `for` asks, and where the rule has a confidence, the
    evidence as well.
    """
    blocks = history.blocks
    if not blocks:
        return Verdict(rule.name, Finding.NO_DATA, now, "nothing was measured yet")
    outage = _total_outage(rule, threshold, history, baseline)
    if outage is not None:
        return outage
    at_end = literal(rule, threshold, history.interval, blocks, baseline)
    at = blocks[-1].end
    evidence = _weighed(rule, history, at_end)
    if at_end.state is not State.OVER:
        return Verdict(rule.name, _FINDINGS[at_end.state], at, at_end.why, evidence=evidence)
    if is_gauge(threshold):
        return judge_over(rule, threshold, history, blocks, baseline, at_end)
    since = over_since(rule, threshold, history, baseline)
    evidence = with_fields(evidence, since=since)
    if at - since < rule.hold:
        held = f"{at_end.why}, for {span(at - since)} of {span(rule.hold)}"
        return Verdict(rule.name, Finding.UNDECIDED, at, held, literal=True, evidence=evidence)
    weight = weight_of(rule, history)
    if weight is None:
        return Verdict(rule.name, Finding.BREACH, at, at_end.why, literal=True, evidence=evidence)
    why = evidence_sentence(threshold, history, evidence, at_end.why)
    if weight.enough:
        return Verdict(rule.name, Finding.BREACH, at, why + proven(weight), literal=True, evidence=evidence)
    return Verdict(rule.name, Finding.UNDECIDED, at, why + unproven(weight), literal=True, evidence=evidence)


def _weighed(rule: Rule, history: History, at_end: Literal) -> Evidence:
    weight = weight_of(rule, history)
    if weight is None:
        return at_end.evidence
    return with_fields(
        at_end.evidence,
        log_evidence=weight.log_evidence,
        needed=weight.needed,
        capped=weight.need.capped,
        harmless=None if history.harmless is None else history.harmless.level,
    )


def _total_outage(rule: Rule, threshold: Threshold, history: History, baseline: Baseline | None) -> Verdict | None:
    if not isinstance(threshold.metric, RatioMetric) or not threshold.op.upward or len(history.outages) < 2:
        return None
    first, second = history.outages
    # Where scrapes are further apart than blocks, a block without a sample lies between two that are in a row.
    consecutive = second.index == history.last_index and second.end - first.end <= RECENT
    if not consecutive or not all(
        outage.total >= OUTAGE_REQUESTS and outage.bad >= OUTAGE_SHARE * outage.total and not outage.beside
        for outage in (first, second)
    ):
        return None
    bad, total = first.bad + second.bad, first.total + second.total
    limit = limit_of(rule, threshold, baseline)
    if total < rule.min_requests or (limit is not None and not threshold.op.holds(bad / total, limit)):
        return None  # the rule as written is never contradicted
    evidence = Evidence(
        value=bad / total,
        limit=OUTAGE_SHARE,
        bad=bad,
        total=total,
        window_start=first.end - history.interval,
        window_end=second.end,
        since=first.end,
        dimension=threshold.metric.dimension,
        query=history.blocks[-1].query,
    )
    sentence = f"total outage: {bad:,.0f} of {total:,.0f} requests failed in two intervals in a row"
    return Verdict(rule.name, Finding.BREACH, second.end, sentence, literal=True, outage=True, evidence=evidence)
