"""Help, versions, completion: what the command says of itself."""

import subprocess
import sys

import pytest

from cli.verbs import call, environment
from watchdog import __version__

VERBS = (
    "run",
    "dry-run",
    "init",
    "check",
    "status",
    "history",
    "explain",
    "rollback",
    "switch",
    "wait",
    "demo",
    "completion",
)


def test_help_lists_every_verb() -> None:
    result = call("--help")
    assert result.exit_code == 0
    assert all(f"\n  {verb} " in result.output for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    result = call(verb, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: watchdog {verb}")
    assert len(result.output.splitlines()) > 4


def test_the_version_is_the_packages() -> None:
    assert call("--version").output == f"watchdog {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_complete_this_command(shell: str) -> None:
    result = call("completion", shell)
    assert result.exit_code == 0
    assert "_WATCHDOG_COMPLETE" in result.output
    assert "watchdog" in result.output


def test_completion_knows_the_verbs() -> None:
    environ = environment() | {"_WATCHDOG_COMPLETE": "bash_complete", "COMP_WORDS": "watchdog ", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", "from watchdog.cli import main; main()"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert {f"plain,{verb}" for verb in VERBS} <= set(done.stdout.split())


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["check", "--fly"],
        ["completion", "powershell"],
        ["completion"],
        ["explain"],
        ["history", "--limit", "0"],
        ["history", "--outcome", "great"],
        ["history", "--target", "research"],
        ["status", "-o", "xml"],
        ["rollback", "production/deployment/research"],
        ["rollback", "research", "--reason", "x"],
        ["rollback", "production/deployment/research", "--reason", " "],
        ["rollback", "production/deployment/research", "--reason", "x", "--override", "everything"],
        ["demo", "--keep", "--fast"],
        ["wait", "research"],
        ["wait", "production/deployment/research", "--timeout", "5x"],
        ["wait", "production/deployment/research", "--since", "yesterday"],
        ["wait", "production/deployment/research", "--since", "2026-11-28T12:00:00"],
        ["wait", "production/deployment/research", "--api", "http://127.0.0.1:9"],
        ["wait", "production/deployment/research", "--api", "watchdog:8080", "--revision", "7c9d"],
        ["switch", "production/service/gateway"],
        ["switch", "production/deployment/gateway", "--to", "green"],
        ["switch", "production/service/gateway", "--to", "green", "--override", "conflict", "--reason", "x"],
        ["switch", "production/service/gateway", "--to", "green", "--override", "not-ready"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_with_a_clear_line(words: list[str]) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "8080"),
        ("LOG_LEVEL", "loud"),
        ("NAMESPACE", "Not A Name"),
        ("KUBECONFIG", "/nowhere/kubeconfig"),
        ("PROMETHEUS_URL", "prometheus:9090"),
        ("RECORDS_KEPT", "none"),
        ("SECRETS_DIR", "/nowhere/secrets"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "status", "history"])
def test_a_wrong_setting_exits_2_and_names_the_variable(verb: str, name: str, value: str) -> None:
    result = call(verb, **{name: value})
    assert result.exit_code == 2
    assert result.stderr.startswith(f"watchdog: WATCHDOG_{name}: ")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_every_wrong_setting_is_named_at_once() -> None:
    result = call("run", LISTEN="8080", LOG_LEVEL="loud")
    assert result.exit_code == 2
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == [
        "WATCHDOG_LISTEN",
        "WATCHDOG_LOG_LEVEL",
    ]
