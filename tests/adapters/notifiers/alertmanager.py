"""A real Alertmanager of this machine, with a receiver to send to, and always ended."""

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.prometheus.real import pause

needs_alertmanager = pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None or shutil.which("amtool") is None,
    reason="a real Alertmanager (Debian's package `prometheus-alertmanager`) is not installed",
)
_READY_WITHIN_SECONDS = 30


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        "prometheus-alertmanager",
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    try:
        running = RealAlertmanager(f"http://{address}")
        _wait_until_ready(running, process, directory / "log")
        yield running
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(running: RealAlertmanager, process: subprocess.Popen[bytes], log: Path) -> None:
    with httpx.Client(trust_env=False, timeout=10) as client:
        for _ in range(_READY_WITHIN_SECONDS * 20):
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{running.url}/-/ready").status_code == 200:
                    return
            pause(0.05)
    pytest.fail(f"Alertmanager was not ready in {_READY_WITHIN_SECONDS} s: {log.read_text()}")
