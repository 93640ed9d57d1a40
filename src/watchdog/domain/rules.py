"""Guards, rules and their conditions, as `watchdog.rulebook` reads them from rules.toml.

What a rule measures and compares: `domain.conditions`. Who is told: `domain.channels`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from watchdog.domain.brakes import BRAKES, Brakes
from watchdog.domain.channels import Channel
from watchdog.domain.conditions import Absolute, Threshold
from watchdog.domain.rollout import USUAL, Target, TargetKind
from watchdog.domain.selectors import LabelSelector
from watchdog.domain.sources import Source

# Containers that a guard leaves out of CPU, memory and signs unless it names its own: they are not what was released.
SIDECARS = ("istio-proxy", "linkerd-proxy", "vault-agent", "daprd", "cloud-sql-proxy")


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
    source: str = field(default="", repr=False)  # that is asked, as `domain.sources` names it

    def wants(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is one of those. A label that is absent counts as empty."""
        named = labels.get(ALERT_NAME) in self.names
        return named and all(labels.get(label, "") in allowed for label, allowed in self.labels.items())


class Action(StrEnum):
    """What a breach leads to."""

    ROLLBACK = "rollback"
    NOTIFY = "notify"
    ABORT = "abort"  # what a controller of its own moves: that is told to abort


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
    kinds: frozenset[TargetKind] = USUAL  # what the selector covers
    runbook: str = ""  # a web page
    commits: str = ""  # an annotation that names a revision's commit
    config: bool = False  # whether a change of what configures its targets is a switch
    source: str = ""  # that its rules ask, as `domain.sources` names it

    def covers(self, target: Target, labels: Mapping[str, str]) -> bool:
        """Whether this guard guards the object: named in `targets`, or of a kind and in a namespace, and selected."""
        if target in self.targets:
            return True
        if self.selector is None or target.kind not in self.kinds or target.namespace not in self.namespaces:
            return False
        return self.selector.matches(labels)

    def kinds_in(self, namespace: str) -> frozenset[TargetKind]:
        """The kinds of targets that it may guard in a namespace."""
        named = frozenset(target.kind for target in self.targets if target.namespace == namespace)
        return named | self.kinds if self.selector is not None and namespace in self.namespaces else named

    def action_of(self, rule: Rule) -> Action:
        """What a breach of `rule` leads to: its own `action` may only tell where the guard acts; how is the guard's."""
        return Action.NOTIFY if Action.NOTIFY in (self.action, rule.action) else self.action


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A whole, valid rules.toml. `digest` is the SHA-256 of its text, in hex."""

    guards: tuple[Guard, ...]
    channels: tuple[Channel, ...] = ()
    digest: str = ""
    brakes: Brakes = BRAKES
    sources: tuple[Source, ...] = ()

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
    def asked(self) -> tuple[str, ...]:
        """The names of the sources that guards ask, in the file's order of guards; "" for that of the settings."""
        return tuple(dict.fromkeys(guard.source for guard in self.guards))

    def of_source(self, name: str) -> "Rulebook":
        """The same with the guards alone that ask this source."""
        return replace(self, guards=tuple(guard for guard in self.guards if guard.source == name))

    @property
    def namespaces(self) -> frozenset[str]:
        """All namespaces that any guard names: the only ones that are watched."""
        return frozenset(
            namespace
            for guard in self.guards
            for namespace in (*guard.namespaces, *(target.namespace for target in guard.targets))
        )

    @property
    def kinds(self) -> Mapping[str, frozenset[TargetKind]]:
        """The kinds of targets that any guard may guard, by namespace: what is not among them is not watched."""
        return {
            namespace: frozenset[TargetKind]().union(*(guard.kinds_in(namespace) for guard in self.guards))
            for namespace in self.namespaces
        }
