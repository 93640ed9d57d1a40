"""What a verdict costs: a block more of a watch, and a whole bake. `python -m benchmarks.judge_steps`

CPU time of this process, best of several rounds; the ratio of a late step to an early one says whether steps grow.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchdog.domain.conditions import Absolute, HistogramMetric, Op, RatioMetric, Statistic, Threshold
from watchdog.domain.histograms import PodBuckets
from watchdog.domain.judge import History
from watchdog.domain.measurement import Baseline, Block, Buckets, Counts, PodCount, Reading
from watchdog.domain.rules import Rule
from watchdog.domain.state import Track
from watchdog.domain.tracking import with_block

SWITCH = datetime(2026, 3, 2, 12, tzinfo=UTC)
INTERVAL = timedelta(seconds=15)
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, float("inf"))
ROUNDS = 30


def errors(pods: int) -> tuple[Rule, Reading]:
    """An error rate, of that many pods."""
    rule = Rule("error-rate", Threshold(RatioMetric("r", "b", "t"), Statistic.VALUE, Op.ABOVE, Absolute(0.05), ""))
    return rule, Counts({f"pod-{n}": PodCount(1.0, 150.0, 1) for n in range(pods)})


def latency_over(pods: int) -> tuple[Rule, Reading]:
    """The same over its limit and not proven: the dearest case, for each pod is looked at by itself."""
    return latency(pods, limit=0.4)


def latency(pods: int, limit: float = 20.0) -> tuple[Rule, Reading]:
    """A p95 of a histogram of 15 buckets, of that many pods."""
    metric = HistogramMetric("h", "b")
    rule = Rule("latency", Threshold(metric, Statistic.P95, Op.ABOVE, Absolute(limit), ""))
    counts = tuple((bound, 150.0 * min(1.0, (n + 1) / 14)) for n, bound in enumerate(BOUNDS))
    return rule, Buckets({f"pod-{n}": PodBuckets.of(counts, 150.0, 10.0, 1) for n in range(pods)})


def a_track(rule: Rule, reading: Reading) -> Track:
    """A track before its first block, with a baseline of half an hour."""
    end = SWITCH
    baseline = Baseline(end - timedelta(minutes=30), end, reading, blocks=((1.0, 150.0),) * 120)
    return Track(replace(rule, alpha=0.0005), History(INTERVAL), baseline=baseline)


def blocks(reading: Reading, count: int) -> list[Block]:
    """So many blocks in a row."""
    return [Block(k, SWITCH + (k - 1) * INTERVAL, SWITCH + k * INTERVAL, reading) for k in range(1, count + 1)]


def fed(track: Track, some: list[Block]) -> Track:
    """The track after those blocks."""
    for block in some:
        track = with_block(track, block, lambda _pod: SWITCH)
    return track


def best(what: Callable[[], object]) -> float:
    """Microseconds of CPU."""
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time_ns()
        what()
        times.append(time.process_time_ns() - begun)
    return min(times) / 1000


def main() -> None:
    """Print the table."""
    print("| rule | pods | a bake of 40 blocks, ms | an early step, us | a step after 240 blocks, us |")
    print("|---|---|---|---|---|")
    for make in (errors, latency, latency_over):
        for pods in (1, 3, 10):
            rule, reading = make(pods)
            many = blocks(reading, 250)
            fresh = a_track(rule, reading)
            early, late = fed(fresh, many[:5]), fed(fresh, many[:240])
            row = (
                best(lambda t=fresh, b=many: fed(t, b[:40])) / 1000,  # type: ignore[misc]
                best(lambda t=early, b=many: fed(t, b[5:10])) / 5,  # type: ignore[misc]
                best(lambda t=late, b=many: fed(t, b[240:245])) / 5,  # type: ignore[misc]
            )
            print(f"| {make.__name__} | {pods} | {row[0]:.2f} | {row[1]:.0f} | {row[2]:.0f} |")


if __name__ == "__main__":
    main()
