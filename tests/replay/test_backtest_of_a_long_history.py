"""`watchdog backtest` on a history in a real Prometheus, made by promtool: two days, three services, ten switches."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from benchmarks.backtest.history import RULES, build
from benchmarks.backtest.plan import Fault, Plan, Pod, Switch

from cli.verbs import call
from simulator.prometheus.real import needs_prometheus, prometheus

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600), needs_prometheus]

END = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
PLAN = Plan(days=2, services=3, switches=10, bad=8, shared=1, end=END)
CAUGHT_BY = {
    Fault.ERRORS: "error-rate",
    Fault.MANY_ERRORS: "error-rate",
    Fault.LATE_ERRORS: "error-rate",
    Fault.SLOW: "latency",
    Fault.CPU: "cpu",
    Fault.MEMORY: "memory",
    Fault.CRASH: "crash",
    Fault.HEALTH: "health",
}


@dataclass(frozen=True)
class Past:
    """The history in a Prometheus, a folder with the rules, and a cache."""

    url: str
    folder: Path

    def backtest(self, *words: str, rules: str = "rules.toml") -> tuple[int, str, str]:
        result = call(
            *("backtest", str(self.folder / rules), "--since", "2d", "--until", END.isoformat()),
            *("--prometheus", self.url, "--cache", str(self.folder / "cache"), "--placebos", "2", *words),
        )
        return result.exit_code, result.stdout, result.stderr

    def report(self, *words: str, rules: str = "rules.toml") -> dict[str, Any]:
        code, out, err = self.backtest("-o", "json", *words, rules=rules)
        assert code == 0, err
        return dict(json.loads(out))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("history")
    build(PLAN, folder)
    (folder / "rules.toml").write_text(RULES)
    with prometheus("global: {}\n", folder) as real:
        yield Past(real.url, folder)


@pytest.fixture(scope="module")
def report(past: Past) -> dict[str, Any]:
    return past.report()


def replayed(report: Mapping[str, Any], switch: Switch) -> Mapping[str, Any]:
    return next(
        one for one in report["switches"] if (one["target"], one["at"]) == (switch.target, switch.at.isoformat())
    )


def rule_of(switch: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(rule for rule in switch["rules"] if rule["rule"] == name)


def test_it_finds_every_switch_at_its_second_and_nothing_else(report: dict[str, Any]) -> None:
    found = {(one["target"], one["at"], one["candidate"]) for one in report["switches"] if not one["placebo"]}
    assert found == {(one.target, one.at.isoformat(), f"{one.service}-{one.template}") for one in PLAN.releases}


def test_each_bad_release_is_caught_by_the_rule_that_is_meant_for_it(report: dict[str, Any]) -> None:
    caught = {one.fault: replayed(report, one) for one in PLAN.releases if one.bad}
    assert {fault: one["first_rule"] for fault, one in caught.items()} == CAUGHT_BY
    assert all(one["outcome"] == "rolled-back" for one in caught.values())
    assert all(one["label"] == "bad" for one in caught.values())
    assert {one["label_source"] for one in caught.values()} == {"rolled back within the hour"}


def test_requests_would_have_been_saved_from_the_decision_to_the_put_back(report: dict[str, Any]) -> None:
    release = next(one for one in PLAN.releases if one.fault is Fault.MANY_ERRORS)
    one = replayed(report, release)
    assert release.put_back is not None
    assert one["served_until"] == release.put_back.isoformat()
    assert one["served_until_why"] == "put back"
    left = (release.put_back - release.at).total_seconds() - one["decided_in"]
    assert one["saved_requests"] == pytest.approx(left * 20.0 * 0.3, rel=0.1)  # two pods, ten requests a second each
    assert one["saved_requests"] < one["bad_requests"]


def test_what_fails_together_with_its_peers_is_held(report: dict[str, Any]) -> None:
    outage = next(one for one in PLAN.releases if one.fault is Fault.OUTAGE)
    one = replayed(report, outage)
    assert (one["outcome"], one["decided_at"]) == ("held", None)
    assert "would not help" in one["reason"]


def test_probes_are_replayed_from_what_the_watchdog_exported(report: dict[str, Any]) -> None:
    ill = next(one for one in PLAN.releases if one.fault is Fault.HEALTH)
    # Its checks fail each five seconds from two minutes on: the third failure is the breach.
    assert replayed(report, ill)["decided_at"] == (ill.at + timedelta(seconds=130)).isoformat()
    quiet = next(one for one in report["switches"] if one["placebo"])
    assert rule_of(quiet, "health")["not_replayable"] == "the watchdog exported no probes of it then"


def test_the_totals_count_what_was_replayed(report: dict[str, Any]) -> None:
    total = {one["rule"]: one for one in report["totals"]}
    assert (total["error-rate"]["caught"], total["error-rate"]["bad"]) == (3, 8)
    assert (report["overall"]["caught"], report["overall"]["bad"]) == (8, 8)
    assert report["overall"]["clean"] == 2 + 6
    assert report["overall"]["false_alarms"] == 0
    assert total["health"]["not_replayable"] == 6


def test_the_same_question_is_asked_once(past: Past, report: dict[str, Any]) -> None:
    again = past.report()
    assert again["spent"]["queries"] == 0
    assert again["spent"]["from_cache"] > 100
    assert again["switches"] == report["switches"]


LAXER_ERRORS = ("http_error_rate > 5%", "http_error_rate > 12%")
LAXER_LATENCY = ("p95(http_latency) > 2x", "p95(http_latency) > 4x")
LAXER_MEMORY = ("memory > 1.5x", "memory > 2.5x")
STRICTER_CPU = ('cpu > 2x baseline"\nfor  = "1m"', 'cpu > 2x baseline"')


def edited(*edits: tuple[str, str]) -> str:
    text = RULES
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def changes(past: Past, old: str, new: str) -> tuple[dict[Fault, tuple[str, float | None]], str]:
    """What differs between two files, by what was wrong with the release; and the summary."""
    (past.folder / "old.toml").write_text(old)
    (past.folder / "new.toml").write_text(new)
    both = past.report("--against", str(past.folder / "old.toml"), rules="new.toml")
    faults = {(one.target, one.at.isoformat()): one.fault for one in PLAN.releases}
    found = both["differences"]
    different = {faults[one["target"], one["at"]]: (one["change"], one["seconds"]) for one in found}
    assert len(different) == len(found)
    return different, both["summary"]


def test_a_rule_made_stricter_and_one_made_laxer_make_exactly_these_differences(past: Past) -> None:
    different, summary = changes(past, RULES, edited(STRICTER_CPU, LAXER_MEMORY))
    assert different == {Fault.CPU: ("sooner", -60.0), Fault.MEMORY: ("rollback-fewer", None)}
    assert summary == "1 rollback fewer, 60 s sooner"


def test_two_rules_made_stricter_and_one_made_laxer_are_two_rollbacks_more_and_one_fewer(past: Past) -> None:
    different, summary = changes(past, edited(LAXER_ERRORS, LAXER_MEMORY), edited(LAXER_LATENCY))
    assert {fault: change for fault, (change, _) in different.items()} == {
        Fault.ERRORS: "rollback-more",
        Fault.MEMORY: "rollback-more",
        Fault.SLOW: "rollback-fewer",
        Fault.MANY_ERRORS: "sooner",
        Fault.LATE_ERRORS: "sooner",
    }
    assert summary.startswith("2 rollbacks more, 1 fewer, 2 decided ")
    assert summary.endswith(" s sooner on average")


def test_the_table_says_what_people_ask_first_and_a_condition_that_is_met_ends_with_3(past: Past) -> None:
    code, out, err = past.backtest("--fail-on", "caught>=8")
    assert code == 3
    assert "--fail-on: caught>=8 (caught is 8)" in err
    assert "10 switches and 6 quiet windows in 2 d, " in out
    assert "8 of 8" in out
    assert "rolled-back" in out


def test_ninety_days_where_two_are_kept_gives_the_two_and_says_so(past: Past) -> None:
    result = call(
        *("backtest", str(past.folder / "rules.toml"), "--since", "90d", "--until", END.isoformat(), "-o", "json"),
        *("--prometheus", past.url, "--cache", str(past.folder / "cache"), "--placebos", "0"),
    )
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert len(report["switches"]) == 10
    assert any("has nothing before 2026-03-12" in note["text"] for note in report["notes"])


def test_the_limit_of_samples_keeps_what_was_had_until_then(past: Past) -> None:
    words = ("--no-cache", "--max-samples", "60000", "-o", "json")
    result = call(
        *("backtest", str(past.folder / "rules.toml"), "--since", "2d", "--until", END.isoformat()),
        *("--prometheus", past.url, "--placebos", "2", *words),
    )
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert 0 < len(report["switches"]) < 16
    assert any("--max-samples" in note["text"] and note["severity"] == "warning" for note in report["notes"])
    assert report["spent"]["samples"] < 60000 + 100_000


def test_a_metric_that_was_renamed_halfway_is_named(past: Past) -> None:
    # As if the services had borne this name on the first day only: on the second the selector finds nothing.
    half = PLAN.begin + timedelta(days=1)
    selector = f'namespace="{{{{ namespace }}}}", pod=~"{{{{ pods }}}}", pod=~"{_pods_before(half)}"'
    renamed = f"""{RULES}
[metrics.http_error_rate]
kind = "ratio"
bad = 'http_requests_total{{{selector}, status=~"5.."}}'
total = 'http_requests_total{{{selector}}}'
"""
    (past.folder / "renamed.toml").write_text(renamed)
    report = past.report("--placebos", "0", rules="renamed.toml")
    blank = {one["at"] for one in report["switches"] if rule_of(one, "error-rate")["not_replayable"]}
    assert blank == {one.at.isoformat() for one in PLAN.releases if one.at > half}
    notes = [note["text"] for note in report["notes"]]
    assert any("rule error-rate" in note and "was its metric renamed?" in note for note in notes)
    latency = next(one for one in report["totals"] if one["rule"] == "latency")
    assert latency["bad"] == 8


def _pods_before(half: datetime) -> str:
    return "|".join(sorted({f"{pod.service}-{pod.template}-.*" for pod in PLAN.pods if pod.switched < half}))


def test_marks_of_people_come_first_and_one_in_vain_is_told(past: Past) -> None:
    good = next(one for one in PLAN.releases if one.fault is Fault.NONE)
    lines = [
        {"target": good.target, "at": good.at.isoformat(), "label": "bad"},
        {"target": good.target, "at": (good.at + timedelta(hours=1)).isoformat()},
    ]
    (past.folder / "labels.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    report = past.report("--label", str(past.folder / "labels.jsonl"))
    one = replayed(report, good)
    assert (one["label"], one["label_source"]) == ("bad", "label file")
    assert any("no switch was found there" in note["text"] for note in report["notes"])
    assert report["overall"]["bad"] - report["overall"]["caught"] == 1


def test_flips_of_a_service_are_replayed_from_a_list(past: Past) -> None:
    """A Service that is flipped from one Deployment to another at the moment at which that one's bad release begins."""
    bad = next(one for one in PLAN.releases if one.fault is Fault.ERRORS)
    others = (pod for pod in PLAN.pods if pod.service != bad.service and pod.switched < bad.at)
    before = max(others, key=_began)
    flip = {
        "target": "production/service/front",
        "at": bad.at.isoformat(),
        "candidate": f"{bad.service}-{bad.template}",
        "previous": f"{before.service}-{before.template}",
        "label": "bad",
    }
    (past.folder / "flips.jsonl").write_text(json.dumps(flip))
    report = past.report("--switches", str(past.folder / "flips.jsonl"), "--placebos", "0")
    one = next(one for one in report["switches"] if one["kind"] == "selector")
    assert (one["target"], one["source"], one["label"]) == (flip["target"], "list", "bad")
    assert (one["outcome"], one["first_rule"]) == ("rolled-back", "error-rate")
    assert one["stable"] == flip["previous"]


def _began(pod: Pod) -> datetime:
    return pod.switched
