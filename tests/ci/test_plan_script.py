"""Which services a push, a tag or a person releases, and in which version."""

import json
from typing import Any

import pytest

from ci.runner import Runner
from ci.workflows import ROOT, run_job


def planned(runner: Runner, **variables: str) -> dict[str, str]:
    ran = runner.call("plan.py", **variables)
    assert ran.returncode == 0, ran.stderr
    return {one["service"]: one["version"] for one in json.loads(ran.stdout)["include"]}


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
