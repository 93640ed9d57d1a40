"""`watchdog backtest` and the files that it is given."""

import json
from pathlib import Path

import pytest

from cli.verbs import call

NOBODY = "http://127.0.0.1:9"
LARGE = 3 * 1024 * 1024  # bytes: some sixty records


def test_a_list_of_many_records_is_read_to_its_end(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(Path("rules.toml").read_text(encoding="utf-8"), encoding="utf-8")
    broken = {"metadata": {"name": "rollback-watchdog-last"}, "data": {"record.json": "{"}}
    others = {"metadata": {"name": "other"}, "data": {"x": "x" * LARGE}}
    records = tmp_path / "records.json"
    records.write_text(json.dumps({"kind": "List", "items": [others, broken]}), encoding="utf-8")
    result = call("backtest", str(rules), "--switches", str(records), "--prometheus", NOBODY)
    assert result.exit_code == 2, result.stderr
    assert "ConfigMap rollback-watchdog-last holds no record" in result.stderr


def test_a_list_without_an_end_is_refused(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(Path("rules.toml").read_text(encoding="utf-8"), encoding="utf-8")
    result = call("backtest", str(rules), "--switches", "/dev/zero", "--prometheus", NOBODY)
    assert (result.exit_code, result.stderr) == (2, "watchdog: /dev/zero is larger than 65536 KiB\n")


@pytest.mark.parametrize(
    "line",
    [
        'target = "production/deployment/brand"\nat = 2107-11-28T20:11:49Z',
        'target = "production/httproute/gateway"\nat = 2026-03-02T14:05:00Z\nweight = 5\n'
        "steps = [{ at = 2107-11-28T20:11:49Z, weight = 25 }]",
    ],
)
@pytest.mark.parametrize("option", ["--switches", "--label"])
def test_what_is_still_to_come_is_no_past(tmp_path: Path, line: str, option: str) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(Path("rules.toml").read_text(encoding="utf-8"), encoding="utf-8")
    listed = tmp_path / "list.toml"
    listed.write_text(f"[[switches]]\n{line}\n", encoding="utf-8")
    result = call("backtest", str(rules), option, str(listed), "--prometheus", NOBODY)
    assert result.exit_code == 2
    assert "list.toml: switch 1: 2107-11-28T20:11:49+00:00, of production/" in result.stderr
    assert "is still to come" in result.stderr
