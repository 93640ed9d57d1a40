"""The small parts of a backtest, each by itself."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.backtest.history import RULES
from prometheus_client.parser import text_string_to_metric_families

from builders import a_watch, at
from watchdog.adapters.web.metrics import Metrics
from watchdog.domain.measurement import ProbeOutcome, Series
from watchdog.domain.record import record_of
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.state import Phase
from watchdog.replay.courses import Course, KnownPods, Mark, Serving
from watchdog.replay.entries import marks_of
from watchdog.replay.handwritten import read_list
from watchdog.replay.intervals import clopper_pearson, quantile
from watchdog.replay.labels import label_of
from watchdog.replay.listed import courses_of
from watchdog.replay.probes import FAILING_SINCE, FAILURES, ROUND, _rounds
from watchdog.replay.quiet_windows import placebos
from watchdog.replay.recorded import of_records
from watchdog.replay.report import Label
from watchdog.rulebook import read_rules

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TARGET = Target.parse("production/deployment/research")
GUARD = read_rules(RULES).guards[0]
NOW = AT + timedelta(days=30)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # The tables of Clopper and Pearson's intervals, as scipy.stats.beta gives them.
        (0, 10, 0.0, 0.30849710782),
        (1, 10, 0.00252857854, 0.44501611703),
        (5, 10, 0.18708602845, 0.81291397155),
        (10, 10, 0.69150289218, 1.0),
        (3, 100, 0.00622997154, 0.08517605297),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_exact_interval_of_a_share(hits: int, trials: int, low: float, high: float) -> None:
    found = clopper_pearson(hits, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-8)


def test_more_hits_than_trials_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        clopper_pearson(3, 2)


def test_quantiles_lie_between_neighbours() -> None:
    assert quantile([], 0.5) is None
    assert quantile([10.0, 20.0], 0.5) == 15.0
    assert quantile([3.0, 1.0, 2.0], 0.9) == pytest.approx(2.8)


def a_course(*stretches: tuple[str, float]) -> Course:
    """What served the target: templates, and the hours at which each began."""
    served = [Serving(Revision("research", template), AT + timedelta(hours=hours)) for template, hours in stretches]
    return Course(TARGET, {}, tuple(served))


@pytest.mark.parametrize(
    ("course", "label", "source"),
    [
        (a_course(("a", 0), ("b", 10), ("a", 10.5)), Label.BAD, "rolled back within the hour"),
        (a_course(("a", 0), ("b", 10), ("a", 11.5)), Label.GOOD, "not rolled back within the hour"),
        (a_course(("a", 0), ("b", 10), ("c", 10.5)), Label.UNKNOWN, "replaced within the hour"),
        (a_course(("a", 0), ("b", 10)), Label.GOOD, "not rolled back within the hour"),
        (a_course(("a", 0), ("b", 23.5)), Label.UNKNOWN, "too recent"),
    ],
)
def test_a_release_is_labelled_by_what_became_of_it(course: Course, label: Label, source: str) -> None:
    assert label_of(course, 1, (), AT + timedelta(hours=24)) == (label, source)


def test_a_mark_is_of_the_switch_and_not_of_its_put_back_two_minutes_later() -> None:
    course = a_course(("a", 0), ("b", 10), ("a", 10 + 2 / 60))
    marks = (Mark(TARGET, AT + timedelta(hours=10), Label.BAD, "label file"),)
    now = AT + timedelta(hours=24)
    assert label_of(course, 1, marks, now) == (Label.BAD, "label file")
    assert label_of(course, 2, marks, now)[0] is Label.GOOD


def test_quiet_windows_stay_clear_of_switches_and_of_what_was_bad() -> None:
    course = a_course(("a", -100), ("b", 10), ("a", 10.9), ("c", 30))
    since, now = AT, AT + timedelta(hours=48)
    chosen = [*placebos(course, GUARD, (), since, now, count=12, seed=0)]
    moments = [one.case.switch.at for one in chosen]
    assert len(moments) > 6
    for switch in (10.0, 10.9, 30.0):
        at = AT + timedelta(hours=switch)
        assert all(moment + GUARD.bake <= at or moment - GUARD.baseline >= at for moment in moments)
    bad = AT + timedelta(hours=10), AT + timedelta(hours=10.9)
    assert not any(bad[0] <= moment < bad[1] + GUARD.baseline for moment in moments)
    assert moments == [one.case.switch.at for one in placebos(course, GUARD, (), since, now, count=12, seed=0)]
    assert moments != [one.case.switch.at for one in placebos(course, GUARD, (), since, now, count=12, seed=1)]


@pytest.mark.parametrize("minutes", [1, 20, 720, 1420, 1439])
def test_as_many_quiet_windows_are_found_at_midnight_as_at_noon(minutes: int) -> None:
    midnight = AT.replace(hour=0, minute=0)
    now = midnight + timedelta(days=3, minutes=minutes)
    chosen = [*placebos(a_course(("a", -100)), GUARD, (), now - timedelta(days=1), now, count=10, seed=0)]
    assert len(chosen) == 10


def test_switches_of_a_service_come_from_a_list() -> None:
    text = """
[[switches]]
target = "production/service/gateway"
at = 2026-03-02T10:00:00Z
candidate = "gateway-green-6d5f8b9c7d"
previous = "gateway-blue-7d9f8b6c4d"
label = "bad"
"""
    (course,) = courses_of(read_list(text, "list.toml", now=NOW).entries, KnownPods(), kube_state=True)
    assert [str(one.revision) for one in course.stretches] == ["gateway-blue-7d9f8b6c4d", "gateway-green-6d5f8b9c7d"]
    assert course.stretches[1].since == AT
    assert label_of(course, 1, (), AT + timedelta(hours=5)) == (Label.BAD, "label file")


def test_switches_come_from_the_replicasets_that_kubectl_lists() -> None:
    text = """{"kind": "List", "items": [{"metadata": {"namespace": "production",
    "creationTimestamp": "2026-03-02T10:00:00Z", "labels": {"pod-template-hash": "7d9f8b6c4d"},
    "ownerReferences": [{"kind": "Deployment", "name": "research"}]}}]}"""
    (entry,) = read_list(text, "rs.json", now=NOW).entries
    assert (entry.target, entry.at, entry.candidate) == (TARGET, AT, Revision("research", "7d9f8b6c4d"))


@pytest.mark.parametrize("printed", [True, False])
@pytest.mark.parametrize(
    ("outcome", "mark", "label", "source"),
    [
        ("rolled-back", None, Label.BAD, "rolled back by the watchdog"),
        ("rolled-back", "false-alarm", Label.GOOD, "marked by a person"),
        ("held", "false-alarm", Label.GOOD, "marked by a person"),
        ("passed", "missed", Label.BAD, "marked by a person"),
        ("passed", None, None, ""),
        ("held", None, None, ""),
    ],
)
def test_what_a_person_marked_comes_before_what_the_watchdog_did(
    printed: bool, outcome: str, mark: str | None, label: Label | None, source: str
) -> None:
    watch = replace(a_watch(), phase=Phase(outcome), ended_at=at(700), acted_at=at(60))
    record = record_of(watch)
    if mark is not None:
        record["mark"] = {"what": mark, "by": "ana", "reason": "why", "at": at(900).isoformat()}
    if printed:  # as `history -o json` prints it, and `--label` takes it
        text = json.dumps({name: value for name, value in record.items() if name != "state"})
        (entry,) = read_list(text, "history.json", label="bad", now=NOW).entries
    else:
        (entry,) = of_records([record]).entries
        assert (entry.back_at is not None) is (outcome == "rolled-back"), "what was done is as it was"
    assert (entry.label, entry.source) == (label, "records")
    assert [(one.label, one.source) for one in marks_of([entry])] == ([] if label is None else [(label, source)])


def told(
    failures: list[tuple[float, float]], since: list[tuple[float, float]], rounds: list[tuple[float, float]]
) -> list[Series]:
    labels = {"target": str(TARGET), "rule": "health"}
    return [
        Series({"__name__": FAILURES, "pod": "a", **labels}, tuple(failures)),
        Series({"__name__": FAILING_SINCE, "pod": "a", **labels}, tuple(since)),
        Series({"__name__": ROUND, **labels}, tuple(rounds)),
    ]


def test_rounds_between_two_scrapes_are_made_again_of_where_the_row_of_failures_began() -> None:
    found = _rounds(told([(15, 0), (30, 3), (45, 6)], [(15, 0), (30, 18), (45, 18)], [(15, 13), (30, 28), (45, 43)]))
    moments = [(one.at.timestamp(), one.candidate[0].outcome) for one in found]
    assert moments == [
        (13.0, ProbeOutcome.EXPECTED),
        *((at, ProbeOutcome.WRONG_STATUS) for at in (18.0, 23.0, 28.0, 33.0, 38.0, 43.0)),
    ]


def test_a_round_that_was_scraped_twice_counts_once() -> None:
    found = _rounds(told([(15, 1), (30, 1)], [(15, 10), (30, 10)], [(15, 10), (30, 10)]))
    assert [one.at.timestamp() for one in found] == [10.0]


def test_probes_are_exported_per_pod_and_go_with_the_pod_and_the_watch() -> None:
    metrics = Metrics()
    metrics.probed("t", "health", 30.0, {"a": (3, 18.0), "b": (0, 0.0)})
    metrics.probed("t", "health", 35.0, {"a": (4, 18.0)})

    def value(name: str, labels: dict[str, str]) -> float | None:
        families = text_string_to_metric_families(b"".join(metrics.text()).decode())
        samples = [one for family in families for one in family.samples]
        return next((one.value for one in samples if (one.name, one.labels) == (name, labels)), None)

    labels = {"target": "t", "rule": "health", "pod": "a"}
    assert value(FAILURES, labels) == 4.0
    assert value(FAILING_SINCE, labels) == 18.0
    assert value(ROUND, {"target": "t", "rule": "health"}) == 35.0
    assert value(FAILURES, {**labels, "pod": "b"}) is None
    metrics.forget("t")
    assert "watchdog_probe_failures{" not in b"".join(metrics.text()).decode()
    metrics.probed("t", "health", 40.0, {"b": (0, 0.0)})
    assert value(FAILURES, {**labels, "pod": "b"}) == 0.0
