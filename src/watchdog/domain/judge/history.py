"""What the judge is given of one rule in one watch: blocks of measurements, rounds of probes, looks at the pods.

Histories only grow at their newest end and forget their oldest blocks; each `with_...` returns a new one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watchdog.domain.judge.betting import NO_BETS, Bet, Bets
from watchdog.domain.judge.habits import Calibration
from watchdog.domain.judge.harmless import Harmless
from watchdog.domain.live import NO_LIMITS, Limits, Live, Pod
from watchdog.domain.measurement import Block, Counts, ProbeOutcome, ProbeResult, ProbeRound
from watchdog.domain.rules import Sign

BLOCKS_KEPT = 600
"""Blocks that a history remembers: 2.5 hours at 15 s, far more than any window of the literal rule."""

_IMAGE_PULL = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_CRASH_RESTARTS = 3
_SIGN_HOLDS: Mapping[Sign, timedelta] = {
    Sign.CRASH_LOOP: timedelta(0),
    Sign.IMAGE_PULL: timedelta(seconds=30),
    Sign.OOM_KILLED: timedelta(0),
    Sign.NOT_READY: timedelta(seconds=30),
    Sign.UNSCHEDULABLE: timedelta(seconds=60),
}
_OOM_KILLS = 2


@dataclass(frozen=True, slots=True)
class Outage:
    """Bad and all requests of one block, those of cold pods among them.

    `beside`: stable, still serving, failed in the same way in the same block.
    """

    index: int
    end: datetime
    bad: float
    total: float
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Streak:
    """Failed probes of one pod in a row."""

    pod: str
    failures: int
    since: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class Probes:
    """What the rounds of a probe rule amount to. `armed`: an expected answer was had in this watch (principle 7)."""

    at: datetime
    armed: bool
    streaks: tuple[Streak, ...]
    ignored: str = ""  # why failures of the last round did not count; "" if they did or there were none
    url: str = ""

    @staticmethod
    def after(before: "Probes | None", round_: ProbeRound, live_pods: Iterable[str]) -> "Probes":
        """Fold one more round in. Pods that are gone are forgotten."""
        armed = (before is not None and before.armed) or any(
            result.outcome is ProbeOutcome.EXPECTED for result in (*round_.candidate, *round_.stable)
        )
        elsewhere = _elsewhere(round_)
        old = {streak.pod: streak for streak in before.streaks} if before else {}
        results = {result.pod: result for result in round_.candidate}
        streaks = []
        ignored = ""
        for pod in live_pods:
            streak = old.get(pod, Streak(pod, 0, None, ""))
            result = results.get(pod)
            if result is None:
                streaks.append(streak)
                continue
            why_not = _why_not(result, armed=armed, elsewhere=elsewhere)
            ignored = ignored or why_not
            streaks.append(streak if why_not else _next(streak, result, round_.at))
        return Probes(round_.at, armed, tuple(streaks), ignored, round_.url)


def _silent(result: ProbeResult) -> bool:
    return result.outcome in (ProbeOutcome.REFUSED, ProbeOutcome.TIMED_OUT)


def _elsewhere(round_: ProbeRound) -> str:
    """Who else does not answer: stable's pods, or most of the untouched peers' (one may be ill by itself)."""
    if any(_silent(result) for result in round_.stable):
        return "stable's pods do not answer either"
    if 2 * sum(_silent(result) for result in round_.peers) > len(round_.peers):
        return "pods of peers that nobody touched do not answer either"
    return ""


def _why_not(result: ProbeResult, *, armed: bool, elsewhere: str) -> str:
    if not _silent(result):
        return ""
    if not armed:
        return "no probe of this watch was ever answered as expected: perhaps the way is blocked"
    return elsewhere


def _next(streak: Streak, result: ProbeResult, at: datetime) -> Streak:
    if result.outcome is ProbeOutcome.EXPECTED:
        return Streak(streak.pod, 0, None, result.detail)
    return Streak(streak.pod, streak.failures + 1, streak.since or at, result.detail)


@dataclass(frozen=True, slots=True)
class PodMemory:
    """What is remembered of one living pod of the candidate between looks."""

    name: str
    uid: str
    created: datetime
    first_ready: datetime | None
    warm_from: datetime | None  # from when its requests, probes and readiness count
    restarts_before: Mapping[str, int]  # restarts that its containers had before the switch
    restarts: int  # of its worst container, since the switch
    oom_kills: int
    last_oom: datetime | None
    since: Mapping[Sign, datetime]  # since when a sign shows, before its patience
    ready: bool
    limits: Limits = NO_LIMITS  # of its judged containers, as they are now

    def shows(self, sign: Sign, now: datetime) -> bool:
        """Whether the sign has shown for as long as it must."""
        began = self.since.get(sign)
        return began is not None and now - began >= _SIGN_HOLDS[sign]


@dataclass(frozen=True, slots=True)
class Pods:
    """The candidate's living pods at the last look, and what was seen of them since the switch."""

    at: datetime
    pods: tuple[PodMemory, ...]
    desired: int
    deadline_exceeded: bool
    ever_ready: bool
    none_ready_since: datetime | None  # since when no pod is ready, after one was
    gone: Mapping[str, datetime | None]  # pods that are gone: name to the moment from which they were warm
    gone_limits: Mapping[str, Limits] = field(default_factory=dict)  # and those of them that had any
    blocked: str = ""  # why no more of them can be made

    @staticmethod
    def after(
        before: "Pods | None",
        live: Live,
        *,
        pods: Iterable[Pod],
        counted_from: datetime,
        warmup: timedelta,
        containers: frozenset[str] | None,
    ) -> "Pods":
        """Fold one more look in. `counted_from` is the switch; warm-up runs from the later of it and readiness."""
        old = {pod.uid: pod for pod in before.pods} if before else {}
        seen = tuple(pods)
        living = tuple(
            _remember(old.get(pod.uid), pod, live.at, counted_from, warmup, containers)
            for pod in sorted(seen, key=lambda pod: pod.name)
            if not pod.gone
        )
        gone = dict(before.gone) if before else {}
        gone_limits = dict(before.gone_limits) if before else {}
        for memory in old.values():
            if all(memory.uid != pod.uid for pod in living):
                gone[memory.name] = memory.warm_from
                if memory.limits != NO_LIMITS:
                    gone_limits[memory.name] = memory.limits
        ever_ready = (before is not None and before.ever_ready) or any(pod.first_ready for pod in living)
        none_ready = ever_ready and live.desired > 0 and not any(pod.ready for pod in living)
        return Pods(
            at=live.at,
            pods=living,
            desired=live.desired,
            deadline_exceeded=live.deadline_exceeded,
            ever_ready=ever_ready,
            none_ready_since=((before and before.none_ready_since) or live.at) if none_ready else None,
            gone=gone,
            gone_limits=gone_limits,
            blocked=live.blocked,
        )

    def warm_from(self, pod: str, otherwise: datetime | None) -> datetime | None:
        """From when a pod's requests count; `otherwise` for pods never looked at (they died unseen)."""
        for memory in self.pods:
            if memory.name == pod:
                return memory.warm_from
        return self.gone.get(pod, otherwise)

    def limits(self, pod: str) -> Limits:
        """What a pod's judged containers may use; none are known of a pod that was never looked at."""
        for memory in self.pods:
            if memory.name == pod:
                return memory.limits
        return self.gone_limits.get(pod, NO_LIMITS)


def _remember(
    before: PodMemory | None,
    pod: Pod,
    at: datetime,
    counted_from: datetime,
    warmup: timedelta,
    containers: frozenset[str] | None,
) -> PodMemory:
    judged = tuple(c for c in pod.containers if containers is None or c.name in containers)
    first_ready = (before and before.first_ready) or pod.ready_since
    oom = max((c.oom_killed_at for c in judged if c.oom_killed_at), default=None)
    known_oom = before.last_oom if before else None
    new_oom = oom is not None and oom >= counted_from and (known_oom is None or oom > known_oom)
    oom_kills = (before.oom_kills if before else 0) + (1 if new_oom else 0)
    at_first = {c.name: c.restarts for c in judged} if pod.created < counted_from else {}
    restarts_before = before.restarts_before if before else at_first
    restarts = max((c.restarts - restarts_before.get(c.name, 0) for c in judged), default=0)
    warm_from = max(first_ready, counted_from) + warmup if first_ready else None
    waiting = {container.waiting for container in judged if container.waiting}
    showing = {
        Sign.CRASH_LOOP: "CrashLoopBackOff" in waiting or restarts >= _CRASH_RESTARTS,
        Sign.IMAGE_PULL: bool(waiting & _IMAGE_PULL),
        Sign.OOM_KILLED: oom_kills >= _OOM_KILLS,
        Sign.NOT_READY: warm_from is not None and at >= warm_from and not pod.ready,
        Sign.UNSCHEDULABLE: pod.unschedulable_since is not None,
    }
    hints = {Sign.NOT_READY: pod.unready_since, Sign.UNSCHEDULABLE: pod.unschedulable_since}
    began = before.since if before else {}
    since = {
        sign: began.get(sign) or max(hints.get(sign) or at, counted_from) for sign, shows in showing.items() if shows
    }
    if Sign.NOT_READY in since and warm_from is not None:
        since[Sign.NOT_READY] = max(since[Sign.NOT_READY], warm_from)
    return PodMemory(
        name=pod.name,
        uid=pod.uid,
        created=pod.created,
        first_ready=first_ready,
        warm_from=warm_from,
        restarts_before=restarts_before,
        restarts=restarts,
        oom_kills=oom_kills,
        last_oom=oom if new_oom else known_oom,
        since=since,
        ready=pod.ready,
        limits=Limits.of(judged),
    )


@dataclass(frozen=True, slots=True)
class OverRun:
    """Since when the rule as written held at the end of block `index`; None: it did not."""

    index: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """All that one rule has seen in one watch."""

    interval: timedelta
    bake: timedelta = timedelta(minutes=10)
    blocks: tuple[Block, ...] = ()
    outages: tuple[Outage, ...] = ()  # the last two blocks, cold pods included
    probes: Probes | None = None
    pods: Pods | None = None
    held_since: datetime | None = None  # probes and signs: since when the rule holds
    blocks_seen: int = 0
    blocks_judged: int = 0  # blocks at whose end the literal rule could say yes or no
    blocks_over: int = 0  # those at whose end it held by what the candidate alone showed
    spent: tuple[float, float] = (0.0, 0.0)  # ratios: bad and all requests since the switch
    harmless: Harmless | None = None  # what the evidence is held against; None: there is none
    bets: Bets = NO_BETS
    ledger: tuple[Bet, ...] = ()  # the first BLOCKS_KEPT bets, for whoever wants to reckon again
    over: OverRun | None = None  # of the newest block that was judged so far
    bound: float | None = None  # quantiles: the bucket that the newest bet was on, in seconds
    last_bet: int = 0  # the index of the block of the newest bet
    calibration: Calibration | None = None  # the service's habits, as known when the watch was opened
    cold_until: datetime | None = None  # gauges, rates: until when an exceedance that settles is a cold start

    def with_block(self, block: Block, outage: Outage | None) -> "History":
        """One more block; blocks come in order, a block that is no newer than the last is ignored."""
        if self.blocks and block.index <= self.blocks[-1].index:
            return self
        outages = (*self.outages, outage)[-2:] if outage else self.outages
        spent = self.spent
        if isinstance(block.reading, Counts):
            spent = (spent[0] + block.reading.bad, spent[1] + block.reading.total)
        return replace(
            self,
            blocks=(*self.blocks, block)[-BLOCKS_KEPT:],
            outages=outages,
            blocks_seen=self.blocks_seen + 1,
            spent=spent,
        )

    @property
    def last_index(self) -> int:
        """The newest block's index, 0 before the first."""
        return self.blocks[-1].index if self.blocks else 0


def forgotten(history: History) -> History:
    """The history before its first block: what Prometheus remembers, and what was made of it."""
    return History(
        history.interval,
        history.bake,
        probes=history.probes,
        pods=history.pods,
        held_since=history.held_since,
        calibration=history.calibration,
        cold_until=history.cold_until,
    )
