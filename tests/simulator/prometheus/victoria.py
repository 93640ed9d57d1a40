"""A real VictoriaMetrics, where `tests/e2e/controlplane/build.py` has built it, over given samples or given targets."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.controlplane import build
from simulator.prometheus.real import RealPrometheus, openmetrics, pause, served
from watchdog.simulator.tsdb import Tsdb

_SEEN_WITHIN_SECONDS = 20


def victoria_metrics_or_skip() -> Path:
    """The program; where the end-to-end tests run it may not be missing."""
    program = build.victoria_metrics()
    if not program.exists():
        wanted = os.environ.get("WATCHDOG_E2E") == "1"
        (pytest.fail if wanted else pytest.skip)(
            "VictoriaMetrics is not built; `python tests/e2e/controlplane/build.py` builds it"
        )
    return program


@contextlib.contextmanager
def victoria_metrics(configuration: str, directory: Path) -> Iterator[RealPrometheus]:
    """One with this configuration of scrapes, its data in `directory`/data."""
    program = victoria_metrics_or_skip()
    (directory / "prometheus.yml").write_text(configuration)
    command = [
        str(program),
        "-promscrape.config=prometheus.yml",
        "-storageDataPath=data",
        "-retentionPeriod=100y",
        "-memory.allowedBytes=128MB",
    ]
    with served(command, directory, listen="-httpListenAddr") as (url, client):
        yield RealPrometheus(url, client)


@contextlib.contextmanager
def victoria_metrics_over(tsdb: Tsdb, directory: Path) -> Iterator[RealPrometheus]:
    """One that has exactly these samples. Its own format of text has times in milliseconds."""
    lines = []
    for line in openmetrics(tsdb).splitlines():
        if not line.startswith("#"):
            series, at = line.rsplit(" ", 1)
            lines.append(f"{series} {round(float(at) * 1000)}")
    with victoria_metrics("scrape_configs: []\n", directory) as running:
        answer = running.client.post(f"{running.url}/api/v1/import/prometheus", content="\n".join(lines))
        assert answer.is_success, answer.text
        running.client.get(f"{running.url}/internal/force_flush")
        for _ in range(_SEEN_WITHIN_SECONDS * 10):
            if running.data("/api/v1/label/__name__/values", start="0"):
                break
            pause(0.1)
        yield running
