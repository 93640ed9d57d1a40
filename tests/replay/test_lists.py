"""What lists and records may look like, what is left out of them, and what two of them say of one switch."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from benchmarks.backtest.history import RULES

from builders import GOOD, NEW, T0, a_live, a_pod, a_watch, at
from cli.verbs import a_cluster, call, call_beside
from replay.standin import standing_in
from replay.test_bad_input import empty
from watchdog.domain.effects import Remedy
from watchdog.domain.judge.pods import Pods
from watchdog.domain.record import record_of
from watchdog.domain.rollout import Revision, SwitchKind, WeightStep
from watchdog.domain.state import Phase, Watch
from watchdog.replay.cases import past_of
from watchdog.replay.courses import Course, KnownPods, Mark, SeenPod, Serving
from watchdog.replay.entries import Listed, ListInvalid, marks_of
from watchdog.replay.handwritten import read_list
from watchdog.replay.listed import courses_of
from watchdog.replay.noticing import unended
from watchdog.replay.recorded import of_records
from watchdog.replay.report import Label, Severity
from watchdog.replay.untold import guessed
from watchdog.rulebook import read_rules

NOW = T0 + timedelta(days=1)
GUARD = read_rules(RULES).guards[0]
PASSED = replace(a_watch(), phase=Phase.PASSED, ended_at=at(600))
REMEDY = Remedy("w", PASSED.switch.target, SwitchKind.ROLLOUT, NEW, GOOD, "uid", "1")
UNDONE = replace(PASSED, phase=Phase.ROLLED_BACK, remedy=REMEDY, acted_at=at(90), ended_at=at(400))
AN_ENTRY = {"target": "production/deployment/research", "at": "2026-03-02T12:00:00Z", "candidate": "research-7c9d"}


def a_configmap(record: Mapping[str, Any], name: str = "x") -> dict[str, Any]:
    made = {"name": f"rollback-watchdog-{name}"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": made, "data": {"record.json": json.dumps(record)}}


def read(document: object) -> Listed:
    return read_list(json.dumps(document), "records.json", now=NOW)


@pytest.mark.parametrize("kind", ["List", "ConfigMapList"])
def test_records_are_known_by_what_they_are_however_they_were_printed(kind: str) -> None:
    configmap = a_configmap(record_of(PASSED))
    expected = of_records([record_of(PASSED)])
    assert expected.entries
    assert read({"apiVersion": "v1", "kind": kind, "items": [configmap]}) == expected
    assert read([configmap]) == expected
    assert read(configmap) == expected
    assert read_list("\ufeff" + json.dumps(configmap), "records.json", now=NOW) == expected
    assert read({"kind": kind, "items": []}) == Listed()  # a watchdog that has watched nothing yet


def test_entries_come_as_json_lines_or_as_one_json_array() -> None:
    lines = read_list(f"{json.dumps(AN_ENTRY)}\n", "list.jsonl", now=NOW)
    assert read([AN_ENTRY]) == lines
    assert [one.at for one in lines.entries] == [T0]


def test_a_record_of_another_version_is_left_out_by_its_name_and_all_others_are_read() -> None:
    newer = record_of(PASSED) | {"schema": 2}
    broken = {**a_configmap({}, "b"), "data": {"record.json": "{"}}
    found = read({"kind": "List", "items": [a_configmap(newer, "n"), broken, a_configmap(record_of(PASSED))]})
    assert found.entries == of_records([record_of(PASSED)]).entries
    (note,) = found.notes
    assert (note.severity, note.text) == (
        Severity.WARNING,
        "2 records are left out: ConfigMap rollback-watchdog-n: schema 2 is not known to this version, which writes 1; "
        "ConfigMap rollback-watchdog-b holds no record",
    )


async def test_one_record_of_another_version_in_the_cluster_is_told_of_and_the_rest_is_replayed(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    newer = record_of(PASSED) | {"schema": 2, "watch": "research-newer"}
    asked = ("backtest", str(tmp_path / "rules.toml"), "--records", "--no-cache", "-o", "json", "--placebos", "0")
    asked = (*asked, "--since", "1d", "--until", NOW.isoformat())
    with standing_in(empty) as url:
        async with a_cluster(tmp_path, newer, record_of(PASSED)) as settings:
            result = await call_beside(*asked, "--prometheus", url, **settings)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert [one["target"] for one in report["switches"]] == ["production/deployment/research"]
    assert [note["text"] for note in report["notes"] if note["severity"] == "warning"] == [
        "1 record is left out: ConfigMap rollback-watchdog-research-newer: schema 2 is not known to this version, "
        "which writes 1"
    ]


def test_a_switch_whose_pods_nothing_tells_of_is_counted_once_and_with_the_true_reason(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES.replace("rules      =", 'kinds = ["deployment", "statefulset"]\nrules      =', 1))
    entry = {**AN_ENTRY, "target": "production/statefulset/db", "candidate": "db-7c9d", "previous": "db-5b8c"}
    (tmp_path / "list.jsonl").write_text(json.dumps(entry))
    asked = ("backtest", str(rules), "--switches", str(tmp_path / "list.jsonl"), "--no-cache", "-o", "json")
    asked = (*asked, "--since", "1d", "--until", NOW.isoformat())
    with standing_in(empty) as url:
        result = call(*asked, "--prometheus", url)
    assert result.exit_code == 0, result.stderr
    left = [one["text"] for one in json.loads(result.stdout)["notes"] if "left out" in one["text"]]
    assert left == [
        "1 listed switch of StatefulSets left out: their pods' names tell no revision, and without kube-state-metrics "
        "nothing tells when they were made"
    ]


def test_a_switch_is_replayed_with_what_its_watch_would_have_gone_back_to_in_whichever_order_records_come() -> None:
    assert PASSED.stable is not None
    oldest = Revision("research", "0ld")
    own = replace(PASSED, stable=replace(PASSED.stable, revision=oldest))
    by_hand = replace(UNDONE, id="research-by-hand", by_hand="ann: it burns")
    for order in ((own, by_hand), (by_hand, own)):
        (case,) = past_of(of(*order), GUARD, (), T0, NOW).cases
        assert case.case.stable is not None
        assert (case.case.stable.revision, case.source) == (oldest, "rolled back by hand")


def test_what_the_records_tell_is_not_written_by_hand_as_well() -> None:
    records = of_records([record_of(PASSED)])
    assert read({"kind": "List", "items": [a_configmap(record_of(PASSED))]}).beside(records) == records
    with pytest.raises(ListInvalid, match="is in the records too: leave it out of --switches"):
        read([AN_ENTRY]).beside(records)
    other = read([AN_ENTRY | {"at": "2026-03-01T12:00:00Z"}])
    assert other.beside(records).entries == (*other.entries, *records.entries)


def of(*watches: Watch, pods: KnownPods | None = None) -> Course:
    entries = of_records([record_of(one) for one in watches]).entries
    (course,) = courses_of(entries, pods or KnownPods(), kube_state=False)
    return course


def test_a_watch_that_still_looks_for_recovery_has_put_back_already() -> None:
    for watch in (UNDONE, replace(UNDONE, phase=Phase.RECOVERING, ended_at=None)):
        (case,) = past_of(of(watch), GUARD, (), T0, NOW).cases
        assert (case.label, case.source) == (Label.BAD, "rolled back by the watchdog")
        assert case.case.put_back == at(90)


def test_a_rollback_by_hand_is_a_persons_and_its_record_is_no_switch_of_its_own() -> None:
    first = replace(PASSED, phase=Phase.SUPERSEDED, reason="a person went back", ended_at=at(90))
    by_hand = replace(UNDONE, id="research-by-hand", by_hand="ann: it burns")
    (case,) = past_of(of(first, by_hand), GUARD, (), T0, NOW).cases
    assert (case.label, case.source) == (Label.BAD, "rolled back by hand")
    assert (case.case.put_back, case.case.ends) == (None, at(91))


def test_what_was_measured_before_the_put_back_is_known_though_it_was_judged_after_it() -> None:
    """Live asked for that block too, and a person's return ends a watch as it always did."""
    (own,) = past_of(of(UNDONE), GUARD, (), T0, NOW).cases
    assert [own.case.shows(at(end)) for end in (75, 89.5, 90, 90.5)] == [True, True, True, False]
    by_hand = replace(UNDONE, by_hand="ann: it burns")
    (case,) = past_of(of(by_hand), GUARD, (), T0, NOW).cases
    assert [case.case.shows(at(end)) for end in (75, 88.5, 89.5)] == [True, True, False]


def test_a_line_of_history_tells_that_the_put_back_that_metrics_show_was_the_watchdogs() -> None:
    printed = {key: value for key, value in record_of(UNDONE).items() if key != "state"}
    target = PASSED.switch.target
    course = Course(target, {}, (Serving(GOOD, at(-9000)), Serving(NEW, T0), Serving(GOOD, at(92))))

    def found(marks: tuple[Mark, ...]) -> list[tuple[Label, bool]]:
        return [(one.label, one.case.put_back is not None) for one in past_of(course, GUARD, marks, T0, NOW).cases]

    mark = {"what": "false-alarm", "by": "ana", "reason": "why", "at": at(900).isoformat()}
    assert found(()) == [(Label.BAD, False)]
    for record, label in ((printed, Label.BAD), (printed | {"mark": mark}, Label.GOOD)):
        listed = read_list(json.dumps(record), "history.json", now=NOW, label="bad")
        assert found(marks_of(listed.entries)) == [(label, True)]


def test_a_put_back_that_the_names_of_pods_do_not_show_is_warned_of() -> None:
    """Without it what these rules had not decided by then is no cut-short switch but a missed one."""
    printed = {key: value for key, value in record_of(UNDONE).items() if key != "state"}
    marks = marks_of(read_list(json.dumps(printed), "history.json", now=NOW, label="bad").entries)

    def warned(marks: tuple[Mark, ...], *after: Serving, source: str = "pod names") -> list[str]:
        stretches = (Serving(GOOD, at(-9000)), Serving(NEW, T0, source=source), *after)
        course = Course(PASSED.switch.target, {}, stretches, kube_state=False)
        return [note.text for note in unended(marks, [*past_of(course, GUARD, marks, T0, NOW).cases])]

    (text,) = warned(marks)
    assert text.startswith("1 release that the watchdog itself put back is replayed as if nobody had: pods' names do")
    assert warned(()) == warned(marks, Serving(GOOD, at(92))) == warned(marks, source="records") == []


def test_when_a_pod_was_ready_is_what_its_record_says_and_otherwise_said_to_be_guessed() -> None:
    warm = Pods.after(
        None,
        a_live(10),
        pods=[a_pod("research-7c9d-abcde", created=3, ready=7)],
        counted_from=T0,
        warmup=PASSED.guard.warmup,
        containers=None,
    )
    recorded = of_records([record_of(replace(PASSED, pods=warm))]).entries
    seen = SeenPod("research-7c9d-abcde", at(60), created_is_bound=True)
    known = KnownPods({PASSED.switch.target: {"7c9d": (seen,)}})
    (course,) = courses_of(recorded, known, kube_state=False)
    (pod,) = course.pods_of(NEW, NOW)
    assert (pod.created, pod.created_is_bound, pod.ready) == (at(3), False, at(7))
    assert guessed(recorded) == []
    (note,) = guessed(read([AN_ENTRY]).entries)
    assert note.text.startswith("of 1 listed switch nothing tells when the pods were ready: ")


def test_a_records_configmap_whose_data_are_gone_is_named_and_another_configmap_is_not() -> None:
    labelled = {"rollback-watchdog.dev/record": "watch"}
    bare = {"kind": "ConfigMap", "metadata": {"name": "rollback-watchdog-bare", "labels": labelled}}
    odd = {"kind": "ConfigMap", "metadata": {"name": "rollback-watchdog-odd", "labels": labelled}, "data": 5}
    other = {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}}
    found = read({"kind": "List", "items": [bare, odd, other, a_configmap(record_of(PASSED))]})
    assert len(found.entries) == 1
    (note,) = found.notes
    assert (note.severity, note.text) == (
        Severity.WARNING,
        "2 records are left out: ConfigMap rollback-watchdog-bare holds no record; "
        "ConfigMap rollback-watchdog-odd holds no record",
    )


@pytest.mark.parametrize(("first", "then", "what"), [(0.05, -7.0, "its step at 2026-"), (2.5, 0.5, "its switch")])
def test_a_record_with_weights_that_are_none_is_left_out_and_named(first: float, then: float, what: str) -> None:
    switch = replace(PASSED.switch, kind=SwitchKind.ROUTE, part=first)
    record = record_of(replace(PASSED, switch=switch, steps=(WeightStep(at(30), then, "gateway"),)))
    found = read({"kind": "List", "items": [a_configmap(record, "odd"), a_configmap(record_of(PASSED))]})
    assert len(found.entries) == 1
    (note,) = found.notes
    assert note.severity is Severity.WARNING
    assert f"1 record is left out: ConfigMap rollback-watchdog-odd: {what}" in note.text
    assert (
        f"gives the candidate {then if then < 0 else first:g} of the traffic, which is no part from 0 to 1" in note.text
    )


def test_a_record_whose_state_lacks_something_says_what() -> None:
    record = record_of(PASSED)
    del record["state"]["opened"], record["state"]["switch"]["at"]
    (note,) = read({"kind": "List", "items": [a_configmap(record_of(PASSED)), a_configmap(record)]}).notes
    assert note.text.endswith("ConfigMap rollback-watchdog-x: state.switch: it lacks at")


def test_nothing_after_until_is_replayed_though_a_list_goes_on(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    hours = [AN_ENTRY | {"at": f"2026-03-02T{hour}:00:00Z", "candidate": f"research-{hour}"} for hour in (10, 12, 14)]
    (tmp_path / "list.jsonl").write_text("\n".join(json.dumps(one | {"previous": "research-1"}) for one in hours))
    asked = ("backtest", str(tmp_path / "rules.toml"), "--no-cache", "-o", "json", "--placebos", "0", "--since", "6h")
    with standing_in(empty) as url:
        asked = (*asked, "--switches", str(tmp_path / "list.jsonl"), "--prometheus", url)
        result = call(*asked, "--until", "2026-03-02T13:00:00Z")
    assert result.exit_code == 0, result.stderr
    at = [one["at"] for one in json.loads(result.stdout)["switches"]]
    assert at == ["2026-03-02T10:00:00+00:00", "2026-03-02T12:00:00+00:00"]
