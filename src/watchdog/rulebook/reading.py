"""From the text of rules.toml to the domain's Rulebook, or to all its mistakes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.domain.conditions import Metric
from watchdog.domain.rules import Guard, Rulebook
from watchdog.rulebook import guard_keys, keys, metric_keys, presets
from watchdog.rulebook.brake_keys import read_brakes
from watchdog.rulebook.channel_keys import read_channel
from watchdog.rulebook.conditions import Condition
from watchdog.rulebook.document import read_document
from watchdog.rulebook.guard_tables import Surroundings, read_guard, readable_targets
from watchdog.rulebook.metric_tables import read_metric_tables
from watchdog.rulebook.mistakes import Fault, Lines, Mistake, Mistakes, RulesError
from watchdog.rulebook.nodes import Node
from watchdog.rulebook.places import Places
from watchdog.rulebook.rule_tables import read_rule_tables, rule_under
from watchdog.rulebook.source_keys import read_source
from watchdog.rulebook.tables import Fields


@dataclass(frozen=True, slots=True)
class Report:
    """What a reading found: the rulebook (None where there is a mistake), all mistakes and all warnings.

    `places` tells where in the text things stand; of a text that is no TOML it knows nothing.
    """

    rulebook: Rulebook | None
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()
    places: Places = field(default_factory=Places)


def read_rules(text: str, filename: str = "rules.toml") -> Rulebook:
    """The rulebook of a valid text; raises RulesError with every mistake of any other."""
    report = check_rules(text, filename)
    if report.rulebook is None:
        raise RulesError(report.mistakes)
    return report.rulebook


def check_rules(text: str, filename: str = "rules.toml") -> Report:
    """Read a text and say everything that is wrong with it, or hardly meant. Never raises."""
    # Windows' line ends and byte order mark move no line and no column.
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    lines = Lines(plain)
    mistakes = Mistakes(lines, filename)
    rulebook, places = None, Places()
    try:
        _check_characters(plain)
        document = read_document(plain)
        places = Places(document, lines)
        rulebook = _read(document, hashlib.sha256(text.encode()).hexdigest(), mistakes)
    except Fault as fault:
        mistakes.add(fault.index, fault.message, fault.remedy)
    return Report(None if mistakes.mistakes else rulebook, mistakes.mistakes, mistakes.warnings, places)


def _check_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # A text that was read with `surrogateescape` has these in place of bytes that were no UTF-8.
        byte = "\udc80" <= text[error.start] <= "\udcff"
        what = "this byte is not UTF-8" if byte else "a character is no Unicode"
        raise Fault(error.start, what, "save the file as UTF-8 text") from None


def _read(document: Node, digest: str, mistakes: Mistakes) -> Rulebook:
    assert isinstance(document.value, dict)
    file = Fields(document, document.value, keys.FILE, mistakes)
    metrics = file.get(keys.TOP_METRICS)
    common = read_metric_tables(metrics.tables) if metrics else {}
    preset = metrics.own.get(metric_keys.COMMON_PRESET) if metrics else None
    if metrics and not metrics.own.fine(metric_keys.COMMON_PRESET):
        preset = presets.PRESETS[0]
    rules = read_rule_tables(file.get(keys.TOP_RULES))
    channel_tables = file.get(keys.TOP_CHANNELS)
    channels = tuple(read_channel(name, fields) for name, fields in channel_tables.items())
    places = {name: fields.node.key_at for name, fields in channel_tables.items()}
    source_tables = file.get(keys.TOP_SOURCES)
    sources = tuple(read_source(name, fields) for name, fields in source_tables.items())
    around = Surroundings(
        rules, places, common, preset, {name: fields.node.key_at for name, fields in source_tables.items()}
    )
    tables = file.get(keys.TOP_GUARDS)
    if file.has(keys.TOP_GUARDS) and file.fine(keys.TOP_GUARDS) and not tables:
        mistakes.add(file.key_at(keys.TOP_GUARDS), "there is no guard", "add a table [guards.NAME]")
    guards = tuple(read_guard(name, fields, around) for name, fields in tables.items())
    _check_double_guards(guards, tables, mistakes)
    listed = frozenset(name for fields in tables.values() for name in fields.get(guard_keys.RULES))
    _check_unused(guards, listed, around, mistakes)
    return Rulebook(guards, channels, digest, read_brakes(file.get(keys.TOP_BRAKES)), sources)


def _check_double_guards(guards: tuple[Guard, ...], tables: Mapping[str, Fields], mistakes: Mistakes) -> None:
    """Two guards that surely meet: on a target by name, or by the same selector in the same namespace."""
    first: dict[object, str] = {}
    for guard in guards:
        fields = tables[guard.name]
        for target, at in readable_targets(fields):
            if first.setdefault(target, guard.name) != guard.name:
                mistakes.add(at, f'{target} is guarded by "{first[target]}" already', "name each target in one guard")
        if guard.selector is None:
            continue
        for namespace in guard.namespaces:
            key = (namespace, frozenset(guard.selector.requirements))
            if first.setdefault(key, guard.name) != guard.name:
                message = f'guard "{first[key]}" selects the same in {namespace} already'
                mistakes.add(fields.at(guard_keys.SELECTOR), message, "select each target by one guard")


def _check_unused(guards: tuple[Guard, ...], listed: frozenset[str], around: Surroundings, mistakes: Mistakes) -> None:
    """What no guard uses is allowed (a rule may wait for its guard), checked all the same, and said."""
    told = {name for guard in guards for name in guard.channels}
    for name, at in around.channels.items():
        if name not in told:
            mistakes.warn(at, f'no guard uses channel "{name}"', "name it in a guard's channels, or remove it")
    asked = {guard.source for guard in guards}
    for name, at in around.sources.items():
        if name not in asked:
            mistakes.warn(at, f'no guard asks source "{name}"', "name it in a guard's source, or remove it")
    known: dict[str, Metric | None] = {**presets.preset(around.preset or presets.PRESETS[0])}
    known |= {name: None if table is None else table.metric for name, table in around.metrics.items()}
    for name, rule in around.rules.items():
        if name not in listed:
            mistakes.warn(
                rule.fields.node.key_at, f'no guard uses rule "{name}"', "name it in a guard's rules, or remove it"
            )
            rule_under(rule, known, "of [metrics]")
    compared = {rule.check.metric for rule in around.rules.values() if isinstance(rule.check, Condition)}
    for name, table in around.metrics.items():
        if table is not None and name not in compared:
            mistakes.warn(
                table.fields.node.key_at, f"no rule compares metric {name}", "name it in a rule's when, or remove it"
            )
