"""Targets, selectors, revisions, guards: the words of the domain."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    NEW,
    a_flip_switch,
    a_guard,
    a_latency,
    a_probe,
    a_ratio,
    a_revision,
    a_rule,
    a_switch,
    a_target,
    a_watch,
    at,
)
from watchdog.domain.channels import DEFAULT_TOPICS, Topic
from watchdog.domain.conditions import (
    Dimension,
    GaugeMetric,
    HistogramMetric,
    Op,
    RateMetric,
    RatioMetric,
    Statistic,
    Unit,
)
from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import Action, Rulebook
from watchdog.domain.selectors import LabelSelector, Requirement, SelectorOp
from watchdog.domain.state import watch_id


@pytest.mark.parametrize("text", ["production/deployment/gateway", "a-1/service/x.y-z"])
def test_a_target_is_written_as_it_is_read(text: str) -> None:
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize("text", ["", "gateway", "a/pod/b", "a/deployment/", "A/deployment/b", "a/deployment/b/c"])
def test_what_is_no_target_is_told_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"write namespace/kind/name, of kind deployment, service, .* or ingress"):
        Target.parse(text)


@pytest.mark.parametrize(
    ("op", "labels", "matches"),
    [
        (SelectorOp.IN, {"a": "x"}, True),
        (SelectorOp.IN, {"a": "z"}, False),
        (SelectorOp.IN, {}, False),
        (SelectorOp.NOT_IN, {"a": "x"}, False),
        (SelectorOp.NOT_IN, {"a": "z"}, True),
        (SelectorOp.NOT_IN, {}, True),
        (SelectorOp.EXISTS, {"a": ""}, True),
        (SelectorOp.EXISTS, {}, False),
        (SelectorOp.ABSENT, {"a": ""}, False),
        (SelectorOp.ABSENT, {}, True),
    ],
)
def test_selectors_match_as_kubernetes_does(op: SelectorOp, labels: dict[str, str], matches: bool) -> None:
    one = Requirement("a", op, frozenset("xy"))
    assert one.matches(labels) is matches
    assert LabelSelector("text", (one, Requirement("b", SelectorOp.ABSENT))).matches(labels) is matches


def test_a_revision_is_its_workload_and_template_and_no_number() -> None:
    assert a_revision("x", number=1) == a_revision("x", number=2, tag="other")
    assert a_revision("x") != a_revision("x", workload="other")
    assert str(a_revision("x", tag="1.2")) == "research-x (research:1.2)"
    assert str(a_revision("x")) == "research-x"


def test_the_pattern_of_a_revisions_pods_takes_dots_as_dots() -> None:
    assert a_revision("x9", workload="a.b").pods_pattern == "a[.]b-x9-[a-z0-9]+"


def test_a_watch_has_the_same_name_whenever_its_switch_is_seen() -> None:
    assert watch_id(a_switch()) == watch_id(a_switch(by="someone", previous=None))
    assert watch_id(a_switch()) != watch_id(a_switch(when=1))
    assert watch_id(a_switch()) != watch_id(a_switch(candidate=a_revision("other")))
    assert watch_id(a_switch()) != watch_id(a_flip_switch())
    assert watch_id(a_switch()).startswith("research-20260302t120000-")


@given(st.from_regex(r"[a-z]([-a-z0-9.]{0,100}[a-z0-9])?", fullmatch=True))
def test_a_watchs_name_is_fit_for_a_configmap(name: str) -> None:
    found = watch_id(a_switch(target=a_target(name)))
    assert len(found) <= 70
    assert found[0].isalnum()
    assert found[-1].isalnum()
    assert "." not in found


def test_a_guard_covers_what_it_names_and_what_its_selector_matches_in_its_namespaces() -> None:
    selector = LabelSelector("app=x", (Requirement("app", SelectorOp.IN, frozenset("x")),))
    by_label = a_guard(targets=(), selector=selector)
    assert by_label.covers(a_target("any"), {"app": "x"})
    assert not by_label.covers(a_target("any"), {"app": "y"})
    assert not by_label.covers(Target("staging", TargetKind.DEPLOYMENT, "any"), {"app": "x"})
    by_name = a_guard(name="other")
    assert by_name.covers(a_target(), {})
    assert not by_name.covers(a_target("any"), {})
    book = Rulebook((by_label, by_name))
    assert book.guard_of(a_target(), {"app": "x"}) is by_label
    assert len(book.guards_of(a_target(), {"app": "x"})) == 2
    assert book.guard_of(a_target("any"), {}) is None
    assert book.guard("other") is by_name
    assert book.guard("none") is None
    assert book.namespaces == {"production"}


@pytest.mark.parametrize(
    ("guard", "rule", "expected"),
    [
        (Action.ROLLBACK, None, Action.ROLLBACK),
        (Action.ROLLBACK, Action.NOTIFY, Action.NOTIFY),
        (Action.ROLLBACK, Action.ROLLBACK, Action.ROLLBACK),
        (Action.NOTIFY, None, Action.NOTIFY),
        (Action.ABORT, None, Action.ABORT),
        (Action.ABORT, Action.ROLLBACK, Action.ABORT),
        (Action.ABORT, Action.NOTIFY, Action.NOTIFY),
        (Action.NOTIFY, Action.ROLLBACK, Action.NOTIFY),
    ],
)
def test_a_rule_never_does_more_than_its_guard_allows(guard: Action, rule: Action | None, expected: Action) -> None:
    assert a_guard(action=guard).action_of(a_rule(action=rule)) is expected


def test_units_metrics_and_statistics_are_in_base_units() -> None:
    assert [Unit(text).scale for text in ("", "%", "m", "ms", "s", "KiB", "MiB", "GiB")] == [
        1.0, 0.01, 0.001, 0.001, 1.0, 2.0**10, 2.0**20, 2.0**30,
    ]  # fmt: skip
    assert RatioMetric("x", "b", "t").dimension is Dimension.RATIO
    assert HistogramMetric("x", "b").dimension is Dimension.SECONDS
    assert RateMetric("x", "c").dimension is Dimension.PLAIN
    assert GaugeMetric("x", "q").dimension is Dimension.PLAIN
    assert [one.quantile for one in Statistic] == [None, 0.5, 0.95, 0.99, None]
    assert [op.upward for op in Op] == [True, True, False, False]
    assert a_latency("2x").needs_baseline
    assert not a_ratio(0.05).needs_baseline


@pytest.mark.parametrize("op", list(Op))
def test_a_number_that_is_none_breaks_no_limit(op: Op) -> None:
    assert not op.holds(float("nan"), 1.0)
    assert not op.holds(1.0, float("nan"))


def test_a_probe_expects_what_its_ranges_hold() -> None:
    assert [a_probe().expects(status) for status in (199, 200, 302, 399, 400, 500)] == [
        False, True, True, True, False, False,
    ]  # fmt: skip
    assert a_probe(expect=((204, 204), (301, 301))).expects(301)


def test_channels_hear_all_but_the_quiet_topics_by_default() -> None:
    assert frozenset(Topic) - DEFAULT_TOPICS == {Topic.SWITCH, Topic.PASSED, Topic.SUPERSEDED}


def test_the_grid_of_a_watch_begins_at_its_switch() -> None:
    watch = a_watch()
    assert watch.block_end(0) == at(0)
    assert watch.block_end(4) == at(60)
    assert watch.patience == at(0) + timedelta(minutes=20)
    assert watch.track("unknown") is None
    assert watch.switch.candidate == NEW
