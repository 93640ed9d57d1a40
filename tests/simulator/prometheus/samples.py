"""The samples over which the simulated and the real Prometheus are held against each other."""

import math
from datetime import UTC, datetime, timedelta
from random import Random

from watchdog.simulator.tsdb import Tsdb

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SCRAPE_SECONDS = 15


def at(seconds: float) -> datetime:
    """So long after the first sample."""
    return BEGIN + timedelta(seconds=seconds)


def samples() -> Tsdb:
    """An hour of counters with resets and gaps, gauges with NaN and infinities, and histograms."""
    tsdb, random = Tsdb(retention=timedelta(days=36500)), Random(7)
    for number, pod in enumerate(("a-1", "a-2", "b-1", "b-2")):
        _counters(tsdb, random, pod, number * 3.7)
        _histogram(tsdb, random, pod, number * 3.7)
    for k in range(240):
        tsdb.add("temperature", {"room": "cold"}, at(15 * k), -5 + math.sin(k))
        tsdb.add("temperature", {"room": "warm"}, at(15 * k), 20 + 3 * math.cos(k / 3))
        tsdb.add("aligned", {"pod": "a-1"}, at(15 * k), k * k)
        tsdb.add("whole_total", {"pod": "late"}, at(1800 + 7.5 * k), 3 + 2 * k)
        value = (1.5, math.nan, math.inf, -math.inf, 2.5)[k % 5]
        tsdb.add("odd", {"kind": "mixed"}, at(15 * k), value)
        tsdb.add("odd", {"kind": "nan"}, at(15 * k), math.nan)
        tsdb.add("odd", {"kind": "tiny"}, at(15 * k), 1e-9 * k)
        tsdb.add("odd", {"kind": "huge"}, at(15 * k), 1.7e22 * k)
    for pod, version in (("a-1", "1.0"), ("a-2", "1.0"), ("b-1", "2.0"), ("b-2", "2.0")):
        tsdb.add("pod_info", {"pod": pod, "version": version, "node": f"n-{pod[0]}"}, at(1790), 1)
        tsdb.add("pod_info", {"pod": pod, "version": version, "node": f"n-{pod[0]}"}, at(3590), 1)
    tsdb.add("lonely", {"pod": "a-1"}, at(1800), 42)
    return tsdb


def _counters(tsdb: Tsdb, random: Random, pod: str, phase: float) -> None:
    good = bad = 0.0
    for k in range(240):
        good += random.randrange(20, 60)
        bad += random.randrange(0, 3) * (k > 40)
        if pod == "a-2" and k in {60, 61, 150}:
            good, bad = float(random.randrange(5)), 0.0  # a restart
        if pod == "b-1" and (80 < k < 84 or 120 < k < 150):
            continue  # scrapes that were missed, for less and for more than the lookback
        if pod == "b-2" and k < 117:
            continue  # a newborn pod
        labels = {"pod": pod, "namespace": "production", "method": "GET"}
        tsdb.add("requests_total", {**labels, "status": "2xx"}, at(15 * k + phase), good)
        if bad:
            tsdb.add("requests_total", {**labels, "status": "5xx"}, at(15 * k + phase), bad)


def _histogram(tsdb: Tsdb, random: Random, pod: str, phase: float) -> None:
    bounds = ("0.01", "0.1", "0.5", "1.0", "2.5", "+Inf")
    counts = [0] * len(bounds)
    for k in range(240):
        if pod != "b-2":  # one histogram that never sees an observation
            for _ in range(random.randrange(1, 30)):
                counts[min(len(bounds) - 1, int(random.expovariate(0.8)))] += 1
        total = 0
        for bound, count in zip(bounds, counts, strict=True):
            total += count
            tsdb.add("latency_seconds_bucket", {"pod": pod, "le": bound}, at(15 * k + phase), total)
        tsdb.add("latency_seconds_sum", {"pod": pod}, at(15 * k + phase), total * 0.31)
        tsdb.add("latency_seconds_count", {"pod": pod}, at(15 * k + phase), total)
