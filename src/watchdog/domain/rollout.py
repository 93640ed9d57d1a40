"""Targets, revisions and traffic switches: what is guarded and what happens to it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from watchdog.domain.reconfigured import ConfigChange, listed
from watchdog.domain.text import in_words


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a workload's revisions are kept and told apart, as a person asks kubectl for them."""

    resource: str  # that keeps a revision's template, named WORKLOAD-HASH
    label: str  # of the pods, that says whose they are
    number: str  # where the revision's number is, as a JSONPath
    named_whole: bool = False  # the label's value is WORKLOAD-HASH, not the hash alone


class TargetKind(StrEnum):
    """What carries the traffic switch: the words of rules.toml, and the one place that lists them.

    Who decides asks what a kind does, never which it is; what is peculiar to one is known to its provider.
    """

    DEPLOYMENT = "deployment"
    SERVICE = "service"
    STATEFULSET = "statefulset"
    DAEMONSET = "daemonset"
    ROLLOUT = "rollout"
    HTTPROUTE = "httproute"
    VIRTUALSERVICE = "virtualservice"
    INGRESS = "ingress"

    @property
    def proper(self) -> str:
        """As Kubernetes spells it."""
        return _PROPER.get(self, self.capitalize())

    @property
    def plural(self) -> str:
        """Several of it, for people: `Ingresses`."""
        return f"{self.proper}es" if self.proper.endswith("s") else f"{self.proper}s"

    @property
    def routes(self) -> bool:
        """Whether it points traffic at the pods of something else; the others run pods of their own."""
        return self in _ROUTES

    @property
    def aborts(self) -> bool:
        """Whether a controller of its own moves the traffic, and is told to abort instead of being undone."""
        return self in _ABORTED

    @property
    def configured(self) -> bool:
        """Whether other data in what its pods read are seen: a Service's, through the Deployments it selects."""
        return self not in _UNCONFIGURED

    @property
    def switch(self) -> "SwitchKind":
        """How its traffic moves."""
        if self in _WEIGHED:
            return SwitchKind.ROUTE
        return SwitchKind.SELECTOR if self.routes else SwitchKind.ROLLOUT

    @property
    def keeping(self) -> Keeping:
        """How the revisions are kept of what it is, or of what it points at."""
        return _KEEPING.get(self, _REPLICASETS)


_REPLICASETS = Keeping(
    "replicaset", "pod-template-hash", r"{.metadata.annotations.deployment\.kubernetes\.io/revision}"
)
_KEEPING = {
    TargetKind.STATEFULSET: Keeping("controllerrevision", "controller-revision-hash", "{.revision}", named_whole=True),
    TargetKind.DAEMONSET: Keeping("controllerrevision", "controller-revision-hash", "{.revision}"),
    TargetKind.ROLLOUT: Keeping(
        "replicaset", "rollouts-pod-template-hash", r"{.metadata.annotations.rollout\.argoproj\.io/revision}"
    ),
}
_PROPER = {
    TargetKind.STATEFULSET: "StatefulSet",
    TargetKind.DAEMONSET: "DaemonSet",
    TargetKind.HTTPROUTE: "HTTPRoute",
    TargetKind.VIRTUALSERVICE: "VirtualService",
}
_WEIGHED = frozenset({TargetKind.HTTPROUTE, TargetKind.VIRTUALSERVICE, TargetKind.INGRESS})
_ROUTES = frozenset({TargetKind.SERVICE}) | _WEIGHED
_ABORTED = frozenset({TargetKind.ROLLOUT})
_UNCONFIGURED = _WEIGHED | {TargetKind.STATEFULSET, TargetKind.DAEMONSET}

USUAL = frozenset({TargetKind.DEPLOYMENT, TargetKind.SERVICE})
"""What a guard's selector covers where the guard does not say."""

RUNNER = TargetKind.DEPLOYMENT
"""What a revision is of where nothing else is said."""

_TARGET = re.compile(rf"(?P<namespace>[a-z0-9-]+)/(?P<kind>{'|'.join(TargetKind)})/(?P<name>[a-z0-9.-]+)")

TARGET_FORM = f"namespace/kind/name, of kind {in_words(TargetKind, 'or')}"
"""What is right, for who wrote a target wrongly."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What is guarded, written `namespace/kind/name`."""

    namespace: str
    kind: TargetKind
    name: str

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read the written form; raises ValueError that says what would be right."""
        match = _TARGET.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no target; write {TARGET_FORM}")
        return cls(match["namespace"], TargetKind(match["kind"]), match["name"])

    def __str__(self) -> str:
        return f"{self.namespace}/{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Revision:
    """One pod template of a workload: what serves, or served.

    Its identity is the workload and the template's hash; never a revision number, which an undo changes. `number`,
    `images` and `created` are for people. `uid` is of the object that keeps it, where that is known.

    `pods` is a regular expression of its pods' names, where these do not tell the revision: all revisions of a
    StatefulSet have the same names. Then whose a pod is follows from when it was made.
    """

    workload: str
    template: str
    uid: str = field(default="", compare=False)
    number: int = field(default=0, compare=False)
    images: tuple[str, ...] = field(default=(), compare=False)
    created: datetime | None = field(default=None, compare=False)
    pods: str = field(default="", compare=False)
    kind: TargetKind = RUNNER  # of the workload

    def __str__(self) -> str:
        if not self.template:
            return f"whatever served as {self.workload}"
        tags = ", ".join(image.rsplit("/", 1)[-1] for image in self.images)
        return f"{self.workload}-{self.template}" + (f" ({tags})" if tags else "")

    def workload_in(self, namespace: str) -> Target:
        """What runs its pods."""
        return Target(namespace, self.kind, self.workload)

    @property
    def named_pods(self) -> bool:
        """Whether the names of its pods tell that they are of this revision."""
        return not (self.pods and self.template)

    @property
    def pods_pattern(self) -> str:
        """A regular expression (RE2) of the names of this revision's pods, alive or gone."""
        return self.pods or f"{_escape(self.workload)}-{_escape(self.template)}-[a-z0-9]+"


def any_pods_of(workload: str) -> str:
    """A regular expression (RE2) of the names of a Deployment's pods, of whatever revision.

    Hashes are spelt with letters that form no words, so that pods of a StatefulSet `NAME-db` are no pods of `NAME`.
    """
    return f"{_escape(workload)}-[bcdfghjklmnpqrstvwxz2456789]+-[a-z0-9]+"


def exactly(names: Iterable[str]) -> str:
    """A regular expression (RE2) of just these names of pods; of none, one that no pod can have."""
    return either([_escape(name) for name in sorted(names)] or ["-"])


def one_of(names: Iterable[str]) -> str:
    """The same of some names, written so that Prometheus and VictoriaMetrics look them up and try no other name.

    They do so for bare alternatives of plain text: a group, or a class of one character, would hide it from them.
    """
    return "|".join(name.replace(".", "\\.") for name in sorted(names))


def either(patterns: Sequence[str]) -> str:
    """A regular expression of all that one of these matches."""
    return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"


def pods_named(workload: str, rest: str) -> str:
    """A regular expression of the names of a workload's pods, whose ends match another."""
    return _escape(workload) + rest


def _escape(text: str) -> str:
    return text.replace(".", "[.]")


@dataclass(frozen=True, slots=True)
class Backend:
    """One place that a route sends a part of its traffic to. `at` names it within the route, the rule first."""

    at: str  # RULE/NAME
    weight: int
    revision: Revision | None  # what serves there; None where that cannot be told

    @property
    def rule(self) -> str:
        """The rule of the route that shares its traffic among this and others."""
        return self.at.partition("/")[0]


@dataclass(frozen=True, slots=True)
class WeightStep:
    """The candidate's part of the traffic moved, up or down; `share` of the route's whole, from 0 to 1."""

    at: datetime
    share: float
    route: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class ServiceFlip:
    """One Service whose selector moved, before and after, whole; or a route, whose weights did, by backend."""

    service: str
    before: Mapping[str, str]
    after: Mapping[str, str]


class SwitchKind(StrEnum):
    """How live traffic reached another revision."""

    ROLLOUT = "rollout"
    SELECTOR = "selector"
    ROUTE = "route"
    CONFIG = "config"  # the same pods serve with other data: before and after are split by time

    @property
    def at_once(self) -> bool:
        """Whether the traffic moves at once, to pods that are there: else pods must be made first."""
        return self in (SwitchKind.SELECTOR, SwitchKind.ROUTE)

    @property
    def in_parts(self) -> bool:
        """Whether a part of the traffic may stay where it was, for as long as people like."""
        return self is SwitchKind.ROUTE

    @property
    def returns(self) -> bool:
        """Whether what was before is kept: then there is a way back, and something to learn of a revision."""
        return self is not SwitchKind.CONFIG


@dataclass(frozen=True, slots=True)
class Stable:
    """Where a rollback goes, and what "baseline" means: a good revision and the last stretch in which it served."""

    revision: Revision
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class TrafficSwitch:
    """The moment from which live traffic reaches another revision."""

    target: Target
    kind: SwitchKind
    candidate: Revision
    previous: Revision | None
    at: datetime
    at_is_bound: bool = False  # seen late: it happened at `at` or before
    by: str = ""
    flips: tuple[ServiceFlip, ...] = ()  # the Services or routes that moved, first one first; none for a rollout
    part: float | None = None  # kind route: of the traffic, that the candidate got at first, from 0 to 1
    configs: tuple[ConfigChange, ...] = ()  # kind config: what changed

    @property
    def reconfigured(self) -> str:
        """What configures it otherwise now, by the names of the keys: `ConfigMap settings (LIMIT, POOL)`."""
        return listed(self.configs)

    def is_same(self, other: "TrafficSwitch") -> bool:
        """Whether the other leads to the same, whenever it was seen."""
        return self.candidate == other.candidate and self.configs == other.configs
