"""Queries: what is parsed offline, where a fault is placed, and matchers that are written into templates."""

import promql_parser
import pytest

from watchdog.rulebook.mistakes import Fault
from watchdog.rulebook.promql import parse, parse_buckets, parse_counter, parse_gauge, with_matchers
from watchdog.rulebook.promql_text import selectors, stand_in

POD = 'pod=~"{{ pods }}"'


@pytest.mark.parametrize(
    ("template", "index", "message"),
    [
        ("", 0, "no PromQL: no expression found in input"),
        ("foo{", 3, "no PromQL: unexpected end of input inside braces"),
        ("foo)", 3, "no PromQL"),
        ("foo(]", 4, "no PromQL"),
        ('foo{a="b}', 6, "no PromQL: unterminated quoted string"),
        ("sum(rate(foo))", 4, "no PromQL: expected type matrix in call to function 'rate'"),
        ('foo{a=~"("}', 8, "no PromQL: illegal regex"),
        ("foo bar", 4, "no PromQL: invalid promql query"),
        ("+ *", 0, "no PromQL: invalid promql query"),
        ('foo{a="b" or c="d"}', 9, 'no PromQL: "or" stands between matchers'),
        ('foo{a="{{ pods }"}', 7, "a placeholder is not closed"),
        ("(" * 60 + "x" + ")" * 60, 50, "the query is nested too deeply"),
        ("x" + "+x" * 101, 201, "the query has more than 100 operators"),
        ("x" * 5000, 0, "the query is longer than 4000 characters"),
        ('x{a="{{ }}"}', 5, "{{  }} is no variable of a query"),
    ],
)
def test_a_fault_of_a_query_has_its_place(template: str, index: int, message: str) -> None:
    with pytest.raises(Fault) as error:
        parse(template)
    assert (error.value.index, error.value.message[: len(message)]) == (index, message)


@pytest.mark.parametrize(
    "template",
    [
        f"rate(x{{{POD}}}[5m])",
        f"sum(x{{{POD}}})",
        f"x{{{POD}}}[5m]",
        f"x{{{POD}}} offset 5m",
        f"x{{{POD}}} @ 10",
        f"x{{{POD}}} / 2",
        "5",
        'x{namespace="{{ namespace }}"}',
    ],
)
def test_only_a_bare_selector_that_names_the_revision_is_a_counter(template: str) -> None:
    with pytest.raises(Fault):
        parse_counter(template)


def test_a_counter_may_have_blanks_comments_and_a_quoted_name() -> None:
    parse_counter(f"  x{{\n {POD} }} # the jobs")
    parse_buckets(f'{{"x_bucket", {POD}}}')


@pytest.mark.parametrize("template", ["x[5m]", "rate(x[5m])[10m:1m]", '"text"'])
def test_a_gauge_answers_one_value_now(template: str) -> None:
    with pytest.raises(Fault):
        parse_gauge(template)


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("x", 'x{cluster="eu"}'),
        ("x{}", 'x{cluster="eu"}'),
        ('x{a="b"}', 'x{cluster="eu", a="b"}'),
        ('x{a="b",}[5m]', 'x{cluster="eu", a="b",}[5m]'),
        ('{"x.y", a=~"{{ pods }}"}', '{cluster="eu", "x.y", a=~"{{ pods }}"}'),
        ("sum by (pod, x) (x) / on (x) y", 'sum by (pod, x) (x{cluster="eu"}) / on (x) y{cluster="eu"}'),
        (
            "x * on (x) group_left (y) sum(y) by (p)",
            'x{cluster="eu"} * on (x) group_left (y) sum(y{cluster="eu"}) by (p)',
        ),
        ("x offset 5m", 'x{cluster="eu"} offset 5m'),
        (
            "x > bool y and z unless w * Inf",
            'x{cluster="eu"} > bool y{cluster="eu"} and z{cluster="eu"} unless w{cluster="eu"} * Inf',
        ),
        (
            'label_replace(x, "a{", "$1", \'b\', "(.*)") # x{',
            'label_replace(x{cluster="eu"}, "a{", "$1", \'b\', "(.*)") # x{',
        ),
        (
            "max_over_time(rate(x[5m])[10m:1m]) + vector(1) * 2e3",
            'max_over_time(rate(x{cluster="eu"}[5m])[10m:1m]) + vector(1) * 2e3',
        ),
        (
            "histogram_quantile(.9, sum without (pod) (rate(x:y[5m])))",
            'histogram_quantile(.9, sum without (pod) (rate(x:y{cluster="eu"}[5m])))',
        ),
        ("x @ start() + sum{}", 'x{cluster="eu"} @ start() + sum{cluster="eu"}'),
    ],
)
def test_matchers_come_into_every_selector_and_nowhere_else(template: str, written: str) -> None:
    assert with_matchers(template, {"cluster": "eu"}) == written
    assert with_matchers(template, {}) == template


def test_a_matchers_value_is_quoted() -> None:
    (selector,) = selectors(with_matchers("x", {"a": 'b"\\\nc'}))
    assert list(selector.labels) == ["a"]
    expression = promql_parser.parse(stand_in(with_matchers("x", {"a": 'b"\\\nc'})))
    assert isinstance(expression, promql_parser.VectorSelector)
    assert [matcher.value for matcher in expression.matchers.matchers] == ['b"\\\nc']


def test_matchers_that_cannot_be_written_in_are_a_fault_not_a_wrong_query() -> None:
    with pytest.raises(Fault, match="cannot be added"):
        with_matchers("by", {"cluster": "eu"})


def test_a_label_that_is_matched_already_is_a_fault_at_the_label() -> None:
    with pytest.raises(Fault) as error:
        with_matchers('x + y{"cluster"="us"}', {"cluster": "eu"})
    assert error.value.index == 6
