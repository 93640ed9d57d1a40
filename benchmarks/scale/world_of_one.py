"""A watchdog over a cluster with one target, without channels: what it takes when there is nothing to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.prometheus import free_port
from benchmarks.scale.lines import Program
from benchmarks.scale.processes import Watchdog, watchdog


@contextmanager
def world_of_one(directory: Path) -> Iterator[Watchdog]:
    """It runs for as long as the block; its rules are in `directory`, and nobody answers at its Prometheus's address."""
    with Program("world", "1", str(free_port()), str(directory / "kubeconfig"), directory=directory) as world:
        world.ask("pods")
        with watchdog(directory, f"http://127.0.0.1:{free_port()}", {}) as dog:
            yield dog
