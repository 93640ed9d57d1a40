"""Cumulative histograms as they were counted in a block, and their sums."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, cast


@dataclass(frozen=True, slots=True)
class PodBuckets:
    """A histogram of one pod in one block: events per upper bound (cumulative, `inf` last), their sum and count.

    Bounds and events lie apart, since histograms are added far more often than they are made; the events as an array,
    which nobody changes, since a watch keeps hundreds of them.
    """

    WRITTEN: ClassVar = ("counts", "total", "sum", "samples")

    bounds: tuple[float, ...]
    events: "array[float]"
    total: float
    sum: float
    samples: int

    @classmethod
    def of(cls, counts: tuple[tuple[float, float], ...], total: float, sum: float, samples: int) -> "PodBuckets":  # noqa: A002 - as it is written
        """From pairs of an upper bound and its events."""
        events = _narrow([each for _, each in counts])
        return cls(_shared(tuple(bound for bound, _ in counts)), events, total, sum, samples)

    @property
    def counts(self) -> tuple[tuple[float, float], ...]:
        """Pairs of an upper bound and its events."""
        return tuple(zip(self.bounds, map(float, self.events), strict=True))

    def __reduce__(self) -> tuple[type["PodBuckets"], tuple[Any, ...]]:
        return PodBuckets, (self.bounds, self.events, self.total, self.sum, self.samples)

    def __hash__(self) -> int:
        return hash((self.bounds, self.total, self.sum, self.samples))


def merged(parts: Sequence[PodBuckets]) -> PodBuckets:
    """The sum of cumulative histograms, over the bounds that all of them have.

    Parts whose bounds differ (two dialects behind one name) can only be added where they agree.
    """
    if len(parts) == 1 and _in_order(parts[0].bounds):
        return parts[0]
    total = math.fsum([part.total for part in parts])
    seconds = math.fsum([part.sum for part in parts])
    samples = max([part.samples for part in parts], default=0)
    bounds = parts[0].bounds if parts else ()
    if not _in_order(bounds) or any(part.bounds != bounds for part in parts):
        return PodBuckets.of(_added_where_they_agree(parts), total, seconds, samples)
    events = _narrow(list(map(sum, zip(*[part.events for part in parts], strict=True))))
    return PodBuckets(bounds, events, total, seconds, samples)


def _narrow(events: Sequence[float]) -> "array[float]":
    """The same numbers in half the room where they are whole, as nearly all counts of events are."""
    try:
        whole = array("I", list(map(int, events)))
    except (ValueError, OverflowError):  # not finite, negative or more than four thousand millions
        return array("d", events)
    return cast("array[float]", whole) if whole.tolist() == events else array("d", events)


@lru_cache(maxsize=256)
def _shared(bounds: tuple[float, ...]) -> tuple[float, ...]:
    """One copy of the bounds for all histograms that have them."""
    return bounds


@lru_cache(maxsize=256)
def _in_order(bounds: tuple[float, ...]) -> bool:
    return list(bounds) == sorted(set(bounds))


def _added_where_they_agree(parts: Sequence[PodBuckets]) -> tuple[tuple[float, float], ...]:
    bounds = set.intersection(*({bound for bound, _ in part.counts} for part in parts))
    sums = dict.fromkeys(sorted(bounds), 0.0)
    for part in parts:
        for bound, count in part.counts:
            if bound in sums:
                sums[bound] += count
    return tuple(sums.items())
