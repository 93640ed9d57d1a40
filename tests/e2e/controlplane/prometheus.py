"""A real Prometheus (Debian's `prometheus`) or VictoriaMetrics on loopback, with or without the control plane."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from e2e.controlplane import build
from e2e.controlplane.processes import Child, free_ports, wait_until

ABSENT = "no `prometheus` program here: install Debian's package prometheus (apt-get install prometheus)"


NOT_BUILT = "VictoriaMetrics is not built; `python tests/e2e/controlplane/build.py` builds it"


def installed() -> bool:
    return shutil.which("prometheus") is not None


class RealPrometheus:
    """Scrapes `targets` ("host:port") into a data directory of its own; ends with this process."""

    _name = "prometheus"

    def __init__(
        self,
        directory: Path,
        targets: Sequence[str] = (),
        *,
        scrape_interval: str = "1s",
    ) -> None:
        self._directory = directory
        self._targets = list(targets)
        self._scrape_interval = scrape_interval
        self._child: Child | None = None
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        scrape = {
            "job_name": "stand-in",
            "scrape_interval": self._scrape_interval,
            "scrape_timeout": self._scrape_interval,
            "honor_labels": True,  # the exporter says of which pod a series is
            "static_configs": [{"targets": self._targets}],
        }
        config = self._directory / "prometheus.yml"
        config.write_text(json.dumps({"scrape_configs": [scrape]}))  # JSON is YAML
        self._child = Child(self._name, self._command(config, self.url.removeprefix("http://")), self._directory)
        try:
            wait_until(self._is_ready, self._name, [self._child])
        except BaseException:
            self._child.end()
            raise
        return self

    def _command(self, config: Path, address: str) -> list[str]:
        return [
            shutil.which("prometheus") or "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address={address}",
        ]

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.end()

    @property
    def pids(self) -> list[int]:
        return self._child.pids if self._child is not None else []

    async def query(self, promql: str, time: float | None = None) -> list[dict[str, Any]]:
        """An instant query's vector: `metric` and `value` of each series."""
        moment = {} if time is None else {"time": str(time)}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.url}/api/v1/query", data={"query": promql, **moment})
        answer.raise_for_status()
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False


class RealVictoriaMetrics(RealPrometheus):
    """The same, by a single node of VictoriaMetrics, with its own defaults."""

    _name = "victoria-metrics"

    def _command(self, config: Path, address: str) -> list[str]:
        return [
            str(build.victoria_metrics()),
            f"-promscrape.config={config}",
            f"-storageDataPath={self._directory / 'data'}",
            f"-httpListenAddr={address}",
            "-retentionPeriod=100y",  # the samples of a replay may be old
            "-memory.allowedBytes=256MB",
        ]
