"""The cluster of a test behind the engine's ports: its pods, what probes of them meet, and nobody else."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from watchdog.domain.brakes import Act, Pause
from watchdog.domain.changes import Description
from watchdog.domain.effects import PutBackAnswer, PutBackDone, Remedy
from watchdog.domain.live import Container, Destination, Live, Pod, Sighting
from watchdog.domain.measurement import ProbeOutcome, ProbeResult
from watchdog.domain.owners import Owner
from watchdog.domain.rollout import Revision, ServiceFlip, Stable, SwitchKind, Target, TrafficSwitch
from watchdog.domain.rules import Probe, Sign
from watchdog.ports import Clock, Document, Keeping
from watchdog.replay.rule_tests.cases import Case, SignShown
from watchdog.replay.rule_tests.scenes import revisions

T = TypeVar("T")

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
"""When every test begins: rules ask for nothing that hangs on the day."""

_LONG_BEFORE = timedelta(days=1)
_BETWEEN_KILLS = timedelta(seconds=10)
_NEVER = 1e6  # seconds
_CONTAINER = "app"
_EXPECTED = "expected"  # where a test says nothing of a probe
_WAITING = {Sign.CRASH_LOOP: "CrashLoopBackOff", Sign.IMAGE_PULL: "ImagePullBackOff"}
_UNREADY = frozenset({Sign.CRASH_LOOP, Sign.IMAGE_PULL, Sign.NOT_READY, Sign.UNSCHEDULABLE})


def switch_of(case: Case) -> tuple[TrafficSwitch, Stable | None]:
    """The traffic switch of a test, and the stable revision that served from the test's begin until then."""
    candidate, stable = revisions(case.switch)
    at = BEGIN + case.switch.at
    flips = (
        (ServiceFlip(case.switch.target.name, {"version": "blue"}, {"version": "green"}),)
        if case.switch.kind is SwitchKind.SELECTOR
        else ()
    )
    known = Stable(stable, BEGIN, at) if case.switch.stable else None
    previous = stable if known is not None else None
    return TrafficSwitch(case.switch.target, case.switch.kind, candidate, previous, at, flips=flips), known


class ScriptedCluster:
    """A TrafficProvider and Prober over the pods of one test. It takes every put-back."""

    def __init__(self, case: Case, clock: Clock) -> None:
        self.carries = case.switch.target.kind
        self.kind = case.switch.kind
        self._case = case
        self._clock = clock
        self._switch, _ = switch_of(case)
        self._changes = sorted(_changes(case))

    async def switches(self) -> AsyncIterator[Sighting]:
        """None are seen: the test's own is given."""
        nothing: tuple[Sighting, ...] = ()
        for sighting in nothing:
            yield sighting

    async def live(
        self, switch: TrafficSwitch, stable: Stable | None, *, after: int | None = None, fresh: bool = False
    ) -> Live:
        """The pods as the test says that they are now."""
        if after is not None and self._version() <= after:
            later = [change for change in self._changes if change > self._elapsed()]
            await self._clock.sleep((later[0] - self._elapsed()).total_seconds() if later else _NEVER)
        shape, elapsed = self._case.switch, self._elapsed()
        missed = self._case.signs.get(Sign.PROGRESS_DEADLINE)
        complete = elapsed >= shape.complete and missed is None
        beside = self.kind is SwitchKind.SELECTOR or not complete
        destination = None
        if fresh and stable is not None:
            count = len(shape.stable)
            destination = Destination(stable.revision, exists=True, replicas=count, ready_pods=count)
        return Live(
            target=switch.target,
            at=self._clock.now(),
            version=self._version(),
            exists=True,
            uid="uid",
            resource_version="1",
            serving=switch.candidate,
            candidate_pods=tuple(self._pod(name, number) for number, name in enumerate(shape.candidate)),
            stable_pods=tuple(_old_pod(name) for name in shape.stable) if beside else (),
            desired=len(shape.candidate),
            complete=complete,
            completed_at=self._switch.at + shape.complete if complete else None,
            deadline_exceeded=missed is not None and missed.since <= elapsed,
            destination=destination,
            services={flip.service: ("uid", "1", True) for flip in switch.flips},
            fresh=fresh,
        )

    async def put_back(self, remedy: Remedy) -> PutBackAnswer:
        """Done."""
        return PutBackDone(self._clock.now())

    async def describe(self, target: Target, revision: Revision, commits: str = "") -> Description:
        """Nothing is known of a revision of a test."""
        return Description()

    async def probe(self, pods: Sequence[Pod], probe: Probe) -> Sequence[ProbeResult]:
        """One round, at the place in the answers that the time since the switch gives it."""
        script = next(
            (
                self._case.probes.get(rule.name, {})
                for rule in self._case.guard.rules
                if isinstance(rule.check, Probe) and rule.check == probe
            ),
            {},
        )
        results = []
        for pod in pods:
            ours = pod.name in self._case.switch.candidate
            answers = script.get(pod.name) or (script.get("") if ours else None) or (_EXPECTED,)
            said = answers[min(round(self._elapsed() / probe.every), len(answers) - 1)]
            if said != "_":
                results.append(_result(pod.name, said, probe))
        return results

    def _elapsed(self) -> timedelta:
        return self._clock.now() - self._switch.at

    def _version(self) -> int:
        return 1 + sum(change <= self._elapsed() for change in self._changes)

    def _pod(self, name: str, number: int) -> Pod:
        """One of the candidate's pods; a flip's were ready long before."""
        shape, at, elapsed = self._case.switch, self._switch.at, self._elapsed()
        signs = {sign: shown for sign, shown in self._case.signs.items() if _on(shown, number)}
        showing = {sign for sign, shown in signs.items() if _is_shown(shown, elapsed)}
        before = at - _LONG_BEFORE if self.kind is SwitchKind.SELECTOR else at
        ready = before + shape.ready if elapsed >= shape.ready or self.kind is SwitchKind.SELECTOR else None
        begun = [signs[sign].since for sign in showing & _UNREADY]
        ended = [shown.until for sign, shown in signs.items() if sign in _UNREADY and shown.until is not None]
        passed = [at + until for until in ended if until <= elapsed]
        kills = _kills(signs.get(Sign.OOM_KILLED), elapsed)
        return Pod(
            name,
            uid=name,
            created=before,
            ready_since=None if begun or ready is None else max([ready, *passed]),
            unready_since=at + min(begun) if begun else None,
            unschedulable_since=at + signs[Sign.UNSCHEDULABLE].since if Sign.UNSCHEDULABLE in showing else None,
            address="192.0.2.1",
            containers=(
                Container(
                    _CONTAINER,
                    restarts=len(kills),
                    waiting=next((word for sign, word in _WAITING.items() if sign in showing), None),
                    oom_killed_at=at + kills[-1] if kills else None,
                    cpu_limit=shape.limits.cpu,
                    memory_limit=shape.limits.memory,
                ),
            ),
        )


def _old_pod(name: str) -> Pod:
    since = BEGIN - _LONG_BEFORE
    return Pod(name, uid=name, created=since, ready_since=since, address="192.0.2.2")


def _on(shown: SignShown, number: int) -> bool:
    return shown.pods is None or number < shown.pods


def _is_shown(shown: SignShown, elapsed: timedelta) -> bool:
    return shown.since <= elapsed and (shown.until is None or elapsed < shown.until)


def _kills(shown: SignShown | None, elapsed: timedelta) -> list[timedelta]:
    """When a container was killed for lack of memory: at the sign's moment, and once more a little later."""
    if shown is None:
        return []
    return [moment for moment in (shown.since, shown.since + _BETWEEN_KILLS) if moment <= elapsed]


def _changes(case: Case) -> set[timedelta]:
    """The moments, after the switch, at which something of the pods changes."""
    moments = {case.switch.ready, case.switch.complete}
    for sign, shown in case.signs.items():
        moments |= {shown.since} if shown.until is None else {shown.since, shown.until}
        if sign is Sign.OOM_KILLED:
            moments.add(shown.since + _BETWEEN_KILLS)
    return {moment for moment in moments if moment > timedelta(0)}


def _result(pod: str, said: str, probe: Probe) -> ProbeResult:
    if said == _EXPECTED:
        return ProbeResult(pod, ProbeOutcome.EXPECTED, "as expected")
    if said == "refused":
        return ProbeResult(pod, ProbeOutcome.REFUSED, "connection refused")
    if said == "timeout":
        return ProbeResult(pod, ProbeOutcome.TIMED_OUT, "timed out")
    outcome = ProbeOutcome.EXPECTED if probe.expects(int(said)) else ProbeOutcome.WRONG_STATUS
    return ProbeResult(pod, outcome, f"HTTP {said}")


class Nowhere:
    """The journal, the events and the brakes of a test: nobody reads them, and nobody else acts."""

    async def known(self, owner: Owner) -> Owner:
        """As it was."""
        return owner

    async def runner(self, target: Target) -> Owner | None:
        """Nobody."""
        return None

    async def suspend(self, owner: Owner, watch_id: str) -> str:
        """Nobody reconciles what is made up."""
        return ""

    async def records(self, kept: Keeping[T], *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[T]:
        """None."""
        return ()

    async def write(self, watch_id: str, document: Document, *, open_watch: bool) -> None:
        """Forgotten."""

    async def memories(self) -> Mapping[Target, Document]:
        """None."""
        return {}

    async def remember(self, target: Target, document: Document) -> None:
        """Forgotten."""

    async def emit(self, target: Target, uid: str, *, reason: str, note: str, warning: bool) -> None:
        """Forgotten."""

    async def pause(self) -> Pause | None:
        """Nobody has paused."""
        return None

    async def acts(self) -> Sequence[Act]:
        """Nobody has acted of late."""
        return ()

    async def begin(self, act: Act, allowed: Callable[[Sequence[Act]], bool], forget: timedelta) -> bool:
        """Let through."""
        return True

    async def page(self, watch_id: str, at: datetime, once_in: timedelta) -> bool:
        """Nobody is told."""
        return False
