"""What the judge is given of one rule in one watch: blocks of measurements and rounds of probes, and looks at the pods.

Histories only grow at their newest end and forget their oldest blocks; each `with_...` returns a new one.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.copies import with_fields
from watchdog.domain.judge.betting import NO_BETS, Bet, Bets
from watchdog.domain.judge.habits import Calibration
from watchdog.domain.judge.harmless import Harmless
from watchdog.domain.judge.pods import Pods
from watchdog.domain.measurement import Block, Counts, ProbeOutcome, ProbeResult, ProbeRound
from watchdog.domain.packed import appended

BLOCKS_KEPT = 600
"""Blocks that a history remembers: 2.5 hours at 15 s, far more than any window of the literal rule."""

RECENT = timedelta(seconds=60)
"""What the rule as written looks back on, unless there is too little in it: blocks of that time lie unpacked."""


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
        elsewhere = _elsewhere(round_) if any(map(_silent, round_.candidate)) else ""
        old = {streak.pod: streak for streak in before.streaks} if before else {}
        results = {result.pod: result for result in round_.candidate}
        streaks = []
        ignored = ""
        for pod in live_pods:
            streak = old.get(pod) or Streak(pod, 0, None, "")
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
        if not streak.failures and streak.detail == result.detail:
            return streak  # as in the round before, and in nearly all
        return Streak(streak.pod, 0, None, result.detail)
    return Streak(streak.pod, streak.failures + 1, streak.since or at, result.detail)


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
    blocks: Sequence[Block] = ()
    outages: tuple[Outage, ...] = ()  # the last two blocks, cold pods included
    probes: Probes | None = None
    pods: Pods | None = None
    held_since: datetime | None = None  # probes and signs: since when the rule holds
    blocks_seen: int = 0
    blocks_judged: int = 0  # blocks at whose end the literal rule could say yes or no
    blocks_over: int = 0  # those at whose end it held by what the candidate alone showed
    spent: tuple[float, float] = (0.0, 0.0)  # ratios: bad and all requests since the switch
    met: tuple[float, float] = (0.0, 0.0)  # the same with those of cold pods: what people met
    harmless: Harmless | None = None  # what the evidence is held against; None: there is none
    bets: Bets = NO_BETS
    ledger: Sequence[Bet] = ()  # the first BLOCKS_KEPT bets, for whoever wants to reckon again
    over: OverRun | None = None  # of the newest block that was judged so far
    bound: float | None = None  # quantiles: the bucket that the newest bet was on, in seconds
    last_bet: int = 0  # the index of the block of the newest bet
    calibration: Calibration | None = None  # the service's habits, as known when the watch was opened
    cold_until: datetime | None = None  # gauges, rates: until when an exceedance that settles is a cold start

    def with_block(self, block: Block, outage: Outage | None, recent: timedelta = RECENT) -> "History":
        """One more block; blocks come in order, a block that is no newer than the last is ignored.

        `recent`: what the rule looks back on whenever it is judged.
        """
        newest = self.blocks[-1] if self.blocks else None
        if newest is not None:
            if block.index <= newest.index:
                return self
            if block.query == newest.query and block.query is not newest.query:
                block = with_fields(block, query=newest.query)  # the same words, once
        outages = (*self.outages, outage)[-2:] if outage else self.outages
        met = (self.met[0] + outage.bad, self.met[1] + outage.total) if outage else self.met
        spent = self.spent
        if isinstance(block.reading, Counts):
            spent = (spent[0] + block.reading.bad, spent[1] + block.reading.total)
        return with_fields(
            self,
            blocks=appended(self.blocks, block, keep=BLOCKS_KEPT, fresh=math.ceil(recent / self.interval)),
            outages=outages,
            blocks_seen=self.blocks_seen + 1,
            spent=spent,
            met=met,
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
