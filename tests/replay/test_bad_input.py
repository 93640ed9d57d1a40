"""`watchdog backtest` where something is not as it should be: one clear line, and the right exit code."""

import json
import subprocess
from pathlib import Path

import pytest
from benchmarks.backtest.history import RULES

from cli.verbs import call
from replay.standin import Answer, data, standing_in
from watchdog.adapters.clock import SystemClock

A_SWITCH = '[[switches]]\ntarget = "a/deployment/b"\n'
A_CANARY = A_SWITCH.replace("deployment", "httproute") + (
    'at = 2026-03-02T10:00:00Z\ncandidate = "g-6d"\nprevious = "b-7d"\n'
)
A_GOOD = A_SWITCH + 'at = 2026-03-02T10:00:00Z\ncandidate = "b-6d"\n'
A_LINE = '{"schema": 1, "target": "a/deployment/b", "switched_at": "2026-03-02T10:00:00+00:00", "outcome": "passed"}'
HTML = (200, "text/html", "<!doctype html><title>Sign in</title>")


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return str(path)


def clock(behind: float = 0.0) -> Answer:
    now = SystemClock().now().timestamp() - behind
    return data([{"metric": {}, "value": [now, str(now)]}])


def empty(_path: str, asked: dict[str, str]) -> Answer:
    return clock() if asked["query"] == "vector(time())" else data([])


def test_a_prometheus_that_cannot_be_reached_ends_with_1(rules: str) -> None:
    result = call("backtest", rules, "--prometheus", "http://127.0.0.1:9", "--no-cache")
    assert result.exit_code == 1
    assert result.stderr.startswith("watchdog: http://127.0.0.1:9 cannot be asked: unreachable: ")
    assert "Connection refused" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_proxy_that_answers_html_is_named_as_one(rules: str) -> None:
    with standing_in(lambda _path, _asked: HTML) as url:
        result = call("backtest", rules, "--prometheus", url, "--no-cache")
    assert result.exit_code == 1
    assert f"{url} answers HTML (HTTP 200), not the Prometheus API: a proxy or a login page?" in result.stderr


def test_a_redirect_to_a_login_page_is_not_followed(rules: str) -> None:
    with standing_in(lambda _path, _asked: (302, "text/html", "")) as url:
        result = call("backtest", rules, "--prometheus", url, "--no-cache")
    assert result.exit_code == 1
    assert "redirects elsewhere: a login page?" in result.stderr


def test_a_proxy_that_breaks_in_later_ends_with_1_too(rules: str) -> None:
    def answer(_path: str, asked: dict[str, str]) -> Answer:
        return clock() if asked["query"] == "vector(time())" else HTML

    with standing_in(answer) as url:
        result = call("backtest", rules, "--prometheus", url, "--no-cache")
    assert result.exit_code == 1
    assert "answers HTML" in result.stderr


def test_an_empty_prometheus_is_told_and_no_failure_unless_asked_for(rules: str) -> None:
    with standing_in(empty) as url:
        result = call("backtest", rules, "--prometheus", url, "--no-cache", "-o", "json")
        strict = call("backtest", rules, "--prometheus", url, "--no-cache", "--fail-on", "partial,switches<1")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["switches"] == []
    text = "no pod of a guarded namespace is in Prometheus's history: nothing to replay"
    assert [note["text"] for note in report["notes"]] == [text]
    assert strict.exit_code == 3
    assert text in strict.stdout


def test_the_stretch_that_was_asked_for_is_said_in_words_for_people(rules: str) -> None:
    with standing_in(empty) as url:
        hour = call("backtest", rules, "--prometheus", url, "--no-cache", "--since", "1h")
        fortnight = call("backtest", rules, "--prometheus", url, "--no-cache")
    assert "quiet windows in 1 h, 20" in hour.stdout
    assert "quiet windows in 14 d, 20" in fortnight.stdout


def test_a_prometheus_whose_clock_is_off_is_taken_at_its_word_and_that_is_said(rules: str) -> None:
    def answer(_path: str, asked: dict[str, str]) -> Answer:
        return clock(behind=7200.0) if asked["query"] == "vector(time())" else data([])

    with standing_in(answer) as url:
        result = call("backtest", rules, "--prometheus", url, "--no-cache", "-o", "json")
    report = json.loads(result.stdout)
    assert report["notes"][0]["text"].startswith("Prometheus's clock is 2 h 0 min behind this machine's")


def test_a_query_that_prometheus_refuses_as_too_large_ends_with_its_own_words(rules: str) -> None:
    refusal = {"status": "error", "errorType": "execution", "error": "query processing would load too many samples"}

    def answer(_path: str, asked: dict[str, str]) -> Answer:
        return clock() if asked["query"] == "vector(time())" else (422, "application/json", json.dumps(refusal))

    with standing_in(answer) as url:
        result = call("backtest", rules, "--prometheus", url, "--no-cache")
    assert result.exit_code == 1
    assert "refused: HTTP 422: query processing would load too many samples" in result.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--since", "fortnight"], "--since 'fortnight': "),
        (["--since", "0d"], "--since '0d': write from 1m to 3650d"),
        (["--since", "999999d"], "--since '999999d': write from 1m to 3650d"),
        (["--until", "2026-03-02T10:00:00"], "has no UTC offset; write 2026-03-02T10:00:00+00:00"),
        (["--until", "tomorrow"], "is no time; write it like 2026-"),
        (["--since", "1d", "--until", "0001-01-01T00:00:00Z"], "the year cannot be meant; write a time from 1970 on"),
        (["--until", "0001-01-01T00:00:00+14:00"], "the year cannot be meant"),
        (["--until", "9999-12-31T23:59:59Z"], "the year cannot be meant"),
        (["--until", "2926-03-02T12:00:00Z"], "is still to come; write a time up to now"),
        (["--label", "gone.toml"], "gone.toml cannot be read: No such file or directory"),
        (["--switches", "gone.toml"], "gone.toml cannot be read: No such file or directory"),
        (["--fail-on", "more-false-alarms"], "say with what by --against"),
        (["--fail-on", "nonsense"], "--fail-on knows no 'nonsense'; there are false-alarms, "),
        (["--fail-on", "missed!"], "write NAME, or NAME and one of >, >=, <, <=, = and a plain number, as in missed>1"),
        (["--fail-on", "missed>1e3"], "one of >, >=, <, <=, = and a plain number"),
        (["--fail-on", ""], "--fail-on '' holds no condition; write NAME, or NAME and one of >, "),
        (["--fail-on", "missed", "--fail-on", " ,"], "--fail-on ' ,' holds no condition"),
        (["--against", "gone.toml"], "gone.toml cannot be read: No such file or directory"),
        (["--against", "no-such-branch:rules.toml"], "git cannot show no-such-branch:rules.toml: "),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(rules: str, words: list[str], line: str) -> None:
    result = call("backtest", rules, "--prometheus", "http://127.0.0.1:9", "--no-cache", *words)
    assert result.exit_code == 2, result.stderr
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_prometheus_it_says_how_one_is_named(rules: str) -> None:
    result = call("backtest", rules)
    assert result.exit_code == 2
    assert "set WATCHDOG_PROMETHEUS_URL or pass --prometheus" in result.stderr


def test_mistakes_in_the_rules_are_told_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("version = 1\n[guards.x]\nrulez = []\n")
    result = call("backtest", str(path), "--prometheus", "http://127.0.0.1:9")
    assert result.exit_code == 2
    assert f"{path}:3:1: " in result.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("not toml", "list.toml: "),
        ('[[switches]]\ntarget = "a/deployment/b"\n', "switch 1: at None is no moment"),
        ('[[switches]]\ntarget = "a/deployment/b"\nat = 2026-03-02T10:00:00\n', "says no UTC offset"),
        ('[[switches]]\ntarget = "b"\nat = 2026-03-02T10:00:00Z\n', "'b' is no target; write"),
        ('[[switches]]\nwhen = "b"\n', "'when' is no key; there are at, by, "),
        ('{"target": "a/deployment/b"}\nnonsense\n', "list.toml:2: this is no JSON object"),
        ('[[switches]]\ntarget = "a/deployment/b"\nat = 0001-01-01T00:00:00Z\n', "the year cannot be meant"),
        (
            '[[switches]]\ntarget = "a/deployment/b"\nat = 2026-03-02T10:00:00Z\nlabel = "awful"\n',
            "label 'awful' is none",
        ),
        (A_CANARY + "weight = 0\n", "switch 1: weight 0 is no part of the traffic; write percent, such as 25"),
        (A_CANARY + 'weight = "5%"\n', "weight '5%' is no part of the traffic"),
        (A_CANARY + "steps = 25\n", "write steps as [{ at = 2026-03-02T14:15:00Z, weight = 25 }]"),
        (A_CANARY + "steps = [{ at = 2026-03-02T11:00:00Z, weight = 25 }]\n", "write weight too"),
        (
            A_CANARY + "weight = 5\nsteps = [{ at = 2026-03-02T09:00:00Z, weight = 25 }]\n",
            "switch 1: step 1: 2026-03-02T09:00:00+00:00 is not after 2026-03-02T10:00:00+00:00",
        ),
        (
            A_CANARY + "weight = 5\nsteps = [{ at = 2026-03-02T11:00:00Z, weight = 5 }]\n",
            "switch 1: step 1: 5 % as before; write the weight that it moved to, or leave it out",
        ),
        (
            A_CANARY + "weight = 5\nsteps = [{ at = 2026-03-02T11:00:00Z, weight = 25 }, "
            "{ at = 2026-03-02T12:00:00Z, weight = 25.0 }]\n",
            "switch 1: step 2: 25 % as before",
        ),
        (
            f'{A_GOOD}label = "good"\n{A_GOOD}label = "bad"\n',
            "switch 2: a/deployment/b at 2026-03-02T10:00:00+00:00 is listed already (list.toml: switch 1), there as "
            "good and here as bad; keep the one that is true",
        ),
        (f"{A_GOOD}{A_GOOD}", "is listed already (list.toml: switch 1); keep one of them"),
        ("", "list.toml is empty; write each switch as a TOML table [[switches]] with target and at, or as a JSON"),
        (" \n", "list.toml is empty"),
        ("[]", "list.toml: it holds no switch"),
        ("apiVersion: v1\nkind: List\n", "this looks like YAML: have kubectl print it by -o json"),
        ("version = 1\n", "list.toml: it holds no [[switches]]; write each switch as a TOML table"),
        (
            '{"target": "a/deployment/b",\n',
            "list.toml:1: this is no JSON object; write one a line; nor is the file one",
        ),
        ('["x"]', "list.toml: entry 1 is no JSON object"),
        ('{"a":' * 5000, "list.toml: nested too deeply for any list of switches"),
        ("[" * 5000 + "]" * 5000, "list.toml: nested too deeply for any list of switches"),
        (A_LINE, "list.toml:1: a line of `watchdog history -o json` says only how a watch ended: give it to --label."),
        (
            '{"kind": "PodList", "items": [{"kind": "Pod", "metadata": {"name": "a"}}]}',
            "list.toml: of 1 objects none is a ConfigMap with a record of the watchdog, or the ReplicaSet of a Depl",
        ),
        ('{"kind": "List", "items": ["x"]}', "list.toml: object 1 has not the shape of its kind: it has no metadata"),
        (
            A_GOOD + A_CANARY.replace('previous = "b-7d"\n', ""),
            "list.toml: switch 2: the switch of a/httproute/b names no previous, which serves beside the candidate",
        ),
        (A_GOOD.replace('candidate = "b-6d"\n', ""), "list.toml: switch 1: the switch of a/deployment/b names no cand"),
        (A_CANARY.replace("b-7d", "g-7d"), "candidate and previous are both of g; a route shares among two"),
        (
            A_CANARY.replace("httproute", "deployment") + "weight = 5\n",
            "weight is of a route; a/deployment/b moves all",
        ),
    ],
)
def test_a_list_that_cannot_be_read_ends_with_2_and_says_where(
    rules: str, tmp_path: Path, text: str, line: str
) -> None:
    path = tmp_path / "list.toml"
    path.write_text(text)
    result = call("backtest", rules, "--prometheus", "http://127.0.0.1:9", "--no-cache", "--switches", str(path))
    assert result.exit_code == 2, result.stderr
    assert line in result.stderr.replace(f"{tmp_path}/", "")
    assert len(result.stderr.splitlines()) == 1


def test_old_rules_come_from_a_git_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (tmp_path / "rules.toml").write_text(RULES.replace("5%", "6%"))
    monkeypatch.chdir(tmp_path)
    with standing_in(empty) as url:
        result = call("backtest", "--prometheus", url, "--no-cache", "--against", "main:rules.toml", "-o", "json")
    both = json.loads(result.stdout)
    assert result.exit_code == 0
    assert both["old_name"] == "main:rules.toml"
    assert both["old"]["digest"] != both["new"]["digest"]
    assert both["summary"] == "no difference"
