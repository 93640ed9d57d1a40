"""Selectors that differ in their metric alone are asked in one question: the pods' names are most of it, and what
Prometheus looks up first."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import promql_parser as promql

from watchdog.domain.measurement import Answer, Series
from watchdog.engine.standing_in import with_stand_ins

_SELECTOR = re.compile(r"\s*(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{(?P<matchers>.*)\}\s*", re.DOTALL)
_NAME = "__name__"


@lru_cache(maxsize=4096)
def metric_and_matchers(text: str) -> tuple[str, str] | None:
    """A bare selector's metric and what it matches beside it; None where it is none, or matches the name as well."""
    found = _SELECTOR.fullmatch(text)
    selector = promql.parse(with_stand_ins(text)) if found is not None else None
    if found is None or not isinstance(selector, promql.VectorSelector) or selector.name != found["metric"]:
        return None
    matchers = selector.matchers
    if selector.offset is not None or selector.at is not None or matchers.or_matchers:
        return None
    if any(one.name == _NAME and one.value != found["metric"] for one in matchers.matchers) or _NAME in text:
        return None
    return found["metric"], found["matchers"].strip().rstrip(",")


def of_all(texts: Sequence[str]) -> str:
    """One selector for all of these, which match alike."""
    told = [metric_and_matchers(text) for text in texts]
    metrics = sorted(one[0] for one in told if one is not None)
    (matchers,) = {one[1] for one in told if one is not None}
    return f'{{{_NAME}=~"{"|".join(metrics)}",{matchers}}}'


def metric_of(text: str) -> str | None:
    """The metric of a selector that goes out with others."""
    told = metric_and_matchers(text)
    return told[0] if told is not None else None


def by_metric(answer: Answer) -> Mapping[str | None, tuple[Series, ...]]:
    """An answer to all of them, taken apart."""
    parts: dict[str | None, list[Series]] = {}
    for one in answer.series:
        metric = one.labels.get(_NAME)
        if metric in parts:
            parts[metric].append(one)
        else:
            parts[metric] = [one]
    return {metric: tuple(series) for metric, series in parts.items()}
