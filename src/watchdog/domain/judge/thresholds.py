"""A condition over a metric: the literal rule, and the total outage that needs no further evidence."""

from dataclasses import replace
from datetime import datetime

from watchdog.domain.judge.history import History
from watchdog.domain.judge.literal import State, literal, over_since
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict, span
from watchdog.domain.measurement import Baseline
from watchdog.domain.rules import RatioMetric, Rule, Threshold

OUTAGE_SHARE = 0.95
OUTAGE_REQUESTS = 20.0


def judge_threshold(
    rule: Rule, threshold: Threshold, history: History, baseline: Baseline | None, now: datetime
) -> Verdict:
    """The verdict at the newest block that ended by `now`."""
    blocks = tuple(block for block in history.blocks if block.end <= now)
    if not blocks:
        return Verdict(rule.name, Finding.NO_DATA, now, "nothing was measured yet")
    outage = _total_outage(rule, threshold, history, now)
    if outage is not None:
        return outage
    at_end = literal(rule, threshold, history.interval, blocks, baseline)
    at = blocks[-1].end
    if at_end.state is not State.OVER:
        finding = {
            State.WITHIN: Finding.PASS,
            State.UNDECIDED: Finding.UNDECIDED,
            State.NO_DATA: Finding.NO_DATA,
        }[at_end.state]
        return Verdict(rule.name, finding, at, at_end.why, evidence=at_end.evidence)
    since = over_since(rule, threshold, history.interval, blocks, baseline)
    evidence = replace(at_end.evidence, since=since)
    if at - since < rule.hold:
        held = f"{at_end.why}, for {span(at - since)} of {span(rule.hold)}"
        return Verdict(rule.name, Finding.UNDECIDED, at, held, literal=True, evidence=evidence)
    return Verdict(rule.name, Finding.BREACH, at, at_end.why, literal=True, evidence=evidence)


def _total_outage(rule: Rule, threshold: Threshold, history: History, now: datetime) -> Verdict | None:
    if not isinstance(threshold.metric, RatioMetric) or not threshold.op.upward or len(history.outages) < 2:
        return None
    first, second = history.outages
    consecutive = second.index == first.index + 1 and second.index == history.last_index and second.end <= now
    if not consecutive or not all(
        outage.total >= OUTAGE_REQUESTS and outage.bad >= OUTAGE_SHARE * outage.total for outage in (first, second)
    ):
        return None
    bad, total = first.bad + second.bad, first.total + second.total
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
