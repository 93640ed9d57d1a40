"""Questions of the same shape go out as one, and nobody notices."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.metric_world import (
    CPU,
    ERRORS,
    LATENCY,
    PODS,
    QUEUE,
    START,
    TARGET,
    TsdbSource,
    a_rule,
    a_span,
    a_subject,
    add,
    after,
    pod_of,
)
from watchdog.domain.conditions import GaugeMetric, RatioMetric, Statistic, Threshold
from watchdog.domain.measurement import Block, Counts, FailureReason, NoData, PodValues, QueryFailed, Reading
from watchdog.domain.rollout import Target
from watchdog.engine.easing import Eased
from watchdog.engine.sampling import Sampler, Span, Subject
from watchdog.engine.splitting import LONGEST_QUERY
from watchdog.engine.templates import fill, sums_of, template_of
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

Wish = tuple[
    Threshold, Subject, Sequence[Span], float
]  # and when it is asked, seconds after the last block has settled
TEMPLATES = ("5d8f", "77aa", "9c9c")


def all_at_once(source: TsdbSource, wishes: Sequence[Wish], gather: float = 0.05) -> list[tuple[Block, ...]]:
    """Each wish is a watch of its own."""
    found: list[tuple[Block, ...]] = []

    async def main() -> None:
        clock = SimulatedClock(START)
        sampler = Sampler(source, clock, gather=gather)

        async def asked(
            threshold: Threshold, subject: Subject, spans: Sequence[Span], when: float
        ) -> tuple[Block, ...]:
            await clock.sleep((spans[-1][2] - START).total_seconds() + 2.0 + when)
            return await sampler.blocks(sampler.tracker(threshold, subject), spans)

        found.extend(await asyncio.gather(*(asked(*wish) for wish in wishes)))
        await sampler.close()

    run_simulated(main())
    return found


def a_store(revisions: Sequence[str] = TEMPLATES) -> Tsdb:
    tsdb = Tsdb()
    for number, template in enumerate(revisions, 1):
        for pod in (pod_of("a", template), pod_of("b", template)):
            times = [(float(at), float(at * number)) for at in range(3, 61, 5)]
            add(tsdb, "http_requests_total", pod, *times, status="200")
            add(tsdb, "http_requests_total", pod, *((at, value // 10) for at, value in times), status="500")
            add(tsdb, "http_seconds_bucket", pod, *times, le="0.1")
            add(tsdb, "http_seconds_bucket", pod, *((at, 2 * value) for at, value in times), le="+Inf")
            add(tsdb, "http_seconds_sum", pod, *times)
            add(tsdb, "cpu_seconds_total", pod, *times, container="app")
            add(tsdb, "queue", pod, *times)
    return tsdb


METRICS = [
    a_rule(ERRORS),
    a_rule(LATENCY, Statistic.P95),
    a_rule(LATENCY, Statistic.MEAN),
    a_rule(CPU),
    a_rule(QUEUE),
    a_rule(GaugeMetric("all", f"sum(queue{{{PODS}}})")),
    a_rule(GaugeMetric("share", f"queue{{{PODS}}} / scalar(sum(queue{{{PODS}}}))")),
    a_rule(GaugeMetric("half", f"0.5 * max by (pod) (queue{{{PODS}}})")),
]
wishes = st.lists(
    st.tuples(
        st.sampled_from(METRICS),
        st.builds(
            lambda template, since, known: a_subject(template, after(since), **({"a": since} if known else {})),
            st.sampled_from(TEMPLATES),
            st.sampled_from([0.0, 12.0]),
            st.booleans(),
        ),
        st.builds(
            lambda first, more: [a_span(k) for k in range(first, first + more)], st.integers(1, 2), st.integers(1, 2)
        ),
        st.sampled_from([0.0, 0.03]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60)
@given(wishes)
def test_merged_and_single_questions_give_the_same_readings(asked: list[Wish]) -> None:
    tsdb = a_store()
    together = all_at_once(TsdbSource(tsdb), asked)
    alone = [all_at_once(TsdbSource(tsdb), [wish])[0] for wish in asked]
    assert together == alone


ASKED_TWICE = RatioMetric(ERRORS.name, ERRORS.bad.replace('"5.."', '"(?:5..)"'), ERRORS.total)
"""Means the same, but its bad events are asked for by themselves."""


def without_query(reading: Reading) -> Reading:
    return replace(reading, query="") if isinstance(reading, NoData) else reading


@st.composite
def a_town_and_its_questions(draw: st.DrawFn) -> tuple[Tsdb, list[Wish]]:
    """Namespaces with pods of the same names, each with values of its own, some of which are missing."""
    tsdb = Tsdb()
    namespaces = ("production", "staging", "canary")
    for number, (namespace, workload, template) in enumerate(product(namespaces, ("brand", "brand-api"), TEMPLATES), 1):
        for letter in draw(st.sampled_from([("a", "b"), ("a",), ()])):
            pod = pod_of(letter, template, workload)
            times = [(float(at), float(at * number)) for at in range(3, 61, 5)]
            for name, more, share in (
                ("http_requests_total", {"status": "200"}, 1.0),
                ("http_requests_total", {"status": "500"}, 0.1),
                ("cpu_seconds_total", {"container": "app"}, 0.5),
                ("queue", {}, 1.0),
            ):
                add(tsdb, name, pod, *((at, value * share) for at, value in times), namespace=namespace, **more)
    subjects = st.builds(
        lambda namespace, workload, template: a_subject(
            template, target=Target.parse(f"{namespace}/deployment/{workload}")
        ),
        st.sampled_from(namespaces),
        st.sampled_from(["brand", "brand-api"]),
        st.sampled_from(TEMPLATES),
    )
    gauges = [GaugeMetric("queue", f"{form} (queue{{{PODS}}})") for form in ("sum by (namespace, pod)", "max by (pod)")]
    rules = st.sampled_from([a_rule(metric) for metric in (ERRORS, CPU, *gauges)])
    spans = st.builds(lambda first: [a_span(first)], st.integers(1, 3))
    moments = st.sampled_from([0.0, 0.02])
    return tsdb, draw(st.lists(st.tuples(rules, subjects, spans, moments), min_size=2, max_size=12))


@settings(max_examples=60)
@given(a_town_and_its_questions())
def test_what_is_asked_of_several_namespaces_at_once_is_measured_as_if_asked_alone(
    town: tuple[Tsdb, list[Wish]],
) -> None:
    tsdb, asked = town
    source = TsdbSource(tsdb)
    together = all_at_once(source, asked)
    unbatched = []
    for threshold, *rest in asked:
        alone = replace(threshold, metric=ASKED_TWICE) if threshold.metric is ERRORS else threshold
        unbatched += all_at_once(TsdbSource(tsdb), [(alone, *rest)])
    assert [[without_query(block.reading) for block in blocks] for blocks in together] == [
        [without_query(block.reading) for block in blocks] for blocks in map(list, unbatched)
    ]
    metrics = {(threshold.metric, spans[0][0]) for threshold, _, spans, _ in asked if threshold.metric.name != "queue"}
    counted = [query for query, _ in source.asked if "queue" not in query]
    assert len(counted) <= len(metrics)


def test_two_quantiles_of_three_revisions_are_one_query() -> None:
    source = TsdbSource(a_store())
    rules = [a_rule(LATENCY, Statistic.P95), a_rule(LATENCY, Statistic.P99)]
    all_at_once(source, [(rule, a_subject(template), [a_span(1)], 0.0) for rule in rules for template in TEMPLATES])
    patterns = "|".join(f"brand-{template}-[a-z0-9]+" for template in TEMPLATES)
    assert source.asked == [
        (f'http_seconds_bucket{{namespace="production", pod=~"(?:{patterns})"}}[15001ms]', 15.0),
    ]


def test_watches_whose_blocks_end_at_different_moments_share_their_query() -> None:
    source = TsdbSource(a_store())
    late = a_subject("77aa", after(0.02))
    span = (1, after(0.02), after(15.02))
    first, second = all_at_once(
        source, [(a_rule(CPU), a_subject(), [a_span(1)], 0.0), (a_rule(CPU), late, [span], 0.0)]
    )
    assert first[0].reading == PodValues({pod_of("a"): 1.0, pod_of("b"): 1.0})
    assert second[0].reading == PodValues({pod_of("a", "77aa"): 2.0, pod_of("b", "77aa"): 2.0})
    assert [at for _, at in source.asked] == [15.02]
    assert first[0].query == 'cpu_seconds_total{namespace="production", pod=~"brand-5d8f-[a-z0-9]+"}[15001ms]'


def test_questions_of_other_namespaces_or_moments_go_out_alone() -> None:
    source = TsdbSource(a_store())
    elsewhere = a_subject("77aa", target=Target.parse("staging/deployment/brand"))
    all_at_once(
        source,
        [
            (a_rule(QUEUE), a_subject(), [a_span(1)], 0.0),
            (a_rule(QUEUE), elsewhere, [a_span(1)], 0.0),
            (a_rule(QUEUE), a_subject(), [a_span(2)], 0.0),
        ],
    )
    assert len(source.asked) == 3


def longest(source: TsdbSource) -> int:
    return max(len(query) for query, _ in source.asked)


def test_long_alternations_are_split() -> None:
    revisions = [f"{number:010d}" for number in range(1000)]
    source = TsdbSource(a_store(revisions[:2]))
    found = all_at_once(source, [(a_rule(CPU), a_subject(template), [a_span(1)], 0.0) for template in revisions])
    assert len(source.asked) == 2
    assert LONGEST_QUERY * 0.9 < longest(source) <= LONGEST_QUERY + 100
    assert isinstance(found[1][0].reading, PodValues)


def test_what_is_written_twice_and_the_namespaces_count_for_the_length() -> None:
    """VictoriaMetrics refuses a query of more than 16 KiB, whatever it consists of."""
    twice = GaugeMetric("share", f"max by (pod) (queue{{{PODS}}}) / max by (pod) (queue{{{PODS}}})")
    subjects = [
        a_subject(f"{number:010d}", target=Target.parse(f"a-namespace-with-a-long-name-{number:04}/deployment/brand"))
        for number in range(300)
    ]
    source = TsdbSource(Tsdb())
    all_at_once(source, [(a_rule(twice), subject, [a_span(1)], 0.0) for subject in subjects])
    assert longest(source) <= LONGEST_QUERY + 100
    source = TsdbSource(Tsdb())
    wide = GaugeMetric("queue", f"max by (namespace, pod) (queue{{{PODS}}})")
    all_at_once(source, [(a_rule(wide), subject, [a_span(1)], 0.0) for subject in subjects])
    assert len(source.asked) == 2
    assert longest(source) <= LONGEST_QUERY + 100


def named_and_others(named: int, others: int) -> TsdbSource:
    revisions = [f"rev{number}x" for number in range(named + others)]
    source = TsdbSource(a_store(revisions))
    known = [replace(a_subject(template, a=0, b=0), known_since=START) for template in revisions]
    subjects = [*known[:named], *(replace(subject, known_since=None) for subject in known[named:])]
    together = all_at_once(source, [(a_rule(CPU), subject, [a_span(1)], 0.0) for subject in subjects])
    alone = [all_at_once(TsdbSource(source.tsdb), [(a_rule(CPU), one, [a_span(1)], 0.0)])[0] for one in subjects]
    assert together == alone
    return source


def test_a_few_whose_names_are_not_known_do_not_spoil_the_others_names() -> None:
    source = named_and_others(6, 2)
    (named, _), (expressed, _) = sorted(source.asked, key=lambda one: "[" in one[0].split("pod=~")[1].split("}")[0])
    assert 'pod=~"brand-rev0x-a|brand-rev0x-b|brand-rev1x-a|' in named
    assert 'pod=~"(?:brand-rev6x-[a-z0-9]+|brand-rev7x-[a-z0-9]+)"' in expressed


def test_a_few_names_are_not_worth_a_query_of_their_own() -> None:
    [(query, _)] = named_and_others(2, 6).asked
    assert 'pod=~"(?:brand-rev0x-[a-z0-9]+|brand-rev1x-[a-z0-9]+|' in query


def test_where_two_ask_about_one_revision_and_one_does_not_know_its_names_both_get_all() -> None:
    source = TsdbSource(a_store())
    known = replace(a_subject("5d8f", a=0), known_since=START)
    more = replace(known, pods={**known.pods, pod_of("b"): START})
    rules = a_rule(LATENCY, Statistic.P95), a_rule(LATENCY, Statistic.P99)
    all_at_once(source, [(rules[0], known, [a_span(1)], 0.0), (rules[1], more, [a_span(1)], 0.0)])
    assert 'pod=~"brand-5d8f-a|brand-5d8f-b"' in source.asked[0][0]
    source = TsdbSource(a_store())
    all_at_once(source, [(rules[0], known, [a_span(1)], 0.0), (rules[1], a_subject(), [a_span(1)], 0.0)])
    assert 'pod=~"brand-5d8f-[a-z0-9]+"' in source.asked[0][0]


def refuses(*templates: str) -> "object":
    def fault(query: str) -> QueryFailed | None:
        if any(template in query for template in templates):
            return QueryFailed(FailureReason.REFUSED, "HTTP 422: found duplicate series", query)
        return None

    return fault


def test_one_refused_question_spoils_no_other() -> None:
    revisions = [f"rev{number}x" for number in range(8)]
    source = TsdbSource(a_store(revisions), fault=refuses("rev5x"))  # type: ignore[arg-type]
    found = all_at_once(source, [(a_rule(ERRORS), a_subject(template), [a_span(1)], 0.0) for template in revisions])
    failed = [number for number, [block] in enumerate(found) if isinstance(block.reading, QueryFailed)]
    assert failed == [5]
    assert all(isinstance(block.reading, Counts) for number, [block] in enumerate(found) if number != 5)
    # The whole, then a half each time.
    assert len(source.asked) == 1 + 2 + 2 + 2


def test_names_that_are_refused_are_given_up_for_the_expression_and_not_sent_again() -> None:
    def fault(query: str) -> QueryFailed | None:
        if len(query.split("pod=~")[1]) > 80:
            return QueryFailed(FailureReason.REFUSED, "HTTP 422: too long", query)
        return None

    source = TsdbSource(a_store(), fault=fault)
    subject = replace(a_subject("5d8f", **dict.fromkeys("abcdef", 0.0)), known_since=START)
    told: list[Eased] = []

    async def main() -> None:
        clock = SimulatedClock(START)
        sampler = Sampler(source, clock, eased=lambda _source, steps: told.append(steps))
        tracker = sampler.tracker(a_rule(CPU), subject)
        for index in (1, 2):
            [block] = await sampler.blocks(tracker, [a_span(index)])
            assert isinstance(block.reading, PodValues)
            assert block.reading.pods.keys() == {pod_of("a"), pod_of("b")}
        await sampler.close()

    run_simulated(main())
    assert ["[a-z0-9]+" in query for query, _ in source.asked] == [False, True, True]
    assert told == [{"names": "pods are named in at most 76 characters"}]


def test_where_everything_is_refused_asking_is_given_up_soon() -> None:
    revisions = [f"rev{number:03d}" for number in range(100)]
    source = TsdbSource(Tsdb(), fault=refuses("rev"))  # type: ignore[arg-type]
    found = all_at_once(source, [(a_rule(QUEUE), a_subject(template), [a_span(1)], 0.0) for template in revisions])
    assert all(isinstance(block.reading, QueryFailed) for [block] in found)
    assert len(source.asked) == 33


@pytest.mark.parametrize("reason", [FailureReason.TIMEOUT, FailureReason.UNAVAILABLE, FailureReason.PARTIAL])
def test_what_is_not_a_refusal_is_not_asked_again(reason: FailureReason) -> None:
    source = TsdbSource(Tsdb(), fault=lambda query: QueryFailed(reason, "no", query))
    found = all_at_once(source, [(a_rule(QUEUE), a_subject(template), [a_span(1)], 0.0) for template in TEMPLATES])
    assert [block.reading.reason for [block] in found if isinstance(block.reading, QueryFailed)] == [reason] * 3
    assert len(source.asked) == 1


def test_a_watch_that_ends_while_it_waits_takes_nothing_from_the_others() -> None:
    source = TsdbSource(a_store())

    async def main() -> None:
        clock = SimulatedClock(START)
        sampler = Sampler(source, clock)
        first, second = (
            asyncio.create_task(sampler.blocks(sampler.tracker(a_rule(CPU), a_subject(template)), [a_span(1)]))
            for template in TEMPLATES[:2]
        )
        await clock.sleep(17.02)
        first.cancel()
        [block] = await second
        assert isinstance(block.reading, PodValues)

    run_simulated(main())


# -- templates


@pytest.mark.parametrize(
    ("query", "apart"),
    [
        ('q{pod=~"{{ pods }}"}', True),
        ('max by (pod) (q{pod=~"{{ pods }}"})', True),
        ('sum without (container) (q{pod=~"{{ pods }}"}) * 100', True),
        ('q{pod=~"{{ pods }}"} / on (pod) l{pod=~"{{ pods }}"}', True),
        ('q{pod=~"{{ pods }}"} / l{pod=~"{{ pods }}"}', True),
        ('topk by (pod) (1, q{pod=~"{{ pods }}"})', True),
        ('-max_over_time(q{pod=~"{{ pods }}"}[5m:1m])', True),
        ('histogram_quantile(0.9, sum by (le, pod) (rate(b{pod=~"{{ pods }}"}[1m])))', True),
        ('label_replace(q{pod=~"{{ pods }}"}, "x", "$1", "y", "(.*)")', True),
        ("vector(1)", True),
        ('sum(q{pod=~"{{ pods }}"})', False),
        ('sum without (pod) (q{pod=~"{{ pods }}"})', False),
        ('topk(1, q{pod=~"{{ pods }}"})', False),
        ('quantile by (pod) (scalar(q{pod=~"{{ pods }}"}), q{pod=~"{{ pods }}"})', False),
        ('count_values by (pod) ("v", q{pod=~"{{ pods }}"})', False),
        ('q{pod=~"{{ pods }}"} / scalar(sum(q{pod=~"{{ pods }}"}))', False),
        ('q{pod=~"{{ pods }}"} / on (node) group_left () sum by (node) (q{pod=~"{{ pods }}"})', False),
        ('q{pod=~"{{ pods }}"} / on (node) c{pod=~"{{ pods }}"}', False),
        ('q{pod=~"{{ pods }}"} or vector(0)', False),
        ('absent(q{pod=~"{{ pods }}"})', False),
        ('label_replace(q{pod=~"{{ pods }}"}, "pod", "$1", "y", "(.*)")', False),
        ('q{pod="{{ pods }}"}', False),
        ('q{pod=~"{{ pods }}", exported_pod=~"{{ pods }}"}', False),
        ('q{pod=~"{{ pods }}\\\\z"}', False),
    ],
)
def test_questions_are_merged_only_where_each_pod_answers_for_itself(query: str, apart: bool) -> None:
    assert template_of(query).apart is apart


def test_variables_are_escaped_for_the_string_they_stand_in() -> None:
    template = 'a{x="{{ n }}", y=\'{{n}}\', z=`{{ n }}\\`, w="\\"{{ n }}"}'
    filled = fill(template, {"n": "q\"'`\\"})
    assert filled == 'a{x="q\\"\'`\\\\", y=\'q"\\\'`\\\\\', z=`q"\'\\\\`, w="\\"q\\"\'`\\\\"}'


def test_a_pod_may_stand_within_a_longer_value() -> None:
    template = template_of('q{instance=~"{{ pods }}:[0-9]+"}')
    assert template.belongs({"instance": "brand-1-x:80"}, "brand-1-[a-z]|other")
    assert not template.belongs({"instance": "brand-2-x:80"}, "brand-1-[a-z]|other")


def test_the_sums_of_a_histogram_are_found_by_its_name_as_the_parser_reads_it() -> None:
    assert sums_of('x_bucket{a="b", pod=~"{{ pods }}", le!="", c!~"\\"d"}') == (
        'x_sum{a="b", pod=~"{{ pods }}", c!~"\\"d"}'
    )
    assert sums_of('{__name__="x_bucket", pod=~"{{ pods }}"}') == 'x_sum{pod=~"{{ pods }}"}'
    assert sums_of('x{y="_bucket"}') is None
    assert sums_of("sum(x_bucket)") is None


def test_the_labels_a_template_matches_pods_with_name_the_pod() -> None:
    target = TARGET
    assert target == a_subject().target
    template = template_of('q{k8s_pod_name=~"{{ pods }}"}')
    assert template.pod_label({"k8s_pod_name": "x"}) == "k8s_pod_name"
    assert template.pod_label({"pod": "x"}) is None
