"""Rule tables: what a rule says by itself, and what it means under a guard, with the guard's metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from watchdog.domain.conditions import Absolute, GaugeMetric, Metric, Op, RateMetric, RatioMetric, Statistic, Threshold
from watchdog.domain.judge.harmless import bets_on
from watchdog.domain.rules import Alerts, Budget, Probe, Rule, Signs
from watchdog.rulebook.conditions import Condition
from watchdog.rulebook.limits import threshold
from watchdog.rulebook.mistakes import Fault, shown, suggest
from watchdog.rulebook.rule_keys import (
    ALERT_LABELS,
    ALERTS,
    BUDGET_KEY,
    BUDGET_METRIC,
    FAILURES,
    FOR,
    MIN_REQUESTS,
    OBJECTIVE,
    PERIOD,
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
    RULE_CONFIDENCE,
    SIGNS,
    SPEND,
    WHEN,
)
from watchdog.rulebook.tables import Fields, Key

_CHECKS: tuple[Key[object], ...] = (WHEN, PROBE_KEY, SIGNS, BUDGET_KEY, ALERTS)


@dataclass(frozen=True, slots=True)
class BudgetTable:
    """An error budget before its metric is known."""

    metric: str
    objective: float
    period: timedelta
    spend: float
    fields: Fields


@dataclass(frozen=True, slots=True)
class RuleTable:
    """A rule before it meets a guard. `check` is None where the table has a mistake."""

    name: str
    check: Condition | BudgetTable | Probe | Signs | Alerts | None
    fields: Fields


def read_rule_tables(tables: Mapping[str, Fields]) -> dict[str, RuleTable]:
    """The rules by name, each checked as far as it can be without a guard."""
    return {name: RuleTable(name, _read_check(fields), fields) for name, fields in tables.items()}


def _read_check(fields: Fields) -> Condition | BudgetTable | Probe | Signs | Alerts | None:
    written = sorted((key for key in _CHECKS if fields.has(key)), key=fields.key_at)
    if not written:
        message = "the rule says nothing that could be breached"
        fields.mistakes.add(fields.node.key_at, message, "add one of when, probe, signs, budget and alerts")
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
    budget = fields.get(BUDGET_KEY)
    if budget is not None:
        return _budget(budget)
    alerts = fields.get(ALERTS)
    if alerts is not None:
        return Alerts(alerts, fields.get(ALERT_LABELS)) if fields.fine(ALERT_LABELS) else None
    return Signs(signs) if signs else None


def _check_companions(check: Key[object], fields: Fields) -> None:
    counted = (WHEN, BUDGET_KEY)
    for key, homes in (
        (FOR, (WHEN,)),
        (MIN_REQUESTS, counted),
        (RULE_CONFIDENCE, counted),
        (FAILURES, (PROBE_KEY,)),
        (ALERT_LABELS, (ALERTS,)),
    ):
        if fields.has(key) and check not in homes:
            message = f'"{key.name}" means nothing beside "{check.name}"'
            home = " or ".join(f'"{home.name}"' for home in homes)
            fields.mistakes.add(fields.key_at(key), message, f"remove it; it belongs to {home}")


def _budget(fields: Fields) -> BudgetTable | None:
    metric, objective = fields.get(BUDGET_METRIC), fields.get(OBJECTIVE)
    period, spend = fields.get(PERIOD), fields.get(SPEND)
    if fields.fine(PERIOD) and period is not None and period < timedelta(hours=1):
        fields.mistakes.add(fields.at(PERIOD), "the budget's period is shorter than an hour", 'write period = "30d"')
        return None
    if metric is None or objective is None or period is None or spend is None:
        return None
    return BudgetTable(metric, objective, period, spend, fields)


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
    match table.check:
        case Condition() as condition:
            check: Threshold | Budget | Probe | Signs | Alerts | None = _resolved(
                condition, table.fields, metrics, where
            )
        case BudgetTable() as budget:
            check = _budget_of(budget, metrics, where)
        case other:
            check = other
    if check is None:
        return None
    if isinstance(check, Threshold) and not bets_on(check) and table.fields.has(RULE_CONFIDENCE):
        message = '"confidence" means nothing for this condition, which is judged as written'
        remedy = "remove it; it belongs to ratios and to p50, p95 and p99 of histograms"
        table.fields.mistakes.add(table.fields.key_at(RULE_CONFIDENCE), message, remedy)
    fields = table.fields
    return Rule(
        name=table.name,
        check=check,
        hold=fields.get(FOR),
        min_requests=fields.get(MIN_REQUESTS),
        required=fields.get(REQUIRED),
        action=fields.get(RULE_ACTION),
    )


def _budget_of(table: BudgetTable, metrics: Mapping[str, Metric | None], where: str) -> Budget | None:
    at = table.fields.at(BUDGET_METRIC)
    if table.metric not in metrics:
        none = f"add a table [metrics.{table.metric}], or name a preset"
        message = f"{shown(table.metric)} is no metric {where}"
        table.fields.mistakes.add(at, message, suggest(table.metric, metrics, none))
        return None
    metric = metrics[table.metric]
    if metric is None:
        return None
    if not isinstance(metric, RatioMetric):
        message = f"{metric.name} is no ratio of bad events, and an error budget is one"
        table.fields.mistakes.add(at, message, 'name a metric of the kind "ratio"')
        return None
    allowed = float(1 - Decimal(str(table.objective)))
    text = f"{table.metric} > {allowed * 100:g}%"
    return Budget(Threshold(metric, Statistic.VALUE, Op.ABOVE, Absolute(allowed), text), table.period, table.spend)


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
