"""The pods of the bench: their metrics on one page for Prometheus, and their health on every address of loopback.

python -m benchmarks.scale.exporter PORT
"""

import asyncio
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.scale.lines import answering
from benchmarks.scale.plan import BOUNDS, CPU, ERRORS, FAULT, MEMORY, RATE

_HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass
class Pod:
    """Counters are functions of time alone: nothing is added up."""

    app: str
    lines: str  # of its metrics, with a place for each value
    since: float
    tipped: float = math.inf

    def text(self, now: float) -> str:
        """Its part of the page."""
        requests = RATE * (now - self.since)
        bad = ERRORS * requests + (FAULT - ERRORS) * RATE * max(0.0, now - self.tipped)
        good, total = int(requests - bad), int(requests)
        buckets = [int(requests * share) for share in _SHARES]
        cpu = CPU * (now - self.since)
        return self.lines % (good, int(bad), *buckets, total, cpu, MEMORY)


def _below(bound: float) -> float:
    """The share of requests that take no longer: a log-normal with a median of 50 ms."""
    return 0.5 * (1.0 + math.erf(math.log(bound / 0.05) / (0.7 * math.sqrt(2.0))))


_SHARES = tuple(map(_below, BOUNDS))


def _lines(pod: Mapping[str, str]) -> str:
    labels = f'namespace="{pod["namespace"]}",pod="{pod["name"]}"'
    bucket = "http_request_duration_highr_seconds_bucket"
    return "".join(
        (
            f'http_requests_total{{handler="/",method="GET",status="2xx",{labels}}} %d\n',
            f'http_requests_total{{handler="/",method="GET",status="5xx",{labels}}} %d\n',
            *(f'{bucket}{{le="{bound:g}",{labels}}} %d\n' for bound in BOUNDS),
            f'{bucket}{{le="+Inf",{labels}}} %d\n',
            f'container_cpu_usage_seconds_total{{container="app",{labels}}} %.3f\n',
            f'container_memory_working_set_bytes{{container="app",{labels}}} %d\n',
        )
    )


class Exporter:
    """All pods, and when they were scraped."""

    def __init__(self) -> None:
        self._pods: dict[str, Pod] = {}
        self._scrapes: list[float] = []

    def page(self) -> bytes:
        """What Prometheus scrapes."""
        now = time.time()
        self._scrapes.append(now)
        return "".join(pod.text(now) for pod in self._pods.values()).encode()

    async def answer(self, request: Mapping[str, Any]) -> Any:
        """One request of the bench."""
        match request["what"]:
            case "pods":
                now, told = time.time(), {pod["name"]: pod for pod in request["pods"]}
                old = {name: pod for name, pod in self._pods.items() if name in told}
                new = {name: Pod(told[name]["app"], _lines(told[name]), now) for name in told if name not in old}
                self._pods = {**old, **new}
                return len(self._pods)
            case "tip":
                apps, now = set(request["apps"]), time.time()
                for pod in self._pods.values():
                    if pod.app in apps:
                        pod.tipped = now
                return now
            case "scrapes":
                return self._scrapes
        raise ValueError(request)


class _Http(asyncio.Protocol):
    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if not data.startswith(b"GET /metrics"):
            self._transport.write(_HEALTHY)
            self._transport.close()
            return
        page = self._exporter.page()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(page)}\r\n\r\n"
        self._transport.write(head.encode() + page)


async def main() -> None:
    """Serve until standard input ends."""
    exporter = Exporter()
    loop = asyncio.get_running_loop()
    # On all addresses: each pod has one of its own within 127.0.0.0/8.
    await loop.create_server(lambda: _Http(exporter), "0.0.0.0", int(sys.argv[1]), backlog=4096)  # noqa: S104
    await answering(exporter.answer)


if __name__ == "__main__":
    asyncio.run(main())
