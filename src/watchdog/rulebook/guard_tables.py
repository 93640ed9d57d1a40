"""Guard tables: what a guard guards, whether its clocks agree, and its rules in its dialect."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from watchdog.domain.conditions import Absolute, Dimension, HistogramMetric, Metric, Threshold
from watchdog.domain.judge.verdict import number
from watchdog.domain.rollout import Target, TargetKind
from watchdog.domain.rules import ALERT_NAME, ALERT_STATE, Action, Alerts, Budget, Guard, Rule
from watchdog.rulebook import guard_keys as keys
from watchdog.rulebook import presets, rule_keys
from watchdog.rulebook.callers import check_callers
from watchdog.rulebook.confidence import with_confidence
from watchdog.rulebook.config_kinds import check_config
from watchdog.rulebook.durations import duration_text
from watchdog.rulebook.metric_tables import MetricTable, queries_of, read_metric_tables, with_guard_matchers
from watchdog.rulebook.mistakes import suggest
from watchdog.rulebook.promql_text import selectors
from watchdog.rulebook.rule_tables import RuleTable, rule_under
from watchdog.rulebook.tables import Fields

_ABORTED = next(kind for kind in TargetKind if kind.aborts)
_LONGEST_BAKE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rest of the file offers to a guard."""

    rules: Mapping[str, RuleTable]
    channels: Mapping[str, int]  # where each one's table stands
    metrics: Mapping[str, MetricTable | None]
    preset: str | None
    sources: Mapping[str, int]  # where each one's table stands


def read_guard(name: str, fields: Fields, around: Surroundings) -> Guard:
    """One guard; mistakes are noted, and what is wrong is left at its default."""
    _check_what_is_guarded(fields)
    _check_action(fields)
    _check_clocks(fields)
    _check_channels(fields, around)
    _check_source(fields, around)
    check_callers(fields)
    check_config(fields)
    metrics = _metrics_of(name, fields, around)
    rules = with_confidence(_rules_of(name, fields, metrics, around), fields, around.rules)
    _check_buckets(fields, rules, around)
    return Guard(
        name=name,
        namespaces=fields.get(keys.NAMESPACES),
        rules=rules,
        selector=fields.get(keys.SELECTOR),
        targets=fields.get(keys.TARGETS),
        kinds=frozenset(fields.get(keys.KINDS)),
        bake=fields.get(keys.BAKE),
        warmup=fields.get(keys.WARMUP),
        interval=fields.get(keys.INTERVAL),
        baseline=fields.get(keys.BASELINE),
        recovery=fields.get(keys.RECOVERY),
        rollback_window=fields.get(keys.ROLLBACK_WINDOW),
        action=fields.get(keys.GUARD_ACTION),
        channels=fields.get(keys.CHANNELS),
        restore_replicas=fields.get(keys.RESTORE_REPLICAS),
        containers=fields.get(keys.CONTAINERS),
        annotations=fields.get(keys.ANNOTATIONS),
        callers={target: tuple(map(str, callers)) for target, callers in fields.get(keys.CALLERS).items()},
        gitops=fields.get(keys.GITOPS),
        config=fields.get(keys.CONFIG),
        runbook=fields.get(keys.RUNBOOK),
        commits=fields.get(keys.COMMITS),
        source=fields.get(keys.SOURCE) or "",
    )


def _check_what_is_guarded(fields: Fields) -> None:
    add = fields.mistakes.add
    selector, targets, namespaces = fields.has(keys.SELECTOR), fields.has(keys.TARGETS), fields.has(keys.NAMESPACES)
    if selector and targets:
        later = max(keys.SELECTOR, keys.TARGETS, key=fields.key_at)
        add(fields.key_at(later), "the guard has both selector and targets", "keep one of them, or write two guards")
    elif not selector and not targets:
        add(
            fields.node.key_at,
            "the guard has neither selector nor targets",
            'add selector = "LABEL=VALUE" or targets = ["NAMESPACE/deployment/NAME"]',
        )
    if selector and not namespaces:
        add(
            fields.key_at(keys.SELECTOR), "the selector has no namespaces to look in", 'add namespaces = ["production"]'
        )
    if targets and not selector and fields.has(keys.KINDS):
        add(
            fields.key_at(keys.KINDS),
            "kinds says what a selector covers, and there is none",
            "remove it; targets name their kinds",
        )
    if not (targets and namespaces and fields.fine(keys.TARGETS, keys.NAMESPACES)) or selector:
        return
    for target, item in zip(fields.get(keys.TARGETS), _items(fields, "targets"), strict=True):
        if target.namespace not in fields.get(keys.NAMESPACES):
            add(item, f"{target} lies in none of the guard's namespaces", "remove namespaces; targets name their own")


def _check_action(fields: Fields) -> None:
    """To abort is what a controller of its own is told; there is none for what is undone or flipped back."""
    if not fields.fine(keys.GUARD_ACTION, keys.KINDS) or fields.get(keys.GUARD_ACTION) is not Action.ABORT:
        return
    remedy = f'name targets "NAMESPACE/{_ABORTED}/NAME", write kinds = ["{_ABORTED}"], or action = "rollback"'
    for target, item in readable_targets(fields):
        if not target.kind.aborts:
            fields.mistakes.add(item, f'action = "abort" is for Rollouts alone, and {target} is none', remedy)
    if fields.has(keys.SELECTOR):
        others = [kind.value for kind in fields.get(keys.KINDS) if not kind.aborts]
        if others:
            at = fields.at(keys.KINDS) if fields.has(keys.KINDS) else fields.at(keys.GUARD_ACTION)
            message = f'action = "abort" is for Rollouts alone, and the selector covers {" and ".join(others)} too'
            fields.mistakes.add(at, message, remedy)


def readable_targets(fields: Fields) -> Iterator[tuple[Target, int]]:
    """Each of a guard's targets with its place, but for those that are wrong themselves."""
    value = fields.nodes["targets"].value if "targets" in fields.nodes else ()
    for item in value if isinstance(value, list) else ():
        with suppress(ValueError):
            yield Target.parse(str(item.value)), item.at


def _items(fields: Fields, name: str) -> list[int]:
    value = fields.nodes[name].value
    return [item.at for item in value] if isinstance(value, list) else []


def _check_clocks(fields: Fields) -> None:
    bake, interval = fields.get(keys.BAKE), fields.get(keys.INTERVAL)
    fine, at, add = fields.fine, fields.at, fields.mistakes.add
    if fine(keys.INTERVAL) and interval < timedelta(seconds=1):
        add(at(keys.INTERVAL), "the interval is shorter than a second", 'write interval = "1s" or more')
    if fine(keys.BAKE) and bake > _LONGEST_BAKE:
        add(at(keys.BAKE), "the bake is longer than 7 days", 'write bake = "7d" or less')
    for key in (keys.BAKE, keys.BASELINE, keys.RECOVERY):
        if fine(key, keys.INTERVAL) and fields.get(key) < interval:
            span = f"{key.name} ({duration_text(fields.get(key))})"
            message = f"the {span} is shorter than one interval ({duration_text(interval)})"
            add(at(key, keys.INTERVAL), message, f"write a {key.name} of several intervals")
    if fine(keys.WARMUP, keys.BAKE) and fields.get(keys.WARMUP) >= bake:
        message = (
            f"the warmup ({duration_text(fields.get(keys.WARMUP))}) leaves nothing of the bake ({duration_text(bake)})"
        )
        add(at(keys.WARMUP, keys.BAKE), message, "write a warmup that is shorter than the bake")


def _check_channels(fields: Fields, around: Surroundings) -> None:
    for name, at in zip(
        fields.get(keys.CHANNELS), _items(fields, "channels") if fields.has(keys.CHANNELS) else [], strict=False
    ):
        if name not in around.channels:
            fields.mistakes.add(
                at, f'there is no channel "{name}"', suggest(name, around.channels, f"add a table [channels.{name}]")
            )
    if not fields.has(keys.CHANNELS):
        fields.mistakes.warn(fields.node.key_at, "the guard tells nobody", 'add channels = ["..."]')


def _check_source(fields: Fields, around: Surroundings) -> None:
    name = fields.get(keys.SOURCE)
    if name is not None and name not in around.sources:
        remedy = suggest(name, around.sources, f"add a table [sources.{name}]")
        fields.mistakes.add(fields.at(keys.SOURCE), f'there is no source "{name}"', remedy)


def _metrics_of(name: str, fields: Fields, around: Surroundings) -> dict[str, Metric | None]:
    """A table beats a preset, and the guard's own table beats the common one."""
    named = fields.get(keys.GUARD_PRESET)
    dialect = named or around.preset
    if not fields.fine(keys.GUARD_PRESET):
        # What the misspelt preset would have given is not to be missed one by one.
        dialect = presets.PRESETS[0]
    preset = presets.preset(dialect, fields.get(keys.CONTAINERS)) if dialect else {}
    if named is not None and named != around.preset:
        _warn_of_shadows(name, fields, preset.keys() & around.metrics.keys())
    own = read_metric_tables(fields.get(keys.GUARD_METRICS))
    tables: dict[str, MetricTable | Metric | None] = {**preset, **around.metrics, **own}
    matchers = _usable_matchers(fields, tables)
    return {metric: None if table is None else with_guard_matchers(table, matchers) for metric, table in tables.items()}


def _warn_of_shadows(name: str, fields: Fields, metrics: Iterable[str]) -> None:
    for metric in sorted(metrics):
        message = f"the guard's preset has a metric {metric}, but [metrics.{metric}] takes its place"
        remedy = f"write [guards.{name}.metrics.{metric}] to say which one is meant"
        fields.mistakes.warn(fields.at(keys.GUARD_PRESET), message, remedy)


def _usable_matchers(fields: Fields, tables: Mapping[str, MetricTable | Metric | None]) -> Mapping[str, str]:
    """The matchers that no preset's query has already: there the matcher is at fault, for a preset has no place."""
    matchers = fields.get(keys.MATCHERS)
    taken = {
        label
        for table in tables.values()
        if table is not None and not isinstance(table, MetricTable)
        for query in queries_of(table)
        for selector in selectors(query)
        for label in selector.labels
    }
    nodes = fields.nodes["matchers"].value if matchers else {}
    for label in matchers.keys() & taken:
        assert isinstance(nodes, dict)
        message = f'the preset\'s queries match "{label}" already'
        fields.mistakes.add(nodes[label].key_at, message, "remove it from matchers")
    return {label: value for label, value in matchers.items() if label not in taken}


def _rules_of(
    name: str, fields: Fields, metrics: Mapping[str, Metric | None], around: Surroundings
) -> tuple[Rule, ...]:
    rules = []
    listed = fields.get(keys.RULES)
    for rule_name, at in zip(listed, _items(fields, "rules") if listed else [], strict=False):
        table = around.rules.get(rule_name)
        if table is None:
            fields.mistakes.add(
                at,
                f'there is no rule "{rule_name}"',
                suggest(rule_name, around.rules, f"add a table [rules.{rule_name}]"),
            )
            continue
        rule = rule_under(table, metrics, f'of guard "{name}"')
        _check_hold(name, fields, table)
        if rule is not None:
            rules.append(_with_source(_with_matchers(rule, fields), fields.get(keys.SOURCE) or ""))
    return tuple(rules)


def _with_matchers(rule: Rule, fields: Fields) -> Rule:
    """A rule on alerts with the guard's matchers, which metrics have by now. What it matches itself is none of them."""
    if not isinstance(rule.check, Alerts):
        return rule
    matchers = fields.get(keys.MATCHERS)
    for label in matchers.keys() & {ALERT_NAME, ALERT_STATE}:
        nodes = fields.nodes["matchers"].value
        assert isinstance(nodes, dict)
        message = f'alerts are chosen by their names, and "{label}" stands in the matchers'
        fields.mistakes.add(nodes[label].key_at, message, "remove it from matchers")
    return replace(rule, check=replace(rule.check, matchers=matchers))


def _with_source(rule: Rule, source: str) -> Rule:
    """A rule that asks the guard's source, where it asks any."""
    match rule.check:
        case Threshold() | Alerts():
            return replace(rule, check=replace(rule.check, source=source))
        case Budget():
            return replace(rule, check=replace(rule.check, threshold=replace(rule.check.threshold, source=source)))
    return rule


def _check_buckets(fields: Fields, rules: Iterable[Rule], around: Surroundings) -> None:
    """Warn of a quantile that the preset's histogram is too coarse to judge, as far as its default buckets tell."""
    dialect = fields.get(keys.GUARD_PRESET) or around.preset
    if dialect is None or "http_latency" in {*around.metrics, *fields.get(keys.GUARD_METRICS)}:
        return
    bounds = presets.BUCKETS[dialect]
    for rule in rules:
        check, at = rule.check, around.rules[rule.name].fields
        if not isinstance(check, Threshold) or not isinstance(check.limit, Absolute) or rule.alpha is None:
            continue
        if not isinstance(check.metric, HistogramMetric) or check.metric.name != "http_latency":
            continue
        limit = check.limit.value
        bound = next((bound for bound in bounds if bound >= limit * (1 - 1e-9)), None)
        remedy = "give the histogram a bucket at the limit, or write a limit that is one of its buckets"
        shown = number(limit, Dimension.SECONDS)
        if bound is None or not check.op.holds(bounds[-1], limit):
            most = number(bounds[-1], Dimension.SECONDS)
            message = f"{dialect}'s latency buckets end at {most} by default, so a limit of {shown} cannot be proven"
            at.mistakes.warn(at.at(rule_keys.WHEN), message, remedy)
        elif bound >= 2 * limit:
            judged = number(bound, Dimension.SECONDS)
            message = f"with {dialect}'s default latency buckets a limit of {shown} is judged at the bucket {judged}"
            at.mistakes.warn(at.at(rule_keys.WHEN), message, remedy)


def _check_hold(name: str, fields: Fields, table: RuleTable) -> None:
    hold, bake = table.fields.get(rule_keys.FOR), fields.get(keys.BAKE)
    if table.fields.has(rule_keys.FOR) and fields.fine(keys.BAKE) and hold > bake:
        longer = f'"for" ({duration_text(hold)}) is longer than the bake ({duration_text(bake)})'
        message = f'{longer} of guard "{name}", so the rule never fires'
        table.fields.mistakes.add(table.fields.at(rule_keys.FOR), message, 'write a "for" well below the bake')
