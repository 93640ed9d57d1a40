"""`make bench-scale ARGS="--memory"`: what N open watches hold, by whom, as their blocks become more."""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.scale.measuring import Bench, Wish, opened, started
from benchmarks.scale.processes import Watchdog, usage, watchdog

_TOLD_WITHIN = 300.0


def held(wish: Wish, looks: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Open the watches and look `looks` times, `wish.steady` intervals apart; the last look says who holds what."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watchdog-bench-")))
        bench = started(wish, directory, stack)
        bench.sleep(wish.warm)
        told = directory / "held.json"
        program = ("benchmarks.scale.holding", str(told), "run")
        ours = os.pathsep.join(str(Path(one).resolve()) for one in sys.path)
        with watchdog(directory, bench.source.url, {**bench.environment, "PYTHONPATH": ours}, program) as dog:
            dog.until_open(0, within=60)
            bench.sleep(1)
            idle = usage(dog.pid)
            cpu = opened(bench, dog, say)
            rows = [_row(dog, "open")]
            for look in range(looks):
                bench.sleep(wish.steady)
                rows.append(_row(dog, f"{(look + 1) * wish.steady} intervals later"))
                say(json.dumps(rows[-1]))
            return {"idle MiB": idle.resident, "CPU s to open": cpu, "rows": rows, **_told(bench, dog, told)}


def _row(dog: Watchdog, when: str) -> dict[str, Any]:
    now = usage(dog.pid)
    return {"when": when, "MiB": round(now.resident, 1), "peak MiB": round(now.peak, 1)}


def _told(bench: Bench, dog: Watchdog, told: Path) -> dict[str, Any]:
    dog.process.send_signal(signal.SIGUSR1)
    until = time.monotonic() + _TOLD_WITHIN
    while not told.exists():
        if time.monotonic() > until or dog.process.poll() is not None:
            raise TimeoutError((bench.directory / "watchdog.log").read_text()[-2000:])
        time.sleep(0.2)
    found: dict[str, Any] = json.loads(told.read_text())
    return found
