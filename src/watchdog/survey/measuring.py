"""What each rule would measure of each target now: nothing, too little, or too coarsely."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchdog.domain.live import Limits
from watchdog.domain.measurement import Baseline, FailureReason, NoData, QueryFailed
from watchdog.domain.memory import Memory
from watchdog.domain.rollout import Revision, Target, any_pods_of
from watchdog.domain.rules import (
    SIDECARS,
    Budget,
    Dimension,
    Guard,
    HistogramMetric,
    Probe,
    RatioMetric,
    Rule,
    Rulebook,
    ShareOfLimit,
    Threshold,
)
from watchdog.engine.questions import Instant, question_of, selectors_of
from watchdog.engine.sampling import Sampler, Subject
from watchdog.engine.templates import fill
from watchdog.ports import MetricSource
from watchdog.rulebook import Places
from watchdog.survey.about import About
from watchdog.survey.evidence import evidence_findings
from watchdog.survey.findings import Finding, Kind, Level
from watchdog.survey.metric_names import Absence, MetricNames, PrometheusAway, Wrong
from watchdog.survey.selectors import Matcher, selectors_in
from watchdog.survey.targets import Found, Workload
from watchdog.survey.traffic import scrape_interval

LONGEST_LOOK = timedelta(minutes=30)
_OF_THE_QUERY = frozenset({FailureReason.REFUSED, FailureReason.IMPOSSIBLE})
_NO_REQUESTS = "no requests"
_STAND_INS = dict.fromkeys(("namespace", "name", "workload", "pods"), "x")


@dataclass
class Measuring:
    """Measures rules as a watch would. What several targets are asked alike is asked, and told, once.

    `at` is Prometheus's own now. Everything raises `PrometheusAway`.
    """

    source: MetricSource
    sampler: Sampler
    names: MetricNames
    places: Places
    at: datetime
    memories: Mapping[Target, Memory] = field(default_factory=dict)
    scrapes: dict[str, float] = field(default_factory=dict)
    """The longest scrape interval, in seconds, that was seen among each guard's targets."""
    _seen: set[tuple[Rule, str]] = field(default_factory=set)

    async def look_at(self, found: Found) -> list[Finding]:
        """All that is to be said of the rules of a target's guard."""
        guard, findings = found.guards[0], list[Finding]()
        for rule in guard.rules:
            about = About(guard, rule, found.target, self.places)
            match rule.check:
                case Probe() as probe:
                    findings += _unprobed(about, found, probe)
                case Threshold() as threshold:
                    findings += await self._threshold(about, found, threshold)
                case Budget(threshold):
                    findings += await self._threshold(about, found, threshold)
                case _:
                    continue  # signs are always there; of alerts it is known only as they fire
        return findings

    async def names_alone(self, rulebook: Rulebook) -> list[Finding]:
        """Where no target is known: which metrics no series has, whoever it is of."""
        findings = []
        for guard in rulebook.guards:
            for rule in guard.rules:
                check = rule.check.threshold if isinstance(rule.check, Budget) else rule.check
                if not isinstance(check, Threshold):
                    continue
                about = About(guard, rule, None, self.places)
                for template in filter(None, selectors_of(check)):
                    for selector in selectors_in(fill(template, _STAND_INS)):
                        if selector.name and selector.name not in await self.names.metrics():
                            absence = await self.names.why_empty(selector)
                            findings.append(about.blind(absence.sentence, absence.remedy, _key(check)))
        return findings

    async def _threshold(self, about: About, found: Found, threshold: Threshold) -> list[Finding]:
        guard, rule = about.guard, about.rule
        if not any(workload.replicas for workload in found.workloads):
            return []  # scaled to zero: nothing is there that could be measured
        # Of what is younger there is no more to see: its traffic would look thinner than it is.
        oldest = min(workload.made for workload in found.workloads)
        since = max(self.at - min(guard.baseline, LONGEST_LOOK), min(oldest, self.at - guard.interval))
        subject = _subject(found, since)
        lead = question_of(selectors_of(threshold)[0], subject, Instant(self.at.timestamp())).query
        if (rule, lead) in self._seen:
            return []
        self._seen.add((rule, lead))
        if isinstance(threshold.limit, ShareOfLimit) and (unlimited := _unlimited(about, found, threshold)):
            return [unlimited]
        baseline = await self.sampler.baseline(threshold, subject, since, self.at, guard.interval.total_seconds())
        match baseline.reading:
            case QueryFailed(reason=reason) as failed if reason not in _OF_THE_QUERY:
                raise PrometheusAway(failed)
            case QueryFailed(detail=detail):
                return [about.blind(detail, "", _key(threshold))]
            case NoData(detail=detail) if detail == _NO_REQUESTS:
                return [_no_requests(about, baseline)]
            case NoData(detail=detail):
                return [await self._why_blind(about, threshold, subject, detail)]
        await self._scraped(guard, lead)
        findings = list(evidence_findings(about, threshold, baseline, self.memories.get(found.target)))
        if isinstance(threshold.metric, RatioMetric):
            findings += await self._bad_events(about, threshold.metric, subject)
        return findings

    async def _why_blind(self, about: About, threshold: Threshold, subject: Subject, detail: str) -> Finding:
        """The first of the metric's selectors that finds nothing says why."""
        for template in filter(None, selectors_of(threshold)):
            absence = await self._absence(template, subject)
            if absence is not None:
                return about.blind(absence.sentence, absence.remedy, _key(threshold))
        return about.blind(detail, "", _key(threshold))

    async def _absence(self, template: str, subject: Subject) -> Absence | None:
        """Why a query measures nothing; None where each of its selectors finds something."""
        pods = subject.pattern

        def said(matcher: Matcher) -> str:
            return f"a {matcher.label} of {subject.target.name}" if pods in matcher.value else str(matcher)

        query = question_of(template, subject, Instant(self.at.timestamp())).query
        for selector in selectors_in(query):
            answer = await self.source.query(f"count({selector})", self.at, deadline=10.0)
            if isinstance(answer, QueryFailed):
                raise PrometheusAway(answer)
            if not answer.series:
                return await self.names.why_empty(selector, said)
        return None

    async def _bad_events(self, about: About, metric: RatioMetric, subject: Subject) -> list[Finding]:
        """An errors series may not exist before the first error, but its metric and labels are known from others."""
        absence = await self._absence(metric.bad, subject)
        if absence is None or absence.wrong not in (Wrong.NAME, Wrong.LABEL):
            return []
        message = f"rule {about.rule.name} sees no bad request: {absence.sentence}"
        remedy = absence.remedy or "right, if no request has failed yet"
        return [about.finding(Kind.BLIND_RULE, Level.WARNING, message, remedy, "bad")]

    async def _scraped(self, guard: Guard, lead: str) -> None:
        for selector in selectors_in(lead)[:1]:
            seconds = await scrape_interval(self.source, str(selector), self.at)
            if seconds is not None:
                self.scrapes[guard.name] = max(seconds, self.scrapes.get(guard.name, 0.0))


def _key(threshold: Threshold) -> str:
    match threshold.metric:
        case RatioMetric():
            return "total"
        case HistogramMetric():
            return "buckets"
    return "query" if hasattr(threshold.metric, "query") else "counter"


def _subject(found: Found, since: datetime) -> Subject:
    """Whose measurements: those of all pods that serve the target, of whatever revision."""
    names = [workload.name for workload in found.workloads]
    patterns = [any_pods_of(name) for name in names]
    pattern = patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"
    return Subject(found.target, Revision(names[0], ""), {}, since, pattern)


def _no_requests(about: About, baseline: Baseline) -> Finding:
    looked = round((baseline.end - baseline.start).total_seconds() / 60)
    message = f"rule {about.rule.name} had no request to judge in the last {looked} min"
    return about.finding(Kind.THIN_TRAFFIC, Level.WARNING, message, "without traffic its watches end inconclusive")


def _unprobed(about: About, found: Found, probe: Probe) -> Iterator[Finding]:
    """A probe goes only to a declared port of the target's own pods."""
    for workload in found.workloads:
        pod = workload.pod
        if pod.host_network:
            why, remedy = f"the pods of {workload.name} are on the host's network and are not probed", ""
        elif probe.port not in pod.ports:
            why = f"no container of {workload.name} declares the port {probe.port}"
            named = ", ".join(sorted(pod.ports))
            remedy = f"declared are {named}" if named else "declare it under ports of the container"
        else:
            continue
        level = Level.ERROR if about.rule.required else Level.WARNING
        yield about.finding(Kind.BLIND_RULE, level, f"rule {about.rule.name} is blind: {why}", remedy)


def _unlimited(about: About, found: Found, threshold: Threshold) -> Finding | None:
    """A share of a limit that there is not."""
    what = "CPU" if threshold.metric.dimension is Dimension.CORES else "memory"
    for workload in found.workloads:
        limits = _limits(workload, about.guard)
        if (limits.cpu if what == "CPU" else limits.memory) is None:
            return about.blind(f"a container of {workload.name} has no {what} limit", "set one for each container", "")
    return None


def _limits(workload: Workload, guard: Guard) -> Limits:
    judged = guard.containers
    return Limits.of(
        one for one in workload.pod.containers if (one.name in judged if judged else one.name not in SIDECARS)
    )
