"""A rollback on a graph leads to its watch: exemplars, as a real Prometheus reads and answers them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Exemplar

from simulator.prometheus.real import needs_prometheus, pause, prometheus
from watchdog.adapters.web import Metrics
from watchdog.adapters.web.server import WebServer

WATCH = "gateway-20260301t120000-0a1b2c3d"
SCRAPING = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: watchdog
  static_configs: [{{targets: ["{target}"]}}]
"""


def exemplars(metrics: Metrics) -> list[Exemplar]:
    families = text_string_to_metric_families(b"".join(metrics.openmetrics()).decode())
    return [sample.exemplar for family in families for sample in family.samples if sample.exemplar is not None]


def test_the_last_rollback_of_a_kind_and_result_names_its_watch() -> None:
    metrics = Metrics()
    metrics.rollback("rollout", "done", "an-earlier-one")
    metrics.rollback("rollout", "done", WATCH)
    metrics.rollback("selector", "refused", "another")
    assert [one.labels for one in exemplars(metrics)] == [{"watch": WATCH}, {"watch": "another"}]


@pytest.mark.parametrize(("watch", "named"), [("w" * 123, True), ("w" * 124, False), ("ü" * 123, True), ("", False)])
def test_an_id_that_openmetrics_does_not_take_is_left_out_and_the_rollback_counted(watch: str, named: bool) -> None:
    metrics = Metrics()
    metrics.rollback("rollout", "done", watch)
    assert [one.labels for one in exemplars(metrics)] == ([{"watch": watch}] if named else [])
    assert 'watchdog_rollbacks_total{kind="rollout",result="done"} 1.0' in b"".join(metrics.text()).decode()


def test_the_older_text_format_has_none() -> None:
    metrics = Metrics()
    metrics.rollback("rollout", "done", WATCH)
    assert WATCH not in b"".join(metrics.text()).decode()


async def nothing(*_: Any) -> Any:
    return []


@pytest.mark.prometheus
@needs_prometheus
async def test_a_real_prometheus_answers_which_watch_a_rollback_was(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.rollback("rollout", "done", WATCH)
    server = WebServer(
        "127.0.0.1", 0, ready=lambda: (True, []), metrics=metrics.text, openmetrics=metrics.openmetrics,
        watches=nothing, watch=nothing,
    )  # fmt: skip
    await server.start()
    try:
        found = await asyncio.to_thread(_asked, server.url.removeprefix("http://"), tmp_path)
    finally:
        await server.stop()
    assert [one["labels"] for series in found for one in series["exemplars"]] == [{"watch": WATCH}]
    (series,) = found
    assert series["seriesLabels"]["__name__"] == "watchdog_rollbacks_total"
    assert (series["seriesLabels"]["kind"], series["seriesLabels"]["result"]) == ("rollout", "done")


def _asked(target: str, directory: Path) -> Any:
    """What it answers once it has scraped; asked in a thread, while the loop serves the scrape."""
    with prometheus(SCRAPING.format(target=target), directory, "--enable-feature=exemplar-storage") as real:
        for _ in range(300):
            span = {"start": "2026-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}
            found = real.data("/api/v1/query_exemplars", query="watchdog_rollbacks_total", **span)
            if found:
                return found
            pause(0.1)
    return []
