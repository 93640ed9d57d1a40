"""What is shipped: whose names it takes, whom it depends on, and what no file may say."""

import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import watchdog

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")
# Put together here, so that this file does not say them itself.
HOSTS = ("pypi" + ".org", "python" + "hosted", "proxy." + "golang", "arti" + "factory", "registry." + "npmjs")
PLACES = ("/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/", "/wo" + "rk/", "/m" + "nt/", "/bu" + "ilds/")
BINARY = {".png", ".gz", ".zip", ".ico"}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> set[str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {normalized(name) for name in re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", text, re.MULTILINE)}


def files() -> list[Path]:
    """What is, or will be, in the repository; in a copy without git, all there is but what tools left."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        hidden = {"__pycache__", "node_modules", "htmlcov", "dist", "build"}
        every = (path for path in ROOT.rglob("*") if not set(path.relative_to(ROOT).parts[:-1]) & hidden)
        listed = [str(path) for path in every if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]
    return [path for name in listed if (path := ROOT / name).is_file() and path.suffix not in BINARY]


@pytest.mark.parametrize("lock", LOCKS)
def test_no_dependency_is_the_other_project_of_this_import_name(lock: str) -> None:
    names = locked(lock)
    assert len(names) > 10
    assert "watchdog" not in names
    assert not {name for name in names if name.startswith("watchdog")}


def test_the_import_package_is_ours_alone() -> None:
    assert set(metadata.packages_distributions().get("watchdog", ())) <= {"rollback-watchdog"}
    assert "watchdog" not in {normalized(dist.metadata["Name"]) for dist in metadata.distributions()}
    assert Path(watchdog.__file__).is_relative_to(ROOT / "src")


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "==" in line and not line.startswith(("#", " "))]
    assert all("--hash=sha256:" in line for line in lines)


def test_the_version_is_said_once() -> None:
    assert metadata.version("rollback-watchdog") == watchdog.__version__


def test_no_file_names_a_registrys_host_or_a_place_on_a_machine() -> None:
    found = []
    for path in files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in (*HOSTS, *PLACES) if word in text]
    assert not found
