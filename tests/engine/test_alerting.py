"""Alerts are asked for in few queries, and the past is known before a block is judged."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from builders import GOOD, NEW, a_flip, a_flip_switch, a_guard, a_switch, a_watch, alerts_of
from engine.metric_world import START, TsdbSource, a_span, after
from watchdog.domain.alerts import moments_of, past_of, place_of
from watchdog.domain.measurement import Block, FailureReason, Firing, QueryFailed
from watchdog.domain.rollout import Stable
from watchdog.domain.rules import Alerts
from watchdog.domain.state import Watch
from watchdog.engine.alerting import AlertTracker
from watchdog.engine.sampling import Sampler, Span
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import STALE, Tsdb

HIGH = alerts_of("High")
REFUSED = QueryFailed(FailureReason.UNREACHABLE, "refused", 'ALERTS{alertname=~"High"}')


def a_past(seconds: float = 1800) -> Watch:
    """A watch of a switch at START."""
    guard = a_guard(baseline=timedelta(seconds=seconds))
    return a_watch(switch=a_switch(at=START), stable=Stable(GOOD, after(-7200), START), guard=guard)


def a_tracker(alerts: Alerts = HIGH, watch: Watch | None = None, *, recovering: bool = False) -> AlertTracker:
    watch = watch or a_past()
    place, moments = place_of(watch, recovering=recovering), moments_of(watch, recovering=recovering)
    return AlertTracker(alerts, place, moments, past_of(watch))


def fires(tsdb: Tsdb, begin: float, end: float, name: str = "High", state: str = "firing", **labels: str) -> None:
    """Active from `begin` to `end`, evaluated each 15 s."""
    own = {"alertname": name, "alertstate": state, "namespace": "production", "deployment": NEW.workload, **labels}
    times = [begin + 15 * n for n in range(int((end - begin) / 15) + 1)]
    for at in times:
        tsdb.add("ALERTS", own, after(at), 1.0)
    tsdb.add("ALERTS", own, after(times[-1] + 15), STALE)


def asked(source: TsdbSource, *turns: tuple[AlertTracker, list[Span]], now: float = 0) -> list[tuple[Block, ...]]:
    """The blocks of each turn, one turn after another."""

    async def main() -> list[tuple[Block, ...]]:
        clock = SimulatedClock(after(now))
        sampler = Sampler(source, clock)
        return [await sampler.blocks(tracker, spans) for tracker, spans in turns]

    return run_simulated(main())


def since(block: Block) -> list[float | None]:
    assert isinstance(block.reading, Firing)
    return [alert.firing_since and (alert.firing_since - START).total_seconds() for alert in block.reading.alerts]


def test_the_past_is_asked_for_once_and_then_each_blocks_end() -> None:
    tsdb = Tsdb()
    fires(tsdb, 20, 60)
    source, tracker = TsdbSource(tsdb), a_tracker()
    rows = asked(source, *((tracker, [a_span(n)]) for n in range(1, 7)))
    assert [since(block) for (block,) in rows] == [[], [30], [30], [30], [], []]
    assert {query for query, _ in source.asked} == {'ALERTS{alertname=~"High"}'}
    assert [at for _, at in source.asked] == [0.5, 15, 30, 45, 60, 75, 90]
    assert rows[0][0].query == 'ALERTS{alertname=~"High"}'


def test_taken_up_late_it_sees_the_same() -> None:
    tsdb = Tsdb()
    fires(tsdb, 20, 60)
    fires(tsdb, -300, -100, name="Habit")
    fires(tsdb, 30, 90, name="Habit")
    alerts = alerts_of("High", "Habit")
    one_by_one = asked(
        TsdbSource(tsdb), *((tracker, [a_span(n)]) for tracker in [a_tracker(alerts)] for n in range(1, 7))
    )
    source = TsdbSource(tsdb)
    (together,) = asked(source, (a_tracker(alerts), [a_span(n) for n in range(1, 7)]), now=95)
    assert together == tuple(block for (block,) in one_by_one)
    assert len(source.asked) == 2
    (last,) = asked(TsdbSource(tsdb), (a_tracker(alerts), [a_span(n) for n in (4, 5, 6)]))
    assert last == together[3:]


def test_rules_and_watches_of_one_moment_share_a_query() -> None:
    tsdb = Tsdb()
    fires(tsdb, 10, 60, name="A")
    fires(tsdb, 10, 60, name="B.x", deployment="brand")
    source = TsdbSource(tsdb)
    brand = replace(a_past(), switch=a_switch(at=START, candidate=replace(NEW, workload="brand")))
    trackers = [a_tracker(alerts_of("A")), a_tracker(alerts_of("B.x", "C")), a_tracker(alerts_of("B.x"), brand)]

    async def main() -> list[tuple[Block, ...]]:
        sampler = Sampler(source, SimulatedClock(START))
        return await asyncio.gather(*(sampler.blocks(tracker, [a_span(1)]) for tracker in trackers))

    rows = run_simulated(main())
    assert [since(block) for (block,) in rows] == [[15], [], [15]]
    assert len(source.asked) == 2
    query = r'ALERTS{alertname=~"(?:A|B\\.x|B\\.x|C)"}'
    assert {asked for asked, _ in source.asked} == {query}


def test_the_guards_matchers_stand_in_the_query() -> None:
    tsdb = Tsdb()
    fires(tsdb, 10, 60, cluster='e"u')
    fires(tsdb, 10, 60, name="High", cluster="us", severity="x")
    source = TsdbSource(tsdb)
    ((block,),) = asked(source, (a_tracker(Alerts(("High",), matchers={"cluster": 'e"u'})), [a_span(1)]))
    assert isinstance(block.reading, Firing)
    assert [dict(alert.labels) for alert in block.reading.alerts] == [{"cluster": 'e"u'}]
    assert block.query == r'ALERTS{cluster="e\"u", alertname=~"High"}'


def test_what_cannot_be_asked_decides_nothing_and_is_made_up_for() -> None:
    tsdb = Tsdb()
    fires(tsdb, -60, -30)
    fires(tsdb, 20, 100)
    source, tracker = TsdbSource(tsdb, fault=lambda _query: REFUSED), a_tracker()
    ((first,),) = asked(source, (tracker, [a_span(1)]))
    assert first.reading == REFUSED
    source.fault = lambda _query: None
    ((second,), (third,)) = asked(source, (tracker, [a_span(2)]), (tracker, [a_span(3)]))
    assert since(second) == [30]
    assert isinstance(second.reading, Firing)
    assert second.reading.alerts[0].fired_before == after(-30)  # the past was asked for after all
    source.fault = lambda _query: REFUSED
    ((fourth,),) = asked(source, (tracker, [a_span(4)]))
    assert fourth.reading == REFUSED
    source.fault = lambda _query: None
    ((fifth,),) = asked(source, (tracker, [a_span(5)]))
    assert since(fifth) == [30]  # nobody saw it end meanwhile
    assert since(third) == [30]


def test_a_long_past_is_looked_at_less_often() -> None:
    tsdb = Tsdb()
    fires(tsdb, -86_000, -80_000)
    fires(tsdb, 10, 60)
    source, tracker = TsdbSource(tsdb), a_tracker(watch=a_past(seconds=90_000))
    tracker.moments = replace(tracker.moments, since=after(-90_000))
    tracker.past = after(-90_000)
    ((block,),) = asked(source, (tracker, [a_span(1)]))
    assert isinstance(block.reading, Firing)
    (alert,) = block.reading.alerts
    assert alert.fired_before is not None
    assert abs((alert.fired_before - after(-80_000)).total_seconds()) <= 150


def test_in_recovery_what_the_release_set_off_is_known() -> None:
    tsdb = Tsdb()
    fires(tsdb, 20, 200)
    watch = replace(a_past(), recovery_from=after(100))
    spans = [(n, after(85 + 15 * n), after(100 + 15 * n)) for n in (1, 2)]
    source, tracker = TsdbSource(tsdb), a_tracker(watch=watch, recovering=True)
    (rows,) = asked(source, (tracker, spans), now=100)
    for block in rows:
        assert isinstance(block.reading, Firing)
        assert block.reading.put_back == after(100)
        assert [alert.active_since for alert in block.reading.alerts] == [after(25)]
    assert len(source.asked) == 3


def test_a_service_that_joins_brings_its_own_past() -> None:
    tsdb = Tsdb()
    fires(tsdb, -60, 100, deployment="", service="admin")
    watch = a_watch(switch=a_flip_switch("gateway"), guard=a_guard())
    watch = replace(watch, switch=replace(watch.switch, at=START), stable=Stable(GOOD, after(-7200), START))
    joined = replace(watch, switch=replace(watch.switch, flips=(*watch.switch.flips, a_flip("admin"))))
    tracker = a_tracker(watch=watch)
    ((before,),) = asked(TsdbSource(tsdb), (tracker, [a_span(1)]))
    assert since(before) == []
    tracker.moved(place_of(joined))
    ((block,),) = asked(TsdbSource(tsdb), (tracker, [a_span(2)]))
    assert isinstance(block.reading, Firing)
    assert [alert.fired_before for alert in block.reading.alerts] == [START]
