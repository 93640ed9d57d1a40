"""What a list or records tell of a target's past: by which weights it served, whose its pods were, what was bad."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.backtest.history import RULES

from builders import a_watch, at
from watchdog.domain.record import record_of
from watchdog.domain.rollout import Revision, ServiceFlip, SwitchKind, Target, TargetKind
from watchdog.domain.rules import Guard
from watchdog.domain.state import Phase
from watchdog.domain.superseding import nobody_serves, took_over
from watchdog.replay.cases import past_of
from watchdog.replay.courses import Course, KnownPods, SeenPod, Serving
from watchdog.replay.entries import Entry, ListInvalid
from watchdog.replay.handwritten import read_list
from watchdog.replay.idling import turns_of
from watchdog.replay.labels import label_of
from watchdog.replay.listed import courses_of
from watchdog.replay.recorded import of_records
from watchdog.replay.report import Label, Severity
from watchdog.replay.untold import untold
from watchdog.replay.whose_pods import shared_out
from watchdog.rulebook import read_rules

BEGIN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NOW = BEGIN + timedelta(days=1)
GUARD = read_rules(RULES).guards[0]
BLUE, GREEN = Revision("gateway-blue", "7d9f8b6c4d"), Revision("gateway-green", "6d5f8b9c7d")
CANARY = """
[[switches]]
target = "production/ingress/gateway"
at = 2026-03-02T10:00:00Z
candidate = "gateway-green-6d5f8b9c7d"
previous = "gateway-blue-7d9f8b6c4d"
weight = 5
steps = [{ at = 2026-03-02T10:05:00Z, weight = 25 }, { at = 2026-03-02T11:30:00Z, weight = 100 },
         { at = 2026-03-02T11:35:00Z, weight = 0 }]
"""


def after(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def test_a_canary_on_a_list_is_a_course_of_weights_and_its_steps_are_one_watch_while_the_bake_lasts() -> None:
    (course,) = courses_of(read_list(CANARY, "list.toml", now=NOW).entries, KnownPods(), kube_state=True)
    told = [(one.since, one.parts.get(GREEN, 0.0), str(one.revision)) for one in course.stretches[1:]]
    assert told == [
        (after(0), 0.05, str(GREEN)),
        (after(5), 0.25, str(GREEN)),
        (after(90), 1.0, str(GREEN)),
        (after(95), 0.0, str(BLUE)),
    ]
    cases = [one.case for one in past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases]
    assert [(one.switch.at, one.switch.kind, one.switch.part) for one in cases] == [
        (after(0), SwitchKind.ROUTE, 0.05),
        (after(90), SwitchKind.ROUTE, 1.0),
    ]
    assert [(step.step.at, step.step.share) for step in cases[0].steps] == [(after(5), 0.25)]
    assert (cases[0].moved, cases[1].moved) == (after(5), after(90))
    assert {one.stable.revision if one.stable else None for one in cases} == {BLUE}
    assert cases[1].following is not None
    assert (cases[1].following.revision, cases[1].following.since) == (BLUE, after(95))


def test_a_canary_is_bad_if_it_was_taken_back_within_the_hour_of_its_last_step() -> None:
    (course,) = courses_of(read_list(CANARY, "list.toml", now=NOW).entries, KnownPods(), kube_state=True)
    found = [(one.label, one.source) for one in past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases]
    assert found == [
        (Label.GOOD, "not rolled back within the hour"),
        (Label.BAD, "rolled back within the hour"),
    ]
    assert label_of(course, 1, (), NOW, 3) == (Label.BAD, "rolled back within the hour")


def test_a_canary_on_a_list_without_what_served_beside_it_is_refused() -> None:
    lines = [line for line in CANARY.splitlines() if not line.startswith("previous")]
    said = r"^list\.toml: switch 1: the switch of production/ingress/gateway names no previous"
    with pytest.raises(ListInvalid, match=said):
        courses_of(read_list("\n".join(lines), "list.toml", now=NOW).entries, KnownPods(), kube_state=True)


@pytest.mark.parametrize(
    ("reason", "back"),
    [
        (took_over(BLUE, "ann"), BLUE),
        (nobody_serves("ann"), BLUE),
        (took_over(Revision("gateway-red", "5c4d"), "ann"), None),
        ("the target was deleted", None),
    ],
)
def test_who_took_a_canary_back_is_told_by_the_record_of_its_watch(reason: str, back: Revision | None) -> None:
    flip = ServiceFlip("gateway", {"0/blue": "100"}, {"0/blue": "95", "0/green": "5"})
    made = a_watch()
    target = Target("production", TargetKind.HTTPROUTE, "gateway")
    switch = replace(made.switch, target=target, kind=SwitchKind.ROUTE, candidate=GREEN, previous=BLUE, flips=(flip,))
    watch = replace(made, switch=switch, phase=Phase.SUPERSEDED, reason=reason, ended_at=at(60))
    (entry,) = of_records([record_of(watch)]).entries
    assert (entry.back_to, entry.back_at) == ((back, at(60)) if back else (None, None))


def test_a_fix_that_is_rolled_out_in_the_midst_of_a_canary_ends_its_watch_and_the_next_step_is_the_fixs() -> None:
    fix = Revision("gateway-green", "c0ffee")
    target = Target("production", TargetKind.HTTPROUTE, "gateway")
    first = Entry(target, after(0), GREEN, BLUE, part=0.05, superseded=after(4), source="records")
    second = Entry(target, after(9), fix, BLUE, part=0.25, source="records")
    (course,) = courses_of([first, second], KnownPods(), kube_state=True)
    one, two = (each.case for each in past_of(course, GUARD, (), BEGIN - timedelta(days=1), NOW).cases)
    assert (one.switch.candidate, one.steps, one.switch.at) == (GREEN, (), after(0))
    assert one.following is not None
    assert (one.following.revision, one.following.since) == (fix, after(4))
    assert (two.switch.candidate, two.switch.part, two.switch.at) == (fix, 0.25, after(9))
    assert {case.stable.revision if case.stable else None for case in (one, two)} == {BLUE}


def test_records_come_as_kubectl_prints_their_configmaps() -> None:
    """For who cannot reach the cluster: a pull request's job. Other ConfigMaps among them are passed over."""
    record = record_of(replace(a_watch(), phase=Phase.PASSED, ended_at=at(600)))
    made = {"metadata": {"name": "rollback-watchdog-x"}, "data": {"record.json": json.dumps(record)}}
    other = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}}
    entries = read_list(json.dumps({"kind": "List", "items": [other, made]}), "records.json", now=NOW).entries
    assert entries == of_records([record]).entries
    named = read_rules(RULES.replace("rules      =", "config = true\nrules      ="))
    assert untold(named, {})
    assert untold(named, {}, entries) == []
    broken = {**made, "data": {"record.json": "{"}}
    with pytest.raises(ListInvalid, match=r"records.json: .*: ConfigMap rollback-watchdog-x holds no record"):
        read_list(json.dumps({"kind": "List", "items": [broken]}), "records.json", now=NOW)


def pods(*made: tuple[str, float]) -> list[SeenPod]:
    return [SeenPod(name, after(minutes)) for name, minutes in made]


@pytest.mark.parametrize(
    ("made", "second"),
    [
        (pods(("db-0", -60), ("db-1", -60), ("db-2", 1), ("db-1", 2), ("db-0", 3)), ["db-2", "db-1", "db-0"]),
        # Behind a partition, or before their turn: what was lost is replaced by what it was.
        (pods(("db-0", -60), ("db-1", -60), ("db-2", 1), ("db-0", 2)), ["db-2"]),
        (pods(("db-0", -60), ("db-0", 0.5), ("db-2", 1), ("db-2", 1.5), ("db-1", 2)), ["db-2", "db-2", "db-1"]),
        (pods(("agent-x7k2p", -60), ("agent-b4z9q", 1), ("agent-c5w8r", 2)), ["agent-b4z9q", "agent-c5w8r"]),
    ],
)
def test_whose_a_pod_was_follows_from_when_it_was_made(made: Sequence[SeenPod], second: list[str]) -> None:
    first, then = shared_out(made, [after(-120), after(0)])
    assert [pod.name for pod in then] == second
    assert len(first) + len(then) == len(made)


def test_a_deployment_is_an_idle_colour_while_a_route_sends_it_nothing_or_no_service_selects_it() -> None:
    (route,) = courses_of(read_list(CANARY, "list.toml", now=NOW).entries, KnownPods(), kube_state=True)
    green = Target("production", TargetKind.DEPLOYMENT, "gateway-green")
    begun = route.stretches[0].since
    assert turns_of(green, [route]) == ((begun, True), (after(0), False), (after(95), True))
    service = Course(
        Target("production", TargetKind.SERVICE, "gateway"), {}, (Serving(BLUE, begun), Serving(GREEN, after(10)))
    )
    assert turns_of(green, [service]) == ((begun, True), (after(10), False))
    assert turns_of(replace(green, name="research"), [service, route]) == ()
    # A rollout while it is idle opens no watch; one while it serves does.
    newer, newest = Revision("gateway-green", "aaaa"), Revision("gateway-green", "bbbb")
    course = Course(green, {}, (Serving(GREEN, begun), Serving(newer, after(-30)), Serving(newest, after(60))))
    found = past_of(course, GUARD, (), begun, NOW, turns_of(green, [service])).cases
    assert [one.case.switch.candidate for one in found] == [newest]


def test_what_no_metric_tells_is_named_by_guard_and_kind_unless_a_list_has_it() -> None:
    covers = 'namespaces = ["production"]\nselector   = "app.kubernetes.io/part-of=plasma-engine"'
    assert covers in RULES
    canaries = ", ".join(f'"production/ingress/{name}"' for name in ("cart", "gateway", "search"))
    named = read_rules(RULES.replace(covers, f'targets = [{canaries}, "production/deployment/a"]'))
    (note,) = untold(named, {})
    assert note.text == (
        "guard services: switches of 3 Ingresses are found in records alone, for no metric tells what the weights "
        "were: add --records"
    )
    assert note.severity is Severity.WARNING
    gateway, agent = (Target.parse(f"production/{name}") for name in ("ingress/gateway", "daemonset/agent"))
    assert untold(named, {}, recorded=True) == []
    assert untold(named, {gateway: named.guards[0]}) == []
    kinds = 'kinds = ["deployment", "statefulset", "daemonset"]\nconfig = true'
    selected = read_rules(RULES.replace(covers, f"{covers}\n{kinds}"))

    def what(known: Mapping[Target, Guard], *, told: bool = True) -> list[str]:
        return [note.text.partition(" are found")[0] for note in untold(selected, known, told=told)]

    sets, config = "guard services: switches of DaemonSets and StatefulSets", "guard services: changes of configuration"
    assert what({}) == ["guard services: switches of DaemonSets", config]
    assert what({agent: selected.guards[0]}) == [config]
    assert what({agent: named.guards[0]}) == [config]  # by its name: the file may have been edited
    assert what({}, told=False) == [sets, config]
