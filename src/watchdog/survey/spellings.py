"""A metric dialect as it is spelt in one Prometheus: a preset, with the labels that stand for its labels there.

How a series came by its labels is a matter of the scrape configuration: the same counter has `namespace` and `pod`, or
`exported_namespace` and `exported_pod` (scraped without honor_labels), or `k8s_pod_name` (sent by a collector). A
preset's template is rewritten by renaming labels; its metric stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from watchdog.domain.conditions import HistogramMetric, RatioMetric
from watchdog.domain.rollout import Target
from watchdog.engine.standing_in import with_stand_ins, without_stand_ins
from watchdog.engine.templates import fill
from watchdog.rulebook import presets
from watchdog.rulebook.promql_text import selectors
from watchdog.survey.selectors import Matcher, Selector, selectors_in

_NAMESPACES = ("namespace", "exported_namespace", "k8s_namespace_name", "kubernetes_namespace", "k8s_namespace")
_PODS = ("pod", "exported_pod", "k8s_pod_name", "kubernetes_pod_name", "k8s_pod", "pod_name")
_SERVICES = ("service", "exported_service")
_STATUSES = ("status", "code", "status_code", "http_response_status_code", "response_code", "http_status_code")
_FAMILIES = (_NAMESPACES, _PODS, _SERVICES, _STATUSES)
_STATUS = re.compile(r"[1-5](\d\d|xx)")


def family_of(label: str) -> tuple[str, ...]:
    """The labels that may stand for a preset's label, itself first."""
    family = next((family for family in _FAMILIES if label in family), ())
    return (label, *(other for other in family if other != label))


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a preset's requests and errors are made of."""

    preset: str
    counter: Selector  # of all requests, without what places them
    places: tuple[Matcher, ...]  # what places them, with placeholders as values
    error: Matcher  # what tells the bad ones

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that may stand for one of those that it matches on."""
        wanted = [*(matcher.label for matcher in self.places), self.error.label]
        return tuple(dict.fromkeys(label for name in wanted for label in family_of(name)))

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every label that may name the namespace; none where another label holds it among other things."""
        own = next((one.label for one in self.places if one.value == "{{ namespace }}"), None)
        return family_of(own) if own else ()

    @property
    def by_pod(self) -> bool:
        """Whether it tells revisions apart; an ingress controller's counters do not."""
        return any("{{ pods }}" in matcher.value for matcher in self.places)


@lru_cache(maxsize=1)
def dialects() -> tuple[Dialect, ...]:
    """Every preset's, in the order of the presets."""
    return tuple(_dialect(name) for name in presets.PRESETS)


def _dialect(name: str) -> Dialect:
    metric = presets.preset(name)["http_error_rate"]
    assert isinstance(metric, RatioMetric)
    total, bad = _selector(metric.total), _selector(metric.bad)
    (error,) = (matcher for matcher in bad.matchers if matcher not in total.matchers)
    places = tuple(matcher for matcher in total.matchers if "{{" in matcher.value)
    fixed = tuple(matcher for matcher in total.matchers if matcher not in places)
    return Dialect(name, Selector(total.name, fixed), places, error)


def _selector(template: str) -> Selector:
    """The one selector that a counter's template is, with its placeholders."""
    (found,) = selectors_in(with_stand_ins(template))
    return replace(found, matchers=tuple(replace(one, value=without_stand_ins(one.value)) for one in found.matchers))


@dataclass(frozen=True, slots=True)
class Spelling:
    """A dialect as one target speaks it. `renamed`: the preset's labels that are called otherwise here.

    `buckets` is another histogram than the preset's (its name, and whether its `le` is in milliseconds).
    """

    preset: str
    renamed: tuple[tuple[str, str], ...] = ()
    buckets: tuple[str, bool] | None = None
    by_pod: bool = field(default=True, compare=False)

    @property
    def own_error_rate(self) -> bool:
        """Whether the error rate must be written out, since the preset's does not find it."""
        return bool(self.renamed)

    @property
    def own_latency(self) -> bool:
        """Whether the latency must be written out."""
        return self.buckets is not None or bool(self.renamed)

    @property
    def error_rate(self) -> RatioMetric:
        metric = presets.preset(self.preset)["http_error_rate"]
        assert isinstance(metric, RatioMetric)
        return replace(metric, bad=self._written(metric.bad), total=self._written(metric.total))

    @property
    def latency(self) -> HistogramMetric:
        metric = presets.preset(self.preset)["http_latency"]
        assert isinstance(metric, HistogramMetric)
        if self.buckets is None:
            return replace(metric, buckets=self._written(metric.buckets))
        selector = _selector(metric.buckets)
        name, milliseconds = self.buckets
        # What is fixed belongs to the preset's own metric (which side of a mesh reports); what places fits any.
        placed = replace(selector, name=name, matchers=tuple(one for one in selector.matchers if "{{" in one.value))
        return replace(metric, buckets=self._written(str(placed)), scale=0.001 if milliseconds else 1.0)

    def _written(self, template: str) -> str:
        names = dict(self.renamed)
        places = sorted(
            (at, label) for found in selectors(template) for label, at in found.labels.items() if label in names
        )
        for at, label in reversed(places):
            template = template[:at] + names[label] + template[at + len(label) :]
        return template


class Listener:
    """Recognises the series that are about one target, in one dialect."""

    def __init__(self, dialect: Dialect, target: Target, pods: str) -> None:
        values = {"namespace": target.namespace, "name": target.name, "pods": pods}
        self._dialect = dialect
        self._wanted = [
            (family_of(matcher.label), replace(matcher, value=fill(matcher.value, values)))
            for matcher in dialect.places
        ]

    def placed(self, row: Mapping[str, str]) -> tuple[tuple[str, str], ...] | None:
        """Which label stands for each that places the target; None where a series with these labels is not about it."""
        found: list[tuple[str, str]] = []
        for family, matcher in self._wanted:
            label = next((one for one in family if row.get(one) and matcher.accepts(row[one])), None)
            if label is None:
                return None
            found.append((matcher.label, label))
        return tuple(found)

    def spelling(self, row: Mapping[str, str]) -> Spelling | None:
        """How a series with these labels spells the dialect; None where it is not the target's, or tells no errors."""
        places, error = self.placed(row), _error_label(self._dialect, row)
        if places is None or error is None:
            return None
        renamed = (*places, (self._dialect.error.label, error))
        kept = tuple((label, other) for label, other in renamed if label != other)
        return Spelling(self._dialect.preset, kept, by_pod=self._dialect.by_pod)


def _error_label(dialect: Dialect, row: Mapping[str, str]) -> str | None:
    own = dialect.error.label
    if own not in _STATUSES:
        return own if row.get(own) else None
    return next((label for label in family_of(own) if _STATUS.fullmatch(row.get(label, ""))), None)
