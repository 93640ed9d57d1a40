"""`watchdog run` under pyinstrument: SIGUSR1 begins to sample, SIGUSR2 ends and writes down where the time went.

python -m benchmarks.scale.profiled OUT.json
"""

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyinstrument import Profiler
from pyinstrument.frame import Frame

from watchdog.cli import main

_EVERY = 0.001  # seconds between two samples of the stack
_LEAST = 0.0005  # of all: what took less is not drawn


class Pauses:
    """Seconds of CPU for which the collector of cyclic garbage held everything up, by generation; it is in no stack."""

    def __init__(self) -> None:
        self._began: float | None = None
        self.seconds: dict[int, list[float]] = {0: [], 1: [], 2: []}
        gc.callbacks.append(self._moved)

    def _moved(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.process_time()
        elif self._began is not None:  # one that was under way when sampling began is not counted
            self.seconds[info["generation"]].append(time.process_time() - self._began)


class Profiled:
    """The sampler of this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._profiler = Profiler(interval=_EVERY, async_mode="disabled")
        self._pauses: Pauses | None = None
        self._cpu = 0.0
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)

    def _begin(self, *_: object) -> None:
        self._pauses, self._cpu = Pauses(), time.process_time()
        self._profiler.start()

    def _end(self, *_: object) -> None:
        session = self._profiler.stop()
        root = session.root_frame()
        assert root is not None
        assert self._pauses is not None
        told = {
            "seconds": session.duration,
            "CPU seconds": time.process_time() - self._cpu,
            "collections": {
                generation: {"count": len(took), "seconds": sum(took), "longest": max(took, default=0.0)}
                for generation, took in self._pauses.seconds.items()
            },
            "root": _merged([root], _LEAST * root.time),
        }
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(told))
        part.rename(self._path)  # whoever waits for it reads all of it


def _merged(frames: Sequence[Frame], least: float) -> dict[str, Any]:
    """One function as it is called from one place, with all its calls together; without what took less than `least`."""
    called: dict[tuple[str, str], list[Frame]] = {}
    for frame in frames:
        for child in frame.children:
            if not child.is_synthetic:
                called.setdefault((child.function, child.file_path or ""), []).append(child)
    return {
        "name": frames[0].function,
        "file": _short(frames[0].file_path or ""),
        "seconds": _seconds(frames),
        "children": [_merged(each, least) for each in called.values() if _seconds(each) >= least],
    }


def _seconds(frames: Sequence[Frame]) -> float:
    return sum(frame.time for frame in frames)


def _short(path: str) -> str:
    """Where a file is to be found, whatever machine it is on."""
    for mark in (f"{os.sep}site-packages{os.sep}", f"{os.sep}src{os.sep}"):
        if mark in path:
            return path.rpartition(mark)[2]
    return Path(path).name if "benchmarks" not in path else f"benchmarks/{path.rpartition('benchmarks/')[2]}"


if __name__ == "__main__":
    Profiled(Path(sys.argv[1]))
    sys.argv = ["watchdog", "run"]
    main()
