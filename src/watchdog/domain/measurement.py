"""What was measured, and the ways in which nothing was: absence is a type here, never a number.

Times of samples are Unix seconds, as Prometheus gives them; times of blocks are aware datetimes in UTC.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from statistics import median
from typing import Any

from watchdog.domain.histograms import PodBuckets, merged
from watchdog.domain.numbers import Course, Pairs


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
    samples: Sequence[tuple[float, float]]


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

    def __reduce__(self) -> tuple[type["PodCount"], tuple[float, float, int]]:
        return PodCount, (self.bad, self.total, self.samples)  # in half the time that a dataclass takes by itself


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


@dataclass(frozen=True, slots=True)
class PodValues:
    """One number per pod at a block's end: a gauge's value, or a counter's increase per second."""

    pods: Mapping[str, float]

    def __reduce__(self) -> tuple[type["PodValues"], tuple[Mapping[str, float]]]:
        return PodValues, (self.pods,)

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

    def __reduce__(self) -> tuple[Callable[..., "Block"], tuple[Any, ...]]:
        # Moments as numbers are packed in a third of the time, and are smaller.
        start, end = self.start.timestamp(), self.end.timestamp()
        return _block, (self.index, start, end, self.reading, self.query, self.beside)


def _block(index: int, start: float, end: float, reading: Reading, query: str, beside: Reading | None) -> Block:
    """A block that was packed: a float holds microseconds for two hundred years to come."""
    return Block(index, datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), reading, query, beside)


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
    blocks: Sequence[tuple[float, float]] = ()
    course: Sequence[float | None] = ()
    step: float = 0.0

    def __post_init__(self) -> None:
        # Half an hour in rows of 120: kept as long as the watch.
        if self.blocks:
            object.__setattr__(self, "blocks", Pairs(self.blocks))
        if self.course:
            object.__setattr__(self, "course", Course(self.course))


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
