"""The watchdog and its Prometheus as processes: started with what they need, and what they have used so far."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.prometheus import free_port
from benchmarks.scale.plan import OWN
from benchmarks.scale.standins import HOSTS

_TICKS = os.sysconf("SC_CLK_TCK")
CONFIGURATION = """\
global:
  scrape_interval: {scrape:g}s
  scrape_timeout: {scrape:g}s
  query_log_file: queries.jsonl
scrape_configs:
  - job_name: pods
    honor_labels: true
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
"""


@dataclass(frozen=True)
class Usage:
    """What a process has used: seconds of CPU since its start, MiB now, MiB at its peak."""

    cpu: float
    resident: float
    peak: float


def usage(pid: int) -> Usage:
    """Of a living process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident, peak = (int(status[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
    return Usage((int(fields[11]) + int(fields[12])) / _TICKS, resident, peak)


def metrics(url: str) -> dict[str, float]:
    """All samples of a page of metrics, by name and labels: `name` or `name{label=value}`."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # To Prometheus a label without a value is none.
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()) if value)
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate in the names of Slack and PagerDuty that the watchdog of the bench trusts, and its key."""
    cert, key = directory / "standins.crt", directory / "standins.key"
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    more = ["-days", "2", "-subj", "/CN=bench", "-addext", f"subjectAltName={names}"]
    usages = ["-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"]
    subprocess.run([*command, *more, *usages, "-out", cert, "-keyout", key], check=True, capture_output=True)
    return cert, key


@dataclass
class Watchdog:
    """`watchdog run` in a process of its own."""

    process: "subprocess.Popen[bytes]"
    url: str

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def metrics(self) -> dict[str, float]:
        """What it exports."""
        return metrics(self.url)

    def until_open(self, count: int, within: float) -> float:
        """Wait until so many watches are open; returns the seconds that it took, to the next look.

        The page of metrics that it looks at grows with the watches: a look must not be what is measured.
        """
        between = min(0.1 + count / 500, 2.0)
        began = time.monotonic()
        while True:
            try:
                found = self.metrics().get("watchdog_watches_open", 0.0)
            except OSError:
                found = -1.0
            if found == count:
                return time.monotonic() - began
            if self.process.poll() is not None or time.monotonic() - began > within:
                raise TimeoutError(f"{found:g} of {count} watches are open after {time.monotonic() - began:.0f} s")
            time.sleep(between)


@contextmanager
def watchdog(
    directory: Path, prometheus: str, more: Mapping[str, str], program: Sequence[str] = ("watchdog", "run")
) -> Iterator[Watchdog]:
    """The real one, killed at the end; its rules and kubeconfig are in `directory`. `program`: a module, its arguments."""
    port = free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("WATCHDOG_", "HTTP", "http"))},
        "WATCHDOG_RULES": str(directory / "rules.toml"),
        "WATCHDOG_KUBECONFIG": str(directory / "kubeconfig"),
        "WATCHDOG_PROMETHEUS_URL": prometheus,
        "WATCHDOG_NAMESPACE": OWN,
        "WATCHDOG_LISTEN": f"127.0.0.1:{port}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        **more,
    }
    with (directory / "watchdog.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *program], stdout=log, stderr=log, env=environment, cwd=directory
        )
    try:
        yield Watchdog(process, f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def told(directory: Path, proxy: int) -> dict[str, str]:
    """The environment in which Slack and PagerDuty are the stand-ins."""
    return {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy}",
        "SSL_CERT_FILE": str(directory / "standins.crt"),
        "WATCHDOG_SECRET_SLACK_URL": "https://hooks.slack.com/services/T00000000/B00000000/bench0000000000000000000",
        "WATCHDOG_SECRET_PAGERDUTY_KEY": "b" * 32,
    }
