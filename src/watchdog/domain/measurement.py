"""What was measured, and the ways in which nothing was: absence is a type here, never a number.

Times of samples are Unix seconds, as Prometheus gives them; times of blocks are aware datetimes in UTC.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from statistics import median
from typing import ClassVar


class FailureReason(StrEnum):
    """Why a query gave no answer; the label of `watchdog_query_failures_total`."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CROWDED = "crowded"  # never sent: too many questions of our own were before it
    REFUSED = "refused"  # Prometheus answered with an error: 400, 401, 403, 422
    UNAVAILABLE = "unavailable"  # 429, 5xx
    GARBLED = "garbled"  # no JSON, or JSON that is no answer of the Prometheus API
    PARTIAL = "partial"  # an answer with warnings: some of the data is missing
    IMPOSSIBLE = "impossible"  # numbers that cannot be: bad above total, a negative count


@dataclass(frozen=True, slots=True)
class QueryFailed:
    """Prometheus could not be asked, or what it said cannot be trusted."""

    reason: FailureReason
    detail: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class NoData:
    """Prometheus was asked and has nothing to say: no series, no samples, only NaN, or no traffic."""

    detail: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels and its raw samples (Unix seconds, value), in order of time."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus answered, in full."""

    query: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class PodCount:
    """Events of one pod in one block. `samples`: how many scrapes of the pod lay in it."""

    bad: float
    total: float
    samples: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Bad and all events of a revision in one block, per pod ("" where the metric names no pod).

    `samples`: scrapes of the best-seen pod. The sums are taken once: every block is looked at several times.
    """

    pods: Mapping[str, PodCount]
    bad: float = field(init=False, repr=False, compare=False)
    total: float = field(init=False, repr=False, compare=False)
    samples: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pods = self.pods.values()
        object.__setattr__(self, "bad", math.fsum([pod.bad for pod in pods]))
        object.__setattr__(self, "total", math.fsum([pod.total for pod in pods]))
        object.__setattr__(self, "samples", max([pod.samples for pod in pods], default=0))

    def __reduce__(self) -> tuple[type["Counts"], tuple[Mapping[str, PodCount]]]:
        return Counts, (self.pods,)  # packed without its sums


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
        events = array("d", [each for _, each in counts])
        return cls(_shared(tuple(bound for bound, _ in counts)), events, total, sum, samples)

    @property
    def counts(self) -> tuple[tuple[float, float], ...]:
        """Pairs of an upper bound and its events."""
        return tuple(zip(self.bounds, self.events, strict=True))

    def __hash__(self) -> int:
        return hash((self.bounds, self.total, self.sum, self.samples))


@dataclass(frozen=True, slots=True)
class Buckets:
    """Latencies of a revision in one block, per pod; bounds and sums in seconds (the metric's scale applied).

    `whole` is the histogram of all pods together, `samples` in it the scrapes of the best-seen pod.
    """

    pods: Mapping[str, PodBuckets]
    whole: PodBuckets = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # In the order of their names, so that the sums do not hang on the order in which pods were answered.
        parts = [self.pods[pod] for pod in sorted(self.pods)]
        object.__setattr__(self, "whole", merged(parts))

    def __reduce__(self) -> tuple[type["Buckets"], tuple[Mapping[str, PodBuckets]]]:
        return Buckets, (self.pods,)  # packed without their sum

    @property
    def total(self) -> float:
        return self.whole.total

    @property
    def samples(self) -> int:
        """Scrapes of the best-seen pod."""
        return self.whole.samples


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
    events = array("d", map(sum, zip(*[part.events for part in parts], strict=True)))
    return PodBuckets(bounds, events, total, seconds, samples)


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


@dataclass(frozen=True, slots=True)
class PodValues:
    """One number per pod at a block's end: a gauge's value, or a counter's increase per second."""

    pods: Mapping[str, float]

    @property
    def middle(self) -> float:
        """The median over pods, the number that is judged."""
        return median(self.pods.values())


@dataclass(frozen=True, slots=True)
class Alert:
    """A Prometheus alert that was active on the candidate when it was looked at.

    The moments are those of looks: of the first at which it was active (pending or firing), of the first at which it
    fired on the candidate (None: it is pending), of the last at which it fired for stable, before the switch.
    """

    name: str
    labels: Mapping[str, str]  # beside its name and what tells whose it is
    active_since: datetime
    firing_since: datetime | None
    fired_before: datetime | None = None
    pods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Firing:
    """The alerts of one rule that were active at a block's end; none is a reading too: nothing fires.

    `put_back` is when the put-back was complete, in recovery.
    """

    alerts: tuple[Alert, ...]
    switch: datetime
    put_back: datetime | None = None


Reading = Counts | Buckets | PodValues | Firing | NoData | QueryFailed


def as_one_pod(reading: Reading) -> Reading:
    """The same counts without saying whose they are: smaller, where many blocks are kept."""
    match reading:
        case Counts(bad=bad, total=total, samples=samples):
            return Counts({"": PodCount(bad, total, samples)})
        case Buckets(whole=whole):
            return Buckets({"": whole})
        case other:
            return other


@dataclass(frozen=True, slots=True)
class Block:
    """What one rule saw in one interval `(start, end]`; `index` counts from 1 on the grid `switch + k * interval`.

    `beside` is what stable's pods, still serving beside the candidate's, measured in the same interval.
    """

    index: int
    start: datetime
    end: datetime
    reading: Reading
    query: str = ""
    beside: Reading | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What one rule measured of stable in the last stretch before the switch in which it served.

    `reading` covers the whole stretch as one block; for gauges and rates it holds the median over time per pod.
    `blocks` holds bad (or slow) and all requests, interval by interval, for rules that are judged by evidence.
    `course` holds a gauge's or rate's values as the judge would have seen them, `step` seconds apart, None where
    there was none.
    """

    start: datetime
    end: datetime
    reading: Reading
    query: str = ""
    blocks: tuple[tuple[float, float], ...] = ()
    course: tuple[float | None, ...] = ()
    step: float = 0.0


class ProbeOutcome(StrEnum):
    """How one probe of one pod ended."""

    EXPECTED = "expected"
    WRONG_STATUS = "wrong-status"
    REFUSED = "refused"  # the connection was refused, reset or could not be routed
    TIMED_OUT = "timed-out"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one pod; `detail` is the status or the error, for people."""

    pod: str
    outcome: ProbeOutcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProbeRound:
    """One round of a probe rule: the candidate's pods, and one of stable's where there is one to compare with.

    `peers`: one pod each of up to three untouched peers, where the candidate did not answer and no pod of stable's
    was there.
    """

    at: datetime
    candidate: tuple[ProbeResult, ...]
    stable: tuple[ProbeResult, ...] = ()
    peers: tuple[ProbeResult, ...] = ()
    url: str = field(default="", compare=False)
