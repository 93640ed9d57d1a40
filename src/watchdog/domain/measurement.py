"""What was measured, and the ways in which nothing was: absence is a type here, never a number.

Times of samples are Unix seconds, as Prometheus gives them; times of blocks are aware datetimes in UTC.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from statistics import median


class FailureReason(StrEnum):
    """Why a query gave no answer; the label of `watchdog_query_failures_total`."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
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
    """Bad and all events of a revision in one block, per pod ("" where the metric names no pod)."""

    pods: Mapping[str, PodCount]

    @property
    def bad(self) -> float:
        return math.fsum(pod.bad for pod in self.pods.values())

    @property
    def total(self) -> float:
        return math.fsum(pod.total for pod in self.pods.values())

    @property
    def samples(self) -> int:
        """Scrapes of the best-seen pod."""
        return max((pod.samples for pod in self.pods.values()), default=0)


@dataclass(frozen=True, slots=True)
class PodBuckets:
    """A histogram of one pod in one block: events per upper bound (cumulative, `inf` last), their sum and count."""

    counts: tuple[tuple[float, float], ...]
    total: float
    sum: float
    samples: int


@dataclass(frozen=True, slots=True)
class Buckets:
    """Latencies of a revision in one block, per pod; bounds and sums in seconds (the metric's scale applied)."""

    pods: Mapping[str, PodBuckets]

    @property
    def total(self) -> float:
        return math.fsum(pod.total for pod in self.pods.values())

    @property
    def samples(self) -> int:
        """Scrapes of the best-seen pod."""
        return max((pod.samples for pod in self.pods.values()), default=0)


@dataclass(frozen=True, slots=True)
class PodValues:
    """One number per pod at a block's end: a gauge's value, or a counter's increase per second."""

    pods: Mapping[str, float]

    @property
    def middle(self) -> float:
        """The median over pods, the number that is judged."""
        return median(self.pods.values())


Reading = Counts | Buckets | PodValues | NoData | QueryFailed


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
    """

    start: datetime
    end: datetime
    reading: Reading
    query: str = ""
    blocks: tuple[tuple[float, float], ...] = ()


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
    """One round of a probe rule: the candidate's pods, and one of stable's where there is one to compare with."""

    at: datetime
    candidate: tuple[ProbeResult, ...]
    stable: tuple[ProbeResult, ...] = ()
    url: str = field(default="", compare=False)
