"""`check --live`: asks the cluster and Prometheus, read-only, whether the rules would work there.

Each part stands for itself: where the cluster or Prometheus is away, that is one finding, and the rest is still told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watchdog.adapters.kubernetes.access import whoami
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.codec import Unreadable
from watchdog.domain.measurement import QueryFailed
from watchdog.domain.memory import Memory
from watchdog.domain.record import memory_of
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Rulebook
from watchdog.domain.sources import called
from watchdog.engine.sampling import Sampler
from watchdog.ports import Clock, Journal, OutOfReach
from watchdog.rulebook import Places
from watchdog.survey.channels import unresolved
from watchdog.survey.coverage import coverage
from watchdog.survey.findings import Finding, Kind, Level, in_order
from watchdog.survey.measuring import Measuring
from watchdog.survey.metric_names import MetricNames, PrometheusAway
from watchdog.survey.rights import missing_rights
from watchdog.survey.safety import time_to_safety
from watchdog.survey.targets import Found, Inventory, take_inventory
from watchdog.survey.traffic import now_of

_AT_ONCE = 8  # targets that are looked at side by side
_FAILURES = 3  # after so many targets of which Prometheus told nothing, it is not asked further
_SKEW = timedelta(seconds=2)  # what a block's samples are given to arrive
_LARGE_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A way into the cluster. `own`: the watchdog's namespace; `own_account`: we are the watchdog to it."""

    kube: KubeClient
    journal: Journal
    own: str
    own_account: bool
    shards: int = 1


@dataclass(frozen=True, slots=True)
class Ways:
    """To what is asked; of what cannot be reached the reason, as one line. Each source under its name."""

    cluster: Cluster | str
    sources: Mapping[str, LivePrometheus | str]
    secret: Callable[[str], str]
    clock: Clock


async def live_check(rulebook: Rulebook, places: Places, ways: Ways) -> tuple[Finding, ...]:
    """Everything that is found, in the file's order. Never raises."""
    findings = await unresolved(rulebook.channels, ways.secret, ways.clock, places)
    inventory, memories = await _cluster(rulebook, places, ways, findings)
    scrapes: dict[str, float] = {}
    for name, source in ways.sources.items():
        told: list[Finding] = []
        if isinstance(source, str):
            told.append(Finding(Kind.NO_PROMETHEUS, Level.ERROR, source))
        else:
            part = rulebook.of_source(name)
            known = _of(part, inventory), memories
            scrapes |= await _prometheus(part, places, source, ways.clock, known, told)
        findings += [_placed(finding, name, places) for finding in told]
    for guard in rulebook.guards:
        safety = time_to_safety(guard, inventory.covered, scrapes.get(guard.name), places)
        if safety is not None:
            findings.append(safety)
    return in_order(findings)


def _of(rulebook: Rulebook, inventory: Inventory) -> Inventory:
    """What these guards cover."""
    names = {guard.name for guard in rulebook.guards}
    found = tuple(one for one in inventory.found if one.guards and one.guards[0].name in names)
    return replace(inventory, found=found)


def _placed(finding: Finding, source: str, places: Places) -> Finding:
    """What is said of a source as a whole, with its name and its place in the file."""
    if not source or finding.kind not in (Kind.NO_PROMETHEUS, Kind.CLOCK_SKEW):
        return finding
    line, column = places.of("sources", source, "url")
    message = finding.message if called(source) in finding.message else f'source "{source}": {finding.message}'
    return replace(finding, message=message, line=finding.line or line, column=finding.column or column)


async def _cluster(
    rulebook: Rulebook, places: Places, ways: Ways, findings: list[Finding]
) -> tuple[Inventory, Mapping[Target, Memory]]:
    cluster = ways.cluster
    if isinstance(cluster, str):
        findings.append(Finding(Kind.NO_CLUSTER, Level.ERROR, cluster))
        return Inventory(), {}
    try:
        who = await whoami(cluster.kube)
        inventory = await take_inventory(cluster.kube, rulebook, ways.clock)
        findings += [Finding(Kind.NO_CLUSTER, Level.ERROR, trouble) for trouble in inventory.troubles]
        findings += coverage(rulebook, places, inventory)
        findings += await missing_rights(
            cluster.kube,
            rulebook,
            places,
            cluster.own,
            who,
            own_account=cluster.own_account,
            shards=cluster.shards,
            owners=[(one.owner, guard) for one in inventory.found if one.owner is not None for guard in one.guards],
        )
    except OutOfReach as error:
        findings.append(Finding(Kind.NO_CLUSTER, Level.ERROR, f"the cluster does not answer: {error}"))
        return Inventory(), {}
    return inventory, await _memories(cluster, findings)


async def _memories(cluster: Cluster, findings: list[Finding]) -> Mapping[Target, Memory]:
    """What the watchdog remembers of its targets, where that may be read."""
    try:
        documents = await cluster.journal.memories()
    except OutOfReach as error:
        message = f"the targets' habits were not looked at: {error}"
        findings.append(Finding(Kind.CAPPED_HABITS, Level.NOTE, message))
        return {}
    memories = {}
    for target, document in documents.items():
        try:
            memories[target] = memory_of(document)
        except Unreadable:
            continue  # of another version: the daemon begins it anew, and says so
    return memories


async def _prometheus(
    rulebook: Rulebook,
    places: Places,
    prometheus: LivePrometheus,
    clock: Clock,
    known: tuple[Inventory, Mapping[Target, Memory]],
    findings: list[Finding],
) -> Mapping[str, float]:
    """Measure every rule on every target; returns each guard's scrape interval."""
    inventory, memories = known
    sampler = Sampler(prometheus, clock)
    try:
        at = await _prometheus_now(prometheus, clock, findings)
        names = MetricNames(prometheus, at)
        if not await names.metrics():
            message = "Prometheus holds no series of the last hour, so every rule is blind"
            findings.append(
                Finding(Kind.NO_PROMETHEUS, Level.ERROR, message, "is it the right one, and does it scrape?")
            )
            return {}
        measuring = Measuring(prometheus, sampler, names, places, at, memories)
        if inventory.covered:
            async for some in _looks(measuring, inventory.covered):
                findings += some
        else:
            findings += await measuring.names_alone(rulebook)
    except PrometheusAway as error:
        findings.append(Finding(Kind.NO_PROMETHEUS, Level.ERROR, str(error)))
        return {}
    else:
        return measuring.scrapes
    finally:
        await sampler.close()


async def _looks(measuring: Measuring, covered: tuple[Found, ...]) -> AsyncIterator[list[Finding]]:
    """What is found of each target; where Prometheus fails over and over, the rest is left out, and said to be."""
    failures = 0
    measuring.claim(covered)
    for start in range(0, len(covered), _AT_ONCE):
        batch = covered[start : start + _AT_ONCE]
        outcomes = await asyncio.gather(*(_look(measuring, found) for found in batch))
        yield [finding for some in outcomes for finding in some]
        failures += sum(finding.kind is Kind.NO_PROMETHEUS for some in outcomes for finding in some)
        rest = covered[start + _AT_ONCE :]
        if failures >= _FAILURES and rest:
            message = "not looked at, since Prometheus answered too little"
            yield [Finding(Kind.NO_PROMETHEUS, Level.ERROR, message, targets=tuple(str(one.target) for one in rest))]
            return


async def _look(measuring: Measuring, found: Found) -> list[Finding]:
    try:
        return await measuring.look_at(found)
    except PrometheusAway as error:
        return [Finding(Kind.NO_PROMETHEUS, Level.ERROR, str(error), targets=(str(found.target),))]


async def _prometheus_now(prometheus: LivePrometheus, clock: Clock, findings: list[Finding]) -> datetime:
    """Prometheus's own time, at which it is asked; tells where ours differs. Raises `PrometheusAway`."""
    before = clock.now()
    answer = await prometheus.ready(deadline=10.0)
    after = clock.now()
    if isinstance(answer, QueryFailed):
        raise PrometheusAway(answer)
    theirs = now_of(answer)
    skew = timedelta(0) if theirs is None else datetime.fromtimestamp(theirs, before.tzinfo) - before
    # The answer was made at some moment in between.
    if skew > after - before:
        skew -= after - before
    elif skew > timedelta(0):
        skew = timedelta(0)
    if abs(skew) > _SKEW:
        seconds = f"{abs(skew).total_seconds():.0f} s"
        way = "ahead of" if skew > timedelta(0) else "behind"
        findings.append(
            Finding(
                Kind.CLOCK_SKEW,
                Level.ERROR if abs(skew) > _LARGE_SKEW else Level.WARNING,
                f"Prometheus's clock is {seconds} {way} this machine's",
                "a watchdog with such a clock measures the wrong moments; let both follow NTP",
            )
        )
    return after + skew
