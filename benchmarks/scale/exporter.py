"""The pods of the bench: their metrics on one page for Prometheus, and their health on every address of loopback.

python -m benchmarks.scale.exporter PORT
"""

import asyncio
import math
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.scale.lines import answering
from benchmarks.scale.plan import BOUNDS, CPU, ERRORS, FAULT, MEMORY, RATE

_HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
_AT_ONCE = 64  # connections between two looks at what else there is to do


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


class _Door:
    """Answers on all addresses of loopback: each pod has one of its own.

    Thousands of health checks a second share their cores with what is measured. So a connection is accepted when its
    request is there (TCP_DEFER_ACCEPT), answered and closed, without a transport or a task.
    """

    def __init__(self, exporter: Exporter, port: int) -> None:
        self._exporter = exporter
        self._loop = asyncio.get_running_loop()
        self._scrapes: set[asyncio.Task[None]] = set()
        self._socket = socket.create_server(("0.0.0.0", port), backlog=4096)  # noqa: S104 - within a network namespace, or this machine's own addresses
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._let_in)

    def _let_in(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._socket.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            try:
                self._serve(connection)
            except OSError:
                connection.close()  # it asked nothing in time, or left

    def _serve(self, connection: socket.socket) -> None:
        if connection.recv(4096).startswith(b"GET /metrics"):
            task = self._loop.create_task(self._scraped(connection))
            self._scrapes.add(task)
            task.add_done_callback(self._scrapes.discard)
            return
        connection.send(_HEALTHY)
        connection.close()

    async def _scraped(self, connection: socket.socket) -> None:
        page = self._exporter.page()
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n"
        with connection:
            await self._loop.sock_sendall(connection, f"{head}Content-Length: {len(page)}\r\n\r\n".encode())
            await self._loop.sock_sendall(connection, page)


async def main() -> None:
    """Serve until standard input ends."""
    exporter = Exporter()
    _Door(exporter, int(sys.argv[1]))
    await answering(exporter.answer)


if __name__ == "__main__":
    asyncio.run(main())
