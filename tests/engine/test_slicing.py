"""Asking where it hurts: when, of whom, and what comes of a Prometheus that says nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import a_guard, a_live, a_pod, a_rule, a_switch
from builders import a_watch as a_built_watch
from engine.metric_world import ERRORS, LATENCY, START, TARGET, TsdbSource, add, after, pod_of
from engine.metric_world import a_rule as a_threshold
from simulator.prometheus.real import needs_prometheus, prometheus_over
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.events import Event, Sliced
from watchdog.domain.judge import Finding, Verdict
from watchdog.domain.judge.verdict import Evidence
from watchdog.domain.measurement import FailureReason, QueryFailed
from watchdog.domain.rollout import Revision
from watchdog.domain.state import Phase, Slice, Watch
from watchdog.engine import slicing
from watchdog.engine.sampling import Sampler
from watchdog.engine.slicing import Slicing
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

POD = pod_of("a")
ROUTE = "error-rate: all of the failures are /checkout (25 % of the requests)"


def a_world(pods: int = 1) -> Tsdb:
    """Two minutes of a revision in which each request of one of its two routes fails."""
    tsdb = Tsdb()
    for number in range(pods):
        pod = pod_of(f"p{number}")
        for route, status, rate in (("/checkout", "500", 1.0), ("/items", "200", 3.0)):
            samples = [(float(at), rate * at) for at in range(0, 121, 15)]
            add(tsdb, "http_requests_total", pod, *samples, handler=route, status=status)
    return tsdb


def a_watch(phase: Phase, *rules: str, metric: object = ERRORS) -> Watch:
    """A watch of those rules, all of which breached two minutes after the switch."""
    checks = tuple(a_rule(a_threshold(metric), name=name) for name in rules or ("error-rate",))  # type: ignore[arg-type]
    switch = replace(a_switch(), at=START, target=TARGET, candidate=Revision("brand", "5d8f"))
    watch = a_built_watch(guard=a_guard(*checks), switch=switch, phase=phase)
    tracks = tuple(
        replace(
            track,
            breach=Verdict(
                track.rule.name, Finding.BREACH, after(120), "it is", literal=True, evidence=Evidence(limit=0.05)
            ),
        )
        for track in watch.tracks
    )
    return replace(watch, tracks=tracks, breached=tuple(track.rule.name for track in tracks))


class Asked:
    """A watch's slicing in simulated time."""

    def __init__(self, source: Any, watch: Watch, scope: asyncio.TaskGroup, clock: SimulatedClock) -> None:
        self.source = source
        self.watch = watch
        self.clock = clock
        self.scope = scope
        self.events: list[Event] = []
        self.sampler = Sampler(source, clock)
        self.slicing = Slicing(self.sampler, clock, self.events.append, lambda: self.watch)

    def follow(self, **changes: object) -> None:
        self.watch = replace(self.watch, **changes)  # type: ignore[arg-type]
        self.slicing.follow(self.scope)

    @property
    def slices(self) -> list[Slice]:
        return [one for event in self.events if isinstance(event, Sliced) for one in event.slices]


def asked(watch: Watch, test: Callable[[Asked], Awaitable[None]], source: TsdbSource | None = None) -> None:
    async def main() -> None:
        clock = SimulatedClock(after(125))
        async with asyncio.TaskGroup() as scope:
            one = Asked(source or TsdbSource(a_world()), watch, scope, clock)
            await test(one)
        await one.sampler.close()

    run_simulated(main())


@pytest.mark.parametrize("phase", [Phase.RECOVERING, Phase.HOLDING, Phase.WOULD_ROLL_BACK, Phase.FAILED])
def test_it_is_asked_once_the_decision_is_made(phase: Phase) -> None:
    async def test(one: Asked) -> None:
        one.follow()
        assert one.slicing.busy
        await one.clock.sleep(1)
        assert [f"{each.rule}: {each.sentence}" for each in one.slices] == [ROUTE]
        assert not one.slicing.busy
        one.follow()  # the answer is on its way
        assert not one.slicing.busy

    asked(a_watch(phase), test)


@pytest.mark.parametrize("phase", [Phase.DECIDING, Phase.ACTING])
def test_nothing_is_asked_while_an_act_is_decided_on(phase: Phase) -> None:
    async def test(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(100)
        assert (one.events, one.source.asked, one.slicing.busy) == ([], [], False)

    asked(a_watch(phase), test)


def test_what_is_being_asked_is_let_go_when_an_act_is_decided_on_and_asked_again_after_it() -> None:
    async def test(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(0.01)
        one.follow(phase=Phase.DECIDING)
        await one.clock.sleep(100)
        assert one.events == []
        one.follow(phase=Phase.RECOVERING)
        await one.clock.sleep(1)
        assert len(one.slices) == 1

    asked(a_watch(Phase.HOLDING), test)


def test_of_more_series_than_are_bearable_nothing_is_asked_and_nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "_MOST_SERIES", 19)

    async def test(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(1)
        assert one.slices == [Slice("error-rate", "")]
        assert [query for query, _ in one.source.asked if not query.startswith("count(")] == []

    asked(a_watch(Phase.HOLDING), test, TsdbSource(a_world(pods=10)))


def test_of_all_watches_one_asks_at_a_time() -> None:
    async def test(one: Asked) -> None:
        async with one.sampler.aside:  # another watch's question is under way
            one.follow()
            await one.clock.sleep(5)
            assert one.source.asked == []
        await one.clock.sleep(1)
        assert one.slices[0].sentence

    asked(a_watch(Phase.HOLDING), test)


def failing(times: int) -> Callable[[str], QueryFailed | None]:
    """That many questions fail."""
    left = [times]

    def fault(query: str) -> QueryFailed | None:
        left[0] -= 1
        return QueryFailed(FailureReason.TIMEOUT, "no answer", query) if left[0] >= 0 else None

    return fault


def test_what_failed_is_tried_again_and_in_the_end_given_up() -> None:
    async def test(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(10)
        assert one.events == []
        await one.clock.sleep(10)
        assert one.slices[0].sentence

    asked(a_watch(Phase.HOLDING), test, TsdbSource(a_world(), fault=failing(1)))

    async def given_up(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(100)
        assert one.slices == [Slice("error-rate", "")]
        assert len(one.source.asked) == 3

    asked(a_watch(Phase.HOLDING), given_up, TsdbSource(a_world(), fault=failing(99)))


def test_a_watch_that_ended_is_not_kept_for_another_try() -> None:
    async def test(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(1)
        assert one.slices == [Slice("error-rate", "")]

    asked(a_watch(Phase.WOULD_ROLL_BACK), test, TsdbSource(a_world(), fault=failing(99)))

    async def ends_meanwhile(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(1)
        one.follow(phase=Phase.ROLLED_BACK)  # it waits for its second try
        await one.clock.sleep(1)
        assert (one.slices, one.slicing.busy) == ([Slice("error-rate", "")], False)

    asked(a_watch(Phase.RECOVERING), ends_meanwhile, TsdbSource(a_world(), fault=failing(99)))


def test_a_rule_that_breaches_later_is_asked_by_itself() -> None:
    async def test(one: Asked) -> None:
        first, second = one.watch.breached
        one.follow(breached=(first,))
        await one.clock.sleep(1)
        one.follow(breached=(first, second), slices=tuple(one.slices))
        await one.clock.sleep(1)
        assert [each.rule for each in one.slices] == [first, second]

    asked(a_watch(Phase.HOLDING, "error-rate", "errors-too"), test)


def test_a_mistake_of_ours_ends_no_watch(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(slicing, "locate", broken)

    async def test(one: Asked) -> None:
        one.follow()
        await one.clock.sleep(100)
        assert one.slices == [Slice("error-rate", "")]

    asked(a_watch(Phase.HOLDING), test)
    assert "cannot tell where it hurts" in caplog.text


def test_the_node_of_a_pod_that_is_gone_by_now_is_remembered() -> None:
    async def test(one: Asked) -> None:
        tsdb = one.source.tsdb
        add(tsdb, "http_requests_total", pod_of("x"), (0.0, 0.0), (120.0, 480.0), handler="/items", status="200")
        pods = (a_pod(pod_of("p0"), node="b7"), a_pod(pod_of("x"), node="b8"))
        one.slicing.saw(a_live(candidate_pods=pods))
        one.slicing.saw(a_live(candidate_pods=()))
        one.follow()
        await one.clock.sleep(1)
        assert one.slices[0].sentence.endswith(f": {pod_of('p0')}, on node b7")

    asked(a_watch(Phase.HOLDING), test)


def test_a_histogram_is_asked_for_its_buckets() -> None:
    tsdb = Tsdb()
    for route, slow in (("/report", 60.0), ("/items", 0.0)):
        for bound, count in (("0.01", 60.0 - slow), ("0.1", 60.0), ("+Inf", 60.0)):
            add(tsdb, "http_seconds_bucket", POD, (0.0, 0.0), (120.0, count), handler=route, le=bound)

    async def test(one: Asked) -> None:
        tracks = tuple(
            replace(track, breach=replace(track.breach, evidence=Evidence(limit=0.01)))  # type: ignore[type-var]
            for track in one.watch.tracks
        )
        one.follow(tracks=tracks)
        await one.clock.sleep(1)
        assert one.slices[0].sentence == "all of the requests slower than 10 ms are /report (50 % of the requests)"

    asked(a_watch(Phase.HOLDING, metric=LATENCY), test, TsdbSource(tsdb))


@pytest.mark.prometheus
@needs_prometheus
def test_a_real_prometheus_says_the_same(tmp_path: Path) -> None:
    with prometheus_over(a_world(pods=3), tmp_path) as real:

        async def main() -> None:
            clock = SimulatedClock(after(125))
            live = LivePrometheus(real.url)
            async with asyncio.TaskGroup() as scope:
                one = Asked(live, a_watch(Phase.HOLDING), scope, clock)
                one.follow()
                while one.slicing.busy:
                    await clock.sleep(0.1)
                assert [each.sentence for each in one.slices] == [
                    "all of the failures are /checkout (25 % of the requests); all 3 pods alike"
                ]
            await one.sampler.close()
            await live.close()

        run_simulated(main())
