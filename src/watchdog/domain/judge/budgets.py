"""Budget rules: has this release alone spent more of the period's error budget than a release may?

The budget is what the objective allows of all requests of the period, and those are estimated from what stable served
before the switch. Spent is what the release failed beyond what stable would have failed of as many requests.
"""

from datetime import datetime

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.history import History
from watchdog.domain.judge.literal import absence
from watchdog.domain.judge.sentences import proven, unproven
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict, number, span
from watchdog.domain.judge.weighing import weight_of
from watchdog.domain.measurement import Baseline, Counts, NoData, QueryFailed
from watchdog.domain.rules import Budget, Rule


def judge_budget(rule: Rule, budget: Budget, history: History, baseline: Baseline | None, now: datetime) -> Verdict:
    """The verdict at the newest block that ended by `now`; without a baseline the period's traffic is not known."""
    blocks = history.blocks
    if not blocks:
        return Verdict(rule.name, Finding.NO_DATA, now, "nothing was measured yet")
    newest = blocks[-1]
    if isinstance(newest.reading, NoData | QueryFailed):
        evidence = Evidence(dimension=Dimension.RATIO, query=newest.reading.query)
        return Verdict(rule.name, Finding.NO_DATA, newest.end, absence(newest.reading), evidence=evidence)
    allowance = _allowance(budget, baseline)
    if allowance is None:
        why = "no baseline: how many requests the period has is not known"
        return Verdict(rule.name, Finding.NO_DATA, newest.end, why)
    per_request, allowed = allowance
    bad, total = history.spent
    if total < rule.min_requests:
        why = f"only {total:.0f} of {rule.min_requests} requests were seen"
        return Verdict(rule.name, Finding.UNDECIDED, newest.end, why)
    spent = max(0.0, bad - per_request * total) / allowed
    weight = weight_of(rule, history)
    evidence = Evidence(
        value=spent,
        limit=budget.spend,
        baseline=per_request,
        bad=bad,
        total=total,
        window_start=blocks[0].start,
        window_end=newest.end,
        log_evidence=None if weight is None else weight.log_evidence,
        needed=None if weight is None else weight.needed,
        capped=weight is not None and weight.need.capped,
        harmless=None if history.harmless is None else history.harmless.level,
        dimension=Dimension.RATIO,
        query=newest.query,
    )
    sentence = (
        f"this release alone has spent {number(spent, Dimension.RATIO)} of the error budget of {span(budget.period)} "
        f"(limit {number(budget.spend, Dimension.RATIO)}): {bad:,.0f} of {total:,.0f} requests were bad, "
        f"and {number(per_request, Dimension.RATIO)} before the switch"
    )
    if spent < budget.spend:
        return Verdict(rule.name, Finding.PASS, newest.end, sentence, evidence=evidence)
    if weight is None or weight.enough:
        why = sentence if weight is None else sentence + proven(weight)
        return Verdict(rule.name, Finding.BREACH, newest.end, why, literal=True, evidence=evidence)
    return Verdict(
        rule.name, Finding.UNDECIDED, newest.end, sentence + unproven(weight), literal=True, evidence=evidence
    )


def _allowance(budget: Budget, baseline: Baseline | None) -> tuple[float, float] | None:
    """What share of requests stable failed, and how many bad requests the period's budget has."""
    if baseline is None or not isinstance(baseline.reading, Counts):
        return None
    seconds = (baseline.end - baseline.start).total_seconds()
    total = baseline.reading.total
    if seconds <= 0.0 or total <= 0.0:
        return None
    per_period = total / seconds * budget.period.total_seconds()
    return baseline.reading.bad / total, per_period * budget.allowed
