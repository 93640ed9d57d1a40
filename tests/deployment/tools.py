"""The programs and packages that these tests ask for, or a skip that says how to have them."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def module(name: str) -> ModuleType:
    """A package of the group `deploy`."""
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{name} is not installed: `make deploy-check` installs it")


def program(name: str) -> str:
    """A program beside this Python, or on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        pytest.skip(f"the program {name} is not installed")
    return found


@cache
def kubectl() -> str:
    """A kubectl whose kustomize knows components (1.27, from 2023); Debian 12's is older."""
    found = program("kubectl")
    minor = re.search(r"Client Version: v1\.(\d+)", said([found, "version", "--client"]))
    if minor is None or int(minor[1]) < 27:
        pytest.skip("kubectl is too old to render deploy/kustomize: 1.27 or newer is needed")
    return found


def said(command: Sequence[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """What a program prints; what it says on standard error where it fails."""
    ran = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout
