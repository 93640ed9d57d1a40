"""Is it the release at all? What peers measured at the same time, held against what the candidate measured.

A peer *fails alike* if the rule as written holds for the peer's own measurements, with its own baseline where the limit
depends on one, over the recent minute or over the newest half of it (a peer may have been hit a moment later), and it
is at least a third as bad: a candidate at 100 % is not excused by peers at 6 %. Shares are compared as they are, other
measures as multiples of their limits, for services differ in what is slow or large. A total outage is alike always.

A rule is *shared* if at least three quarters (rounded up) of the usable peers fail alike, and at least two peers are
usable. Usable is a peer that had data enough for the literal rule: `min_requests`, two samples, its baseline.

What it gets wrong. A bad backend takes its callers along: a peer that calls the candidate looks like a shared cause,
unless `callers` names it. An outage that reaches the peers more than an interval after the candidate, or hits them in
another way (errors here, slowness there), is not seen as shared. Two peers that happen to have a burst at the same
moment excuse a bad release until one of them is over; with four it takes three.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchdog.domain.conditions import RatioMetric, Threshold
from watchdog.domain.judge.history import RECENT
from watchdog.domain.judge.literal import Literal, State, literal
from watchdog.domain.judge.thresholds import OUTAGE_REQUESTS, OUTAGE_SHARE
from watchdog.domain.judge.verdict import Evidence, Verdict, number
from watchdog.domain.measurement import Baseline, Block, Counts, ProbeOutcome, ProbeResult, QueryFailed
from watchdog.domain.rollout import Target
from watchdog.domain.rules import Probe, Rule

FEWEST = 2
"""Usable peers below which nothing is held."""

_SHARE = 0.75
_AS_BAD = 1 / 3


@dataclass(frozen=True, slots=True)
class PeerMeasured:
    """What one peer measured of one rule: blocks in a row that cover the stretch, the newest last."""

    target: Target
    blocks: tuple[Block, ...]
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class PeerFinding:
    """What was made of one peer. `value` and `limit` are its own, `shown` and `sentence` for people."""

    target: Target
    usable: bool
    alike: bool
    sentence: str
    shown: str = ""
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class RuleCompared:
    """One breached rule beside its peers, over `(start, end]`. `why`: why there was nothing to compare with."""

    rule: str
    start: datetime
    end: datetime
    peers: tuple[PeerFinding, ...] = ()
    why: str = ""

    @property
    def usable(self) -> tuple[PeerFinding, ...]:
        """Peers that had data enough."""
        return tuple(peer for peer in self.peers if peer.usable)

    @property
    def alike(self) -> tuple[PeerFinding, ...]:
        """Usable peers that fail as the candidate does."""
        return tuple(peer for peer in self.usable if peer.alike)

    @property
    def shared(self) -> bool:
        """Whether the release is excused: a rollback would not help."""
        usable = len(self.usable)
        return usable >= FEWEST and len(self.alike) >= math.ceil(_SHARE * usable)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was compared before an act, and when."""

    at: datetime
    rules: tuple[RuleCompared, ...] = ()

    def of(self, rule: str) -> RuleCompared | None:
        """What was compared for that rule."""
        return next((one for one in self.rules if one.rule == rule), None)


def stretch_of(verdict: Verdict) -> tuple[datetime, datetime, datetime]:
    """Start, middle and end of what peers are measured over: the verdict's own window, a minute at least."""
    end = verdict.evidence.window_end or verdict.at
    start = min(verdict.evidence.window_start or end, end - RECENT)
    return start, start + (end - start) / 2, end


def compare(rule: Rule, threshold: Threshold, verdict: Verdict, peers: Iterable[PeerMeasured]) -> RuleCompared:
    """Compare the breach of a threshold with what each peer measured. Total and pure; the peers' order is nothing."""
    start, _, end = stretch_of(verdict)
    findings = (_finding(rule, threshold, verdict.evidence, peer) for peer in peers)
    return RuleCompared(rule.name, start, end, tuple(sorted(findings, key=lambda finding: finding.target)))


def compare_probes(
    rule: Rule, probe: Probe, verdict: Verdict, peers: Mapping[Target, Sequence[ProbeResult]]
) -> RuleCompared:
    """Compare failed probes with one probe of the peers' pods: alike is a peer of which most fail now."""
    start, _, end = stretch_of(verdict)
    findings = tuple(_probed(probe, target, results) for target, results in sorted(peers.items()))
    return RuleCompared(rule.name, start, end, findings)


def _probed(probe: Probe, target: Target, results: Sequence[ProbeResult]) -> PeerFinding:
    if not results:
        return PeerFinding(target, usable=False, alike=False, sentence="none of its pods could be probed")
    failing = [result for result in results if result.outcome is not ProbeOutcome.EXPECTED]
    shown = f"{len(failing)} of {len(results)} pods"
    detail = f" ({failing[0].pod}: {failing[0].detail})" if failing else ""
    sentence = f"{shown} failed GET {probe.path} when asked once{detail}"
    return PeerFinding(target, True, 2 * len(failing) > len(results), sentence, shown, float(len(failing)))


def _finding(rule: Rule, threshold: Threshold, candidate: Evidence, peer: PeerMeasured) -> PeerFinding:
    if not peer.blocks:
        return PeerFinding(peer.target, usable=False, alike=False, sentence="it was not measured")
    failed = next((block.reading for block in peer.blocks if isinstance(block.reading, QueryFailed)), None)
    if failed is not None:
        why = f"the query failed ({failed.reason}): {failed.detail}"
        return PeerFinding(peer.target, usable=False, alike=False, sentence=why)
    whole = _said(rule, threshold, peer.blocks, peer.baseline)
    newest = _said(rule, threshold, peer.blocks[-1:], peer.baseline)
    decided = [said for said in (whole, newest) if said.state in (State.OVER, State.WITHIN)]
    alike = [said for said in decided if said.state is State.OVER and _as_bad(threshold, candidate, said.evidence)]
    outage = _total_outage(threshold, peer.blocks)
    said = next(iter((*alike, *decided)), whole)
    return PeerFinding(
        peer.target,
        usable=bool(decided) or outage,
        alike=bool(alike) or outage,
        sentence=said.why,
        shown=number(said.evidence.value, threshold.metric.dimension),
        value=said.evidence.value,
        limit=said.evidence.limit,
    )


def _said(rule: Rule, threshold: Threshold, blocks: Sequence[Block], baseline: Baseline | None) -> Literal:
    """The literal rule over these very blocks."""
    interval: timedelta = RECENT / len(blocks)
    return literal(rule, threshold, interval, blocks, baseline)


def _as_bad(threshold: Threshold, candidate: Evidence, peer: Evidence) -> bool:
    mine, its = _badness(threshold, candidate), _badness(threshold, peer)
    return mine is None or its is None or its >= _AS_BAD * mine


def _badness(threshold: Threshold, evidence: Evidence) -> float | None:
    """How bad a measure is; None where that is no number (nothing was measured, a limit of nothing)."""
    value, limit, upward = evidence.value, evidence.limit, threshold.op.upward
    if value is None:
        return None
    if isinstance(threshold.metric, RatioMetric):
        return value if upward else 1.0 - value
    if limit is None or limit <= 0.0 or value < 0.0:
        return None
    if upward:
        return value / limit
    return limit / value if value > 0.0 else math.inf


def _total_outage(threshold: Threshold, blocks: Sequence[Block]) -> bool:
    if not isinstance(threshold.metric, RatioMetric) or not threshold.op.upward:
        return False
    return all(
        isinstance(block.reading, Counts)
        and block.reading.total >= OUTAGE_REQUESTS
        and block.reading.bad >= OUTAGE_SHARE * block.reading.total
        for block in blocks
    )
