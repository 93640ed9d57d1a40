"""The workflow's scripts, each as a runner would call it, with stand-ins of the programs that it calls."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.standin import Forge, running
from ci.workflows import ROOT, SCRIPTS, run_job

TWO = {
    "registry": "registry.example",
    "shared": ["libs/"],
    "services": {"gateway": {"path": "services/gateway"}, "agent": {"path": "services/agent"}},
}


class Runner:
    """A folder with a repository, programs that stand in for others, and what the scripts hand on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.outputs = folder, folder / ".bin", folder / ".outputs"
        self.summary = folder / ".summary"
        self.bin.mkdir()
        (folder / "services.json").write_text(json.dumps(TWO))

    def program(self, name: str, script: str) -> None:
        """A stand-in, in sh; it notes how it was called."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.folder}/.calls"\n{script}\n')
        path.chmod(0o755)

    def call(self, script: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it."""
        return subprocess.run(
            [SCRIPTS / script, *words],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            env={
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "SERVICES_FILE": str(self.folder / "services.json"),
                "GITHUB_OUTPUT": str(self.outputs),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                **variables,
            },
        )

    def git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com", *words]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, *paths: str) -> str:
        """Touch these files and commit; the commit."""
        for path in paths:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(file.read_text() + "x" if file.exists() else "x")
        self.git("add", *paths)
        self.git("commit", "--quiet", "-m", "change")
        return self.git("rev-parse", "HEAD")

    @property
    def calls(self) -> list[str]:
        found = self.folder / ".calls"
        return found.read_text().splitlines() if found.exists() else []

    @property
    def handed_on(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.outputs.read_text().splitlines())


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture
def repository(runner: Runner) -> Runner:
    runner.git("init", "--quiet", "--initial-branch=main")
    runner.commit("services/gateway/a", "services/agent/a", "README")
    return runner


def planned(runner: Runner, **variables: str) -> dict[str, str]:
    ran = runner.call("plan.py", **variables)
    assert ran.returncode == 0, ran.stderr
    return {one["service"]: one["version"] for one in json.loads(ran.stdout)["include"]}


# -- which services -------------------------------------------------------------------------------------------------


def test_only_the_services_whose_files_changed_are_released(repository: Runner) -> None:
    before = repository.git("rev-parse", "HEAD")
    commit = repository.commit("services/agent/b")
    assert planned(repository, BASE=before) == {"agent": f"sha-{commit[:12]}"}
    assert repository.handed_on["any"] == "true"
    after = repository.commit("README")
    assert planned(repository, BASE=commit, HEAD=after) == {}
    assert repository.handed_on["any"] == "false"


def test_a_service_beside_one_of_a_longer_name_is_not_mixed_up_with_it(repository: Runner) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.commit("services/gateway-tools/a")
    assert planned(repository, BASE=before) == {}


def test_what_all_share_changes_all(repository: Runner) -> None:
    before = repository.git("rev-parse", "HEAD")
    commit = repository.commit("libs/x")
    assert planned(repository, BASE=before) == dict.fromkeys(("gateway", "agent"), f"sha-{commit[:12]}")


def test_a_file_that_moved_changes_both_services(repository: Runner) -> None:
    before = repository.git("rev-parse", "HEAD")
    repository.git("mv", "services/agent/a", "services/gateway/moved")
    repository.git("commit", "--quiet", "-m", "move")
    assert set(planned(repository, BASE=before)) == {"gateway", "agent"}


@pytest.mark.parametrize("base", ["0" * 40, "", "1234567890" * 4, "--upload-pack=evil"])
def test_without_a_base_that_git_knows_every_service_counts(repository: Runner, base: str) -> None:
    assert set(planned(repository, BASE=base)) == {"gateway", "agent"}


def test_a_release_is_about_what_changed_since_the_last_tag(repository: Runner) -> None:
    repository.git("tag", "v1.0.0")
    assert set(planned(repository, BASE="release", ENVIRONMENT="production")) == {"gateway", "agent"}
    commit = repository.commit("services/gateway/b")
    repository.commit("README")
    repository.git("tag", "v1.1.0")
    assert planned(repository, BASE="release") == {"gateway": f"sha-{commit[:12]}"}


def test_by_hand_services_are_named_and_misspelt_ones_are_wrong_usage(repository: Runner) -> None:
    assert set(planned(repository, ONLY="gateway, agent")) == {"gateway", "agent"}
    assert set(planned(repository, ONLY="all")) == {"gateway", "agent"}
    ran = repository.call("plan.py", ONLY="gatewy")
    assert (ran.returncode, ran.stderr) == (2, "plan: there is no service 'gatewy'; there are gateway, agent\n")
    assert repository.call("plan.py", ENVIRONMENT="prod").returncode == 2
    assert repository.call("plan.py", HEAD="nowhere").returncode == 1


@pytest.mark.parametrize(
    ("github", "inputs", "services", "environment"),
    [
        ({"ref_type": "branch", "event": {"before": "{v1.0.0}"}}, {}, {"agent"}, "staging"),
        ({"ref_type": "tag", "event": {"before": "0" * 40}}, {}, {"agent"}, "production"),
        (
            {"ref_type": "branch", "event": {}},
            {"environment": "production", "services": "gateway"},
            {"gateway"},
            "production",
        ),
        (
            {"ref_type": "branch", "event": {}},
            {"environment": "staging", "services": "all"},
            {"gateway", "agent"},
            "staging",
        ),
    ],
    ids=["a push to main", "a tag", "by hand, one service to production", "by hand, all to staging"],
)
def test_the_workflow_asks_for_what_its_trigger_means(
    repository: Runner,
    tmp_path_factory: pytest.TempPathFactory,
    github: dict[str, Any],
    inputs: dict[str, str],
    services: set[str],
    environment: str,
) -> None:
    repository.git("tag", "v1.0.0")
    if github["event"].get("before", "").startswith("{"):
        github = {**github, "event": {"before": repository.git("rev-parse", "HEAD")}}
    head = repository.commit("services/agent/b")
    (repository.folder / "deploy").symlink_to(ROOT / "deploy")
    job = run_job(
        "deploy.yml",
        "plan",
        {"github": {**github, "sha": head}, "inputs": inputs},
        folder=repository.folder,
        scratch=tmp_path_factory.mktemp("plan"),
        environment={"SERVICES_FILE": str(repository.folder / "services.json")},
    )
    assert job.status == "success", job.log
    outputs = job["Which services, which versions, where to"].outputs
    assert {one["service"] for one in json.loads(outputs["matrix"])["include"]} == services
    assert outputs["environment"] == environment


# -- what came of it ------------------------------------------------------------------------------------------------

ROLLED_BACK = {
    "target": "staging/deployment/agent",
    "exit": 3,
    "outcome": "rolled-back",
    "recovery": "recovered",
    "reason": "error-rate: 8.1 % of 240 requests\nfailed, 100%",
    "watch": "agent-1",
    "link": "https://watchdog.example/api/watches/agent-1",
}


def test_a_verdict_is_the_jobs_exit_code_its_outputs_and_an_annotation_with_the_link(runner: Runner) -> None:
    runner.program("watchdog", f"printf '%s\\n' '{json.dumps(ROLLED_BACK)}'; echo progress >&2; exit 3")
    ran = runner.call("verdict.py", "wait", "staging/deployment/agent", GITHUB_ACTIONS="true")
    assert ran.returncode == 3
    assert runner.calls == ["watchdog wait staging/deployment/agent -o json"]
    assert runner.handed_on["outcome"] == "rolled-back"
    assert runner.handed_on["link"] == ROLLED_BACK["link"]
    assert runner.handed_on["reason"] == "error-rate: 8.1 % of 240 requests failed, 100%"
    last = ran.stdout.splitlines()[-1]
    assert last.startswith("::error title=staging/deployment/agent%3A rolled back%2C recovered::error-rate: 8.1 %25")
    assert last.endswith("https://watchdog.example/api/watches/agent-1")
    assert "[the watch](https://watchdog.example/api/watches/agent-1)" in runner.summary.read_text()


@pytest.mark.parametrize(("code", "outcome"), [(0, "passed"), (1, "none"), (2, "none"), (4, "refused")])
def test_a_verb_that_said_nothing_still_has_an_outcome(runner: Runner, code: int, outcome: str) -> None:
    runner.program("watchdog", f"echo nothing >&2; exit {code}")
    assert runner.call("verdict.py", "switch", "production/service/agent", "--to", "green").returncode == code
    assert runner.handed_on["outcome"] == outcome


# -- putting back ---------------------------------------------------------------------------------------------------

STAGING = {"TARGET": "staging/deployment/agent", "SERVICE": "agent", "VERSION": "sha-1"}
PRODUCTION = {"TARGET": "production/service/agent", "SERVICE": "agent", "VERSION": "sha-1", "COLOUR": "green"}


def test_a_failed_test_puts_this_release_back(runner: Runner) -> None:
    runner.program("kubectl", "printf registry.example/agent:sha-1")
    runner.program("watchdog", "exit 0")
    ran = runner.call("put_back.sh", REASON="smoke\ntests\x1b[2J failed", **STAGING)
    assert ran.returncode == 0, ran.stderr
    assert runner.calls[-1] == "watchdog rollback staging/deployment/agent --reason smoketests[2J failed --yes"


@pytest.mark.parametrize(
    ("variables", "serves"), [(STAGING, "registry.example/agent:sha-0"), (PRODUCTION, "blue"), (STAGING, "")]
)
def test_what_somebody_else_released_is_left_alone(runner: Runner, variables: dict[str, str], serves: str) -> None:
    runner.program("kubectl", f"printf '{serves}'")
    runner.program("watchdog", "exit 0")
    ran = runner.call("put_back.sh", **variables)
    assert ran.returncode == 0
    assert "nothing to put back" in ran.stdout
    assert not [call for call in runner.calls if call.startswith("watchdog")]


@pytest.mark.parametrize(
    "outcome", ["rolled-back", "superseded", "held", "notified", "failed", "inconclusive", "none", "refused"]
)
def test_what_the_watchdog_decided_stays_decided(runner: Runner, outcome: str) -> None:
    runner.program("kubectl", "printf green")
    runner.program("watchdog", "exit 0")
    ran = runner.call("put_back.sh", OUTCOME=outcome, **PRODUCTION)
    assert ran.returncode == 0
    assert "left as it is" in ran.stdout
    assert runner.calls == []


@pytest.mark.parametrize(("waited", "code"), [(3, 0), (0, 1), (4, 4), (5, 5), (1, 1)])
def test_an_emergency_rollback_succeeds_where_the_target_was_rolled_back(
    runner: Runner, waited: int, code: int
) -> None:
    runner.program("watchdog", f"case $1 in rollback) exit 0 ;; wait) exit {waited} ;; esac")
    given = {"TARGET": "production/service/agent", "REASON": "orders; $(are) lost", "OVERRIDE": "shared-cause"}
    ran = runner.call("rollback.sh", **given)
    assert ran.returncode == code
    assert runner.calls[0] == (
        "watchdog rollback production/service/agent --reason orders; $(are) lost --yes --override shared-cause"
    )


def test_an_emergency_rollback_that_is_refused_says_so_and_waits_for_nothing(runner: Runner) -> None:
    runner.program("watchdog", "exit 4")
    ran = runner.call("rollback.sh", TARGET="production/service/agent", REASON="orders are lost")
    assert ran.returncode == 4
    assert len(runner.calls) == 1
    assert runner.call("rollback.sh", TARGET="production/service/agent", REASON="").returncode != 0


# -- the others -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("serving", "idle"), [("blue", "green"), ("green", "blue")])
def test_the_release_goes_to_the_colour_that_does_not_serve(runner: Runner, serving: str, idle: str) -> None:
    runner.program("kubectl", f"printf {serving}")
    assert runner.call("idle_colour.sh", SERVICE="agent", NAMESPACE="production").returncode == 0
    assert runner.handed_on == {"colour": idle, "deployment": f"agent-{idle}", "serving": f"agent-{serving}"}


def test_a_service_of_no_known_colour_is_not_deployed_to(runner: Runner) -> None:
    runner.program("kubectl", "printf ''")
    ran = runner.call("idle_colour.sh", SERVICE="agent", NAMESPACE="production")
    assert ran.returncode == 1
    assert "neither blue nor green" in ran.stderr


@pytest.mark.parametrize("version", ["", "-x", "a b", "x:y", "$(id)"])
def test_a_version_that_could_be_no_tag_is_refused(runner: Runner, version: str) -> None:
    assert runner.call("told.py", "image", "agent", version).returncode == 2


def test_an_image_that_is_there_is_not_built_again(runner: Runner) -> None:
    runner.program("docker", "exit 0")
    ran = runner.call("image.sh", SERVICE="agent", VERSION="sha-1")
    assert ran.returncode == 0
    assert runner.calls == ["docker manifest inspect registry.example/agent:sha-1"]


def test_an_image_that_is_missing_is_made_by_the_services_own_target(runner: Runner) -> None:
    runner.program("docker", "exit 1")
    runner.program("make", 'echo "for $IMAGE"')
    ran = runner.call("image.sh", SERVICE="agent", VERSION="sha-1")
    assert runner.calls[-1] == "make -C services/agent image"
    assert "for registry.example/agent:sha-1" in ran.stdout


def test_the_kubeconfig_is_for_its_owner_alone(runner: Runner) -> None:
    env = runner.folder / ".env"
    ran = runner.call(
        "kubeconfig.sh", KUBECONFIG_DATA="kind: Config", RUNNER_TEMP=str(runner.folder), GITHUB_ENV=str(env)
    )
    assert ran.returncode == 0
    assert "kind: Config" not in ran.stdout + ran.stderr
    file = Path(dict(line.split("=") for line in env.read_text().splitlines())["WATCHDOG_KUBECONFIG"])
    assert file.read_text() == "kind: Config\n"
    assert file.stat().st_mode & 0o077 == 0


def test_a_channel_that_is_away_fails_no_release(runner: Runner) -> None:
    facts = {
        "SERVICE": "agent",
        "VERSION": "sha-1",
        "ENVIRONMENT": "production",
        "STATUS": "failure",
        "NOTIFY_PAUSE": "0",
    }
    assert runner.call("notify.py", **facts).returncode == 0
    away = runner.call("notify.py", NOTIFY_URL="http://127.0.0.1:9/T0KEN", **facts)
    assert away.returncode == 0
    assert "the channel did not take it" in away.stderr
    assert "T0KEN" not in away.stderr + away.stdout


def test_the_channel_is_told_the_whole_story_in_one_line(runner: Runner) -> None:
    heard: list[Any] = []

    class Channel(Forge):
        def answer(self, method: str, target: str, body: Any) -> tuple[int, dict[str, str], Any]:
            heard.append(body)
            return 200, {}, "ok"

    with running(Channel()) as channel:
        ran = runner.call(
            "notify.py",
            SERVICE="agent",
            VERSION="sha-1",
            ENVIRONMENT="production",
            STATUS="failure",
            OUTCOME="rolled-back",
            DETAIL="error-rate: 8 %",
            LINK="https://watchdog.example/api/watches/agent-1",
            NOTIFY_URL=channel.url,
            no_proxy="*",
        )
    assert ran.returncode == 0
    line = (
        "agent sha-1 to production: FAILED (rolled-back: error-rate: 8 %) https://watchdog.example/api/watches/agent-1"
    )
    assert heard == [{"text": line}]


# -- the rules' pull request ----------------------------------------------------------------------------------------


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


def test_the_services_of_the_example_are_those_of_the_rules() -> None:
    told = json.loads((ROOT / "deploy/ci/services.json").read_text())
    assert set(told["services"]) == {"gateway", "research", "brand", "content", "agent"}
    jobs = yaml.safe_load((ROOT / "deploy/ci/release-service.yml").read_text())["jobs"]
    assert jobs["checks"]["strategy"]["matrix"]["target"] == ["lint", "security", "test-unit", "test-integration"]
