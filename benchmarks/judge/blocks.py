"""What the daemon's sampler would have read of a release, block by block, without the cost of going through strings.

A test holds it to `watchdog.domain.counting.count`, sample by sample.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from benchmarks.judge.runs import Floats, Release, Scrapes
from watchdog.domain.measurement import (
    Baseline,
    Block,
    Counts,
    FailureReason,
    NoData,
    PodCount,
    QueryFailed,
    Reading,
)
from watchdog.domain.state import SETTLE

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The switch, as the judge sees it."""

BASELINE = 1800.0
_AWAY = QueryFailed(FailureReason.UNREACHABLE, "Prometheus does not answer")


def moment(seconds: float) -> datetime:
    """A time of the bench, as the judge sees it."""
    return EPOCH + timedelta(seconds=seconds)


def blocks_of(release: Release, interval: float) -> tuple[Block, ...]:
    """All blocks of the bake on the grid `switch + k * interval`, with what stable, still serving, shows beside.

    Those that Prometheus could not be asked about say so; what was counted meanwhile comes with the next one.
    """
    count = int(release.bake // interval)
    failed = np.array([_is_away(release, k * interval + SETTLE.total_seconds()) for k in range(1, count + 1)])
    readings = _readings(release.candidate, interval, failed)
    besides = _readings(release.stable, interval, failed)
    return tuple(
        Block(
            k,
            moment((k - 1) * interval),
            moment(k * interval),
            reading,
            beside=beside if isinstance(beside, Counts) else None,
        )
        for k, (reading, beside) in enumerate(zip(readings, besides, strict=True), start=1)
    )


def baseline_of(pods: Sequence[Scrapes], start: float, end: float, interval: float) -> Baseline:
    """What the pods counted between `start` and `end`, as one block and interval by interval. None was born in it."""
    counted = {}
    count = int((end - start) // interval)
    bads, totals = np.zeros(count), np.zeros(count)
    for pod in pods:
        inside = (pod.at >= start) & (pod.at <= end)
        at, total, bad = pod.at[inside], pod.total[inside], np.nan_to_num(pod.bad[inside], nan=0.0)
        if not at.size:
            continue
        counted[pod.pod] = PodCount(float(bad[-1] - bad[0]), float(total[-1] - total[0]), int(at.size))
        own = np.clip(np.ceil((at[1:] - start) / interval).astype(int) - 1, 0, count - 1)
        totals += np.bincount(own, np.diff(total), count)
        bads += np.bincount(own, np.diff(bad), count)
    pairs = tuple((bad, total) for bad, total in zip(bads.tolist(), totals.tolist(), strict=True) if total > 0.0)
    return Baseline(moment(start), moment(end), _reading(counted), blocks=pairs)


def stretches_of(pods: Sequence[Scrapes], cuts: Sequence[float]) -> tuple[Block, ...]:
    """What a peer's pods measured between each two of the cuts: no pod of it is newborn."""
    blocks = []
    for index, (start, end) in enumerate(pairwise(cuts), start=1):
        counted = {}
        for pod in pods:
            inside = np.flatnonzero((pod.at > start) & (pod.at <= end))
            if not inside.size or inside[-1] == 0:
                continue
            first, last = max(0, int(inside[0]) - 1), int(inside[-1])
            bad = np.nan_to_num(pod.bad[[first, last]], nan=0.0)
            grown = pod.total[last] - pod.total[first]
            counted[pod.pod] = PodCount(float(bad[1] - bad[0]), float(grown), int(inside.size))
        blocks.append(Block(index, moment(start), moment(end), _reading(counted)))
    return tuple(blocks)


def _is_away(release: Release, at: float) -> bool:
    return any(start <= at < end for start, end in release.outages)


def _readings(
    pods: Sequence[Scrapes], interval: float, failed: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> list[Reading]:
    """A reading per block: samples that could not be asked for count in the next block that could."""
    count = failed.size
    answered = np.flatnonzero(~failed)
    per_block: list[dict[str, PodCount]] = [{} for _ in range(count)]
    for pod in pods:
        inside = (pod.at >= 0.0) & (pod.at <= count * interval)
        at = pod.at[inside]
        if not at.size:
            continue
        own = np.maximum(np.ceil(at / interval).astype(int), 1) - 1
        slot = np.searchsorted(answered, own)
        kept = slot < answered.size
        block = answered[slot[kept]]
        grown, failing = _steps(pod.total[inside], pod), _steps(np.nan_to_num(pod.bad[inside], nan=0.0), pod)
        totals = np.bincount(block, grown[kept], count)
        bads = np.bincount(block, failing[kept], count)
        samples = np.bincount(block, minlength=count)
        for index in np.flatnonzero(samples).tolist():
            per_block[index][pod.pod] = PodCount(float(bads[index]), float(totals[index]), int(samples[index]))
    return [_AWAY if failed[index] else _reading(counted) for index, counted in enumerate(per_block)]


def _steps(values: Floats, pod: Scrapes) -> Floats:
    """How much the counter grew at each sample; a newborn pod's begins at 0, another's where it is first seen."""
    first = 0.0 if pod.born >= 0.0 else values[0]
    return np.diff(values, prepend=first)


def _reading(counted: dict[str, PodCount]) -> Reading:
    if not counted:
        return NoData("no new samples")
    counts = Counts(counted)
    return counts if counts.total > 0.0 else NoData("no requests")
