"""Guards, rules and their conditions, as `watchdog.rulebook` reads them from rules.toml.

All numbers are in base units: ratios as fractions (5 % is 0.05), times in seconds, memory in bytes, CPU in cores.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from watchdog.domain.brakes import BRAKES, Brakes
from watchdog.domain.rollout import LabelSelector, Target


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


# Containers that a guard leaves out of CPU, memory and signs unless it names its own: they are not what was released.
SIDECARS = ("istio-proxy", "linkerd-proxy", "vault-agent", "daprd", "cloud-sql-proxy")


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

    @property
    def needs_baseline(self) -> bool:
        """Whether the limit depends on what stable measured before the switch."""
        return isinstance(self.limit, TimesBaseline | AboveBaseline)

    @property
    def dimension(self) -> Dimension:
        """What the number is that is compared: the metric's own, or a share of a limit."""
        return Dimension.RATIO if isinstance(self.limit, ShareOfLimit) else self.metric.dimension


@dataclass(frozen=True, slots=True)
class Probe:
    """An HTTP GET that the watchdog makes itself against each of the candidate's pods."""

    path: str
    port: str  # a port's name, or its number as text
    every: timedelta = timedelta(seconds=5)
    timeout: timedelta = timedelta(seconds=2)
    scheme: str = "http"
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: tuple[tuple[int, int], ...] = ((200, 399),)  # inclusive ranges of status codes
    failures: int = 3

    def expects(self, status: int) -> bool:
        """Whether a status code is one of the expected ones."""
        return any(low <= status <= high for low, high in self.expect)


class Sign(StrEnum):
    """What Kubernetes itself says of the candidate's pods."""

    CRASH_LOOP = "crash-loop"
    IMAGE_PULL = "image-pull"
    OOM_KILLED = "oom-killed"
    PROGRESS_DEADLINE = "progress-deadline"
    NOT_READY = "not-ready"
    UNSCHEDULABLE = "unschedulable"


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs a rule listens to."""

    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """A share of an error budget: breached when this release alone has spent `spend` of the period's.

    `threshold` compares the metric with what the objective allows: an objective of 99.9 % is a limit of 0.1 %.
    """

    threshold: Threshold
    period: timedelta
    spend: float

    @property
    def allowed(self) -> float:
        """The share of requests that may be bad."""
        return self.threshold.limit.value if isinstance(self.threshold.limit, Absolute) else 0.0


ALERT_NAME, ALERT_STATE = "alertname", "alertstate"  # the labels of `ALERTS` that Prometheus itself writes


@dataclass(frozen=True, slots=True)
class Alerts:
    """Prometheus alerts, by name: breached when one of them begins to fire on the candidate after the switch.

    `labels` are what an alert must bear to count, each with its allowed values; `matchers` are the guard's, which
    stand in the query.
    """

    names: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    matchers: Mapping[str, str] = field(default_factory=dict)

    def wants(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is one of those. A label that is absent counts as empty."""
        named = labels.get(ALERT_NAME) in self.names
        return named and all(labels.get(label, "") in allowed for label, allowed in self.labels.items())


class Action(StrEnum):
    """What a breach leads to."""

    ROLLBACK = "rollback"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a guard, with its metric resolved in the guard's dialect.

    `alpha` is the rule's share of how often, at most, a watch may send back a harmless release (0.1 % by default, all
    its ratio, quantile and budget rules together); None: the rule as written decides alone.
    """

    name: str
    check: Threshold | Probe | Signs | Budget | Alerts
    hold: timedelta = timedelta(0)  # `for` in rules.toml
    min_requests: int = 20
    required: bool = True
    action: Action | None = None  # None: the guard's
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A table of rules.toml: which targets, under which rules, and what then."""

    name: str
    namespaces: tuple[str, ...]
    rules: tuple[Rule, ...]
    selector: LabelSelector | None = None
    targets: tuple[Target, ...] = ()
    bake: timedelta = timedelta(minutes=10)
    warmup: timedelta = timedelta(seconds=30)
    interval: timedelta = timedelta(seconds=15)
    baseline: timedelta = timedelta(minutes=30)
    recovery: timedelta = timedelta(minutes=5)
    rollback_window: timedelta = timedelta(hours=24)
    action: Action = Action.ROLLBACK
    channels: tuple[str, ...] = ()
    restore_replicas: bool = False
    containers: tuple[str, ...] | None = None  # None: all but the sidecars
    annotations: bool = True
    callers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gitops: str = "hold"
    runbook: str = ""  # a web page

    def covers(self, target: Target, labels: Mapping[str, str]) -> bool:
        """Whether this guard guards the object: named in `targets`, or in a namespace and selected by label."""
        if target in self.targets:
            return True
        return self.selector is not None and target.namespace in self.namespaces and self.selector.matches(labels)

    def action_of(self, rule: Rule) -> Action:
        """What a breach of `rule` leads to: its own `action`, but never more than the guard allows."""
        if self.action is Action.NOTIFY or rule.action is None:
            return self.action
        return rule.action


class Topic(StrEnum):
    """What a channel may be told; the values of `on` in rules.toml, but for those of a dry run."""

    SWITCH = "switch"
    PASSED = "passed"
    BREACH = "breach"
    ROLLED_BACK = "rolled-back"
    WOULD_ROLL_BACK = "would-roll-back"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not-recovered"
    HELD = "held"
    FAILED = "failed"
    NOTIFIED = "notified"
    INCONCLUSIVE = "inconclusive"
    SUPERSEDED = "superseded"
    RULES_INVALID = "rules-invalid"
    UNGUARDED = "unguarded"


DRY_TOPICS = frozenset({Topic.WOULD_ROLL_BACK})
"""What only a dry run tells: whoever wants to hear of the rollback hears that it would be one."""

QUIET_TOPICS = frozenset({Topic.SWITCH, Topic.PASSED, Topic.SUPERSEDED})
DEFAULT_TOPICS = frozenset(Topic) - QUIET_TOPICS


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """An Alertmanager that is told. `labels` are added to those of each alert."""

    url: str
    token: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CloudEvents:
    """A webhook for programs; each event is signed with `key`."""

    url: str
    key: str
    source: str = "/rollback-watchdog"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where people are told: one of `url` (Apprise), `routing_key` (PagerDuty) and so on.

    Their texts may hold `{{ secret.NAME }}`, unresolved.
    """

    name: str
    on: frozenset[Topic] = DEFAULT_TOPICS
    url: str | None = None
    routing_key: str | None = None
    alertmanager: Alertmanager | None = None
    cloudevents: CloudEvents | None = None

    @property
    def kind(self) -> str:
        """The key of rules.toml that says where it leads."""
        kinds = {"pagerduty": self.routing_key, "alertmanager": self.alertmanager, "cloudevents": self.cloudevents}
        return next((kind for kind, place in kinds.items() if place is not None), "url")


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A whole, valid rules.toml. `digest` is the SHA-256 of its text, in hex."""

    guards: tuple[Guard, ...]
    channels: tuple[Channel, ...] = ()
    digest: str = ""
    brakes: Brakes = BRAKES

    def guard(self, name: str) -> Guard | None:
        """The guard of that name."""
        return next((guard for guard in self.guards if guard.name == name), None)

    def guard_of(self, target: Target, labels: Mapping[str, str]) -> Guard | None:
        """The guard that covers an object; a target that two cover is told of and never acted on."""
        return next(iter(self.guards_of(target, labels)), None)

    def guards_of(self, target: Target, labels: Mapping[str, str]) -> tuple[Guard, ...]:
        """Every guard that covers an object, in the file's order."""
        return tuple(guard for guard in self.guards if guard.covers(target, labels))

    @property
    def namespaces(self) -> frozenset[str]:
        """All namespaces that any guard names: the only ones that are watched."""
        return frozenset(
            namespace
            for guard in self.guards
            for namespace in (*guard.namespaces, *(target.namespace for target in guard.targets))
        )
