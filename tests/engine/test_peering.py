"""What is asked of the peers: once for all of them, on demand, within the deadline."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from builders import a_guard, a_live, a_pod, a_probe, a_revision, a_rule, a_switch, a_watch
from engine.metric_world import CPU, ERRORS, START, TsdbSource, add, after, pod_of
from watchdog.domain.conditions import Absolute, Metric, Op, Statistic, Threshold, TimesBaseline
from watchdog.domain.judge.peers import Comparison
from watchdog.domain.judge.verdict import Evidence, Finding, Verdict
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import Answer, FailureReason, ProbeOutcome, ProbeResult, QueryFailed
from watchdog.domain.rollout import SwitchKind, Target, TargetKind, TrafficSwitch
from watchdog.domain.rules import Probe, Rule
from watchdog.domain.state import Phase, Watch
from watchdog.domain.untouched import Peer
from watchdog.engine.peering import Peering
from watchdog.engine.sampling import Sampler
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

FIVE_PERCENT = Absolute(0.05)
NAMES = ("agent", "brand", "content", "gateway")
"""Peers; the first two fail."""


def a_peer(name: str) -> Peer:
    return Peer(Target.parse(f"production/deployment/{name}"), a_revision("5d8f", workload=name), after(-7200))


def a_store() -> Tsdb:
    """Each peer's one pod is scraped every 15 s: 150 requests between scrapes, 30 of them bad where it fails."""
    tsdb = Tsdb()
    for name in NAMES:
        pod = pod_of("a", workload=name)
        bad = 30 if name in NAMES[:2] else 0
        times = range(-900, 301, 15)
        add(tsdb, "http_requests_total", pod, *((at, (at + 900) * 10) for at in times), status="200")
        add(tsdb, "http_requests_total", pod, *((at, max(0, at) // 15 * bad) for at in times), status="500")
        add(tsdb, "cpu_seconds_total", pod, *((at, (at + 900) + max(0, at) * bad) for at in times), container="app")
    return tsdb


def a_breach(*rules: Rule) -> Watch:
    """A watch of `research` that switched at START, and all of whose rules have just been breached."""
    watch = a_watch(guard=a_guard(*rules), switch=a_switch(), phase=Phase.DECIDING)
    watch = replace(watch, switch=replace(watch.switch, at=START))
    evidence = Evidence(value=0.2, limit=0.05, window_start=after(60), window_end=after(120))
    tracks = []
    for track in watch.tracks:
        verdict = Verdict(track.rule.name, Finding.BREACH, after(120), "bad", literal=True, evidence=evidence)
        tracks.append(replace(track, verdict=verdict, breach=verdict))
    return replace(watch, tracks=tuple(tracks), breached=tuple(rule.name for rule in rules))


def a_condition(metric: Metric, limit: Absolute | TimesBaseline = FIVE_PERCENT) -> Rule:
    return a_rule(Threshold(metric, Statistic.VALUE, Op.ABOVE, limit, metric.name), name=metric.name)


@dataclass
class FakeProber:
    """Who answers, and who was asked."""

    answers: dict[str, ProbeOutcome] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def probe(self, pods: Sequence[Pod], probe: Probe) -> Sequence[ProbeResult]:
        self.asked += [pod.name for pod in pods]
        return [ProbeResult(pod.name, self.answers.get(pod.name, ProbeOutcome.EXPECTED)) for pod in pods]


class FakeProvider:
    """Each peer has a ready pod and one that is not."""

    kind = SwitchKind.ROLLOUT

    async def live(self, switch: TrafficSwitch, stable: object, **_: object) -> Live:
        name = switch.target.name
        return a_live(0, switch=switch, pods=[a_pod(f"{name}-a", ready=None), a_pod(f"{name}-b")])


def told(
    body: Callable[[Peering], Awaitable[None]],
    source: TsdbSource,
    prober: FakeProber | None = None,
    names: Sequence[str] = NAMES,
) -> None:
    async def main() -> None:
        clock = SimulatedClock(after(123))
        source.clock = clock
        sampler = Sampler(source, clock)

        async def peers(_: Watch) -> Sequence[Peer]:
            return [a_peer(name) for name in names]

        peering = Peering(
            peers=peers,
            sampler=sampler,
            prober=prober or FakeProber(),
            providers={TargetKind.DEPLOYMENT: FakeProvider()},  # type: ignore[dict-item]
            clock=clock,
        )
        await body(peering)
        await sampler.close()

    run_simulated(main())


def compared(
    watch: Watch, source: TsdbSource, prober: FakeProber | None = None, names: Sequence[str] = NAMES
) -> Comparison | None:
    answers: list[Comparison | None] = []

    async def body(peering: Peering) -> None:
        answers.append(await peering.compare(watch))

    told(body, source, prober, names)
    return answers[0]


def alike(comparison: Comparison | None, rule: str) -> dict[str, bool]:
    assert comparison is not None
    found = comparison.of(rule)
    assert found is not None
    assert all(peer.usable for peer in found.peers), found
    return {peer.target.name: peer.alike for peer in found.peers}


FIRST_TWO = {"agent": True, "brand": True, "content": False, "gateway": False}


def test_all_peers_are_asked_of_in_one_query_for_each_selector() -> None:
    source = TsdbSource(a_store())
    assert alike(compared(a_breach(a_condition(ERRORS)), source), "errors") == FIRST_TWO
    assert len(source.asked) == 1
    assert all(name in query for query, _ in source.asked for name in NAMES)
    assert [at for _, at in source.asked] == [120.0]


def test_peers_are_held_to_their_own_baselines_which_are_asked_for_once() -> None:
    source = TsdbSource(a_store())
    watch = a_breach(a_condition(CPU, TimesBaseline(2.0)))
    later = replace(watch, tracks=tuple(replace(track, verdict=_moved(track.verdict)) for track in watch.tracks))

    async def body(peering: Peering) -> None:
        assert alike(await peering.compare(watch), "cpu") == FIRST_TWO
        assert sorted(at for _, at in source.asked) == [0.0, 120.0]
        assert alike(await peering.compare(later), "cpu") == FIRST_TWO
        assert sorted(at for _, at in source.asked) == [0.0, 120.0, 121.0]

    told(body, source)


def _moved(verdict: Verdict | None) -> Verdict:
    """The same a second later."""
    assert verdict is not None
    later = timedelta(seconds=1)
    evidence = replace(verdict.evidence, window_start=after(61), window_end=after(121))
    return replace(verdict, at=verdict.at + later, evidence=evidence)


def test_the_same_moment_is_not_asked_about_twice() -> None:
    source = TsdbSource(a_store())
    watch = a_breach(a_condition(ERRORS))

    async def body(peering: Peering) -> None:
        first = await peering.compare(watch)
        assert await peering.compare(watch) is first
        assert len(source.asked) == 1

    told(body, source)


def test_what_was_compared_is_the_same_after_a_restart() -> None:
    watch = a_breach(a_condition(ERRORS), a_condition(CPU, TimesBaseline(2.0)))
    first, again = compared(watch, TsdbSource(a_store())), compared(watch, TsdbSource(a_store()))
    assert first is not None
    assert again is not None
    assert first.rules == again.rules


@pytest.mark.parametrize("names", [(), ("brand",)])
def test_fewer_than_two_peers_are_not_asked_at_all(names: tuple[str, ...]) -> None:
    source = TsdbSource(a_store())
    comparison = compared(a_breach(a_condition(ERRORS)), source, names=names)
    assert comparison is not None
    assert "a peer" in comparison.rules[0].why
    assert not comparison.rules[0].shared
    assert source.asked == []


def test_a_watch_that_nothing_asks_to_act_compares_nothing() -> None:
    source = TsdbSource(a_store())
    assert compared(replace(a_breach(a_condition(ERRORS)), breached=()), source) is None
    assert source.asked == []


def test_a_rule_that_gets_no_answer_within_five_seconds_leaves_the_others_theirs() -> None:
    class Slow(TsdbSource):
        async def query(self, promql_text: str, at: object, *, deadline: float) -> Answer | QueryFailed:
            if "cpu_" in promql_text:
                assert self.clock is not None
                await self.clock.sleep(60)
            return await super().query(promql_text, at, deadline=deadline)  # type: ignore[arg-type]

    source = Slow(a_store())
    watch = a_breach(a_condition(ERRORS), a_condition(CPU))

    async def body(peering: Peering) -> None:
        assert source.clock is not None
        began = source.clock.monotonic()
        comparison = await peering.compare(watch)
        assert source.clock.monotonic() - began == pytest.approx(5.0)
        assert alike(comparison, "errors") == FIRST_TWO
        assert comparison is not None
        assert [one.why for one in comparison.rules] == ["", "no answer within 5 s"]

    told(body, source)


def test_a_query_that_fails_makes_no_peer_usable() -> None:
    failed = QueryFailed(FailureReason.UNAVAILABLE, "503")
    comparison = compared(a_breach(a_condition(ERRORS)), TsdbSource(a_store(), fault=lambda _: failed))
    assert comparison is not None
    assert [peer.usable for peer in comparison.rules[0].peers] == [False] * 4
    assert "503" in comparison.rules[0].peers[0].sentence


# -- probes ------------------------------------------------------------------------------------------------------

HEALTH = a_rule(a_probe())


def test_a_probe_rule_is_compared_by_one_probe_of_up_to_three_pods_of_each_peer() -> None:
    prober = FakeProber({f"{name}-{pod}": ProbeOutcome.WRONG_STATUS for name in NAMES[:2] for pod in "ab"})
    comparison = compared(a_breach(HEALTH), TsdbSource(Tsdb()), prober)
    assert alike(comparison, "health") == FIRST_TWO
    assert sorted(prober.asked) == sorted(f"{name}-{pod}" for name in NAMES for pod in "ab")


def test_a_peer_that_did_not_answer_while_the_candidate_did_says_nothing_later() -> None:
    prober = FakeProber({"agent-b": ProbeOutcome.REFUSED, "brand-b": ProbeOutcome.WRONG_STATUS})
    watch, probe = a_breach(HEALTH), a_probe()

    async def body(peering: Peering) -> None:
        before = await peering.witnesses(watch, "health", probe)
        assert [result.pod for result in before] == ["agent-b", "brand-b", "content-b"]
        await peering.vet(watch, "health", probe)
        vetted = len(prober.asked)
        await peering.vet(watch, "health", probe)
        assert len(prober.asked) == vetted
        assert [result.pod for result in await peering.witnesses(watch, "health", probe)] == ["content-b", "gateway-b"]
        comparison = await peering.compare(watch)
        assert set(alike(comparison, "health")) == {"content", "gateway"}

    told(body, TsdbSource(Tsdb()), prober)
