"""scale.json and what is drawn from it: written after each measurement, so that none is lost with what comes after it."""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.scale.page import page
from benchmarks.scale.pictures import pictures
from benchmarks.scale.promises import written_into
from benchmarks.scale.tasks import Outcome, Task

RESULTS = Path(__file__).parents[1] / "results"
_ROOT = Path(__file__).parents[2]
PERFORMANCE = _ROOT / "docs" / "performance.md"
_SOURCES = ("src", "benchmarks/scale", "tests/e2e/controlplane")


class Kept:
    """All results, by section and number."""

    def __init__(self, results: Path = RESULTS, performance: Path = PERFORMANCE) -> None:
        self._results = results
        self._performance = performance
        self._path = results / "scale.json"
        self._all: dict[str, Any] = {}
        self._read()

    def _read(self) -> None:
        if self._path.exists():
            self._all = json.loads(self._path.read_text())

    def has(self, task: Task, same: Callable[[str], bool]) -> bool:
        """Whether it was measured already, completely, and of a commit that is the `same`."""
        found: Any = self._all
        for step in task.place:
            found = found.get(step) if isinstance(found, dict) else None
        return found is not None and same(found.get("commit", ""))

    def keep(self, task: Task, outcome: Outcome, stamp: Mapping[str, Any]) -> None:
        """A whole result takes the place of the one before; a failed one stands beside it until it has succeeded."""
        self._read()  # another bench may have ended meanwhile
        failed = self._all.setdefault("failed", {})
        if outcome.failure is not None:
            failed[task.name] = {"failure": outcome.failure, "known": outcome.result, **stamp}
        else:
            failed.pop(task.name, None)
            section = self._all
            for step in task.place[:-1]:
                section = section.setdefault(step, {})
            section[task.place[-1]] = {**outcome.result, **stamp}
        self.write()

    def keep_cold(self, cold: Mapping[str, Any]) -> None:
        """How long the verbs take to begin."""
        self._read()
        self._all["cold"] = dict(cold)
        self.write()

    def write(self) -> None:
        """The results, the page, the pictures, and what docs/performance.md says of the promises."""
        beside = self._path.with_suffix(".json.new")
        beside.write_text(json.dumps(self._all, indent=1) + "\n")
        beside.rename(self._path)  # whole, or not at all
        (self._results / "scale.md").write_text(page(self._all))
        for name, svg in pictures(self._all).items():
            (self._results / name).write_text(svg)
        self._performance.write_text(written_into(self._performance.read_text(), self._all))


def stamp(began: float, ended: float) -> dict[str, Any]:
    """Which source was measured when, on what, and how long it took."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": _machine(),
        "took": round(ended - began),
    }


def same_sources(commit: str) -> bool:
    """Whether what is measured is now as it was in that commit, whatever else has changed since."""
    if commit == _commit():
        return True
    measured = commit.rstrip("+")
    return measured == commit != "" and _git("diff", "--name-only", measured, "--", *_SOURCES) == ""


def _commit() -> str:
    """The short one, with a plus where the sources differ from it."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--", *_SOURCES)
    return (commit + ("+" if changed else "")) if commit else "unknown"


def _git(*arguments: str) -> str | None:
    """What git says; None where it cannot."""
    try:
        told = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return told.stdout.strip() if told.returncode == 0 else None


def _machine() -> str:
    told = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=False)
    version = (told.stdout or told.stderr).split("\n")[0].split(" (")[0].replace("prometheus, version", "Prometheus")
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {version}"
