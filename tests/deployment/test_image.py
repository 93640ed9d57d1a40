"""The image: what its Dockerfile says, and what comes of its steps, which are carried out here without docker."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import watchdog
from deployment import dockerfile
from deployment.tools import ROOT, program, said

DOCKERFILE = ROOT / "Dockerfile"
NOBODY = 10001

pytestmark = pytest.mark.deploy


def test_hadolint_finds_nothing() -> None:
    assert said([program("hadolint"), str(DOCKERFILE)]) == ""


def test_both_stages_stand_on_one_base_that_is_pinned_by_its_digest() -> None:
    arguments, stages = dockerfile.read(DOCKERFILE)
    assert {stage.base for stage in stages} == {"${PYTHON}@${PYTHON_DIGEST}"}
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", arguments["PYTHON_DIGEST"])
    assert re.fullmatch(r"python:3\.\d+-slim(-\w+)?", arguments["PYTHON"])


def test_the_last_stage_runs_as_a_number_and_installs_nothing() -> None:
    _, (_, last) = dockerfile.read(DOCKERFILE)
    assert last.of("USER") == [f"{NOBODY}:{NOBODY}"]
    assert json.loads(last.of("ENTRYPOINT")[0]) == ["watchdog"]
    assert json.loads(last.of("CMD")[0]) == ["run"]
    steps = " ".join(last.of("RUN"))
    assert "uninstall" in steps
    assert not re.search(r"apt|curl|wget|pip install|gcc", steps)
    order = [name for name, _ in last.steps]
    assert order.index("USER") > order.index("COPY"), "the program's files must not belong to who runs it"


def test_everything_that_is_installed_is_a_wheel_with_a_hash() -> None:
    _, (build, _) = dockerfile.read(DOCKERFILE)
    installs = re.findall(r"pip(?: --python \S+)? install [^&]*", " ".join(build.of("RUN")))
    assert len(installs) == 3
    for install in installs:
        locked = "--require-hashes" in install and "--only-binary :all:" in install
        ours = "--no-index" in install and "--no-deps" in install and "dist/" in install
        assert locked or ours, install


def test_the_context_holds_no_tests_no_git_and_no_secrets() -> None:
    files = dockerfile.context(ROOT, ROOT / ".dockerignore")
    assert {path.parts[0] for path in files} == {
        *("LICENSE", "README.md", "pyproject.toml", "requirements.txt", "requirements-build.txt", "src")
    }
    assert not [path for path in files if "__pycache__" in path.parts]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the build stage leaves in /opt/watchdog, made by its own steps, which fetch every part anew."""
    if os.environ.get("WATCHDOG_DEPLOY") != "required":
        pytest.skip("fetches all that the image is made of: `make deploy-check` does")
    # Not below a directory that only its owner may enter: somebody else is going to run it.
    place = tmp_path_factory.mktemp("image")
    python = place / "python"
    said([python_for_nobody(), "-m", "venv", str(python)])
    _, (stage, _) = dockerfile.read(DOCKERFILE)
    places = {"/opt/watchdog": place / "watchdog", "/build": place / "build", "/tmp/builder": place / "builder"}
    path = f"{python / 'bin'}:{os.environ['PATH']}"
    dockerfile.carry_out(stage, dockerfile.context(ROOT, ROOT / ".dockerignore"), ROOT, places, path)
    yield place / "watchdog"
    shutil.rmtree(place)


def python_for_nobody() -> str:
    """A Python that somebody without rights can run: the tests' own may lie in a home directory."""
    ours = str(Path(sys.executable).resolve())
    for candidate in (ours, "/usr/local/bin/python3", "/usr/bin/python3"):
        # By a shell: what starts the program itself still has its rights at that moment.
        suits = 'exec "$0" -c "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"'
        if os.geteuid() != 0 or subprocess.run([*_NOBODY, "sh", "-c", suits, candidate], check=False).returncode == 0:
            return candidate
    pytest.skip("no Python 3.11 or newer that a user without rights can run, with ensurepip (python3-venv)")


_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]


def as_nobody(command: Sequence[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it without any right, on a file system that is read-only as a whole where that can be had."""
    lead: list[str] = []
    if os.geteuid() == 0:
        for each in (cwd, *cwd.parents):  # pytest's directories are their owner's alone
            if each.stat().st_mode & 0o055 != 0o055 and each != Path("/"):
                each.chmod(each.stat().st_mode | 0o055)
        lead = [*_NOBODY, "sh", "-c", 'exec "$@"', "nobody"]
        if _can_remount():
            lead = [*_READ_ONLY, *lead]
    return subprocess.run(
        [*lead, *command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


# Every mount of its own mount namespace, and only of that one, becomes read-only.
_READ_ONLY = [
    *("unshare", "--mount", "--propagation", "private", "sh", "-ec"),
    'findmnt -rn -o TARGET | while read -r at; do mount -o remount,bind,ro "$at" 2>/dev/null || :; done;'
    ' if touch "$PWD/written" 2>/dev/null; then exit 90; fi; exec "$@"',
    "read-only",
]


def _can_remount() -> bool:
    if shutil.which("unshare") is None or shutil.which("findmnt") is None:
        return False
    return subprocess.run([*_READ_ONLY, "true"], capture_output=True, check=False).returncode == 0


def test_its_steps_give_a_program_that_runs_without_rights_on_a_read_only_file_system(built: Path) -> None:
    for path in built.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222 | 0o444)
    entry = [str(built / "bin" / "watchdog")]

    version = as_nobody([*entry, "--version"], built)
    assert version.returncode == 0, version.stderr
    assert watchdog.__version__ in version.stdout

    rules = built.parent / "rules.toml"
    rules.write_text((ROOT / "rules.toml").read_text())
    checked = as_nobody([*entry, "check", str(rules)], built)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "valid" in checked.stdout


def test_the_daemon_starts_there_waits_for_its_cluster_and_ends_in_order(built: Path) -> None:
    """Without even a directory for temporary files: nothing needs a writable volume."""
    files = built.parent
    (files / "rules.toml").write_text((ROOT / "rules.toml").read_text())
    away = {"name": "away", "cluster": {"server": "http://127.0.0.1:1"}}
    me = {"name": "me", "user": {"token": "none"}}
    context = {"name": "away", "context": {"cluster": "away", "user": "me"}}
    config = {"clusters": [away], "users": [me], "contexts": [context], "current-context": "away"}
    (files / "kubeconfig").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))

    settings = {
        "RULES": str(files / "rules.toml"),
        "KUBECONFIG": str(files / "kubeconfig"),
        "PROMETHEUS_URL": "http://127.0.0.1:1",
        "LISTEN": "127.0.0.1:0",
        "SECRET_SLACK_URL": "json://127.0.0.1:1/",
        "SECRET_PAGERDUTY_KEY": "x" * 32,
    }
    command = ["timeout", "--preserve-status", "--signal=TERM", "8", str(built / "bin" / "watchdog"), "run"]
    ran = as_nobody(command, built, **{f"WATCHDOG_{name}": value for name, value in settings.items()})
    lines = [json.loads(line) for line in ran.stdout.splitlines() + ran.stderr.splitlines()]
    events = [line["event"] for line in lines]
    assert "started" in events, (ran.stdout, ran.stderr)
    assert events.index("stopping") > events.index("started")
    assert not [line for line in lines if "traceback" in line]
    assert ran.returncode == 0


def test_every_module_has_its_bytecode_and_no_compiler_or_pip_came_along(built: Path) -> None:
    (library,) = (built / "lib").glob("python3.*")
    tag = f"c{library.name.replace('.', '')}".replace("cpython", "cpython-")
    packages = library / "site-packages"
    without = [
        path
        for path in packages.rglob("*.py")
        if not (path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").is_file()
    ]
    assert without == []
    # Flags 1: by its source's hash, and never compared again (PEP 552).
    ours = next((packages / "watchdog" / "__pycache__").glob(f"app.{tag}.pyc"))
    assert int.from_bytes(ours.read_bytes()[4:8], "little") == 1
    names = {path.name.partition("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert "rollback_watchdog" in names
    assert not names & {"pip", "hatchling", "setuptools", "pytest", "numpy", "matplotlib"}
    assert not list(packages.rglob("*.c"))
