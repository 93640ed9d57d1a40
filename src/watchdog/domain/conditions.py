"""What a rule measures, and how it is compared with its limit.

All numbers are in base units: ratios as fractions (5 % is 0.05), times in seconds, memory in bytes, CPU in cores.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Op(StrEnum):
    """How a measure is compared with its limit; true means the rule is breached."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="

    def holds(self, value: float, limit: float) -> bool:
        """Whether `value OP limit`. A NaN holds nothing."""
        match self:
            case Op.ABOVE:
                return value > limit
            case Op.AT_LEAST:
                return value >= limit
            case Op.BELOW:
                return value < limit
            case Op.AT_MOST:
                return value <= limit

    @property
    def upward(self) -> bool:
        """Whether more is worse."""
        return self in (Op.ABOVE, Op.AT_LEAST)


class Unit(StrEnum):
    """The unit a limit was written in; `scale` turns the written number into the base unit."""

    NONE = ""
    PERCENT = "%"
    MILLI = "m"
    MILLISECONDS = "ms"
    SECONDS = "s"
    KIBIBYTES = "KiB"
    MEBIBYTES = "MiB"
    GIBIBYTES = "GiB"

    @property
    def scale(self) -> float:
        """Base units per written unit."""
        return _SCALES[self]


_SCALES: Mapping[Unit, float] = {
    Unit.NONE: 1.0,
    Unit.PERCENT: 0.01,
    Unit.MILLI: 0.001,
    Unit.MILLISECONDS: 0.001,
    Unit.SECONDS: 1.0,
    Unit.KIBIBYTES: 2.0**10,
    Unit.MEBIBYTES: 2.0**20,
    Unit.GIBIBYTES: 2.0**30,
}


@dataclass(frozen=True, slots=True)
class Absolute:
    """A plain number, in base units."""

    value: float


@dataclass(frozen=True, slots=True)
class TimesBaseline:
    """`2x baseline`: `factor` times what stable measured before the switch."""

    factor: float


@dataclass(frozen=True, slots=True)
class AboveBaseline:
    """`baseline + 100ms`: `delta` (base units, may be negative) more than stable measured before the switch."""

    delta: float


@dataclass(frozen=True, slots=True)
class ShareOfLimit:
    """`90% limit`: `share` of what a pod's own containers may use (their CPU or memory limits)."""

    share: float


Limit = Absolute | TimesBaseline | AboveBaseline | ShareOfLimit


class Statistic(StrEnum):
    """What of a metric is compared: its value, or a quantile or the mean of a histogram."""

    VALUE = "value"
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"
    MEAN = "avg"

    @property
    def quantile(self) -> float | None:
        """0.5, 0.95 or 0.99; None for the value and the mean."""
        return {"p50": 0.5, "p95": 0.95, "p99": 0.99}.get(self.value)


class Dimension(StrEnum):
    """What a number of a metric is, for people: chooses how it is printed."""

    RATIO = "ratio"
    SECONDS = "seconds"
    BYTES = "bytes"
    CORES = "cores"
    PLAIN = "plain"


# Metric queries are templates. `{{ namespace }}`, `{{ pods }}` (a regular expression of the pods of the revision
# being measured), `{{ workload }}` (the revision's Deployment) and `{{ name }}` (the target's own name) are
# filled in by sampling; the guard's `matchers` are in the text already.


@dataclass(frozen=True, slots=True)
class RatioMetric:
    """Bad events of all events: two bare counter selectors."""

    name: str
    bad: str
    total: str
    floor: float | None = None

    @property
    def dimension(self) -> Dimension:
        return Dimension.RATIO


@dataclass(frozen=True, slots=True)
class HistogramMetric:
    """A cumulative histogram: the bare selector of its `_bucket` counters; `scale` is seconds per unit of `le`."""

    name: str
    buckets: str
    floor: float | None = None
    scale: float = 1.0
    dimension: Dimension = Dimension.SECONDS


@dataclass(frozen=True, slots=True)
class RateMetric:
    """A counter's bare selector, measured per second and pod; the median over pods is judged."""

    name: str
    counter: str
    floor: float | None = None
    dimension: Dimension = Dimension.PLAIN


@dataclass(frozen=True, slots=True)
class GaugeMetric:
    """Any PromQL that answers one sample per pod (or one in all); the median over pods is judged."""

    name: str
    query: str
    floor: float | None = None
    dimension: Dimension = Dimension.PLAIN


Metric = RatioMetric | HistogramMetric | RateMetric | GaugeMetric


@dataclass(frozen=True, slots=True)
class Threshold:
    """`MEASURE OP LIMIT`, as in `p95(http_latency) > 2x baseline`."""

    metric: Metric
    statistic: Statistic
    op: Op
    limit: Limit
    text: str
    source: str = field(default="", repr=False)  # that is asked, as `domain.sources` names it

    @property
    def needs_baseline(self) -> bool:
        """Whether the limit depends on what stable measured before the switch."""
        return isinstance(self.limit, TimesBaseline | AboveBaseline)

    @property
    def dimension(self) -> Dimension:
        """What the number is that is compared: the metric's own, or a share of a limit."""
        return Dimension.RATIO if isinstance(self.limit, ShareOfLimit) else self.metric.dimension
