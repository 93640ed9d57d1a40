"""Counting over a real Prometheus that scrapes a real exporter: what is counted is what happened.

Each scrape of the exporter brings a known number of requests, so that the count follows from the number of scrapes.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from pathlib import Path

import pytest

from simulator.prometheus.real import RealPrometheus, needs_prometheus, prometheus
from simulator.prometheus.victoria import victoria_metrics
from watchdog.adapters.clock import SystemClock
from watchdog.adapters.prometheus.live import LivePrometheus
from watchdog.domain.conditions import (
    Absolute,
    GaugeMetric,
    HistogramMetric,
    Metric,
    Op,
    RateMetric,
    RatioMetric,
    Statistic,
    Threshold,
)
from watchdog.domain.measurement import Answer, Block, Buckets, Counts, FailureReason, PodValues, QueryFailed
from watchdog.domain.rollout import Revision, Target
from watchdog.engine.sampling import Sampler, Subject, Tracker

pytestmark = [needs_prometheus, pytest.mark.prometheus]

RESET_AT = 4  # the scrape before which the exporter was started anew; its counters are lower than before
ERRORS_FROM = 2  # the first scrape that has an errors series
NEWBORN, OLD = "app-1-newborn", "app-1-old"
PODS = 'namespace="{{ namespace }}", pod=~"{{ pods }}"'
TARGET = Target.parse("production/deployment/app")


class Exporter:
    """10 requests a scrape, one of them bad from the second scrape on; 6 of 10 within 0.1 s; reset at the fourth."""

    def __init__(self, ahead: int) -> None:
        self.scrapes = 0
        self.good = ahead
        self.bad = 0
        self.lock = threading.Lock()

    def page(self) -> str:
        with self.lock:
            self.scrapes += 1
            if self.scrapes == RESET_AT:
                self.good = self.bad = 0
            bad = 1 if self.scrapes >= ERRORS_FROM else 0
            self.good += 10 - bad
            self.bad += bad
            total = self.good + self.bad
            lines = [f'requests_total{{status="200"}} {self.good}']
            if self.bad:
                lines.append(f'requests_total{{status="500"}} {self.bad}')
            lines += [
                f'seconds_bucket{{le="0.1"}} {total * 6 // 10}',
                f'seconds_bucket{{le="+Inf"}} {total}',
                f"seconds_sum {total / 4}",
                f"seconds_count {total}",
                f"depth {self.scrapes}",
                "nothing NaN",
            ]
            return "\n".join([*lines, ""])


@contextmanager
def exporting(exporter: Exporter) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def configuration(addresses: dict[str, str]) -> str:
    targets = "".join(
        f"""
      - targets: ["{address}"]
        labels: {{namespace: production, pod: {pod}}}"""
        for pod, address in addresses.items()
    )
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: pods
    static_configs:{targets}
"""


def a_rule(metric: Metric, statistic: Statistic = Statistic.VALUE) -> Threshold:
    return Threshold(metric, statistic, Op.ABOVE, Absolute(1.0), "")


def in_blocks(began: datetime, end: datetime, count: int) -> list[tuple[int, datetime, datetime]]:
    length = (end - began) / count
    return [(k, began + (k - 1) * length, began + k * length) for k in range(1, count + 1)]


def counted(blocks: tuple[Block, ...], pod: str) -> tuple[float, float, int]:
    """Bad and all events and scrapes of a pod in all blocks."""
    pods = [
        block.reading.pods[pod] for block in blocks if isinstance(block.reading, Counts) and pod in block.reading.pods
    ]
    return sum(one.bad for one in pods), sum(one.total for one in pods), sum(one.samples for one in pods)


@dataclass(frozen=True)
class Server:
    """What answers, how soon its samples are seen, and what it says to nothing but NaN and to what is no PromQL."""

    running: Callable[[str, Path], AbstractContextManager[RealPrometheus]]
    settle: float
    nothing: str
    refusal: str


# VictoriaMetrics keeps no NaN, and shows what it has scraped two seconds later.
SERVERS = {
    "Prometheus": Server(prometheus, 1.1, "only NaN or infinite values", "parse error"),
    "VictoriaMetrics": Server(victoria_metrics, 4.0, "no series", "unparsed data"),
}


@pytest.mark.parametrize("by_name", [False, True], ids=["by expression", "by name"])
@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
async def test_what_is_counted_is_what_happened(server: Server, by_name: bool, tmp_path: Path) -> None:
    exporters = {NEWBORN: Exporter(0), OLD: Exporter(1000)}
    clock = SystemClock()
    with exporting(exporters[NEWBORN]) as newborn, exporting(exporters[OLD]) as old:
        began = clock.now()
        with server.running(configuration({NEWBORN: newborn, OLD: old}), tmp_path) as running:
            live = LivePrometheus(running.url)
            while min(exporter.scrapes for exporter in exporters.values()) < RESET_AT + 2:
                await clock.sleep(0.1)
            end = clock.now()
            sampler = Sampler(live, clock, settle=server.settle)
            pods = {NEWBORN: began, OLD: began - timedelta(hours=1)}
            subject = Subject(TARGET, Revision("app", "1"), pods, began, known_since=began if by_name else None)

            async def blocks(metric: Metric, statistic: Statistic = Statistic.VALUE) -> tuple[Block, ...]:
                return await sampler.blocks(Tracker(a_rule(metric, statistic), subject), in_blocks(began, end, 3))

            ratio = RatioMetric("errors", f'requests_total{{{PODS}, status="500"}}', f"requests_total{{{PODS}}}")
            measured = await blocks(ratio)
            bad, total, scrapes = counted(measured, NEWBORN)
            assert scrapes >= RESET_AT
            assert (bad, total) == (scrapes - ERRORS_FROM + 1, 10.0 * scrapes)
            bad, total, scrapes = counted(measured, OLD)
            assert (bad, total) == (scrapes - ERRORS_FROM + 1, 10.0 * (scrapes - 1))

            latency = HistogramMetric("latency", f"seconds_bucket{{{PODS}}}")
            found = [b.reading for b in await blocks(latency, Statistic.MEAN) if isinstance(b.reading, Buckets)]
            newborns = [reading.pods[NEWBORN] for reading in found if NEWBORN in reading.pods]
            scrapes = sum(one.samples for one in newborns)
            assert sum(one.total for one in newborns) == 10.0 * scrapes
            assert sum(one.counts[0][1] for one in newborns) == 6.0 * scrapes
            assert newborns[0].counts[-1][0] == inf
            assert sum(one.sum for one in newborns) == pytest.approx(2.5 * scrapes)

            [*_, rate] = await blocks(RateMetric("rate", f"requests_total{{{PODS}}}"))
            assert isinstance(rate.reading, PodValues)
            assert rate.reading.middle == pytest.approx(10.0, rel=0.3)

            [*_, depth] = await blocks(GaugeMetric("depth", f"max by (pod) (depth{{{PODS}}})"))
            assert isinstance(depth.reading, PodValues)
            assert depth.reading.pods.keys() == {NEWBORN, OLD}
            [*_, nothing] = await blocks(GaugeMetric("nothing", f"max by (pod) (nothing{{{PODS}}})"))
            assert getattr(nothing.reading, "detail", "") == server.nothing

            baseline = await sampler.baseline(a_rule(ratio), subject, began, end, 5.0)
            assert isinstance(baseline.reading, Counts)
            one = baseline.reading.pods[NEWBORN]
            assert (one.bad, one.total) == (one.samples - ERRORS_FROM + 1, 10.0 * one.samples)

            refused = await live.query("up{", end, deadline=5)
            assert isinstance(refused, QueryFailed)
            assert refused.reason is FailureReason.REFUSED
            assert server.refusal in refused.detail
            assert isinstance(await live.ready(), Answer)
            await sampler.close()
            await live.close()
