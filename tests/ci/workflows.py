"""Runs the jobs of our workflows as GitHub would, but for what `uses` actions: the very steps of the very files."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ci.expressions import condition, filled

ROOT = Path(__file__).parents[2]
CI = ROOT / "deploy" / "ci"
SCRIPTS = CI / "scripts"


def read(name: str) -> dict[str, Any]:
    """A workflow file."""
    found: dict[str, Any] = yaml.safe_load((CI / name).read_text(encoding="utf-8"))
    return found


@dataclass
class Step:
    """What became of a step."""

    name: str
    outcome: str  # success, failure, skipped
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """What became of a job."""

    status: str
    steps: dict[str, Step]
    summary: str

    def __getitem__(self, name: str) -> Step:
        return self.steps[name]

    @property
    def log(self) -> str:
        return "\n".join(f"== {step.name}: {step.outcome}\n{step.log}" for step in self.steps.values())

    @property
    def ran(self) -> list[str]:
        """The steps that ran, in order."""
        return [step.name for step in self.steps.values() if step.outcome != "skipped"]


def run_job(
    workflow: str,
    job: str,
    contexts: Mapping[str, Any],
    *,
    folder: Path,
    scratch: Path,
    environment: Mapping[str, str],
    without: tuple[str, ...] = (),
) -> Job:
    """Run a job's `run` steps one after the other in `folder`.

    `contexts` are github, inputs, vars, secrets, matrix, needs. Steps named in `without` are left out (what a test has
    no network for).
    """
    scratch.mkdir(parents=True, exist_ok=True)
    told = read(workflow)
    described = told["jobs"][job]
    summary = scratch / "summary.md"
    summary.touch()
    shared: dict[str, str] = {}
    steps: dict[str, Step] = {}
    status = "success"
    for number, step in enumerate(described["steps"]):
        if "run" not in step or step.get("name") in without:
            continue
        name = step.get("name") or step["run"]
        known = {one.get("id"): steps.get(one.get("name") or one.get("run", "")) for one in described["steps"]}
        ids = {key: {"outputs": done.outputs, "outcome": done.outcome} for key, done in known.items() if key and done}
        seen = {**contexts, "steps": ids, "job": {"status": status}}
        now = status  # bound here, for the functions

        functions: dict[str, Callable[..., Any]] = {
            "success": lambda now=now: now == "success",
            "failure": lambda now=now: now == "failure",
            "always": lambda: True,
            "cancelled": lambda: False,
        }
        if not condition(step.get("if"), seen, functions):
            steps[name] = Step(name, "skipped")
            continue
        variables: dict[str, str] = {}
        for level in (told.get("env"), described.get("env"), shared, step.get("env")):
            variables |= {key: filled(str(value), seen, functions) for key, value in (level or {}).items()}
        files = {what: scratch / f"{job}-{number}-{what}" for what in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}
        for file in files.values():
            file.touch()
        ran = subprocess.run(
            ["bash", "-e", "-c", filled(step["run"], seen, functions)],
            cwd=folder,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=300,
            env={
                **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
                "GITHUB_ACTIONS": "true",
                "RUNNER_TEMP": str(scratch),
                "GITHUB_STEP_SUMMARY": str(summary),
                **{key: str(file) for key, file in files.items()},
                **environment,
                **variables,
            },
        )
        shared |= _facts(files["GITHUB_ENV"])
        outcome = "success" if ran.returncode == 0 else "failure"
        steps[name] = Step(name, outcome, ran.stdout, _facts(files["GITHUB_OUTPUT"]))
        if outcome == "failure":
            status = "failure"
    return Job(status, steps, summary.read_text(encoding="utf-8"))


def _facts(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines() if "=" in line)
