"""What Prometheus knows by name: metrics, labels, values, buckets; and why a selector finds nothing.

    names = MetricNames(prometheus, at)
    await names.values_of("namespace", Selector("http_requests_total"))
    absence = await names.why_empty(selectors_in(query)[0])

Everything raises `PrometheusAway` where Prometheus cannot be asked. Answers are asked for once.
"""

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher, get_close_matches
from enum import StrEnum
from typing import TypeVar

from watchdog.domain.measurement import QueryFailed
from watchdog.ports import MetricCatalog, OutOfReach
from watchdog.survey.selectors import Matcher, Selector

T = TypeVar("T")
Said = Callable[[Matcher], str]  # how people are told of a matcher

LOOK_BACK = timedelta(hours=1)
"""How far back a name counts as one that exists. Prometheus looks at whole blocks, so it may be some hours more."""

_DEADLINE = 10.0
_NEAR = 0.6  # how alike two names must be; as for the words of rules.toml
_SHOWN = 3


class PrometheusAway(OutOfReach):
    """Prometheus could not be asked, or answered what is no answer."""

    def __init__(self, failed: QueryFailed) -> None:
        super().__init__(f"Prometheus does not answer ({failed.reason}): {failed.detail}")
        self.failed = failed


def answered(outcome: T | QueryFailed) -> T:
    """The answer; raises `PrometheusAway` where there is none."""
    if isinstance(outcome, QueryFailed):
        raise PrometheusAway(outcome)
    return outcome


class Wrong(StrEnum):
    """What of a selector is not found."""

    NAME = "name"
    LABEL = "label"
    VALUE = "value"
    TOGETHER = "together"  # each matcher finds something, all of them nothing
    STALE = "stale"  # there are series, but none that had a sample lately


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a selector finds nothing, and what is there that was probably meant."""

    wrong: Wrong
    sentence: str
    nearest: str = ""  # a metric, a label, or a label's value; "" where nothing is near

    @property
    def remedy(self) -> str:
        """What would be right, as a question."""
        return f"did you mean {self.nearest}?" if self.nearest else ""


class MetricNames:
    """Names of one Prometheus, as of the moment `at`."""

    def __init__(self, catalog: MetricCatalog, at: datetime, *, look_back: timedelta = LOOK_BACK) -> None:
        self._catalog = catalog
        self._start, self._end = at - look_back, at
        self._known: dict[tuple[str, str], frozenset[str]] = {}
        self._alerts: frozenset[str] | None = None

    async def metrics(self) -> frozenset[str]:
        """The names of all metrics."""
        return await self._values("__name__", "")

    async def labels_of(self, selector: Selector) -> frozenset[str]:
        """The labels of the series that a selector finds, without `__name__`; empty where it finds none."""

        async def ask(text: str) -> tuple[str, ...] | QueryFailed:
            return await self._catalog.label_names([text], self._start, self._end, deadline=_DEADLINE)

        return await self._once("", str(selector), ask) - {"__name__"}

    async def values_of(self, label: str, selector: Selector) -> frozenset[str]:
        """The values that a label has among the series that a selector finds."""
        return await self._values(label, str(selector))

    async def bounds_of(self, selector: Selector) -> tuple[float, ...]:
        """The upper bounds of a histogram's buckets in rising order, as they stand in `le`, with `inf` if it is there.

        Of pods whose buckets differ, all bounds.
        """
        return tuple(sorted({bound for text in await self.values_of("le", selector) if (bound := _bound(text))}))

    async def label_of(self, selector: Selector, means: Callable[[str], bool]) -> str | None:
        """The label of which some value `means` something (is the name of a pod, say); None where none does.

        Labels whose names say `pod` are looked at first.
        """
        labels = await self.labels_of(selector)
        for label in sorted(labels, key=lambda name: ("pod" not in name, len(name), name)):
            if any(map(means, await self.values_of(label, selector))):
                return label
        return None

    async def alerts(self) -> frozenset[str]:
        """The names of all alerting rules; empty where it knows of none, or does not tell (a store without a ruler)."""
        if self._alerts is None:
            told = await self._catalog.alert_names(deadline=_DEADLINE)
            self._alerts = frozenset() if isinstance(told, QueryFailed) else frozenset(told)
        return self._alerts

    async def nearest_metric(self, name: str) -> str:
        """The metric that was probably meant; "" where none is near."""
        return nearest(name, await self.metrics())

    async def why_empty(self, selector: Selector, said: Said = str) -> Absence:
        """Why a selector that found nothing did so."""
        if selector.name and selector.name not in await self.metrics():
            return Absence(
                Wrong.NAME, f"there is no metric {selector.name}", nearest(selector.name, await self.metrics())
            )
        labels = await self.labels_of(selector.wide) if selector.name else frozenset[str]()
        for matcher in selector.matchers:
            if labels and matcher.label not in labels and not matcher.accepts(""):
                return await self._no_label(selector, matcher, labels)
        for matcher in selector.matchers:
            values = await self.values_of(matcher.label, selector.without(matcher.label))
            if values and not any(matcher.accepts(value) for value in ("", *values)):
                return _no_value(selector, matcher, values, said)
        if await self.labels_of(selector):
            return Absence(Wrong.STALE, f"{selector.name} has series, but no sample of the last minutes")
        return Absence(
            Wrong.TOGETHER, f"no series of {selector.name} has all of {', '.join(map(said, selector.matchers))}"
        )

    async def _no_label(self, selector: Selector, matcher: Matcher, labels: frozenset[str]) -> Absence:
        """A label whose values would be matched is meant rather than one whose name is alike."""
        meant = await self.label_of(selector.wide, matcher.accepts) if matcher.op in ("=", "=~") else None
        sentence = f"{selector.name} has no label {matcher.label} (it has {_some(labels)})"
        return Absence(Wrong.LABEL, sentence, meant or nearest(matcher.label, labels))

    async def _values(self, label: str, selector: str) -> frozenset[str]:
        async def ask(text: str) -> tuple[str, ...] | QueryFailed:
            selectors = [text] if text else []
            return await self._catalog.label_values(label, selectors, self._start, self._end, deadline=_DEADLINE)

        return await self._once(label, selector, ask)

    async def _once(
        self, label: str, selector: str, ask: Callable[[str], Awaitable[tuple[str, ...] | QueryFailed]]
    ) -> frozenset[str]:
        if (label, selector) not in self._known:
            self._known[label, selector] = frozenset(answered(await ask(selector)))
        return self._known[label, selector]


def nearest(word: str, known: Iterable[str]) -> str:
    """The name that is most like `word`; "" where none is alike.

    Of two that are equally alike the one that begins alike: `http_request_total` is rather `http_requests_total` than
    `grpc_request_total`.
    """
    found = get_close_matches(word, tuple(known), n=5, cutoff=_NEAR)
    return max(found, key=lambda other: (_alike(word, other), _begins_alike(word, other), other), default="")


def _alike(word: str, other: str) -> float:
    return round(SequenceMatcher(None, word, other).ratio(), 2)


def _begins_alike(word: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))


def _no_value(selector: Selector, matcher: Matcher, values: frozenset[str], said: Said) -> Absence:
    sentence = f"no series of {selector.name} has {said(matcher)} ({matcher.label} is {_some(values)})"
    near = nearest(matcher.value, values) if matcher.op == "=" else ""
    return Absence(Wrong.VALUE, sentence, f'{matcher.label}="{near}"' if near else "")


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more


def _bound(text: str) -> float | None:
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound
