"""What a watch asks of its peers: how they fare on a breached rule before an act, and whether their probes fail too."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from watchdog.domain.conditions import Threshold
from watchdog.domain.judge.peers import (
    FEWEST,
    Comparison,
    PeerMeasured,
    RuleCompared,
    compare,
    compare_probes,
    stretch_of,
)
from watchdog.domain.judge.verdict import Verdict
from watchdog.domain.live import Pod
from watchdog.domain.measurement import Baseline, Block, NoData, ProbeOutcome, ProbeResult, QueryFailed
from watchdog.domain.rollout import Target, TargetKind, TrafficSwitch
from watchdog.domain.rules import Probe, Rule
from watchdog.domain.shared_cause import to_compare, told_of, verdict_to_compare
from watchdog.domain.state import Watch
from watchdog.domain.untouched import Peer
from watchdog.engine.sampling import Sampler, Subject
from watchdog.ports import Clock, OutOfReach, Prober, TrafficProvider

log = logging.getLogger(__name__)

PeersOf = Callable[[Watch], Awaitable[Sequence[Peer]]]

_DEADLINE = 5.0  # seconds that a whole comparison may take: it stands between a breach and the act
_LEAD_IN = timedelta(seconds=60)  # before what is compared, so that its first scrape has one to be counted from
_BASELINE = timedelta(minutes=10)  # of a peer: enough to know it by, and few samples
_WITNESSES = 3
_PODS = 3  # of a peer that are probed when a probe rule is compared

Asked = tuple[tuple[str, datetime], ...]


async def nobody(_: Watch) -> Sequence[Peer]:
    """For a watch that is driven where no other target is known."""
    return ()


class Peering:
    """The peers of one watch. Nothing is asked of them but on demand; answers of one moment are kept for it."""

    def __init__(
        self,
        *,
        peers: PeersOf,
        sampler: Sampler,
        prober: Prober,
        providers: Mapping[TargetKind, TrafficProvider],
        clock: Clock,
        deadline: float = _DEADLINE,
    ) -> None:
        self._deadline = deadline
        self._peers = peers
        self._sampler = sampler
        self._prober = prober
        self._providers = providers
        self._clock = clock
        self._unfit: dict[str, frozenset[Target]] = {}  # by rule: who did not answer while the candidate did
        self._baselines: dict[tuple[str, Peer], Baseline] = {}
        self._last: tuple[Asked, Comparison] | None = None

    async def compare(self, watch: Watch) -> Comparison | None:
        """How the peers fare on the rules that ask for an act; None where no comparison could hold it.

        Takes five seconds at most, however Prometheus and the peers answer: what has not answered by then is not
        usable. Asked again about the same moment (a conflict made it look again) it answers at once what it knows.
        """
        rules = [
            (track.rule, verdict)
            for track in to_compare(watch)
            if (verdict := verdict_to_compare(track)) is not None and isinstance(track.rule.check, Threshold | Probe)
        ]
        if not rules:
            return None
        asked = tuple((rule.name, verdict.at) for rule, verdict in rules)
        if self._last is not None and self._last[0] == asked:
            return self._last[1]
        peers = await self._peers(watch)
        compared = await asyncio.gather(*(self._compared(watch, rule, verdict, peers) for rule, verdict in rules))
        comparison = Comparison(self._clock.now(), tuple(compared))
        self._last = asked, comparison
        facts = {"watch": watch.id, "target": str(watch.switch.target), "peers": "; ".join(told_of(watch, comparison))}
        log.info("compared with peers", extra={"facts": facts})
        return comparison

    async def _compared(self, watch: Watch, rule: Rule, verdict: Verdict, peers: Sequence[Peer]) -> RuleCompared:
        start, _, end = stretch_of(verdict)
        if len(peers) < FEWEST:
            who = f"{peers[0].target} alone is a peer" if peers else "no other target of the guard is a peer"
            return RuleCompared(rule.name, start, end, why=f"{who} (same guard, not touched, no caller)")
        try:
            async with asyncio.timeout(self._deadline):
                if isinstance(rule.check, Probe):
                    fit = [peer for peer in peers if peer.target not in self._unfit.get(rule.name, ())]
                    results = await asyncio.gather(*(self._probed(peer, rule.check, _PODS) for peer in fit))
                    by_target = {peer.target: found for peer, found in zip(fit, results, strict=True)}
                    return compare_probes(rule, rule.check, verdict, by_target)
                assert isinstance(rule.check, Threshold)  # `compare` asks of no others
                measured = await self._measured(watch, rule.name, rule.check, verdict, peers)
                return compare(rule, rule.check, verdict, measured)
        except TimeoutError:
            return RuleCompared(rule.name, start, end, why=f"no answer within {self._deadline:.0f} s")

    # -- metrics -------------------------------------------------------------------------------------------------

    async def _measured(
        self, watch: Watch, name: str, threshold: Threshold, verdict: Verdict, peers: Sequence[Peer]
    ) -> Sequence[PeerMeasured]:
        """All peers side by side: their questions have one shape, and go out as one."""
        return await asyncio.gather(*(self._one(watch, name, threshold, verdict, peer) for peer in peers))

    async def _one(self, watch: Watch, name: str, threshold: Threshold, verdict: Verdict, peer: Peer) -> PeerMeasured:
        blocks, baseline = await asyncio.gather(
            self._blocks(threshold, verdict, peer), self._baseline(watch, name, threshold, peer)
        )
        return PeerMeasured(peer.target, blocks, baseline)

    async def _blocks(self, threshold: Threshold, verdict: Verdict, peer: Peer) -> tuple[Block, ...]:
        start, middle, end = stretch_of(verdict)
        # No pod counts as newborn: what one had counted before it was first seen is of another time.
        subject = Subject(peer.target, peer.revision, {}, start - _LEAD_IN)
        tracker = self._sampler.tracker(threshold, subject, by_itself=True)
        return await self._sampler.blocks(tracker, [(1, start, middle), (2, middle, end)])

    async def _baseline(self, watch: Watch, name: str, threshold: Threshold, peer: Peer) -> Baseline | None:
        """What the peer measured before the switch, where its limit depends on that."""
        if not threshold.needs_baseline:
            return None
        known = self._baselines.get((name, peer))
        if known is not None:
            return known
        end = watch.switch.at
        start = max(peer.since, end - min(watch.guard.baseline, _BASELINE))
        if start >= end:
            return Baseline(start, end, NoData("the peer did not serve before the switch"))
        subject = Subject(peer.target, peer.revision, {}, start)
        baseline = await self._sampler.baseline(threshold, subject, start, end, watch.guard.interval.total_seconds())
        if not isinstance(baseline.reading, QueryFailed):
            self._baselines[name, peer] = baseline
        return baseline

    # -- probes --------------------------------------------------------------------------------------------------

    async def vet(self, watch: Watch, rule: str, probe: Probe) -> None:
        """Probe each peer once, while the candidate answers; who does not answer now is no witness later."""
        if rule in self._unfit:
            return
        peers = await self._peers(watch)
        results = await asyncio.gather(*(self._probed(peer, probe, 1) for peer in peers))
        unfit = {
            peer.target
            for peer, found in zip(peers, results, strict=True)
            if not any(result.outcome is ProbeOutcome.EXPECTED for result in found)
        }
        self._unfit[rule] = frozenset(unfit)

    async def witnesses(self, watch: Watch, rule: str, probe: Probe) -> tuple[ProbeResult, ...]:
        """One ready pod each of up to three peers, probed now: is it the way to the pods that is blocked?"""
        fit = [peer for peer in await self._peers(watch) if peer.target not in self._unfit.get(rule, ())][:_WITNESSES]
        results = await asyncio.gather(*(self._probed(peer, probe, 1) for peer in fit))
        return tuple(result for found in results for result in found)

    async def _probed(self, peer: Peer, probe: Probe, most: int) -> Sequence[ProbeResult]:
        pods = await self._pods(peer)
        ready = [pod for pod in pods if pod.ready]
        # A pod that fails its own readiness check is what a failing peer looks like; a single one says little.
        chosen = ready[:most] if most == 1 else (*ready, *(pod for pod in pods if not pod.ready))[:most]
        return await self._prober.probe(chosen, probe)

    async def _pods(self, peer: Peer) -> list[Pod]:
        provider = self._providers.get(peer.target.kind)
        if provider is None:
            return []
        standing = TrafficSwitch(peer.target, provider.kind, peer.revision, None, peer.since)
        try:
            live = await provider.live(standing, None)
        except OutOfReach as error:
            log.debug("peer not looked at", extra={"facts": {"peer": str(peer.target), "why": str(error)}})
            return []
        return sorted((pod for pod in live.candidate_pods if not pod.gone), key=lambda pod: pod.name)
