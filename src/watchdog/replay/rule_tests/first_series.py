"""Series of a good and of a bad release for a rule's metric, in promtool's notation, as a first test writes them."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from watchdog.domain.conditions import (
    Dimension,
    GaugeMetric,
    HistogramMetric,
    RateMetric,
    RatioMetric,
    ShareOfLimit,
    Statistic,
    Threshold,
)
from watchdog.domain.rules import Alerts, Budget, Rule
from watchdog.engine.templates import fill, sums_of
from watchdog.replay.rule_tests.example_labels import CannotWrite, labels_for
from watchdog.replay.rule_tests.levels import CPU_LIMIT, MEMORY_LIMIT, Levels, levels_of, shares_of
from watchdog.replay.rule_tests.relevance import selectors_in
from watchdog.replay.rule_tests.series_texts import CANDIDATE, STABLE
from watchdog.rulebook.promql_text import selectors, stand_in
from watchdog.simulator.promql.numbers import plain
from watchdog.simulator.tsdb import METRIC_NAME

Written = dict[str, str]
"""Series by their text, in promtool's notation."""

_REQUESTS = 200  # in one interval
_SLOW = {Statistic.P50: 0.8, Statistic.P95: 0.3, Statistic.P99: 0.2, Statistic.MEAN: 1.0}
_BUDGET_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Scale:
    """How long a test is: seconds between samples, and how many of them before and after the switch."""

    interval: float
    before: int
    after: int

    @staticmethod
    def of(interval: timedelta, switch: timedelta, bake: timedelta) -> "Scale":
        """As many samples as it takes."""
        return Scale(interval.total_seconds(), round(switch / interval), math.ceil(bake / interval))


def series_of(rule: Rule, scale: Scale, *, bad: bool) -> Written:
    """The series of one release, stable's before it among them. Raises `CannotWrite`."""
    match rule.check:
        case Threshold() as threshold:
            return _threshold(rule, threshold, scale, bad=bad)
        case Budget(threshold):
            share = _BUDGET_SHARE if bad else 0.0
            assert isinstance(threshold.metric, RatioMetric)
            return _ratio(threshold.metric, 0.0, share, _REQUESTS, scale)
        case Alerts() as alerts:
            return _alert(alerts, scale) if bad else {}
        case _:
            return {}


def limits_of(rule: Rule) -> Mapping[str, str]:
    """The container limits that a rule on a share of them needs."""
    if not isinstance(rule.check, Threshold) or not isinstance(rule.check.limit, ShareOfLimit):
        return {}
    return {"memory": "1GiB"} if rule.check.metric.dimension is Dimension.BYTES else {"cpu": "1"}


def _threshold(rule: Rule, threshold: Threshold, scale: Scale, *, bad: bool) -> Written:
    container = MEMORY_LIMIT if threshold.metric.dimension is Dimension.BYTES else CPU_LIMIT
    levels = levels_of(threshold, container)
    level = levels.bad if bad else levels.good
    match threshold.metric:
        case RatioMetric() as metric:
            shares = shares_of(threshold)
            smallest = min((share for share in (shares.good, shares.bad) if share > 0.0), default=1.0)
            requests = max(_REQUESTS, rule.min_requests, math.ceil(4.0 / smallest))
            return _ratio(metric, shares.good, shares.bad if bad else shares.good, requests, scale)
        case HistogramMetric() as metric:
            requests = max(_REQUESTS, rule.min_requests)
            return _histogram(threshold, metric, levels, requests, scale, bad=bad)
        case RateMetric(counter=counter):
            steps = (levels.good * scale.interval, level * scale.interval)
            return _counted(lambda one: labels_for(counter, one), steps, scale, named=_names_pods(counter))
        case GaugeMetric(query=query):
            return _gauge(query, levels.good, level, scale)


def _counted(
    labels: Callable[[str], Mapping[str, str]], steps: tuple[float, float], scale: Scale, *, named: bool
) -> Written:
    """A counter that grows by so much an interval: of stable's pod and of the candidate's, or (not `named`) of both."""
    stable, candidate = steps
    if named:
        both = ((STABLE, stable, scale.before), (CANDIDATE, candidate, scale.after))
        return {text_of(labels(one)): f"0+{_plain(step)}x{count}" for one, step, count in both if step}
    if not (stable or candidate):
        return {}
    goes_on = f"{_plain(stable * scale.before + candidate)}+{_plain(candidate)}x{scale.after - 1}"
    return {text_of(labels(CANDIDATE)): f"0+{_plain(stable)}x{scale.before} {goes_on}"}


def _ratio(metric: RatioMetric, stable: float, candidate: float, requests: int, scale: Scale) -> Written:
    named = _names_pods(metric.total)
    bad = (round(stable * requests), round(candidate * requests))
    same = labels_for(metric.total).get(METRIC_NAME) == labels_for(metric.bad).get(METRIC_NAME)
    # Of one metric with a label for the status the good ones are a series of their own.
    lead = (requests - bad[0], requests - bad[1]) if same else (requests, requests)
    apart_from = metric.bad if same else None
    return {
        **_counted(lambda one: labels_for(metric.total, one, apart_from), lead, scale, named=named),
        **_counted(lambda one: labels_for(metric.bad, one), bad, scale, named=named),
    }


def _histogram(
    threshold: Threshold, metric: HistogramMetric, levels: Levels, requests: int, scale: Scale, *, bad: bool
) -> Written:
    """Quick requests end in the first bucket, slow ones in the last finite one, beyond the limit."""
    up = threshold.op.upward
    quick, edge = min(levels.good, levels.bad) / metric.scale, levels.limit / metric.scale
    share = _SLOW[threshold.statistic]
    named = _names_pods(metric.buckets)
    slow = tuple(round(requests * (share if is_bad is up else 0.0 if up else 1.0)) for is_bad in (False, bad))
    written: Written = {}

    def bucket(bound: str, of_all: Callable[[int], float]) -> None:
        steps = (of_all(slow[0]), of_all(slow[1]))
        labels = lambda one: {**labels_for(metric.buckets, one), "le": bound}  # noqa: E731
        written.update(_counted(labels, steps, scale, named=named))

    bucket(_plain(quick), lambda count: requests - count)
    bucket(_plain(edge), lambda count: requests - count)
    bucket(_plain(2.0 * edge), lambda _: requests)
    bucket("+Inf", lambda _: requests)
    sums = sums_of(metric.buckets)
    if threshold.statistic is Statistic.MEAN and sums is not None:
        spent = [(requests - count) * quick + count * 1.8 * edge for count in slow]
        written |= _counted(lambda one: labels_for(sums, one), (spent[0], spent[1]), scale, named=named)
    return written


def _gauge(query: str, stable: float, candidate: float, scale: Scale) -> Written:
    """What the query reads, as it is; a query that makes another number of it is found out when the test is run."""
    if len({tuple(selector) for selector in selectors_in(stand_in(query))}) != 1:
        raise CannotWrite("its query reads several series; write the test by hand")
    found = selectors(query)[0]
    start = _start_of(query, found.end if found.brace is None else found.brace)
    end = _end_of(query, found.brace) if found.brace is not None else found.end
    selector = query[start:end]
    if not _names_pods(selector):
        return {text_of(labels_for(selector)): f"{_plain(stable)}x{scale.before} {_plain(candidate)}x{scale.after - 1}"}
    return {
        text_of(labels_for(selector, STABLE)): f"{_plain(stable)}x{scale.before}",
        text_of(labels_for(selector, CANDIDATE)): f"{_plain(candidate)}x{scale.after}",
    }


def _start_of(query: str, end: int) -> int:
    match = re.search(r"[a-zA-Z_:][a-zA-Z0-9_:]*$", query[:end])
    return match.start() if match else end


def _end_of(query: str, brace: int) -> int:
    """Behind the brace that closes a selector; braces in its texts do not count."""
    quote, at = "", brace
    plain_text = stand_in(query)
    while at < len(plain_text):
        character = plain_text[at]
        if quote:
            at += character == "\\" and quote != "`"
            quote = "" if character == quote else quote
        elif character in "\"'`":
            quote = character
        elif character == "}":
            return at + 1
        at += 1
    return at


def _alert(alerts: Alerts, scale: Scale) -> Written:
    labels = {METRIC_NAME: "ALERTS", "alertname": alerts.names[0], "alertstate": "firing"}
    labels |= {"namespace": "{{ namespace }}", "pod": "{{ candidate }}-1"}
    labels |= {**alerts.matchers, **{label: allowed[0] for label, allowed in alerts.labels.items()}}
    return {text_of(labels): f"_x4 1x{max(1, scale.after - 4)}"}


def _names_pods(selector: str) -> bool:
    return fill(selector, {"pods": "x"}) != selector


def text_of(labels: Mapping[str, str]) -> str:
    """The PromQL text of a series."""
    written = (f'{name}="{value}"'.replace("\\", "\\\\") for name, value in labels.items() if name != METRIC_NAME)
    return f"{labels[METRIC_NAME]}{{{', '.join(written)}}}"


def _plain(value: float) -> str:
    """A number as people write it: 0.25, 134217728."""
    rounded = float(f"{value:.12g}")
    return str(int(rounded)) if rounded.is_integer() and abs(rounded) < 1e15 else plain(rounded)
