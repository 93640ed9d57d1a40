"""The workflows as files: they can be read, name scripts that are there, and give away nothing."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.expressions import evaluated, names
from ci.workflows import CI, ROOT, SCRIPTS, read
from cli.verbs import call

WORKFLOWS = ("github-actions.yml", "deploy.yml", "release-service.yml", "rollback.yml")
PROGRAMS = sorted(path for path in SCRIPTS.iterdir() if path.suffix in (".sh", ".py") and path.name != "services.py")
WRITABLE = {"pull-requests": ["github-actions.yml"], "packages": ["deploy.yml", "release-service.yml"]}
OURS = {"github", "inputs", "vars", "secrets", "matrix", "needs", "steps", "job", "env"}


def jobs(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from read(name)["jobs"].items()


def steps(name: str) -> list[dict[str, Any]]:
    return [step for _, job in jobs(name) for step in job.get("steps", [])]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_run_is_one_call_of_a_script_that_is_there(name: str) -> None:
    runs = [step["run"] for step in steps(name) if "run" in step]
    assert runs or name == "deploy.yml"
    for run in runs:
        words = shlex.split(run)
        assert re.fullmatch(r"deploy/ci/scripts/[a-z_]+\.(sh|py)", words[0]), run
        assert (ROOT / words[0]).is_file(), run
        assert not {";", "&&", "||", "|", "`", "$("} & set(run.split()), run


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_expression_stands_in_a_run(name: str) -> None:
    for step in steps(name):
        assert "${{" not in step.get("run", ""), step
        assert "shell" not in step
    for step in steps(name):
        for word in re.findall(r"\$\{?(\w+)", step.get("run", "")):
            quoted = f'"${word}"'
            assert quoted in step["run"], f"{step['run']}: {word} is not quoted"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_permissions_are_read_only_but_where_a_job_says_why(name: str) -> None:
    told = read(name)
    assert told["permissions"] == {"contents": "read"}
    for _, job in jobs(name):
        for permission, right in job.get("permissions", {}).items():
            assert right == "read" or name in WRITABLE[permission], permission


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_runs_with_rights_on_code_of_strangers(name: str) -> None:
    told = read(name)
    triggers = told.get("on", told.get(True))  # YAML 1.1 reads `on` as true
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers)
    for step in steps(name):
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, step


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_and_jobs_end(name: str) -> None:
    for step in steps(name):
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", step["uses"]), step["uses"]
    for key, job in jobs(name):
        assert "timeout-minutes" in job or "uses" in job, key


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_expression_can_be_read_and_asks_for_what_there_is(name: str) -> None:
    text = (CI / name).read_text(encoding="utf-8")
    functions = {one: lambda: True for one in ("success", "failure", "always", "cancelled")}
    for expression in re.findall(r"\$\{\{(.*?)\}\}", text):
        if "fromJSON" not in expression:
            evaluated(expression, {}, functions)
    assert {one.partition(".")[0] for one in names(text)} <= OURS
    for _, job in jobs(name):
        ids = {step["id"]: step for step in job.get("steps", []) if "id" in step}
        for asked in re.findall(r"steps\.([\w-]+)\.", yaml.safe_dump(job)):
            assert asked in ids, f"steps.{asked}"


def test_the_services_workflow_is_given_what_it_asks_for() -> None:
    called = read("release-service.yml")
    inputs = called.get("on", called.get(True))["workflow_call"]["inputs"]
    assert set(read("deploy.yml")["jobs"]["service"]["with"]) == set(inputs)


def test_releases_of_one_service_do_not_overlap_and_are_never_cut_off() -> None:
    for key in ("staging", "production"):
        concurrency = read("release-service.yml")["jobs"][key]["concurrency"]
        assert "inputs.service" in concurrency["group"]
        assert concurrency["cancel-in-progress"] is False
    assert read("deploy.yml")["jobs"]["service"]["strategy"]["fail-fast"] is False


def test_gitlabs_job_names_scripts_that_are_there() -> None:
    job = read("gitlab-ci.yml")["rules"]
    for run in (*job["before_script"], *job["script"], *job["after_script"]):
        assert (ROOT / shlex.split(run)[0]).is_file(), run


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_every_script_can_be_run_and_is_used(path: Any) -> None:
    assert os.access(path, os.X_OK)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == ("#!/bin/sh" if path.suffix == ".sh" else "#!/usr/bin/env python3")
    texts = [one for one in (*CI.glob("*.yml"), *SCRIPTS.iterdir()) if one.is_file() and one != path]
    said = "\n".join(one.read_text(encoding="utf-8") for one in texts)
    assert path.name in said or path.stem in said, f"nothing calls {path.name}"


@pytest.mark.parametrize("path", [one for one in PROGRAMS if one.suffix == ".sh"], ids=lambda path: path.name)
def test_every_shell_script_ends_at_its_first_mistake(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^set -eu$", text, re.MULTILINE)
    assert subprocess.run(["sh", "-n", path], check=False).returncode == 0


def test_the_shell_scripts_are_what_shellcheck_wants() -> None:
    scripts = [str(path) for path in PROGRAMS if path.suffix == ".sh"]
    program = os.path.join(os.path.dirname(sys.executable), "shellcheck")
    found = subprocess.run([program, *scripts], check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_the_scripts_import_nothing_but_the_standard_library() -> None:
    for path in SCRIPTS.glob("*.py"):
        imported = re.findall(r"^(?:from|import) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(imported) <= set(sys.stdlib_module_names) | {"services"}, path.name


def hooks() -> list[dict[str, Any]]:
    found = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


def test_pre_commits_hooks_look_at_rules_files_alone() -> None:
    assert [hook["id"] for hook in hooks()] == ["watchdog-check", "watchdog-test"]
    for hook in hooks():
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        assert hook["language"] == "python"
        assert re.search(hook["files"], "rules.toml")
        assert not re.search(hook["files"], "src/rules.toml.bak")
        assert hook["require_serial"]  # else two calls write into each other's lines


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_pre_commits_hooks_take_all_files_that_they_are_given(hook: dict[str, Any], tmp_path: Path) -> None:
    """As pre-commit calls them: the entry's words, then the names of all files that match."""
    names = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("rules.toml", "rules.test.toml"):
            if re.search(hook["files"], name):
                names.append(str(tmp_path / folder / name))
            (tmp_path / folder / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    program, *words = hook["entry"].split()
    assert program == "watchdog"
    right = call(*words, *names)
    assert right.exit_code == 0, right.output
    (tmp_path / "two" / "rules.toml").write_text("version = 1\nrulez = 1\n", encoding="utf-8")
    wrong = call(*words, *names)
    assert wrong.exit_code == 1
    assert f"{tmp_path / 'two' / 'rules.toml'}:2:1: " in wrong.stdout
