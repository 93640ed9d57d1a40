"""What is to be measured, each in a process of its own that may fail without taking the others with it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NETNS = Path(__file__).parents[2] / "tests" / "e2e" / "controlplane" / "in_netns.sh"
_GRACE = 60.0


@dataclass(frozen=True)
class Task:
    """One measurement: its kind and wish as `alone` takes them, and where in scale.json its result is kept."""

    kind: str
    wish: Mapping[str, Any]
    place: tuple[str, ...]
    within: float  # seconds, after which it is given up
    in_netns: bool = False

    @property
    def name(self) -> str:
        """How people are told of it."""
        return " ".join(self.place)


@dataclass(frozen=True)
class Outcome:
    """What it measured, and why no more, if it failed."""

    result: dict[str, Any]
    failure: str | None


def carried_out(task: Task) -> Outcome:
    """Run it in a process of its own and wait for it."""
    command = [sys.executable, "-m", "benchmarks.scale.alone", task.kind, json.dumps(task.wish)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    if task.in_netns:
        command = [str(_NETNS), *command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            output, _ = process.communicate(timeout=task.within)
        except subprocess.TimeoutExpired:
            return Outcome({}, f"not done after {task.within:.0f} s")
        finally:
            _end(process)
    lines = output.strip().splitlines()
    if not lines:
        return Outcome({}, f"ended with status {process.returncode}, without a result")
    told = json.loads(lines[-1])
    return Outcome(told["result"], told["failure"])


def _end(process: "subprocess.Popen[str]") -> None:
    """With all that it started: it has time to end that."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
