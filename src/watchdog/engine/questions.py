"""The questions that rules ask of Prometheus, as values: which selector, of whose pods, when."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from watchdog.domain.conditions import GaugeMetric, HistogramMetric, RateMetric, RatioMetric, Statistic, Threshold
from watchdog.domain.measurement import Answer
from watchdog.domain.rollout import Revision, Target, exactly
from watchdog.domain.selections import Scope, Selection
from watchdog.engine.alike import metric_and_matchers
from watchdog.engine.standing_in import NAMESPACE
from watchdog.engine.templates import Template, fill, sums_of, template_of, variables_of

Span = tuple[int, datetime, datetime]  # a block's index, start and end
Stay = tuple[datetime, datetime | None]  # a pod was of a revision from then until then; None: it still is

LOOK_BACK = 300.0
"""Seconds for which Prometheus holds a series' last sample for its value."""

SHORT = 300.0
"""Seconds up to which raw questions are merged though their windows differ."""
NEARLY = 60.0
"""Seconds within which both ends of longer ones are, where they are merged: baselines of a burst of releases."""
MILLISECOND = 0.0011
"""Seconds within which two moments are one for Prometheus, which counts in milliseconds."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose measurements: a revision of a target, with its known pods' creation times.

    Nothing before `since` counts: the switch, or for a rollout the creation of its first pod. A pod that was created
    at `since` or later counts from 0; of any other the first sample is where counting begins.

    `stays`: where the names of pods do not tell whose they are, which were the subject's, from when until when.
    `known_since`: from when on `pods` are all that there were; None: there may be others.
    """

    target: Target
    revision: Revision
    pods: Mapping[str, datetime]
    since: datetime
    pattern: str = ""  # of the pods' names, where they are not those of the revision alone
    stays: Mapping[str, Stay] | None = None
    known_since: datetime | None = None

    @property
    def scope(self) -> Scope:
        created = {name: at.timestamp() for name, at in self.pods.items()}
        if self.stays is None:
            return Scope(self.since.timestamp(), created)
        stays = {
            name: (since.timestamp(), math.inf if until is None else until.timestamp())
            for name, (since, until) in self.stays.items()
        }
        return Scope(self.since.timestamp(), created, stays)

    @property
    def names(self) -> str:
        """A regular expression of the names of its pods."""
        if self.stays is not None:
            return exactly(self.stays)
        return self.pattern or self.revision.pods_pattern

    def knows(self, begin: float) -> bool:
        """Whether the names of all pods are known that may have samples from `begin` (Unix seconds) on."""
        if self.stays is not None:
            return bool(self.stays)
        if self.known_since is None or not self.pods or self.pattern:
            return False
        return max(begin, self.since.timestamp()) >= self.known_since.timestamp()


@dataclass(frozen=True, slots=True)
class Raw:
    """All samples from `start` to `end` (Unix seconds), perhaps with some more."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Instant:
    """The value at one moment."""

    at: float


@dataclass(frozen=True, slots=True)
class Steps:
    """The values at `start`, `start + step` ... `end`."""

    start: float
    end: float
    step: float


When = Raw | Instant | Steps


@dataclass(frozen=True, slots=True)
class Question:
    """A filled-in template, asked of the pods of one regular expression.

    `wide` is the template with the `namespace` left open, where questions of several namespaces may go out as one.
    `names` are those of all pods that can have what is asked for, where that is known: sent instead of the expression,
    they are found without trying the name of every other pod. `by_itself`: not together with other metrics, of which
    one may be slower, where an act waits for the answer.
    """

    template: Template
    pods: str
    when: When
    wide: Template | None = None
    namespace: str = ""
    names: frozenset[str] = field(default_factory=frozenset, compare=False)
    by_itself: bool = False

    @property
    def subject(self) -> "Asked":
        """Whom it asks about, beside others with which it goes out."""
        return Asked(self.namespace if self.wide is not None else "", self.pods)

    @property
    def query(self) -> str:
        """The question as it would be sent if it were asked alone, and as people may send it again."""
        return promql(self.template, self.pods, self.when)

    @property
    def shape(self) -> Hashable:
        """Questions of one shape go out together."""
        if not self.template.apart:
            return self
        text = (self.wide or self.template).text
        match self.when:
            case Raw(start, end) if end - start <= SHORT:
                alike = None if self.by_itself else metric_and_matchers(text)
                return text if alike is None else alike[1], end // SHORT
            case Raw(start, end):
                return text, start // NEARLY, end // NEARLY
            case _:
                return text, self.when


class Asked(NamedTuple):
    """Whom a question is about; the namespace is empty where the template says it already.

    `names`: all of its pods, as `one_of` writes them, where these are sent instead of the expression.
    """

    namespace: str
    pods: str
    names: str = ""


def promql(template: Template, pods: str, when: When, namespaces: Sequence[str] = ()) -> str:
    """The text of a question about the pods of one regular expression, in the namespaces if those are left open."""
    query = template.asked_of(pods, namespaces)
    if isinstance(when, Raw):
        # One millisecond more: Prometheus 3 leaves out a sample that lies exactly at the window's beginning.
        return f"{query}[{math.ceil((when.end - when.start) * 1000) + 1}ms]"
    return query


def pieces(start: float, end: float, length: float) -> list[float]:
    """The ends of the pieces of at most `length` that make up a stretch; at least one."""
    count = max(1, math.ceil((end - start) / length - 1e-9))
    return [*(start + length * index for index in range(1, count)), end]


def grid_of(ends: Sequence[datetime]) -> Steps | None:
    """The steps of one range query that hits each of several block ends, where they are evenly apart."""
    steps = {later - earlier for earlier, later in pairwise(ends)}
    if len(steps) != 1:
        return None
    step = steps.pop()
    if step % timedelta(milliseconds=1):
        return None  # Prometheus counts in milliseconds: the steps would drift away from the ends
    seconds = step.total_seconds()
    # Half a step more, so that no rounding of the end loses the last of them.
    return Steps(ends[0].timestamp(), ends[-1].timestamp() + seconds / 2, seconds)


def at_moment(answer: Answer, at: float) -> Answer:
    """The part of a range query's answer that is of one moment; times come back in milliseconds."""
    parts = (
        replace(series, samples=tuple(sample for sample in series.samples if abs(sample[0] - at) < MILLISECOND))
        for series in answer.series
    )
    return replace(answer, series=tuple(part for part in parts if part.samples))


def question_of(template: str, subject: Subject, when: When, *, by_itself: bool = False) -> Question:
    """A template filled in for a subject; raises ValueError where it is no PromQL, which the rulebook has refused."""
    filled, wide = _filled_for(template, subject.target, subject.revision.workload)
    if wide is None:
        return Question(filled, "", when, by_itself=by_itself)
    known = filled.by_name and subject.knows(_reaches_back_to(when))
    names = frozenset(subject.stays or subject.pods) if known else frozenset[str]()
    wide = wide if wide.namespace_label else None
    return Question(filled, subject.names, when, wide, subject.target.namespace, names, by_itself)


def _filled_for(template: str, target: Target, workload: str) -> tuple[Template, Template | None]:
    """The template of one target, and with the namespace left open; None where it asks about no pods.

    Where it has no variable but the namespace, as most have, all targets of that share it.
    """
    used = variables_of(template)
    return _filled(
        template,
        target.namespace if NAMESPACE in used else "",
        target.name if "name" in used else "",
        workload if "workload" in used else "",
    )


@lru_cache(maxsize=16384)
def _filled(template: str, namespace: str, name: str, workload: str) -> tuple[Template, Template | None]:
    values = {"name": name, "workload": workload}
    filled = template_of(fill(template, {NAMESPACE: namespace, **values}))
    return filled, template_of(fill(template, values)) if filled.names_pods else None


def _reaches_back_to(when: When) -> float:
    """The oldest sample that may be in the answer: a value stands until there is another, for five minutes at most."""
    match when:
        case Raw(start):
            return start
        case Instant(at):
            return at - LOOK_BACK
        case Steps(start):
            return start - LOOK_BACK


def selectors_of(threshold: Threshold) -> tuple[str, str | None]:
    """The metric's selector, and the one that is counted beside it: a ratio's bad events, a mean's sums."""
    match threshold.metric:
        case RatioMetric(bad=bad, total=total):
            return total, bad
        case HistogramMetric(buckets=buckets):
            return buckets, sums_of(buckets) if threshold.statistic is Statistic.MEAN else None
        case RateMetric(counter=counter):
            return counter, None
        case GaugeMetric(query=query):
            return query, None


def selection_of(template: Template, answer: Answer) -> Selection:
    """An answer as counting takes it."""
    label = template.pod_labels[0][0] if template.pod_labels else None
    return Selection(answer.series, label, template.named)
