"""The watchdog of the bench under pyinstrument, while all is calm: one picture of where its CPU goes."""

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.scale.flames import drawn
from benchmarks.scale.processes import Watchdog

_WRITTEN_WITHIN = 120.0


def profiled_to(directory: Path) -> Sequence[str]:
    """The program that can be sampled, in the place of `watchdog run`."""
    return ("benchmarks.scale.profiled", str(directory / _NAME))


@contextmanager
def profiled(picture: Path, directory: Path, dog: Watchdog, watches: int) -> Iterator[None]:
    """Sample for as long as the block; then draw."""
    os.kill(dog.pid, signal.SIGUSR1)
    yield
    os.kill(dog.pid, signal.SIGUSR2)
    found, until = directory / _NAME, time.monotonic() + _WRITTEN_WITHIN
    while not found.exists():
        if dog.process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the sampled watchdog wrote nothing down")
        time.sleep(0.2)
    told = json.loads(found.read_text())
    picture.write_text(drawn(told, f"Where the CPU goes with {watches} open watches") + "\n")


_NAME = "profile.json"
