"""Runs a test: the engine's own watch over the test's series and pods, on simulated time.

Rules are asked one by one what they say until the bake ends, so that is run as a guard that only tells; how the watch
goes, and which rule asks for a rollback first, is run as the guard itself is, up to the act.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watchdog.domain.brakes import BRAKES
from watchdog.domain.effects import PutBackAnswer
from watchdog.domain.judge import Finding, Verdict
from watchdog.domain.measurement import Baseline
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.rules import Rule
from watchdog.domain.state import SETTLE, Phase, Watch, open_watch
from watchdog.domain.watch import opening
from watchdog.engine.braking import Brakeman
from watchdog.engine.peering import Peering, nobody
from watchdog.engine.performing import Performer
from watchdog.engine.sampling import Sampler
from watchdog.engine.watching import WatchDriver
from watchdog.replay.rule_tests.cases import Case, Expectation, When
from watchdog.replay.rule_tests.cluster import BEGIN, Nowhere, ScriptedCluster, switch_of
from watchdog.replay.rule_tests.samples import SampledSource, store_of
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

_TELL_ONLY = "a rule test"


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict of a rule, and when, from the switch: a block's end, a probe's round, a look at the pods."""

    at: timedelta
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Course:
    """All that one rule said in a watch, in order."""

    rule: Rule
    said: tuple[Said, ...] = ()
    baseline: Baseline | None = None

    @property
    def breach(self) -> Said | None:
        """The first breach; it stands."""
        return next((one for one in self.said if one.verdict.finding is Finding.BREACH), None)

    def at(self, moment: timedelta) -> Said | None:
        """What holds at a moment: the breach, once it came, else the newest verdict."""
        before = [one for one in self.said if one.at <= moment]
        return next((one for one in before if one.verdict.finding is Finding.BREACH), before[-1] if before else None)


@dataclass(frozen=True, slots=True)
class Way:
    """How a watch went: its outcome in a word, when it was reached (from the switch), why, and who asked for it."""

    outcome: str
    at: timedelta
    why: str
    first: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a test."""

    case: Case
    tsdb: Tsdb
    courses: Mapping[str, Course] = field(default_factory=dict)
    way: Way | None = None
    end: timedelta = timedelta(0)
    refused: Mapping[str, str] = field(default_factory=dict)  # queries that could not be evaluated, and why


def run_case(case: Case) -> Run:
    """Run one test, without a second of real waiting."""
    switch_at = BEGIN + case.switch.at
    tsdb = store_of(case.series, BEGIN, switch_at, case.interval)
    end = case.switch.complete + case.guard.bake
    run = Run(case, tsdb, end=end)
    if case.rules:
        rules = tuple(rule for rule in case.guard.rules if rule.name in case.rules)
        judged = replace(case, guard=replace(case.guard, rules=rules))
        watch, heard = _driven(judged, tsdb, _TELL_ONLY, _settled(case, switch_at))
        run = replace(run, courses=_courses(watch, heard, switch_at), refused=heard.refused)
    if case.first is not None or case.outcome is not None:
        watch, heard = _driven(case, tsdb, "", lambda watch, _: watch.phase is Phase.RECOVERING)
        way = _way(watch, heard.ended or switch_at, switch_at)
        courses = {**_courses(watch, heard, switch_at), **run.courses}
        run = replace(run, way=way, courses=courses, refused={**run.refused, **heard.refused})
    return run


@dataclass(slots=True)
class _Heard:
    """An `Observer` that keeps every verdict and says when enough was heard."""

    now: Callable[[], datetime]
    enough: Callable[[Watch, datetime], bool]
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    ended_at: datetime | None = None

    def switch_seen(self, kind: SwitchKind) -> None:
        """Not of interest."""

    def watches_open(self, count: int) -> None:
        """Not of interest."""

    def stepped(self, watch: Watch) -> None:
        """The watch went on: was this enough?"""
        if self.ended_at is None and (watch.phase.terminal or self.enough(watch, self.now())):
            self.ended_at = self.now()
            self.finished.set()

    def judged(self, target: Target, verdict: Verdict) -> None:
        """A rule said something new."""
        self.verdicts.setdefault(verdict.rule, []).append(verdict)

    def acted(self, watch: Watch, answer: PutBackAnswer, *, scaling: bool) -> None:
        """Seen in the watch's phase."""

    def ended(self, watch: Watch, now: datetime) -> None:
        """Seen in the watch's phase."""

    def delivery(self, channel: str, result: str) -> None:
        """Nobody is told."""

    def unguarded(self, target: Target, marks: tuple[str, ...]) -> None:
        """Nothing is marked."""


@dataclass(frozen=True, slots=True)
class _Hearing:
    verdicts: Mapping[str, list[Verdict]]
    ended: datetime | None
    refused: Mapping[str, str]


def _driven(
    case: Case, tsdb: Tsdb, notify_only: str, enough: Callable[[Watch, datetime], bool]
) -> tuple[Watch, _Hearing]:
    return run_simulated(_drive(case, tsdb, notify_only, enough))


async def _drive(
    case: Case, tsdb: Tsdb, notify_only: str, enough: Callable[[Watch, datetime], bool]
) -> tuple[Watch, _Hearing]:
    switch, stable = switch_of(case)
    clock = SimulatedClock(switch.at)
    cluster, nowhere, heard = ScriptedCluster(case, clock), Nowhere(), _Heard(clock.now, enough)
    providers = {switch.target.kind: cluster}
    source = SampledSource(tsdb)
    sampler = Sampler(source, clock)

    async def remember(_switch: object, _effect: object, _watch: object) -> None:
        """What is learnt of a revision outlives no test."""

    performer = Performer(
        providers=providers,
        journal=nowhere,
        events=nowhere,
        clock=clock,
        observer=heard,
        remember=remember,
        brakeman=Brakeman(nowhere, clock, lambda: BRAKES),
        owners=nowhere,
    )
    peering = Peering(peers=nobody, sampler=sampler, prober=cluster, providers=providers, clock=clock)
    watch = open_watch(switch, case.guard, stable, notify_only=notify_only, now=clock.now())
    driver = WatchDriver(
        watch,
        provider=cluster,
        sampler=sampler,
        prober=cluster,
        performer=performer,
        notifiers=dict,
        wants=lambda _channel, _watch, _topic: False,
        observer=heard,
        clock=clock,
        peering=peering,
    )
    watching = asyncio.create_task(driver.run(opening(watch, clock.now())), name=f"test {case.name}")
    finished = asyncio.create_task(heard.finished.wait(), name="finished")
    try:
        await asyncio.wait({watching, finished}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()  # what went wrong in it is not to be lost
    finally:
        for task in (watching, finished):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await sampler.close()
    return driver.watch, _Hearing(heard.verdicts, heard.ended_at, source.refused)


def _courses(watch: Watch, heard: _Hearing, switch_at: datetime) -> Mapping[str, Course]:
    return {
        track.rule.name: Course(
            track.rule,
            tuple(Said(one.at - switch_at, one) for one in heard.verdicts.get(track.rule.name, ())),
            track.baseline,
        )
        for track in watch.tracks
    }


def _way(watch: Watch, ended: datetime, switch_at: datetime) -> Way:
    rolled_back = watch.phase is Phase.RECOVERING
    outcome = Phase.ROLLED_BACK if rolled_back else watch.phase
    first = next(iter(watch.breached), None)
    track = watch.track(first) if first is not None else None
    why = track.breach.sentence if rolled_back and track is not None and track.breach is not None else watch.reason
    return Way(str(outcome), ended - switch_at, why, first)


def _settled(case: Case, switch_at: datetime) -> Callable[[Watch, datetime], bool]:
    """Whether all that is expected of rules has come; where something has not, they are followed to the bake's end."""

    def settled(watch: Watch, now: datetime) -> bool:
        for name, expected in case.rules.items():
            track = watch.track(name)
            breached = track is not None and track.breach is not None
            if not all(_is_settled(one, now - switch_at, breached=breached) for one in expected):
                return False
        return True

    return settled


def _is_settled(expected: Expectation, elapsed: timedelta, *, breached: bool) -> bool:
    match expected.when:
        case When.AT if expected.by is not None:
            return elapsed > expected.by + 2 * SETTLE
        case When.WITHIN if expected.finding is Finding.BREACH:
            return breached
        case _:
            return False
