"""Gauges of which there are many: the text is the library's own, in pieces of a few hundred lines."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from watchdog.adapters.web.metrics import Metrics
from watchdog.adapters.web.series import Numbers, States

LABELS = ("target", "rule")
texts = st.text(max_size=8) | st.sampled_from(['a"b', "a\\b", "a\nb", "{}", "ü"])
floats = st.floats() | st.sampled_from([0.0, 1.0, 1.7e9, 12345678.5, 1e-9])


@given(st.dictionaries(st.tuples(texts, texts), floats, max_size=6))
def test_the_text_is_that_of_the_library(values: dict[tuple[str, str], float]) -> None:
    registry, numbers = CollectorRegistry(), Numbers("watchdog_rule_value", "What it is.", LABELS)
    gauge = Gauge("watchdog_rule_value", "What it is.", LABELS, registry=registry)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
        numbers[labels] = value
    assert b"".join(numbers.parts()) == generate_latest(registry)


def test_of_all_states_the_present_one_is_1() -> None:
    states = States("watchdog_rule_verdict", "What is said.", LABELS, "verdict", ["pass", "breach"])
    states["a", "b"] = "pass"
    states["a", "b"] = "breach"
    lines = b"".join(states.parts()).decode().splitlines()[2:]
    assert lines == [
        'watchdog_rule_verdict{rule="b",target="a",verdict="pass"} 0.0',
        'watchdog_rule_verdict{rule="b",target="a",verdict="breach"} 1.0',
    ]


def test_what_changes_while_it_is_written_harms_nothing() -> None:
    numbers = Numbers("n", "Some.", ("target",))
    for number in range(1000):
        numbers[(str(number),)] = number
    parts = numbers.parts()
    written = [next(parts), next(parts)]
    for number in range(500, 1000):
        numbers.remove(str(number))
    numbers[("new",)] = 1
    written += parts
    told = b"".join(written).decode().splitlines()[2:]
    assert told == [f'n{{target="{number}"}} {float(number)}' for number in range(500)]


def test_no_piece_of_a_page_of_many_watches_is_longer_than_a_thousand_lines() -> None:
    metrics = Metrics()
    for number in range(500):
        target = f"production/deployment/service-{number}"
        for rule in ("error-rate", "latency", "cpu", "memory", "health", "crash"):
            metrics.rule_value(target, rule, 0.1)
            metrics.rule_verdict(target, rule, "pass")
    pieces = [part.count(b"\n") for part in metrics.text()]
    assert sum(pieces) > 15_000
    assert max(pieces) <= 1000
