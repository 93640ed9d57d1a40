"""What each rule would measure of each target now: nothing, too little, or too coarsely."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from watchdog.domain.conditions import Dimension, HistogramMetric, RatioMetric, ShareOfLimit, Threshold
from watchdog.domain.live import Limits
from watchdog.domain.measurement import Baseline, FailureReason, NoData, QueryFailed
from watchdog.domain.memory import Memory
from watchdog.domain.rollout import Revision, Target, any_pods_of, either
from watchdog.domain.rules import SIDECARS, Alerts, Budget, Guard, Probe, Rule, Rulebook
from watchdog.engine.questions import Instant, question_of, selectors_of
from watchdog.engine.sampling import Sampler, Subject
from watchdog.engine.templates import fill
from watchdog.ports import MetricSource
from watchdog.rulebook import Places
from watchdog.survey.about import About
from watchdog.survey.evidence import evidence_findings
from watchdog.survey.findings import Finding, Kind, Level
from watchdog.survey.metric_names import Absence, MetricNames, PrometheusAway, Wrong, nearest
from watchdog.survey.selectors import Matcher, selectors_in
from watchdog.survey.targets import Found, Workload
from watchdog.survey.traffic import scrape_interval

LONGEST_LOOK = timedelta(minutes=30)
_OF_THE_QUERY = frozenset({FailureReason.REFUSED, FailureReason.IMPOSSIBLE})
_NO_REQUESTS = "no requests"
_STAND_INS = dict.fromkeys(("namespace", "name", "workload", "pods"), "x")


@dataclass
class Measuring:
    """Measures rules as a watch would, on the targets that were `claim`ed.

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
    _claims: dict[tuple[Rule, str], Target] = field(default_factory=dict)

    def claim(self, covered: Iterable[Found]) -> None:
        """Where several targets (a Deployment and its Service) are asked alike, the first of them is asked and told."""
        for found in sorted(covered, key=lambda one: one.target):
            for rule in found.guards[0].rules:
                threshold = _threshold_of(rule)
                if threshold is not None:
                    self._claims.setdefault((rule, self._lead(found, threshold)), found.target)

    async def look_at(self, found: Found) -> list[Finding]:
        """All that is to be said of the rules of a target's guard."""
        guard, findings = found.guards[0], list[Finding]()
        for rule in guard.rules:
            about = About(guard, rule, found.target, self.places)
            threshold = _threshold_of(rule)
            match rule.check:
                case Probe() as probe:
                    findings += _unprobed(about, found, probe)
                case Alerts() as alerts:
                    findings += await self._alerts(about, alerts)
                case _ if (
                    threshold is not None and self._claims.get((rule, self._lead(found, threshold))) == found.target
                ):
                    findings += await self._threshold(about, found, threshold)
        return findings

    async def names_alone(self, rulebook: Rulebook) -> list[Finding]:
        """Where no target is known: which metrics no series has, whoever it is of."""
        findings = []
        for guard in rulebook.guards:
            for rule in guard.rules:
                check = _threshold_of(rule)
                if check is None:
                    continue
                about = About(guard, rule, None, self.places)
                for template in filter(None, selectors_of(check)):
                    for selector in selectors_in(fill(template, _STAND_INS)):
                        if selector.name and selector.name not in await self.names.metrics():
                            absence = await self.names.why_empty(selector)
                            findings.append(about.blind(absence.sentence, absence.remedy, _key(check)))
        return findings

    async def _threshold(self, about: About, found: Found, threshold: Threshold) -> list[Finding]:
        guard = about.guard
        if not any(workload.replicas for workload in found.workloads):
            return []  # scaled to zero: nothing is there that could be measured
        # Of what is younger there is no more to see: its traffic would look thinner than it is.
        oldest = min(workload.made for workload in found.workloads)
        since = max(self.at - min(guard.baseline, LONGEST_LOOK), min(oldest, self.at - guard.interval))
        subject = _subject(found, since)
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
        await self._scraped(guard, self._lead(found, threshold))
        findings = list(evidence_findings(about, threshold, baseline, self.memories.get(found.target)))
        if isinstance(threshold.metric, RatioMetric):
            findings += await self._bad_events(about, threshold.metric, subject)
        return findings

    def _lead(self, found: Found, threshold: Threshold) -> str:
        """What is asked of the target first."""
        return question_of(selectors_of(threshold)[0], _subject(found, self.at), Instant(self.at.timestamp())).query

    async def _alerts(self, about: About, alerts: Alerts) -> list[Finding]:
        """An alert that no rule of Prometheus's is called by. Of one that tells of no rules nothing can be said."""
        known = await self.names.alerts()
        return [
            about.finding(
                Kind.BLIND_RULE,
                Level.WARNING,
                f"rule {about.rule.name} waits for an alert that Prometheus has no rule of: {name}",
                f"did you mean {near}?" if (near := nearest(name, known)) else "right, if another ruler has it",
            )
            for name in alerts.names
            if known and name not in known
        ]

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
        """An error may only not have happened yet; but a label that no request bears never will be."""
        absence = await self._absence(metric.bad, subject)
        if absence is None or absence.wrong not in (Wrong.NAME, Wrong.LABEL):
            return []
        message = f"rule {about.rule.name} sees no bad request: {absence.sentence}"
        if absence.wrong is Wrong.LABEL:
            return [about.finding(Kind.BLIND_RULE, about.level, message, absence.remedy, "bad")]
        remedy = absence.remedy or "right, if no request has failed yet"
        return [about.finding(Kind.BLIND_RULE, Level.WARNING, message, remedy, "bad")]

    async def _scraped(self, guard: Guard, lead: str) -> None:
        for selector in selectors_in(lead)[:1]:
            seconds = await scrape_interval(self.source, str(selector), self.at)
            if seconds is not None:
                self.scrapes[guard.name] = max(seconds, self.scrapes.get(guard.name, 0.0))


def _threshold_of(rule: Rule) -> Threshold | None:
    match rule.check:
        case Threshold() as threshold:
            return threshold
        case Budget(threshold):
            return threshold
    return None


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
    patterns = [workload.pods or any_pods_of(workload.name) for workload in found.workloads]
    return Subject(found.target, Revision(names[0], ""), {}, since, either(patterns))


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
        yield about.blind(why, remedy)


def _unlimited(about: About, found: Found, threshold: Threshold) -> Finding | None:
    """A share of a limit that there is not."""
    what = "CPU" if threshold.metric.dimension is Dimension.CORES else "memory"
    for workload in found.workloads:
        limits = _limits(workload, about.guard)
        if (limits.cpu if what == "CPU" else limits.memory) is None:
            return about.blind(f"a container of {workload.name} has no {what} limit", "set one for each container")
    return None


def _limits(workload: Workload, guard: Guard) -> Limits:
    judged = guard.containers
    return Limits.of(
        one for one in workload.pod.containers if (one.name in judged if judged else one.name not in SIDECARS)
    )
