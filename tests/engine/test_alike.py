"""Selectors that differ in their metric alone go out as one question, and none pays for another."""

import asyncio
from collections.abc import Callable

import pytest

from engine.metric_world import CPU, ERRORS, LATENCY, START, TsdbSource, a_rule, a_span, a_subject, add, pod_of
from watchdog.domain.conditions import RateMetric, Statistic, Threshold
from watchdog.domain.measurement import Block, Counts, FailureReason, PodValues, QueryFailed
from watchdog.engine.alike import metric_and_matchers, of_all
from watchdog.engine.sampling import Sampler, Subject
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

RULES = [a_rule(ERRORS), a_rule(LATENCY, Statistic.P95), a_rule(CPU)]
OTHERS = 'pod=~"{{ pods }}", namespace="{{ namespace }}"'


def a_store() -> Tsdb:
    tsdb = Tsdb()
    for template in ("5d8f", "77aa"):
        times = [(float(at), float(at)) for at in range(3, 4000, 5)]
        add(tsdb, "http_requests_total", pod_of("a", template), *times, status="200")
        add(tsdb, "http_seconds_bucket", pod_of("a", template), *times, le="+Inf")
        add(tsdb, "cpu_seconds_total", pod_of("a", template), *times)
    return tsdb


def measured(
    source: TsdbSource, wishes: list[tuple[Threshold, Subject]], *indexes: int, clock: SimulatedClock | None = None
) -> list[list[Block]]:
    """The blocks of these indexes, of each wish, one index after the other."""
    found: list[list[Block]] = []

    async def main() -> None:
        sampler = Sampler(source, clock or SimulatedClock(START))
        trackers = [sampler.tracker(*wish) for wish in wishes]
        for index in indexes:
            blocks = await asyncio.gather(*(sampler.blocks(tracker, [a_span(index)]) for tracker in trackers))
            found.append([block for (block,) in blocks])
        await sampler.close()

    run_simulated(main())
    return found


def failing(reason: FailureReason, at_fault: Callable[[str], bool]) -> Callable[[str], QueryFailed | None]:
    return lambda query: QueryFailed(reason, "no", query) if at_fault(query) else None


def test_three_metrics_of_two_revisions_are_one_query() -> None:
    source = TsdbSource(a_store())
    subjects = [a_subject("5d8f", a=0), a_subject("77aa", a=0)]
    found = measured(source, [(rule, subject) for rule in RULES for subject in subjects], 1)
    [(query, _)] = source.asked
    assert query.startswith('{__name__=~"cpu_seconds_total|http_requests_total|http_seconds_bucket",namespace=')
    alone = [measured(TsdbSource(a_store()), [(rule, one)], 1)[0][0] for rule in RULES for one in subjects]
    assert found[0] == alone


def test_what_is_matched_otherwise_goes_out_by_itself() -> None:
    source = TsdbSource(a_store())
    other = RateMetric("cpu", f"cpu_seconds_total{{{OTHERS}}}")
    measured(source, [(rule, a_subject(a=0)) for rule in (*RULES[:2], a_rule(other))], 1)
    assert len(source.asked) == 2


def test_nobody_is_asked_about_for_the_sake_of_another() -> None:
    source = TsdbSource(a_store())
    measured(source, [(RULES[0], a_subject(a=0)), (RULES[2], a_subject(a=0)), (RULES[2], a_subject("77aa", a=0))], 1)
    assert sorted(("77aa" in query, "requests" in query) for query, _ in source.asked) == [(False, True), (True, False)]


@pytest.mark.parametrize("reason", [FailureReason.REFUSED, FailureReason.GARBLED, FailureReason.PARTIAL])
def test_one_metric_that_cannot_be_answered_spoils_no_other(reason: FailureReason) -> None:
    source = TsdbSource(a_store(), fault=failing(reason, lambda query: "http_requests_total" in query))
    found = measured(source, [(rule, a_subject(a=0)) for rule in RULES], 1, 2)
    for requests, latencies, cpu in found:
        assert isinstance(requests.reading, QueryFailed)
        assert not isinstance(latencies.reading, QueryFailed)
        assert isinstance(cpu.reading, PodValues)
    assert len(source.asked) == 1 + 3 + 3


def test_where_all_together_are_refused_each_is_asked_by_itself_for_ten_minutes() -> None:
    source = TsdbSource(a_store(), fault=failing(FailureReason.REFUSED, lambda query: query.startswith("{__name__")))
    found = measured(source, [(rule, a_subject(a=0)) for rule in RULES], *range(1, 50))
    assert not any(isinstance(block.reading, QueryFailed) for blocks in found for block in blocks)
    together = [at for query, at in source.asked if query.startswith("{__name__")]
    assert together == [15.0, 15.0 + 600.0]


@pytest.mark.parametrize("reason", [FailureReason.TIMEOUT, FailureReason.UNREACHABLE, FailureReason.UNAVAILABLE])
def test_where_prometheus_does_not_answer_it_is_not_asked_for_each_metric_again(reason: FailureReason) -> None:
    source = TsdbSource(a_store(), fault=failing(reason, lambda _query: True))
    [blocks] = measured(source, [(rule, a_subject(a=0)) for rule in RULES], 1)
    assert len(source.asked) == 1
    assert all(isinstance(block.reading, QueryFailed) and block.reading.reason is reason for block in blocks)


def test_after_a_deadline_that_was_missed_each_is_asked_by_itself() -> None:
    source = TsdbSource(a_store(), fault=failing(FailureReason.TIMEOUT, lambda query: "http_seconds_bucket" in query))
    _, [requests, latencies, cpu] = measured(source, [(rule, a_subject(a=0)) for rule in RULES], 1, 2)
    assert isinstance(latencies.reading, QueryFailed)
    assert isinstance(requests.reading, Counts)
    assert isinstance(cpu.reading, PodValues)
    assert len(source.asked) == 1 + 3


def test_the_evidence_shows_the_question_about_one_metric() -> None:
    source = TsdbSource(a_store())
    [[block, *_]] = measured(source, [(rule, a_subject(a=0)) for rule in RULES], 1)
    assert block.query.startswith("http_requests_total{")
    assert isinstance(block.reading, Counts)


@pytest.mark.parametrize(
    ("selector", "known"),
    [
        ('up{pod=~"{{ pods }}"}', ("up", 'pod=~"{{ pods }}"')),
        (' job:up:sum { pod=~"{{ pods }}", } ', ("job:up:sum", 'pod=~"{{ pods }}"')),
        ('sum by (pod) (up{pod=~"{{ pods }}"})', None),
        ('up{pod=~"{{ pods }}"} offset 5m', None),
        ('{__name__="up", pod=~"{{ pods }}"}', None),
        ('{__name__=~"u.", pod=~"{{ pods }}"}', None),
        ('up{a="}"} / up{pod=~"{{ pods }}"}', None),
        ('up{a="1" or pod=~"{{ pods }}"}', None),
        ("up", None),
    ],
)
def test_only_a_bare_selector_of_one_metric_can_be_asked_with_others(
    selector: str, known: tuple[str, str] | None
) -> None:
    assert metric_and_matchers(selector) == known


def test_the_metrics_are_named_in_one_order() -> None:
    texts = [f'{name}{{pod=~"{{{{ pods }}}}"}}' for name in ("b", "a")]
    assert of_all(texts) == of_all(texts[::-1]) == '{__name__=~"a|b",pod=~"{{ pods }}"}'
