"""The pull request of rules: checked, tested, backtested and reported, whatever fails."""

from ci.runner import Runner


def test_all_three_parts_are_run_and_reported_whatever_fails(repository: Runner) -> None:
    repository.commit("rules.toml")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.program(
        "watchdog",
        'case $1 in test) echo "error-rate: too late"; exit 1 ;; backtest) echo "| a |"; exit 3 ;; esac',
    )
    ran = repository.call("rules.sh", WATCHDOG_PROMETHEUS_URL="http://prometheus:9090", BASE="main")
    assert ran.returncode == 1  # of the tests, the first that failed
    assert repository.calls == [
        "watchdog check rules.toml",
        "watchdog test rules.toml --junit rules-tests.xml",
        "watchdog backtest rules.toml --since 14d -o markdown --against origin/main:rules.toml"
        " --fail-on more-false-alarms,more-missed,more-cut-short",
    ]
    report = (repository.folder / "rules-report.md").read_text()
    assert "- [x] `watchdog check`" in report
    assert "- [ ] `watchdog test` fails\n\n````text\nerror-rate: too late\n````" in report
    assert report.rstrip().endswith("| a |")


def test_on_github_the_mistakes_become_annotations(repository: Runner) -> None:
    repository.program("watchdog", "exit 1")
    assert repository.call("rules_check.sh", GITHUB_ACTIONS="true").returncode == 1
    assert repository.calls == ["watchdog check rules.toml -o github"]


def test_new_rules_have_nothing_to_be_compared_with(repository: Runner) -> None:
    repository.program("watchdog", "exit 0")
    ran = repository.call("rules_backtest.sh", WATCHDOG_PROMETHEUS_URL="http://prometheus:9090", BASE="main")
    assert ran.returncode == 0
    assert repository.calls == ["watchdog backtest rules.toml --since 14d -o markdown"]


def test_the_backtest_takes_a_list_of_switches_where_one_is_named(repository: Runner) -> None:
    repository.program("watchdog", "exit 0")
    url = "http://prometheus:9090"
    assert repository.call("rules_backtest.sh", WATCHDOG_PROMETHEUS_URL=url, SWITCHES="records.json").returncode == 0
    assert repository.calls == ["watchdog backtest rules.toml --since 14d -o markdown --switches records.json"]


def test_without_a_prometheus_the_report_says_that_nothing_was_proven(repository: Runner) -> None:
    repository.program("watchdog", "exit 0")
    assert repository.call("rules_backtest.sh").returncode == 0
    assert repository.calls == []
    assert "was not run" in (repository.folder / "rules-report.md").read_text()
