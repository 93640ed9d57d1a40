"""What was taken back and released once more, by whomever: each release is a switch, after what its own line names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.backtest.history import RULES

from watchdog.domain.rollout import Revision, Target, TargetKind, WeightStep
from watchdog.replay.cases import past_of
from watchdog.replay.courses import Course, KnownPods, Serving
from watchdog.replay.entries import Entry, marks_of
from watchdog.replay.guarding import unnoticed
from watchdog.replay.labels import label_of
from watchdog.replay.listed import courses_of
from watchdog.replay.report import Label
from watchdog.rulebook import read_rules

BEGIN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NOW = BEGIN + timedelta(days=1)
GUARD = read_rules(RULES).guards[0]
BLUE, GREEN = Revision("gateway-blue", "7d9f8b6c4d"), Revision("gateway-green", "6d5f8b9c7d")
FIX = Revision("gateway-green", "c0ffee")


def after(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def test_a_canary_that_was_taken_back_in_the_midst_of_its_bake_leaves_nothing_to_the_next_candidate() -> None:
    target = Target("production", TargetKind.HTTPROUTE, "gateway")
    first = Entry(target, after(0), GREEN, BLUE, part=0.05, superseded=after(4), back_to=BLUE, back_at=after(4))
    second = Entry(target, after(9), FIX, BLUE, part=0.25)
    (course,) = courses_of([first, second], KnownPods(), kube_state=True)
    found = [*past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases]
    assert [(one.case.switch.candidate, one.case.switch.at) for one in found] == [(GREEN, after(0)), (FIX, after(9))]
    assert (found[0].label, found[0].source) == (Label.BAD, "rolled back within the hour")


@pytest.mark.parametrize("source", ["records", "list"])
@pytest.mark.parametrize("part", [0.05, 0.5])
def test_what_an_entry_names_as_previous_served_before_it_though_nothing_tells_of_the_way_back(
    source: str, part: float
) -> None:
    """A person took the last canary's weight back once it had passed: that is in no record."""
    target = Target("production", TargetKind.HTTPROUTE, "gateway")
    steps = tuple(WeightStep(after(minutes), share, "gateway", "") for minutes, share in ((21, 0.6), (22, 0.7)))
    first = Entry(target, after(0), GREEN, BLUE, part=0.25, source=source)
    second = Entry(target, after(20), FIX, BLUE, part=part, steps=steps, source=source)
    (course,) = courses_of([first, second], KnownPods(), kube_state=True)
    one, two = (each.case for each in past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases)
    assert (one.switch.candidate, one.switch.at) == (GREEN, after(0))
    assert (two.switch.candidate, two.switch.previous, two.switch.at, two.switch.part) == (FIX, BLUE, after(20), part)
    assert [step.step.at for step in two.steps] == [after(21), after(22)]
    assert {case.stable.revision if case.stable else None for case in (one, two)} == {BLUE}


def test_of_one_candidate_more_is_a_step_and_no_more_than_it_had_is_another_release() -> None:
    target = Target("production", TargetKind.HTTPROUTE, "gateway")
    first = Entry(target, after(0), GREEN, BLUE, part=0.25)

    def began(part: float) -> list[tuple[datetime, bool]]:
        again = Entry(target, after(5), GREEN, BLUE, part=part)
        (course,) = courses_of([first, again], KnownPods(), kube_state=True)
        found = (one.case for one in past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases)
        return [(one.switch.at, bool(one.steps)) for one in found]

    assert began(0.5) == [(after(0), True)]
    assert began(0.25) == [(after(0), False), (after(5), False)]


def test_what_was_there_before_without_any_entry_is_what_the_next_one_goes_back_to() -> None:
    unseen, newest = Revision("research", "bbbb"), Revision("research", "cccc")
    target = Target("production", TargetKind.DEPLOYMENT, "research")
    first = Entry(target, after(0), Revision("research", "aaaa"), Revision("research", "0000"), source="list")
    second = Entry(target, after(300), newest, unseen, source="list")
    (course,) = courses_of([first, second], KnownPods(), kube_state=True)
    one, two = past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases
    assert (one.label, one.source) == (Label.UNKNOWN, "replaced at a moment that nothing tells")
    assert two.case.switch.previous == unseen
    assert two.case.stable is not None
    assert two.case.stable.revision == unseen


def test_a_release_that_was_taken_back_and_made_once_more_is_a_switch_each_time_it_was_made() -> None:
    target = Target("production", TargetKind.DEPLOYMENT, "brand")
    old, new = Revision("brand", "1800"), Revision("brand", "1900")
    entries = [
        Entry(target, after(0), new, old, source="records", passed=after(2)),
        Entry(target, after(3), old, new, source="records", passed=after(5)),
        Entry(target, after(6), new, old, source="records", passed=after(8)),
    ]
    (course,) = courses_of(entries, KnownPods(), kube_state=True)
    found = [*past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases]
    told = [
        (one.case.switch.at, one.label, one.case.stable.revision if one.case.stable else None, one.case.notify_only)
        for one in found
    ]
    said = [(at, label, stable) for at, label, stable, _ in told]
    assert said == [
        (after(0), Label.BAD, old),
        (after(3), Label.UNKNOWN, new),  # a person's undo, which came to be undone
        (after(6), Label.GOOD, old),
    ]
    assert told[2][3].startswith("a return to a revision that passed at ")  # as live held it


@pytest.mark.parametrize("source", ["records", "list"])
def test_a_return_that_a_list_or_a_record_has_as_a_switch_is_one_though_it_takes_a_release_back(source: str) -> None:
    target = Target("production", TargetKind.DEPLOYMENT, "brand")
    old, new = Revision("brand", "1800"), Revision("brand", "1900")
    entries = [
        Entry(target, after(minutes), candidate, previous, source=source)
        for minutes, candidate, previous in ((0, new, old), (3, old, new), (6, new, old))
    ]
    (course,) = courses_of(entries, KnownPods(), kube_state=True)
    found = past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases
    assert [one.case.switch.at for one in found] == [after(0), after(3), after(6)]


def test_a_release_that_the_watchdog_put_back_and_that_was_made_once_more_is_replayed_twice() -> None:
    target = Target("production", TargetKind.DEPLOYMENT, "research")
    old, new = Revision("research", "2301"), Revision("research", "2400")
    listed = Entry(target, after(0), new, old)
    recorded = replace(listed, source="records", label=Label.BAD, back_to=old, back_at=after(1), rolled_back=True)
    again = Entry(target, after(6), new, old, source="records")
    for first in (listed, recorded):
        (course,) = courses_of([first, again], KnownPods(), kube_state=True)
        found = [*past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases]
        stables = [one.case.stable.revision if one.case.stable else None for one in found]
        assert ([one.case.switch.at for one in found], stables) == ([after(0), after(6)], [old, old])
        assert found[0].label is Label.BAD


def test_of_releases_that_took_each_other_back_in_turn_every_second_one_was_the_bad_one() -> None:
    old, new = Revision("brand", "1800"), Revision("brand", "1900")
    revisions = [old, new, old, new, old]
    stretches = tuple(Serving(one, after(minutes)) for one, minutes in zip(revisions, (-90, 0, 5, 10, 15), strict=True))
    course = Course(Target("production", TargetKind.DEPLOYMENT, "brand"), {}, stretches)
    labels = [label_of(course, place, (), NOW)[0] for place in range(1, 5)]
    assert labels == [Label.BAD, Label.UNKNOWN, Label.BAD, Label.GOOD]


def test_why_what_served_was_no_switch_of_its_own_is_told() -> None:
    target = Target("production", TargetKind.DEPLOYMENT, "brand")
    old, new, newer = (Revision("brand", template) for template in ("1800", "1900", "2000"))
    entries = [
        Entry(target, after(0), new, old, Label.BAD, source="records", back_to=old, back_at=after(2), rolled_back=True),
        Entry(target, after(3), old, source="list"),
        Entry(target, after(100), newer, old, source="list"),
        Entry(target, after(200), newer, source="list"),
    ]
    (course,) = courses_of(entries, KnownPods(), kube_state=True)
    past = past_of(course, GUARD, marks_of(entries), BEGIN - timedelta(days=1), NOW)
    assert [one.case.switch.at for one in past.cases] == [after(0), after(100)]
    why = {(target, at): said for at, said in past.quiet.items()}
    texts = [note.text for note in unnoticed(entries, {target: GUARD}, past.cases, BEGIN, NOW, why)]
    assert texts == [
        "1 listed switch of production/deployment/brand left out: under these rules live opens no watch of its own for "
        "them: it is what the watchdog itself put back",
        "1 listed switch of production/deployment/brand left out: under these rules live opens no watch of its own for "
        "them: it served already",
    ]


def test_what_live_watched_was_no_idle_colour_whatever_a_route_beside_it_tells() -> None:
    green = Target("production", TargetKind.DEPLOYMENT, "gateway-green")
    found = {}
    for source in ("records", "list"):
        (course,) = courses_of([Entry(green, after(0), FIX, GREEN, source=source)], KnownPods(), kube_state=True)
        past = past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW, [(after(-90), True)])
        found[source] = len(past.cases), past.quiet.get(after(0))
    assert found == {"records": (1, None), "list": (0, "an idle colour")}
