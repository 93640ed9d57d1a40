"""How long verbs take before they do anything: seconds of CPU and of the clock, with bytecode compiled; best of five."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.scale.plan import rules
from benchmarks.scale.processes import metrics, usage
from benchmarks.scale.world_of_one import world_of_one

_TIMES = 5


def cold_paths() -> dict[str, Any]:
    """`--help`, `check` and `run`, each several times; the best is stated, as what others do meanwhile only adds."""
    with tempfile.TemporaryDirectory(prefix="watchdog-bench-") as name:
        directory = Path(name)
        (directory / "rules.toml").write_text(rules(1, 15.0, channels=False))
        return {
            "load": round(os.getloadavg()[0], 2),
            "--help": _best(["--help"], directory),
            "check": _best(["check", "rules.toml"], directory),
            "run": _run(directory),
        }


def _best(arguments: list[str], directory: Path) -> dict[str, float]:
    found = []
    for _ in range(_TIMES):
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "watchdog", *arguments], cwd=directory, stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{arguments} ended with status {status}")
        found.append((time.monotonic() - began, used.ru_utime + used.ru_stime))
    return dict(zip(("seconds", "CPU seconds"), (round(min(one), 2) for one in zip(*found, strict=True)), strict=True))


def _run(directory: Path) -> dict[str, float]:
    """Until `/readyz` says so; then, a while later, what it holds without a channel and without a watch."""
    found = []
    for _ in range(_TIMES):
        with world_of_one(directory) as dog:
            began = time.monotonic()
            while not _leads(dog.url):
                time.sleep(0.02)
            seconds, cpu = time.monotonic() - began, usage(dog.pid).cpu
            time.sleep(2.0)
            found.append((seconds, cpu, usage(dog.pid).resident))
    return dict(
        zip(
            ("seconds", "CPU seconds", "idle MiB"),
            (round(min(one), 2) for one in zip(*found, strict=True)),
            strict=True,
        )
    )


def _leads(url: str) -> bool:
    try:
        return metrics(url).get("watchdog_leader") == 1.0
    except OSError:
        return False
