"""The workflow's scripts, each as a runner would call it, with stand-ins of the programs that it calls."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.runner import Runner
from ci.standin import Forge, running
from ci.workflows import ROOT

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


def test_the_services_of_the_example_are_those_of_the_rules() -> None:
    told = json.loads((ROOT / "deploy/ci/services.json").read_text())
    assert set(told["services"]) == {"gateway", "research", "brand", "content", "agent"}
    jobs = yaml.safe_load((ROOT / "deploy/ci/release-service.yml").read_text())["jobs"]
    assert jobs["checks"]["strategy"]["matrix"]["target"] == ["lint", "security", "test-unit", "test-integration"]
