"""A backtest where Prometheus has no kube-state-metrics: the pods' names must do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from benchmarks.backtest.history import RULES, build
from benchmarks.backtest.plan import Fault, Plan

from cli.verbs import call
from simulator.prometheus.real import needs_prometheus, prometheus

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600), needs_prometheus]

END = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
PLAN = Plan(days=1, services=2, switches=4, bad=2, shared=0, end=END)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """As the names tell, and as a list by hand tells of the very same switches."""
    folder: Path = tmp_path_factory.mktemp("history")
    build(PLAN, folder, kube_state=False)
    (folder / "rules.toml").write_text(RULES)
    marks = [{"target": one.target, "at": one.at.isoformat(), "label": "bad"} for one in PLAN.releases if one.bad]
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(mark) for mark in marks))
    marked = ("--label", str(folder / "labels.jsonl"))
    with prometheus("global: {}\n", folder) as real:

        def replayed(*more: str) -> dict[str, Any]:
            result = call(
                *("backtest", str(folder / "rules.toml"), "--since", "1d", "--until", END.isoformat(), "-o", "json"),
                *("--prometheus", real.url, "--no-cache", "--placebos", "0", *marked, *more),
            )
            assert result.exit_code == 0, result.stderr
            return dict(json.loads(result.stdout))

        named = replayed()
        previous = {one["candidate"]: one["stable"] for one in named["switches"]}
        switches = [
            {"target": one.target, "at": one.at.isoformat(), "candidate": candidate, "previous": previous[candidate]}
            for one in PLAN.releases
            if (candidate := f"{one.service}-{one.template}")
        ]
        (folder / "switches.jsonl").write_text("\n".join(json.dumps(one) for one in switches))
        return named, replayed("--switches", str(folder / "switches.jsonl"))


@pytest.fixture(scope="module")
def report(reports: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return reports[0]


@pytest.fixture(scope="module")
def listed(reports: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return reports[1]


def test_switches_are_found_by_the_hashes_within_two_scrapes(report: dict[str, Any]) -> None:
    found = {one["candidate"]: one for one in report["switches"]}
    assert found.keys() == {f"{one.service}-{one.template}" for one in PLAN.releases}
    for release in PLAN.releases:
        one = found[f"{release.service}-{release.template}"]
        late = datetime.fromisoformat(one["at"]) - release.at
        assert timedelta(0) <= late <= timedelta(seconds=2 * PLAN.scrape)
        assert one["at_is_bound"]
        assert one["source"] == "pod names"


def test_what_is_bad_is_caught_still(report: dict[str, Any]) -> None:
    faults = {f"{one.service}-{one.template}": one.fault for one in PLAN.releases}
    caught = {faults[one["candidate"]] for one in report["switches"] if one["outcome"] == "rolled-back"}
    assert caught == {Fault.ERRORS, Fault.MANY_ERRORS}


def test_it_is_said_what_cannot_be_replayed_and_what_was_guessed(report: dict[str, Any]) -> None:
    crash = next(one for one in report["totals"] if one["rule"] == "crash")
    assert crash["not_replayable"] == 4
    assert crash["why_not_replayable"] == "no kube-state-metrics tell of the pods"
    notes = " ".join(note["text"] for note in report["notes"])
    assert "no kube-state-metrics: switches are found by the pods' names" in notes
    assert "matched to guards by namespace and by their names alone" in notes


def test_of_what_stands_on_a_list_it_is_said_that_readiness_is_guessed_by_the_first_samples(
    report: dict[str, Any], listed: dict[str, Any]
) -> None:
    assert [(one["target"], one["at"]) for one in listed["switches"]] == [
        (one.target, one.at.isoformat()) for one in sorted(PLAN.releases, key=lambda one: one.at)
    ]
    notes = [note["text"] for note in listed["notes"]]
    assert any(text.startswith("of 4 listed switches nothing tells when the pods were ready") for text in notes)
    assert "no kube-state-metrics: signs cannot be replayed" in notes
    named = {one["candidate"]: one for one in report["switches"]}
    late = timedelta(seconds=30 + 3 * PLAN.scrape)  # its warm-up, the first sample, a second one, and the block
    for one in listed["switches"]:
        assert one["outcome"] == named[one["candidate"]]["outcome"]
        first = next(point["at"] for rule in one["rules"] for point in rule["path"] if point["finding"] != "no-data")
        release = next(each for each in PLAN.releases if one["candidate"] == f"{each.service}-{each.template}")
        ready = min(pod.ready for pod in PLAN.pods if pod.template == release.template)
        assert datetime.fromisoformat(first) - ready <= late
