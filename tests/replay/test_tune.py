"""`watchdog tune` on a history in a real Prometheus: what it suggests is measured, and a patch that git takes."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from benchmarks.backtest.history import RULES, build
from benchmarks.backtest.plan import Fault, Plan

from cli.verbs import call
from simulator.prometheus.real import needs_prometheus, prometheus

pytestmark = [pytest.mark.prometheus, needs_prometheus]

END = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
PLAN = Plan(days=1.5, services=3, switches=9, bad=4, shared=1, end=END)
LAX = "# ours\n" + RULES.replace('when = "http_error_rate > 5%"', 'when = "http_error_rate > 15%"  # too lax')


@dataclass(frozen=True)
class Past:
    """The history in a Prometheus, and a folder with rules."""

    url: str
    folder: Path

    def tune(self, *words: str, rules: str = LAX, placebos: int = 8) -> tuple[int, str, str]:
        file = self.folder / "rules.toml"
        file.write_bytes(rules.encode())
        result = call(
            *("tune", str(file), "--since", "36h", "--until", END.isoformat(), "--prometheus", self.url),
            *("--cache", str(self.folder / "cache"), "--placebos", str(placebos), *words),
        )
        assert file.read_bytes() == rules.encode()  # it never applies what it suggests
        return result.exit_code, result.stdout, result.stderr

    def document(self, *words: str, rules: str = LAX) -> dict[str, Any]:
        code, out, err = self.tune("-o", "json", *words, rules=rules)
        assert code == 0, err
        return dict(json.loads(out))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("history")
    build(PLAN, folder)
    with prometheus("global: {}\n", folder) as real:
        yield Past(real.url, folder)


@pytest.fixture(scope="module")
def document(past: Past) -> dict[str, Any]:
    return past.document()


def rule_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(rule) for rule in document["rules"] if rule["rule"] == name)


def taken_up(patch: str, folder: Path, rules: str, *command: str) -> str:
    folder.mkdir()
    (folder / "rules.toml").write_bytes(rules.encode())
    subprocess.run(command, cwd=folder, input=patch.encode(), check=True, capture_output=True, timeout=30)
    return (folder / "rules.toml").read_bytes().decode()


def test_a_limit_that_missed_releases_is_lowered_and_the_whole_replay_bears_it_out(document: dict[str, Any]) -> None:
    assert {one.fault for one in PLAN.releases if one.bad} >= {Fault.ERRORS, Fault.MANY_ERRORS, Fault.LATE_ERRORS}
    errors = rule_of(document, "error-rate")
    assert list(errors["suggested"]) == ["limit"]
    assert float(errors["suggested"]["limit"].rstrip("%")) < 8  # what the worst-hidden one failed
    assert "0 false alarms in " in errors["reason"]
    assert "as before, 4 of 4 bad releases caught instead of " in errors["reason"]
    assert re.match(r"\d rollbacks? more", document["replayed_in_full"])


def test_a_release_that_was_held_beside_its_peers_is_no_false_alarm(document: dict[str, Any]) -> None:
    assert [one.fault for one in PLAN.releases].count(Fault.OUTAGE) == 1
    fronts = [tried for rule in document["rules"] for tried in rule["front"]]
    assert {tried["false_alarms"] for tried in fronts if not tried["setting"]} <= {0}


def test_a_setting_that_misses_more_is_not_quicker_for_it(document: dict[str, Any]) -> None:
    front = rule_of(document, "error-rate")["front"]
    assert front
    assert all(tried["missed"] == front[0]["missed"] for tried in front)


def test_the_patch_is_taken_changes_one_number_and_is_not_suggested_again(
    past: Past, document: dict[str, Any], tmp_path: Path
) -> None:
    new = taken_up(document["patch"], tmp_path / "there", LAX, "git", "apply")
    assert new == taken_up(document["patch"], tmp_path / "here", LAX, "patch", "-p1")
    changed = [(old, now) for old, now in zip(LAX.split("\n"), new.split("\n"), strict=True) if old != now]
    ((old, now),) = changed
    assert old == 'when = "http_error_rate > 15%"  # too lax'
    assert now == old.replace("15%", rule_of(document, "error-rate")["suggested"]["limit"])
    code, patch, _ = past.tune(rules=new)
    assert code == 0
    assert "# no change is suggested\n" in patch
    assert all(line.startswith("# ") for line in patch.splitlines())


def test_where_the_past_says_too_little_nothing_is_suggested(past: Past, tmp_path: Path) -> None:
    code, said, _ = past.tune("--write", str(tmp_path / "tune.patch"), placebos=1)
    assert (code, said) == (0, f"no change is suggested; {tmp_path}/tune.patch says why, rule by rule\n")
    lines = (tmp_path / "tune.patch").read_text().splitlines()
    assert any(
        line.startswith("# error-rate: the data do not support a change: it was replayed on 4 bad releases and ")
        and line.endswith("; 3 and 20 are needed")
        for line in lines
    )


def test_probes_and_signs_have_no_limit_to_suggest(document: dict[str, Any]) -> None:
    for name in ("health", "crash"):
        assert rule_of(document, name)["suggested"] == {}
        assert rule_of(document, name)["reason"] == "no condition whose limit could be another"


def test_a_report_of_a_backtest_gives_the_past_and_its_labels(past: Past) -> None:
    good = next(one for one in PLAN.releases if one.fault is Fault.NONE)
    (past.folder / "labels.jsonl").write_text(json.dumps({"target": good.target, "at": good.at.isoformat()}))
    ran = call(
        *("backtest", str(past.folder / "rules.toml"), "--since", "36h", "--until", END.isoformat(), "-o", "json"),
        *("--prometheus", past.url, "--cache", str(past.folder / "cache"), "--placebos", "1"),
        *("--label", str(past.folder / "labels.jsonl")),
    )
    (past.folder / "report.json").write_text(ran.stdout)
    reason = rule_of(past.document("--from", str(past.folder / "report.json")), "error-rate")["reason"]
    assert "it was replayed on 5 bad releases and " in reason  # too few clean ones: nothing was searched


@pytest.mark.parametrize("text", ["no json", "[]", '{"switches": 3}'])
def test_what_is_no_report_is_wrong_usage(past: Past, text: str) -> None:
    (past.folder / "report.json").write_text(text)
    code, _, err = past.tune("--from", str(past.folder / "report.json"))
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "report.json" in err


def test_a_patch_that_cannot_be_written_is_said(past: Past, tmp_path: Path) -> None:
    code, _, err = past.tune("--write", str(tmp_path / "no" / "tune.patch"), placebos=0)
    assert code == 1
    assert err.splitlines()[-1].endswith("no/tune.patch cannot be written: No such file or directory")
