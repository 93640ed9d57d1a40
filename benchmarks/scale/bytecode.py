"""The image carries bytecode; without it a process holds for life what compiling took, and its start costs twice as much."""

import subprocess
import sys
import sysconfig
from pathlib import Path

_SOURCES = Path(__file__).parents[2] / "src"


def compiled() -> None:
    """Compile the program and its libraries, what has changed since the last time alone."""
    found = [str(_SOURCES), sysconfig.get_path("purelib")]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *found], check=False, stdout=subprocess.DEVNULL)
