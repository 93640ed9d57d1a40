"""Staleness, held to a real Prometheus that scrapes a target whose series come and go."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from simulator.prometheus.real import RealPrometheus, needs_prometheus, pause, prometheus
from watchdog.simulator import promql
from watchdog.simulator.prometheus_answers import result
from watchdog.simulator.scraping import Target
from watchdog.simulator.tsdb import Tsdb

pytestmark = [pytest.mark.prometheus, needs_prometheus]

# What each scrape in turn finds: values of `kept` and of `fleeting`; None for a target that fails.
SCRAPES: list[tuple[float, float | None] | None] = [
    (1, 10),
    (2, 20),
    (3, None),
    (4, None),
    (5, 30),
    None,
    (6, 40),
    (7, None),
]
QUERIES = [
    "kept",
    "fleeting",
    "up",
    "count_over_time(kept[10s])",
    "count_over_time(fleeting[10s])",
    "count_over_time(fleeting[300ms])",
    "rate(fleeting[10s])",
    "timestamp(fleeting)",
    "absent(fleeting)",
    "fleeting[1m]",
]


@contextmanager
def target() -> Iterator[tuple[int, threading.Event]]:
    """Serves `SCRAPES`, each once, the last one for ever; yields its port and an event: all were served."""
    turn, done = iter(SCRAPES), threading.Event()
    last = SCRAPES[-1]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = next(turn, None) if not done.is_set() else last
            if shown is last:
                done.set()
            body = "" if shown is None else f"kept {shown[0]}\n"
            if shown is not None and shown[1] is not None:
                body += f"fleeting {shown[1]}\n"
            self.send_response(500 if shown is None else 200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], done
        finally:
            server.shutdown()
            thread.join()


def same_scrapes(real: RealPrometheus, instance: str) -> tuple[Tsdb, list[int]]:
    """Our scraper's samples of the same scrapes at the same times; and those times."""
    ups = real.data("/api/v1/query", query="up[1m]")["result"][0]["values"]
    times = [round(float(at) * 1000) for at, _ in ups][: len(SCRAPES)]
    assert [value for _, value in ups][: len(SCRAPES)] == ["1"] * 5 + ["0"] + ["1"] * 2
    tsdb = Tsdb()
    common = {"job": "target", "instance": instance}
    ours = Target(tsdb, common, [("kept", {}), ("fleeting", {})], tsdb.series({"__name__": "up", **common}))
    for at, shown in zip(times, SCRAPES, strict=True):
        if shown is None:
            ours.fail(at)
        else:
            ours.append(at, list(shown))
    return tsdb, times


def test_series_end_and_begin_again_as_in_prometheus(tmp_path: Path) -> None:
    with target() as (port, done):
        instance = f"127.0.0.1:{port}"
        configuration = (
            "scrape_configs:\n"
            f"- {{job_name: target, scrape_interval: 200ms, scrape_timeout: 200ms, "
            f"static_configs: [{{targets: ['{instance}']}}]}}\n"
        )
        with prometheus(configuration, tmp_path) as real:
            assert done.wait(20)
            pause(0.5)
            tsdb, times = same_scrapes(real, instance)
            for at in times:
                for moment in (at - 1, at, at + 1, at + 100):
                    if moment > times[-1]:
                        continue
                    for query in QUERIES:
                        theirs = real.data("/api/v1/query", query=query, time=f"{moment / 1000:.3f}")
                        assert result(promql.query_instant(tsdb, query, moment)) == theirs, (query, moment)
