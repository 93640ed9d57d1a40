"""Pods whose names are known are asked about by name, and nothing else is measured than by their expression."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_live, a_pod, a_rule, a_switch, a_watch
from engine.metric_world import CPU, ERRORS, LATENCY, QUEUE, START, TARGET, TsdbSource, add, after, pod_of
from engine.metric_world import a_rule as a_threshold
from watchdog.domain.conditions import Statistic
from watchdog.domain.events import Event, Measured
from watchdog.domain.live import Live, Pod
from watchdog.domain.measurement import Block, Counts
from watchdog.domain.rollout import Revision, SwitchKind, TrafficSwitch, one_of
from watchdog.engine.measuring import Measuring
from watchdog.engine.questions import Raw, Subject, question_of
from watchdog.engine.sampling import Sampler
from watchdog.engine.templates import template_of
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

INTERVAL = 15.0
RULES = [
    a_rule(a_threshold(ERRORS), name="errors"),
    a_rule(a_threshold(LATENCY, Statistic.P95), name="latency"),
    a_rule(a_threshold(CPU), name="cpu"),
    a_rule(a_threshold(QUEUE), name="queue"),
]
SWITCH = a_switch(target=TARGET, candidate=Revision("brand", "5d8f"), previous=Revision("brand", "77aa"), at=START)


@dataclass(frozen=True)
class Life:
    """A pod that serves from `born` until `ends`, in seconds after the switch, and is known to have gone then."""

    letter: str
    born: float
    ends: float
    template: str = "5d8f"

    @property
    def name(self) -> str:
        return pod_of(self.letter, self.template)

    def pod(self) -> Pod:
        return replace(a_pod(self.name), created=after(self.born))


@dataclass(frozen=True)
class Sight:
    """How the cluster is seen: so many seconds late, and not at all within `gap` (nor noticed, until it ends)."""

    late: float = 0.0
    gap: tuple[float, float] = (0.0, 0.0)
    names: bool = True  # whether it is told that nothing was missed
    begun: float = -3600.0  # when the watchdog was started

    def look(self, lives: Sequence[Life], now: datetime) -> Live:
        seconds = (now - START).total_seconds()
        begins, ends = self.gap
        broken = begins <= seconds < ends
        at = begins if broken else max(0.0, seconds - self.late)
        there = [one for one in lives if one.born <= at < one.ends]
        unbroken = after(ends) if ends and seconds >= ends else after(self.begun)
        return replace(
            a_live(),
            at=now,
            candidate_pods=tuple(one.pod() for one in there if one.template == "5d8f"),
            stable_pods=tuple(one.pod() for one in there if one.template != "5d8f"),
            unbroken_since=unbroken if self.names else None,
        )


def a_store(lives: Sequence[Life], scrape: float = 7.5, until: float = 130.0) -> Tsdb:
    tsdb = Tsdb()
    for number, one in enumerate(lives, 1):
        times = [at for at in (2.0 + scrape * k for k in range(int(until / scrape))) if one.born < at <= one.ends]
        samples = [(at, (at - one.born) * number) for at in times]
        add(tsdb, "http_requests_total", one.name, *samples, status="200")
        add(tsdb, "http_requests_total", one.name, *((at, value // 7) for at, value in samples[2:]), status="500")
        add(tsdb, "http_seconds_bucket", one.name, *samples, le="0.1")
        add(tsdb, "http_seconds_bucket", one.name, *((at, 2 * value) for at, value in samples), le="+Inf")
        add(tsdb, "cpu_seconds_total", one.name, *samples, container="app")
        add(tsdb, "queue", one.name, *samples)
    return tsdb


def watched(
    lives: Sequence[Life],
    sight: Sight,
    *,
    first: float = 0.0,
    blocks: int = 6,
    switch: TrafficSwitch = SWITCH,
) -> tuple[dict[int, dict[str, Block]], TsdbSource]:
    """The blocks of a watch that is taken up `first` seconds after its switch, and what was asked."""
    posted: list[Event] = []
    source = TsdbSource(a_store(lives))

    async def main() -> None:
        clock = SimulatedClock(after(first))
        sampler = Sampler(source, clock)
        watch = a_watch(*RULES, switch=switch)
        live = sight.look(lives, clock.now())
        measuring = Measuring(sampler, clock, posted.append, lambda: watch, lambda: live)

        async def looking() -> None:
            nonlocal live
            while True:
                live = sight.look(lives, clock.now())
                measuring.looked(live)
                await clock.sleep(1.0)

        async with asyncio.TaskGroup() as scope:
            tasks = [scope.create_task(looking()), scope.create_task(measuring.run(scope))]
            await clock.sleep(blocks * INTERVAL + 3.0 - first)
            measuring.end()
            for task in tasks:
                task.cancel()
        await sampler.close()

    run_simulated(main())
    found = {}
    for event in posted:
        if isinstance(event, Measured):
            found[next(iter(event.blocks.values())).index] = dict(event.blocks)
    return found, source


def by_name(source: TsdbSource) -> list[str]:
    return [query for query, at in source.asked if "[a-z0-9]+" not in query and at > 0]


lives_of_candidate = st.lists(
    st.builds(
        lambda letter, born, lives: Life(letter, born, born + lives),
        st.sampled_from("abcdefgh"),
        st.integers(0, 70).map(float),
        st.integers(5, 150).map(float),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.letter,
)
lives_of_stable = st.lists(
    st.builds(
        lambda letter, born, ends: Life(letter, born, ends, "77aa"),
        st.sampled_from("abc"),
        st.integers(-600, -30).map(float),
        st.integers(5, 100).map(float),
    ),
    max_size=2,
    unique_by=lambda one: one.letter,
)


@settings(max_examples=25)
@given(
    lives_of_candidate,
    lives_of_stable,
    st.sampled_from([0.0, 2.0]),
    st.sampled_from([0.0, 0.0, 4.0, 8.0, 20.0, 47.0]),
    st.sampled_from([SwitchKind.ROLLOUT, SwitchKind.SELECTOR]),
)
def test_a_watch_measures_the_same_by_name_and_by_expression(
    candidate: list[Life], stable: list[Life], late: float, first: float, kind: SwitchKind
) -> None:
    """Pods are born and die; the watchdog may be started anew in the middle, and knows nothing of those before."""
    lives, switch = [*candidate, *stable], replace(SWITCH, kind=kind)
    sight = Sight(late, begun=first or -3600.0)
    named, source = watched(lives, sight, first=first, switch=switch)
    expressed, other = watched(lives, replace(sight, names=False), first=first, switch=switch)
    assert named == expressed
    assert not by_name(other)
    last = [query for query, at in source.asked if at == 6 * INTERVAL and "queue" not in query]
    if any(one.ends > first + 4 for one in candidate) and kind is SwitchKind.SELECTOR:
        assert all(query in by_name(source) for query in last), last


def test_what_is_sent_are_bare_alternatives_and_what_is_shown_is_the_expression() -> None:
    lives = [Life("a", 0, 999), Life("b", 0, 999)]
    blocks, source = watched(lives, Sight(), blocks=2)
    metrics = "cpu_seconds_total|http_requests_total|http_seconds_bucket"
    sent = f'{{__name__=~"{metrics}",namespace="production", pod=~"brand-5d8f-a|brand-5d8f-b"}}[30001ms]'
    assert sent in [query for query, _ in source.asked]
    assert blocks[2]["cpu"].query == 'cpu_seconds_total{namespace="production", pod=~"brand-5d8f-[a-z0-9]+"}[30001ms]'
    gauges = [query for query, _ in source.asked if "queue" in query and "5d8f" in query]
    assert set(gauges) == {'max by (pod) (queue{namespace="production", pod=~"brand-5d8f-a|brand-5d8f-b"})'}


def test_a_watch_that_is_taken_up_late_asks_by_expression_for_what_it_has_not_seen() -> None:
    lives = [Life("a", 0, 999), Life("gone", 0, 40)]
    blocks, source = watched(lives, Sight(begun=49.0), first=50.0)
    asked = [(query, at) for query, at in source.asked if "cpu" in query and "5d8f" in query]
    assert [("[a-z0-9]+" in query, at) for query, at in asked] == [
        (True, 45.0),
        (True, 60.0),
        (True, 75.0),  # its window begins at 45, five seconds before the first look
        (False, 90.0),
    ]
    assert isinstance(errors := blocks[3]["errors"].reading, Counts)
    assert pod_of("gone") in errors.pods


def test_a_pod_that_is_seen_late_counts_all_the_same() -> None:
    """Three blocks go by before it is seen; it is newborn, so that all it ever counted is counted then."""
    lives = [Life("a", 0, 999), Life("b", 20, 999)]
    whole = total_of(watched(lives, Sight(names=False))[0])
    seen_late = total_of(watched(lives, Sight(gap=(15.0, 70.0)))[0])
    assert seen_late == whole


def test_a_pod_that_comes_and_goes_while_the_stream_is_silent_is_counted_when_it_speaks_again() -> None:
    lives = [Life("a", 0, 999), Life("b", 20, 60)]
    blocks, source = watched(lives, Sight(gap=(15.0, 70.0)), blocks=8)
    expressed, _ = watched(lives, Sight(gap=(15.0, 70.0), names=False), blocks=8)
    assert total_of(blocks) == total_of(expressed)
    assert pod_of("b") in total_of(blocks)
    assert "[a-z0-9]+" in next(query for query, at in source.asked if at == 75.0 and "cpu" in query)
    assert "[a-z0-9]+" not in next(query for query, at in source.asked if at == 120.0 and "cpu" in query)


def total_of(blocks: dict[int, dict[str, Block]]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for of_rules in blocks.values():
        reading = of_rules["errors"].reading
        for pod, count in reading.pods.items() if isinstance(reading, Counts) else ():
            bad, total = found.get(pod, (0.0, 0.0))
            found[pod] = bad + count.bad, total + count.total
    return found


def test_while_the_stream_is_broken_and_that_is_known_names_are_not_relied_on() -> None:
    broken = Sight(names=False)
    _, source = watched([Life("a", 0, 999)], broken, blocks=3)
    assert not by_name(source)


# -- which questions


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ('q{pod=~"{{ pods }}"}', True),
        ('max by (pod) (q{namespace="{{ namespace }}", pod=~"{{ pods }}"})', True),
        ('q{pod=~"{{ pods }}"} / on (pod) l{pod=~"{{ pods }}"}', True),
        ('q{instance=~"{{ pods }}:[0-9]+"}', False),
        ('q{pod=~"{{ pods }}", about!~"{{ pods }}"}', False),
        ('max_over_time(q{pod=~"{{ pods }}"}[5m])', False),
        ('max_over_time(q{pod=~"{{ pods }}"}[5m:1m])', False),
        ('q{pod=~"{{ pods }}"} offset 5m', False),
        ('q{pod=~"{{ pods }}"} @ 100', False),
        ('sum(q{pod=~"{{ pods }}"})', False),
        ("vector(1)", False),
    ],
)
def test_names_stand_in_for_the_expression_where_a_label_is_matched_with_it_alone_and_now(
    query: str, wanted: bool
) -> None:
    assert template_of(query).by_name is wanted


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda subject: subject, True),
        (lambda subject: replace(subject, known_since=None), False),
        (lambda subject: replace(subject, known_since=after(61)), False),
        (lambda subject: replace(subject, known_since=after(61), since=after(61)), True),
        (lambda subject: replace(subject, pods={}), False),
        (lambda subject: replace(subject, pattern="brand-.*"), False),
        (lambda subject: replace(subject, known_since=None, stays={"brand-0": (START, None)}), True),
        (lambda subject: replace(subject, known_since=None, stays={}), False),
    ],
)
def test_names_are_sent_where_all_are_known_for_the_whole_stretch(
    change: Callable[[Subject], Subject], wanted: bool
) -> None:
    subject = Subject(TARGET, Revision("brand", "5d8f"), {"brand-5d8f-a": START}, START, known_since=START)
    asked = question_of(CPU.counter, change(subject), Raw(after(60).timestamp(), after(90).timestamp()))
    assert bool(asked.names) is wanted


def test_a_dot_in_a_name_is_no_other_character() -> None:
    assert one_of(["b-1", "a.b-1"]) == r"a\.b-1|b-1"


# -- how many
