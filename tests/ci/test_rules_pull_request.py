"""The rules' pull request from end to end: the real verbs, a real Prometheus with a history, one comment."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from benchmarks.backtest.history import RULES, build
from benchmarks.backtest.plan import Fault, Plan
from markdown_it import MarkdownIt

from ci.runner import Runner
from ci.standin import Forge, running
from cli.verbs import call
from simulator.prometheus.real import needs_prometheus, prometheus
from watchdog.adapters.clock import SystemClock

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600), needs_prometheus]

LAXER = RULES.replace("http_error_rate > 5%", "http_error_rate > 12%")  # an 8 % fault goes through
STRICTER = RULES.replace('for  = "1m"', 'for  = "30s"', 1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    end = SystemClock().now().replace(second=0, microsecond=0) + timedelta(minutes=10)
    return Plan(days=0.5, services=2, switches=4, bad=2, shared=0, end=end, faults=(Fault.ERRORS, Fault.CPU))


@pytest.fixture(scope="module")
def past(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("history")
    build(plan, folder)
    with prometheus("global: {}\n", folder) as real:
        yield real.url


class Job:
    """A repository whose main has RULES, on a branch, and the job that a pull request of it runs."""

    def __init__(self, folder: Path, forge: Forge, url: str) -> None:
        self.runner = Runner(folder)
        self.runner.program("watchdog", f'exec "{sys.executable}" -m watchdog "$@"')
        self._forge, self._url = forge, url
        self.runner.git("init", "--quiet", "--initial-branch=main")
        self.commit(RULES)
        made = call("test", str(folder / "rules.toml"), "--new", "latency", "--write")
        assert made.exit_code == 0, made.stderr
        self.runner.git("update-ref", "refs/remotes/origin/main", "HEAD")
        self.runner.git("switch", "--quiet", "-c", "change")

    def commit(self, rules: str) -> None:
        (self.runner.folder / "rules.toml").write_text(rules)
        self.runner.git("add", "rules.toml")
        self.runner.git("commit", "--quiet", "--allow-empty", "-m", "rules")

    def run(self) -> tuple[int, str]:
        """The job's exit code, and what was said of the comment."""
        ran = self.runner.call("rules.sh", BASE="main", SINCE="12h", WATCHDOG_PROMETHEUS_URL=self._url, no_proxy="*")
        told = self.runner.call(
            *("comment.py", "rules-report.md"),
            GITHUB_API_URL=self._forge.url,
            GITHUB_TOKEN="token",
            GITHUB_REPOSITORY="acme/plasma",
            PULL_REQUEST="7",
            no_proxy="*",
        )
        assert told.returncode == 0, told.stderr
        self.log = ran.stdout + ran.stderr
        return ran.returncode, told.stdout.strip()


@pytest.fixture
def forge() -> Iterator[Forge]:
    with running(Forge()) as found:
        yield found


@pytest.fixture
def job(tmp_path: Path, forge: Forge, past: str) -> Job:
    return Job(tmp_path, forge, past)


def test_a_laxer_rule_fails_the_job_and_the_comment_that_says_why_is_updated_when_it_is_mended(
    job: Job, forge: Forge, plan: Plan
) -> None:
    missed = next(one for one in plan.releases if one.fault is Fault.ERRORS)
    job.commit(LAXER)
    assert job.run() == (3, "comment: posted"), job.log
    (comment,) = forge.bodies()
    assert "- [ ] `watchdog backtest`: watchdog: --fail-on: more-missed (more-missed is 1)" in comment
    assert "origin/main:rules.toml</code>: 1 rollback fewer" in comment
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(comment)
    worse = html[html.index("worse") :]
    assert missed.target in worse[: worse.index("</tr>")]

    job.commit(STRICTER)
    assert job.run() == (0, "comment: updated"), job.log
    (comment,) = forge.bodies()
    assert "- [x] `watchdog backtest`" in comment
    assert "1 rollback fewer" not in comment
    assert "30 s sooner" in comment
    assert comment.count("<!-- rollback-watchdog -->") == 1
    assert len(comment) < forge.limit


def test_rules_with_a_mistake_fail_the_job_with_the_line_and_are_still_reported(job: Job, forge: Forge) -> None:
    job.commit(RULES.replace("> 5%", "> 5 apples"))
    code, said = job.run()
    assert (code, said) == (1, "comment: posted")
    (comment,) = forge.bodies()
    assert "- [ ] `watchdog check` names mistakes" in comment
    assert "- [ ] `watchdog backtest`" in comment
