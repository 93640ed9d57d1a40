"""`watchdog test`, as a person, an editor and CI call it."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli.verbs import call
from replay.rule_tests.suites import BAD, GOOD, RULES, a_test

TESTS = a_test('expect = { errors = "pass" }', GOOD, "a good release is kept") + a_test(
    'expect = { errors = "breach within 1m" }', BAD, "a <bad> release & its errors"
)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    (tmp_path / "rules.test.toml").write_text(TESTS, encoding="utf-8")
    return tmp_path / "rules.toml"


def beside(rules: Path) -> Path:
    return rules.with_name("rules.test.toml")


def test_either_file_may_be_named_and_a_failed_test_exits_1_and_explains_itself(rules: Path) -> None:
    of_rules, of_tests = call("test", str(rules)), call("test", str(beside(rules)))
    assert of_rules.exit_code == of_tests.exit_code == 1
    assert of_rules.stdout == of_tests.stdout
    lines = of_rules.stdout.splitlines()
    assert lines[0] == "ok      a good release is kept"
    assert lines[1] == f"FAILED  a <bad> release & its errors  ({beside(rules)}:9, guard shop)"
    assert lines[2].strip() == "errors: expected breach within 1m, came at 1m30s"
    assert lines[-1] == f"{beside(rules)}: 2 tests, 1 failed"


def test_passed_tests_exit_0(rules: Path) -> None:
    result = call("test", str(rules), "-k", "good")
    assert result.exit_code == 0
    assert result.stdout == f"ok      a good release is kept\n{beside(rules)}: 1 test, all passed\n"
    assert result.stderr == ""


@pytest.mark.parametrize("pattern", ["GOOD release", "a good*", "*kep?"])
def test_a_pattern_picks_tests_by_name(pattern: str, rules: Path) -> None:
    assert f"{beside(rules)}: 1 test, all passed" in call("test", str(rules), "-k", pattern).stdout


def test_a_pattern_that_picks_nothing_is_wrong_usage(rules: Path) -> None:
    result = call("test", str(rules), "-k", "none such")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"watchdog: no test of {beside(rules)} has none such in its name\n"


def test_json_is_one_object_with_what_came(rules: Path) -> None:
    result = call("test", str(rules), "-o", "json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["passed"], answer["failed"]) == (1, 1, 1)
    good, bad = answer["tests"]
    assert (good["passed"], good["breaches"]) == (True, {})
    assert (bad["passed"], bad["line"], bad["breaches"]) == (False, 9, {"errors": 90.0})
    (expectation,) = bad["expectations"]
    assert expectation["failure"] == "expected breach within 1m, came at 1m30s"
    assert any("odds" in line for line in expectation["explained"])


def test_junit_has_the_usual_shape(rules: Path, tmp_path: Path) -> None:
    """As Jenkins' and GitLab's readers take it: suites, suite, a case for each test, failures with message and text."""
    report = tmp_path / "junit.xml"
    assert call("test", str(rules), "--junit", str(report)).exit_code == 1
    root = ET.fromstring(report.read_text(encoding="utf-8"))
    assert (root.tag, [suite.tag for suite in root]) == ("testsuites", ["testsuite"])
    suite = root[0]
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")}
    expected = {"name": str(beside(rules)), "tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    assert counts == expected
    assert {root.get(name) for name in ("tests", "failures")} == {"2", "1"}
    cases = list(suite)
    assert [case.tag for case in cases] == ["testcase", "testcase"]
    assert [case.get("name") for case in cases] == ["a good release is kept", "a <bad> release & its errors"]
    assert all(case.get("classname") == "shop" and float(case.get("time", "")) >= 0 for case in (*cases, *[]))
    assert float(suite.get("time", "")) == pytest.approx(sum(float(case.get("time", "")) for case in cases), abs=0.01)
    assert list(cases[0]) == []
    (failure,) = cases[1]
    assert (failure.tag, failure.get("type")) == ("failure", "expectation")
    assert failure.get("message") == "errors: expected breach within 1m, came at 1m30s"
    assert "its series, and their values at 1m30s:" in (failure.text or "")


def test_a_junit_file_that_cannot_be_written_is_one_clear_line(rules: Path, tmp_path: Path) -> None:
    result = call("test", str(rules), "--junit", str(tmp_path / "none" / "junit.xml"))
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr


def test_mistakes_of_the_tests_are_all_said_and_exit_1(rules: Path) -> None:
    beside(rules).write_text(a_test('expect = { errors = "brech", latncy = "pass" }'), encoding="utf-8")
    result = call("test", str(rules))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f'{beside(rules)}:3:22: "brech" is no verdict; did you mean "breach"?',
        f'{beside(rules)}:3:30: guard "shop" has no rule "latncy"; did you mean "latency"?',
    ]
    assert result.stderr == f"{beside(rules)}: 2 mistakes\n"


def test_mistakes_of_the_rules_come_first(rules: Path) -> None:
    rules.write_text(RULES.replace("> 5%", "> 5"), encoding="utf-8")
    result = call("test", str(rules))
    assert result.exit_code == 1
    assert "5 has no unit" in result.stdout


def test_without_a_test_file_it_says_how_to_get_one(rules: Path) -> None:
    beside(rules).unlink()
    result = call("test", str(rules))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"watchdog: {beside(rules)} is not there; watchdog test {rules} --new RULE --write")


def test_new_prints_a_first_test_and_write_appends_it_once(rules: Path) -> None:
    beside(rules).unlink()
    printed = call("test", str(rules), "--new", "queue")
    assert printed.exit_code == 0
    assert not beside(rules).exists()
    assert printed.stdout.count("[[tests]]") == 2
    for rule in ("queue", "errors"):
        assert call("test", str(rules), "--new", rule, "--write").exit_code == 0
    assert printed.stdout in beside(rules).read_text(encoding="utf-8")
    result = call("test", str(rules))
    assert (result.exit_code, result.stdout.count("ok ")) == (0, 4), result.stdout
    again = call("test", str(rules), "--new", "queue", "--write")
    assert again.exit_code == 1
    assert "has the first tests of rule queue already" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--new", "laten"], 'did you mean "latency"?'),
        (["--new", "errors", "--guard", "shp"], 'did you mean "shop"?'),
        (["other.toml", "--junit", "x.xml"], "--new and --junit go with the tests of one rules file"),
        (["other.toml", "--new", "latency"], "--new and --junit go with the tests of one rules file"),
        (["--write"], "--write and --guard go with --new RULE"),
        (["-o", "yaml"], "Invalid value"),
    ],
)
def test_wrong_usage_exits_2_with_one_clear_line(words: list[str], said: str, rules: Path) -> None:
    result = call("test", str(rules), *words)
    assert result.exit_code == 2
    assert said in result.stderr
