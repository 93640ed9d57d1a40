"""Rule tables: what a rule says by itself, and what it means under a guard, with the guard's metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from watchdog.domain.rules import GaugeMetric, Metric, Probe, RateMetric, Rule, Signs, Threshold
from watchdog.rulebook.conditions import Condition
from watchdog.rulebook.keys import (
    ALERTS,
    BUDGET_KEY,
    FAILURES,
    FOR,
    MIN_REQUESTS,
    PROBE_EVERY,
    PROBE_EXPECT,
    PROBE_HEADERS,
    PROBE_KEY,
    PROBE_PATH,
    PROBE_PORT,
    PROBE_SCHEME,
    PROBE_TIMEOUT,
    REQUIRED,
    RULE_ACTION,
    SIGNS,
    WHEN,
)
from watchdog.rulebook.limits import threshold
from watchdog.rulebook.mistakes import Fault, shown, suggest
from watchdog.rulebook.tables import Fields, Key

_CHECKS: tuple[Key[object], ...] = (WHEN, PROBE_KEY, SIGNS, BUDGET_KEY, ALERTS)


@dataclass(frozen=True, slots=True)
class RuleTable:
    """A rule before it meets a guard. `check` is None where the table has a mistake."""

    name: str
    check: Condition | Probe | Signs | None
    fields: Fields


def read_rule_tables(tables: Mapping[str, Fields]) -> dict[str, RuleTable]:
    """The rules by name, each checked as far as it can be without a guard."""
    return {name: RuleTable(name, _read_check(fields), fields) for name, fields in tables.items()}


def _read_check(fields: Fields) -> Condition | Probe | Signs | None:
    written = sorted((key for key in _CHECKS if fields.has(key)), key=fields.key_at)
    if not written:
        message = "the rule says nothing that could be breached"
        fields.mistakes.add(fields.node.key_at, message, "add one of when, probe and signs")
        return None
    for key in written[1:]:
        message = f'"{key.name}" and "{written[0].name}" stand in one rule'
        fields.mistakes.add(fields.key_at(key), message, "write one rule for each")
    _check_companions(written[0], fields)
    condition, probe, signs = fields.get(WHEN), fields.get(PROBE_KEY), fields.get(SIGNS)
    if condition is not None:
        return condition
    if probe is not None:
        return _probe(probe, fields.get(FAILURES))
    return Signs(signs) if signs else None


def _check_companions(check: Key[object], fields: Fields) -> None:
    for key, home in ((FOR, WHEN), (MIN_REQUESTS, WHEN), (FAILURES, PROBE_KEY)):
        if fields.has(key) and check is not home:
            message = f'"{key.name}" means nothing beside "{check.name}"'
            fields.mistakes.add(fields.key_at(key), message, f'remove it; it belongs to "{home.name}"')


def _probe(fields: Fields, failures: int) -> Probe:
    every, timeout = fields.get(PROBE_EVERY), fields.get(PROBE_TIMEOUT)
    if fields.fine(PROBE_EVERY) and every < timedelta(seconds=1):
        fields.mistakes.add(
            fields.at(PROBE_EVERY), "the probe comes more often than once a second", 'write every = "1s" or more'
        )
    if fields.fine(PROBE_TIMEOUT) and timeout == timedelta(0):
        fields.mistakes.add(fields.at(PROBE_TIMEOUT), "the probe's timeout is zero", 'write timeout = "2s"')
    elif fields.fine(PROBE_EVERY, PROBE_TIMEOUT) and timeout > every:
        fields.mistakes.add(
            fields.at(PROBE_TIMEOUT, PROBE_EVERY),
            "a probe may take longer than until the next one",
            "write a timeout that is no longer than every",
        )
    return Probe(
        path=fields.get(PROBE_PATH),
        port=fields.get(PROBE_PORT),
        every=every,
        timeout=timeout,
        scheme=fields.get(PROBE_SCHEME),
        headers=fields.get(PROBE_HEADERS),
        expect=fields.get(PROBE_EXPECT),
        failures=failures,
    )


def rule_under(table: RuleTable, metrics: Mapping[str, Metric | None], where: str) -> Rule | None:
    """The rule with its metric resolved among `metrics` (None: known, but with a mistake of its own)."""
    check = _resolved(table.check, table.fields, metrics, where) if isinstance(table.check, Condition) else table.check
    if check is None:
        return None
    fields = table.fields
    return Rule(
        name=table.name,
        check=check,
        hold=fields.get(FOR),
        min_requests=fields.get(MIN_REQUESTS),
        required=fields.get(REQUIRED),
        action=fields.get(RULE_ACTION),
    )


def _resolved(
    condition: Condition, fields: Fields, metrics: Mapping[str, Metric | None], where: str
) -> Threshold | None:
    text = fields.nodes["when"]
    if condition.metric not in metrics:
        message = f"{shown(condition.metric)} is no metric {where}"
        none = f"add a table [metrics.{condition.metric}], or name a preset"
        fields.mistakes.add(text.spot(condition.metric_at), message, suggest(condition.metric, metrics, none))
        return None
    metric = metrics[condition.metric]
    if metric is None:
        return None
    if isinstance(metric, GaugeMetric | RateMetric) and fields.has(MIN_REQUESTS):
        message = f'"min_requests" means nothing for {metric.name}, which counts no requests'
        fields.mistakes.add(fields.key_at(MIN_REQUESTS), message, "remove it")
    try:
        return threshold(condition, metric)
    except Fault as fault:
        fields.mistakes.add(text.spot(fault.index), fault.message, fault.remedy)
        return None
