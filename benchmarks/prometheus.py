"""A Prometheus of this machine for benchmarks, on a free port of loopback, over the data of a directory."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_READY_WITHIN = 60.0


@dataclass(frozen=True)
class Running:
    """One that runs."""

    url: str
    pid: int


@contextmanager
def prometheus(directory: Path, configuration: str = "global: {}\n") -> Iterator[Running]:
    """A Prometheus over the blocks in `directory`/data."""
    (directory / "prometheus.yml").write_text(configuration)
    address = f"127.0.0.1:{free_port()}"
    options = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--storage.tsdb.retention.time=100y"]
    with (directory / "log").open("w") as log:
        command = ["prometheus", *options, f"--web.listen-address={address}"]
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    try:
        until = time.monotonic() + _READY_WITHIN
        while not _ready(f"http://{address}/-/ready"):
            if time.monotonic() > until or process.poll() is not None:
                sys.exit(f"Prometheus was not ready: {(directory / 'log').read_text()[-500:]}")
            time.sleep(0.1)
        yield Running(f"http://{address}", process.pid)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
