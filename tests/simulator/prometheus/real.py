"""A real Prometheus of this machine, started over given samples or given targets, and always ended."""

import contextlib
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from watchdog.simulator.promql.numbers import written_value
from watchdog.simulator.tsdb import METRIC_NAME, Tsdb

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="a real Prometheus (Debian's package `prometheus`) is not installed",
)
_READY_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class RealPrometheus:
    """One that runs."""

    url: str
    client: httpx.Client

    def ask(self, method: str, path: str, parameters: Mapping[str, str]) -> httpx.Response:
        if method == "POST":
            return self.client.post(self.url + path, data=parameters)
        return self.client.get(self.url + path, params=parameters)

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self.ask("GET", path, parameters)

    def data(self, path: str, **parameters: str) -> Any:
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def openmetrics(tsdb: Tsdb) -> str:
    """All samples of the store, for `promtool tsdb create-blocks-from openmetrics`."""
    lines = []
    for series in tsdb.all():
        labels = ",".join(f'{name}="{value}"' for name, value in series.labels if name != METRIC_NAME)
        for at, value in zip(series.times, series.values, strict=True):
            lines.append(f"{series.label[METRIC_NAME]}{{{labels}}} {written_value(value)} {at / 1000:.3f}")
    return "\n".join([*lines, "# EOF", ""])


@contextlib.contextmanager
def prometheus_over(tsdb: Tsdb, directory: Path) -> Iterator[RealPrometheus]:
    """A Prometheus that has exactly these samples."""
    (directory / "samples.txt").write_text(openmetrics(tsdb))
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "samples.txt", "data"],
        cwd=directory,
        check=True,
        capture_output=True,
        timeout=60,
    )
    with prometheus("global: {}\n", directory) as running:
        yield running


@contextlib.contextmanager
def prometheus(configuration: str, directory: Path, *flags: str) -> Iterator[RealPrometheus]:
    """A Prometheus with this configuration, its data in `directory`/data."""
    (directory / "prometheus.yml").write_text(configuration)
    command = [
        "prometheus",
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        *flags,
    ]
    with served(command, directory) as (url, client):
        yield RealPrometheus(url, client)


@contextlib.contextmanager
def served(
    command: Sequence[str], directory: Path, listen: str = "--web.listen-address"
) -> Iterator[tuple[str, httpx.Client]]:
    """A program of Prometheus's family on a free port of loopback, once it is ready; its log in `directory`/log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = directory / "log"
    with log.open("w") as file:
        process = subprocess.Popen([*command, f"{listen}={address}"], cwd=directory, stdout=file, stderr=file)
    try:
        with httpx.Client(trust_env=False, timeout=10) as client:
            _wait_until_ready(f"http://{address}", client, process, log)
            yield f"http://{address}", client
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(url: str, client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(_READY_WITHIN_SECONDS * 20):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if client.get(f"{url}/-/ready").status_code == 200:
                return
        pause(0.05)
    pytest.fail(f"it was not ready in {_READY_WITHIN_SECONDS} s: {log.read_text()}")


def pause(seconds: float) -> None:
    """Let real time pass, for the other process."""
    threading.Event().wait(seconds)
