"""A real Alertmanager of this machine, with a receiver to send to, and always ended."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulator.prometheus.real import served

needs_alertmanager = pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None or shutil.which("amtool") is None,
    reason="a real Alertmanager (Debian's package `prometheus-alertmanager`) is not installed",
)


@dataclass(frozen=True)
class RealAlertmanager:
    """One that runs."""

    url: str

    def alerts(self, *matchers: str) -> list[dict[str, Any]]:
        """What `amtool` shows as firing."""
        return self._amtool("alert", "query", "-o", "json", *matchers)

    def _amtool(self, *words: str) -> list[dict[str, Any]]:
        command = ["amtool", f"--alertmanager.url={self.url}", *words]
        asked = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
        found: list[dict[str, Any]] = json.loads(asked.stdout)
        return found


@contextlib.contextmanager
def alertmanager(receiver: str, directory: Path) -> Iterator[RealAlertmanager]:
    """One that groups alerts by guard and tells `receiver` of each group at once."""
    configuration = {
        "route": {
            "receiver": "people",
            "group_by": ["guard"],
            "group_wait": "1s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "people", "webhook_configs": [{"url": receiver, "send_resolved": True}]}],
    }
    (directory / "alertmanager.yml").write_text(json.dumps(configuration))  # JSON is YAML
    command = [
        "prometheus-alertmanager",
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        "--cluster.listen-address=",
    ]
    with served(command, directory) as (url, _):
        yield RealAlertmanager(url)
