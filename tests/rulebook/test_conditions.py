"""The condition grammar, and what a condition means over its metric."""

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rulebook.texts import a_rule, a_text, the_rule
from watchdog.domain.conditions import AboveBaseline, Absolute, Op, Statistic, Threshold, TimesBaseline, Unit
from watchdog.rulebook.conditions import STATISTICS, Condition, Form, parse_condition
from watchdog.rulebook.mistakes import Fault

NUMBERS = st.decimals(0, 10**6, places=3, allow_nan=False).map(lambda number: number.normalize() + 0)
FORMS = st.sampled_from([Form.ABSOLUTE, Form.PLUS_BASELINE, Form.MINUS_BASELINE])
MEASURES = st.tuples(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True), st.sampled_from(Statistic))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    metric, statistic = draw(MEASURES)
    form, unit = draw(
        st.one_of(
            st.tuples(FORMS, st.sampled_from(Unit)),
            st.just((Form.TIMES_BASELINE, Unit.NONE)),
            st.just((Form.SHARE_OF_LIMIT, Unit.PERCENT)),
        )
    )
    return Condition(metric, statistic, draw(st.sampled_from(Op)), form, draw(NUMBERS), unit)


@given(conditions())
def test_a_condition_survives_being_written_and_read(condition: Condition) -> None:
    assert parse_condition(str(condition)) == condition


@given(conditions())
def test_blanks_between_words_change_nothing(condition: Condition) -> None:
    spread = "  ".join(str(condition).replace("(", " ( ").replace(")", " )").split())
    assert parse_condition(f" {spread}\n") == condition


@given(st.text(st.sampled_from("abp95x()<>= %msKiBaseline+-0. ") | st.characters(codec="utf-8")))
def test_any_other_text_is_a_fault_with_its_place_in_it(text: str) -> None:
    fault = None
    try:
        parse_condition(text)
    except Fault as error:
        fault = error
    if fault is not None:
        assert 0 <= fault.index <= len(text)
        assert fault.message
        assert fault.remedy


def test_every_statistic_of_the_domain_is_known() -> None:
    assert {*STATISTICS, Statistic.VALUE} == set(Statistic)


@pytest.mark.parametrize(
    ("when", "statistic", "op", "limit"),
    [
        ("http_error_rate > 7%", Statistic.VALUE, Op.ABOVE, Absolute(0.07)),
        ("http_error_rate >= 100 %", Statistic.VALUE, Op.AT_LEAST, Absolute(1.0)),
        ("http_error_rate > baseline + 2%", Statistic.VALUE, Op.ABOVE, AboveBaseline(0.02)),
        ("p95(http_latency) > 2x baseline", Statistic.P95, Op.ABOVE, TimesBaseline(2.0)),
        ("p99(http_latency) > 300ms", Statistic.P99, Op.ABOVE, Absolute(0.3)),
        ("avg(http_latency) > baseline + 1.5s", Statistic.MEAN, Op.ABOVE, AboveBaseline(1.5)),
        ("p50( http_latency )<0.5x baseline", Statistic.P50, Op.BELOW, TimesBaseline(0.5)),
        ("memory <= baseline - 64MiB", Statistic.VALUE, Op.AT_MOST, AboveBaseline(-64 * 2.0**20)),
        ("memory > 1.5GiB", Statistic.VALUE, Op.ABOVE, Absolute(1.5 * 2**30)),
        ("memory > 1KiB", Statistic.VALUE, Op.ABOVE, Absolute(1024.0)),
        ("cpu > 1500m", Statistic.VALUE, Op.ABOVE, Absolute(1.5)),
        ("cpu > 1.5", Statistic.VALUE, Op.ABOVE, Absolute(1.5)),
    ],
)
def test_a_condition_means_its_limit_in_base_units(when: str, statistic: Statistic, op: Op, limit: object) -> None:
    check = the_rule(a_text(rule=a_rule(f'when = "{when}"'))).check
    assert isinstance(check, Threshold)
    assert (check.statistic, check.op, check.limit, check.text) == (statistic, op, limit, when)


def fault_of(text: str) -> tuple[int, str, str]:
    with pytest.raises(Fault) as error:
        parse_condition(text)
    return error.value.index, error.value.message, error.value.remedy


@pytest.mark.parametrize(
    ("text", "index", "remedy"),
    [
        ("> 5%", 0, "write MEASURE OP LIMIT"),
        ("p95 > ", 6, "write a number with its unit"),
        ("p95(", 4, 'write "p95(METRIC)"'),
        ("p95(x > 5", 6, 'write "p95(x)"'),
        ("percentile(x) > 5", 0, "known are p50, p95, p99, avg"),
        ("x =< 5", 2, "write <="),
        ("x > 5 s", 6, 'write "5s"'),
        ("x > 5 MB", 6, "write MEASURE OP LIMIT"),
        ("x > 5mib", 5, 'did you mean "5MiB"?'),
        ("x > 5qqqqq", 5, "known are %, m, ms, s, KiB, MiB, GiB, x, or none"),
        ("x > baseline", 12, 'write "2x baseline" or'),
        ("x > baseline + ", 15, "write a number with its unit"),
        ("x > baseline + 2x baseline", 16, "known are %, m, ms, s, KiB, MiB, GiB, or none"),
        ("x > 2x limit", 7, 'write "2x baseline"'),
        ("x > 2x", 6, 'write "2x baseline"'),
        ("x > total", 4, "write a number with its unit"),
        ("x > 123456789012345678901", 4, "write 20 digits at most"),
        ("x > 5 or y > 5", 6, "write one rule for each condition"),
        ("x > 5 # well", 6, "write MEASURE OP LIMIT"),
    ],
)
def test_a_fault_names_its_token_and_what_would_be_right(text: str, index: int, remedy: str) -> None:
    at, _, said = fault_of(text)
    assert (at, said[: len(remedy)]) == (index, remedy)


def test_numbers_are_read_exactly() -> None:
    assert parse_condition("x > 0.10").number == Decimal("0.10")
    assert parse_condition("x > -5").number == Decimal(-5)


def test_a_plain_gauge_may_have_a_negative_limit_and_a_ratio_not() -> None:
    gauge = """
[metrics.headroom]
kind  = "gauge"
query = 'min by (pod) (headroom{pod=~"{{ pods }}"})'
"""
    check = the_rule(a_text(rule=a_rule('when = "headroom < -5"'), rest=gauge)).check
    assert isinstance(check, Threshold)
    assert check.limit == Absolute(-5.0)
