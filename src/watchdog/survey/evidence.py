"""Whether a target's traffic and buckets let a rule reach a verdict within the bake."""

import math
from collections.abc import Iterator
from datetime import timedelta

from watchdog.domain.conditions import Dimension, HistogramMetric, Threshold
from watchdog.domain.judge.calibration import calibration_key
from watchdog.domain.judge.harmless import Harmless, bound_of
from watchdog.domain.judge.proving import Pace, Proof, pace_of, proof_of_twice_the_limit
from watchdog.domain.judge.verdict import number, span
from watchdog.domain.judge.weighing import betting_on, level_for
from watchdog.domain.measurement import Baseline, Buckets, Counts
from watchdog.domain.memory import Memory
from watchdog.survey.about import About
from watchdog.survey.findings import Finding, Kind, Level

_SHORT = timedelta(minutes=2)
_COARSE = 2.0  # times the limit at which the bucket lies that is judged


def evidence_findings(
    about: About, threshold: Threshold, baseline: Baseline, memory: Memory | None
) -> Iterator[Finding]:
    """What a measured baseline says of the rule's chances."""
    if betting_on(about.rule) is None:
        yield from _too_few_to_count(about, baseline)
        return
    harmless = level_for(about.rule, threshold, baseline)
    if harmless is None:
        return
    bound = bound_of(threshold, baseline.reading, harmless)
    if bound is not None and harmless.asked is not None:
        yield from _coarse(about, threshold, harmless.asked, bound)
        if math.isinf(bound):
            return
    pace = pace_of(baseline, harmless)
    if pace is None:
        return
    calibrations = {} if memory is None else memory.calibrations
    known = calibrations.get(calibration_key(about.rule, about.guard))
    bake, interval = about.guard.bake, about.guard.interval
    proof = proof_of_twice_the_limit(about.rule, harmless, pace, known, bake=bake, interval=interval)
    if proof.takes is None or proof.takes > about.guard.bake:
        yield _thin(about, threshold, harmless, pace, proof, baseline)
    if proof.capped:
        message = f"rule {about.rule.name} does not follow the target's own bursts all the way"
        remedy = "a good release may be sent back more often than the confidence says; raise the limit"
        yield about.finding(Kind.CAPPED_HABITS, Level.WARNING, message, remedy)


def _coarse(about: About, threshold: Threshold, asked: float, bound: float) -> Iterator[Finding]:
    limit = number(asked, threshold.metric.dimension)
    remedy = "give the histogram a bucket at the limit, or write a limit that is one of its buckets"
    if math.isinf(bound):
        message = f"rule {about.rule.name} cannot be proven: the buckets end below its limit of {limit}"
        yield about.finding(Kind.COARSE_BUCKETS, Level.ERROR, message, remedy, "buckets")
    elif bound >= _COARSE * asked:
        bucket = number(bound, threshold.metric.dimension)
        message = f"rule {about.rule.name}'s limit of {limit} is judged at the bucket {bucket}, the next there is"
        yield about.finding(Kind.COARSE_BUCKETS, Level.WARNING, message, remedy, "buckets")


def _thin(
    about: About, threshold: Threshold, harmless: Harmless, pace: Pace, proof: Proof, baseline: Baseline
) -> Finding:
    fault = f"a fault of {number(proof.share, Dimension.RATIO)}"
    if isinstance(threshold.metric, HistogramMetric):
        slow = number(harmless.bound, threshold.metric.dimension)
        fault = f"a release of which {number(proof.share, Dimension.RATIO)} of requests take longer than {slow}"
    rate = number(pace.requests_per_second, Dimension.PLAIN)
    takes = "cannot be proven at all" if proof.takes is None else f"takes about {_about(proof.takes)} to prove"
    seen = (
        f"{proof.held_against(harmless, pace)}, by what its pods did in the last {span(baseline.end - baseline.start)}"
    )
    bake = span(about.guard.bake)
    message = f"rule {about.rule.name}: at {rate} requests/s {fault} (twice the limit) {takes} ({seen}); bake is {bake}"
    remedy = "lengthen the bake, or write required = false so that a watch passes without it"
    return about.finding(Kind.THIN_TRAFFIC, Level.WARNING, message, remedy)


def _too_few_to_count(about: About, baseline: Baseline) -> Iterator[Finding]:
    """A rule that is not weighed waits for its `min_requests` all the same."""
    if not isinstance(baseline.reading, Counts | Buckets):
        return
    rate = baseline.reading.total / (baseline.end - baseline.start).total_seconds()
    takes = timedelta(seconds=about.rule.min_requests / rate)
    if takes > about.guard.bake:
        message = (
            f"rule {about.rule.name}: at {number(rate, Dimension.PLAIN)} requests/s its {about.rule.min_requests} "
            f"requests take about {_about(takes)}; bake is {span(about.guard.bake)}"
        )
        yield about.finding(Kind.THIN_TRAFFIC, Level.WARNING, message, "lengthen the bake, or lower min_requests")


def _about(duration: timedelta) -> str:
    """As precise as a bake is: one of 25 s is not compared with a minute."""
    return span(duration) if duration < _SHORT else minutes(duration)


def minutes(duration: timedelta) -> str:
    """A long duration in round figures: `40 min`, `3 h`, `5 d`."""
    count = math.ceil(duration.total_seconds() / 60)
    if count < 120:
        return f"{count} min"
    hours = round(count / 60)
    return f"{hours} h" if hours < 72 else f"{round(hours / 24)} d"
